"""A product of the core: registers in, one unit, words of Q4.12 into registers."""

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from nomul.golden.bitplanes import FLAGS
from nomul.golden.mvmu import POINT, Config
from nomul.hw import bitplanes
from nomul.hw.configured import Configured, Ports

WORD = 16


class Product(Configured[Config]):
    """Gathers a unit's inputs, multiplies, takes the weights' offset off, and rounds to words.

    Takes ``cfg.product_cycles`` cycles from ``start`` to the last word, one product at a time.

    Members
    -------
    start : ``In(1)``
        A product begins in this cycle.
    unit : ``In``
        Whose matrix, steady while ``busy``.
    register : ``Out``
        The input that is read, whose word is there a cycle later.
    word : ``In(signed(16))``
        What the register of the cycle before held.
    put, place, result : ``Out``
        A word of the result is written, to which output.
    busy, done : ``Out(1)``
        A product is under way; its last word is written in this cycle.
    tile : ``In(tile_layout(cfg))``, ``tile_valid : In(1)``, ``tile_ready : Out(1)``
        Words of a unit's matrix, while no product is under way.
    loaded : ``Out(cfg.units)``
        Units that have a matrix.
    clips, errors : ``Out``
        Reads that converters clipped; the units' error registers together.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "start": In(1),
            "unit": In(range(max(2, cfg.units))),
            "register": Out(range(max(2, cfg.inputs))),
            "word": In(signed(WORD)),
            "put": Out(1),
            "place": Out(range(max(2, cfg.outputs))),
            "result": Out(signed(WORD)),
            "busy": Out(1),
            "done": Out(1),
            "tile": In(tile_layout(cfg)),
            "tile_valid": In(1),
            "tile_ready": Out(1),
            "loaded": Out(cfg.units),
            "clips": Out(32),
            "errors": Out(len(FLAGS)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        units = [bitplanes.Top(cfg.unit) for _ in range(cfg.units)]
        for number, unit in enumerate(units):
            m.submodules[f"unit{number}"] = unit
        self._load(m, units)
        # Inputs are read one after the other, and shifted into the vector the cycle after.
        count = Signal(range(cfg.inputs + 2))
        gathering, offering, draining = Signal(), Signal(), Signal()
        vector = Signal(data.ArrayLayout(unsigned(cfg.act_bits), cfg.inputs))
        total = Signal(signed(cfg.act_bits + cfg.inputs.bit_length()))
        activation = Signal(signed(cfg.act_bits))
        m.d.comb += [
            activation.eq(self.word),
            self.busy.eq(self.start | gathering | offering | draining),
            self.register.eq(Mux(self.start, 0, count)),
        ]
        with m.If(self.start):
            m.d.sync += [gathering.eq(1), count.eq(1), total.eq(0)]
        with m.If(gathering):
            shifted = Cat(Value.cast(vector)[cfg.act_bits :], activation)
            m.d.sync += [
                Value.cast(vector).eq(shifted),
                total.eq(total + activation),
                count.eq(count + 1),
            ]
            with m.If(count == cfg.inputs):
                m.d.sync += [gathering.eq(0), offering.eq(1)]
        # The whole vector goes to its unit in one beat.
        taken = Signal()
        for number, unit in enumerate(units):
            mine = self.unit == number
            m.d.comb += [
                unit.x.valid.eq(offering & mine),
                Value.cast(unit.x.payload.x).eq(Value.cast(vector)),
                unit.x.payload.last.eq(1),
            ]
            with m.If(mine):
                m.d.comb += taken.eq(unit.x.ready & offering)
        with m.If(taken):
            m.d.sync += [offering.eq(0), draining.eq(1)]
        self._drain(m, units, draining, total)
        return m

    def _load(self, m: Module, units: list[Any]) -> None:
        """Describe how matrices are loaded, and what the units say."""
        clips, errors = 0, 0
        for number, unit in enumerate(units):
            mine = self.tile.unit == number
            m.d.comb += [
                unit.weight.valid.eq(self.tile_valid & mine & ~self.busy),
                unit.weight.payload.w.eq(self.tile.w),
                unit.weight.payload.last.eq(self.tile.last),
                self.loaded[number].eq(unit.loaded),
            ]
            with m.If(mine):
                m.d.comb += self.tile_ready.eq(unit.weight.ready & ~self.busy)
            clips, errors = clips + unit.clips, errors | unit.errors
        # A word for a unit that is not there is taken and lost; its answer says so at run time.
        with m.If(self.tile.unit >= len(units)):
            m.d.comb += self.tile_ready.eq(~self.busy)
        m.d.comb += [self.clips.eq(clips), self.errors.eq(errors)]

    def _drain(self, m: Module, units: list[Any], draining: Signal, total: Signal) -> None:
        """Describe how sums leave: one per cycle, rounded half to even, cut to words."""
        cfg = self.cfg
        lanes, bits = cfg.unit.y_lanes, cfg.unit.y_bits
        lane, place = Signal(range(max(2, lanes))), Signal(range(max(2, cfg.outputs)))
        there, sums = Signal(), Signal(data.ArrayLayout(signed(bits), lanes))
        for number, unit in enumerate(units):
            mine = self.unit == number
            m.d.comb += unit.y.ready.eq(draining & mine & (lane == lanes - 1))
            with m.If(mine):
                m.d.comb += [
                    there.eq(draining & unit.y.valid),
                    Value.cast(sums).eq(Value.cast(unit.y.payload.y)),
                ]
        one, exact = Signal(signed(bits)), Signal(signed(bits + 1))
        m.d.comb += [
            one.eq(Array(sums[k] for k in range(lanes))[lane]),
            exact.eq(one - (total << (cfg.weight_bits - 1))),
        ]
        wide = Signal(signed(max(bits + 1, POINT + 1)))
        m.d.comb += wide.eq(exact)
        down, rest, half = wide >> POINT, wide[:POINT], 1 << (POINT - 1)
        up = (rest > half) | ((rest == half) & down[0])
        rounded = Signal(signed(bits + 2))
        m.d.comb += rounded.eq(down + up)
        high, low = (1 << (WORD - 1)) - 1, -(1 << (WORD - 1))
        m.d.comb += [
            self.result.eq(Mux(rounded > high, high, Mux(rounded < low, low, rounded))),
            self.put.eq(there),
            self.place.eq(place),
            self.done.eq(there & (place == cfg.outputs - 1)),
        ]
        with m.If(there):
            m.d.sync += [
                lane.eq(Mux(lane == lanes - 1, 0, lane + 1)),
                place.eq(Mux(self.done, 0, place + 1)),
            ]
        with m.If(self.done):
            m.d.sync += draining.eq(0)


def tile_layout(cfg: Config) -> data.StructLayout:
    """Return a word of ``weight``: bits of a unit's matrix; its last word is marked."""
    return data.StructLayout(
        {"w": unsigned(cfg.unit.word_bits), "unit": unsigned(3), "last": unsigned(1)}
    )
