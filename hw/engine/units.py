"""SONIC's fully connected units behind the family's streams, and a memory that has the codes."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from nomul.golden.engine.adapted import KIND, Sonic
from nomul.golden.products.sonic import Config
from nomul.hw.products import sonic
from nomul.hw.products.drain import y_layout
from nomul.hw.products.feed import x_layout
from nomul.hw.products.loader import weight_layout
from nomul.hw.sonic.top import FC, LOAD


class Units(wiring.Component):
    """Loads levels and codes, gives a task for each vector, and answers what the units ask for.

    A word per cycle. A task is given when a vector's first activation is offered, which is taken
    two cycles later. Codes are there in the cycle after they were asked for.

    Parameters
    ----------
    cfg : :class:`nomul.golden.products.sonic.Config`
        The accelerator, which takes one activation per beat.
    bits : int
        Of an activation as it comes.
    is_signed : bool
        Whether it is two's complement.

    Members
    -------
    weight : ``In(stream.Signature({w, last}))``
        Levels, then codes, as ``nomul.golden.engine.adapted.Sonic.words`` has them.
    x : ``In(stream.Signature({x: ArrayLayout(bits, 1), last}))``
        An activation.
    y : ``Out(stream.Signature({y: ArrayLayout(signed(y_bits), fc_units), last}))``
        Sums of a group of units.
    """

    weight: stream.Interface
    x: stream.Interface
    y: stream.Interface

    def __init__(self, cfg: Config, bits: int, is_signed: bool):
        self.cfg, self.bits, self.is_signed = cfg, bits, is_signed
        super().__init__(
            {
                "weight": In(stream.Signature(weight_layout(Sonic.word_bits(cfg)))),
                "x": In(stream.Signature(x_layout(1, bits))),
                "y": Out(stream.Signature(y_layout(cfg.fc_units, cfg.y_bits))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.units = units = sonic.Top(cfg)
        groups = -(-cfg.outputs // cfg.fc_units)
        group_bits = cfg.fc_units * cfg.code_bits
        shape, depth = unsigned(groups * group_bits), max(2, cfg.inputs)
        words: Memory[Any, Any] = Memory(shape=shape, depth=depth, init=[])
        m.submodules.codes = words
        # Words: levels from code 1 on, which the first of them clears; then codes by activation.
        word, last = self.weight.payload.w, self.weight.payload.last
        is_codes, taken = word[0], self.weight.valid & self.weight.ready
        code, place = Signal(cfg.code_bits, init=1), Signal(range(max(2, cfg.inputs)))
        write, command = words.write_port(), units.command
        given = Signal()  # a task, for the vector under way
        loads = self.weight.valid & ~is_codes
        m.d.comb += [
            self.weight.ready.eq(is_codes | command.ready),
            write.en.eq(taken & is_codes),
            write.addr.eq(place),
            write.data.eq(word[KIND:]),
            command.valid.eq(loads | self.x.valid & ~given),
            command.payload.op.eq(Mux(loads, LOAD, FC)),
            command.payload.entry.code.eq(code),
            command.payload.entry.level.eq(word[KIND : KIND + cfg.level_bits]),
            command.payload.entry.clear.eq(code == 1),
            command.payload.task.count.eq(cfg.outputs),
        ]
        with m.If(taken):
            with m.If(last):
                m.d.sync += [code.eq(1), place.eq(0)]
            with m.Elif(is_codes):
                m.d.sync += place.eq(place + 1)
            with m.Else():
                m.d.sync += code.eq(code + 1)
        # Vectors, one activation per beat.
        x, vector = self.x.payload.x[0], units.fc_vector
        m.d.comb += [
            vector.valid.eq(self.x.valid & given),
            vector.payload.a[0].eq(x.as_signed() if self.is_signed else x),
            vector.payload.mask.eq(1),
            vector.payload.last.eq(self.x.payload.last),
            self.x.ready.eq(vector.ready & given),
        ]
        with m.If(self.x.valid & self.x.ready & self.x.payload.last):
            m.d.sync += given.eq(0)
        with m.Elif(command.valid & command.ready & ~loads):
            m.d.sync += given.eq(1)
        ports = [words.read_port() for _ in range(cfg.fc_lanes)]
        self._answer(m, units, ports, groups, group_bits)
        y = units.fc_y
        m.d.comb += [
            self.y.valid.eq(y.valid),
            y.ready.eq(self.y.ready),
            self.y.payload.last.eq(y.payload.last),
            *(self.y.payload.y[u].eq(y.payload.z[u]) for u in range(cfg.fc_units)),
        ]
        return m

    def _answer(
        self, m: Module, units: sonic.Top, ports: list[Any], groups: int, group_bits: int
    ) -> None:
        """Describe how requests read the memory, one port for each lane."""
        cfg, fetch, operands = self.cfg, units.fc_fetch, units.fc_operands
        asked, row = Signal(), Signal.like(fetch.payload.row)
        m.d.comb += [fetch.ready.eq(~asked | operands.ready), operands.valid.eq(asked)]
        goes = fetch.valid & fetch.ready
        with m.If(fetch.ready):
            m.d.sync += asked.eq(fetch.valid)
        with m.If(goes):
            m.d.sync += row.eq(fetch.payload.row)
        for lane, port in enumerate(ports):
            group = Signal(group_bits, name=f"group{lane}")
            m.d.comb += [port.en.eq(goes), port.addr.eq(fetch.payload.index[lane])]
            with m.Switch(row):
                for number in range(groups):
                    with m.Case(number * cfg.fc_units):
                        m.d.comb += group.eq(port.data[number * group_bits :][:group_bits])
            for unit in range(cfg.fc_units):
                code = group[unit * cfg.code_bits :][: cfg.code_bits]
                m.d.comb += operands.payload[unit][lane].eq(code)
