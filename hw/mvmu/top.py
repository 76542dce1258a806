"""A core: requests from outside, and programs that it carries out by itself.

One file, since the states of the one machine hand instruction, element and operands on.
"""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import bitplanes
from nomul.golden.bitplanes.config import RULES
from nomul.golden.mvmu import FUNCTIONS, OPERATIONS, WHENS, Config
from nomul.golden.mvmu.isa import FIELDS, KINDS
from nomul.hw.configured import Configured, Ports
from nomul.hw.mvmu.product import WORD, Product, tile_layout
from nomul.hw.skid import Stage

WRITE, READ, PROGRAM, RUN = range(4)
OP = {name: number for number, name in enumerate(OPERATIONS)}


def instruction_layout() -> data.StructLayout:
    """Return an instruction's word."""
    fields = {name: unsigned(size) for name, size in FIELDS.items()}
    return data.StructLayout(fields)


def request_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``i``: write or read a word, write an instruction, or run (0 to 3)."""
    return data.StructLayout(
        {
            "kind": unsigned(2),
            "address": unsigned(WORD),
            "value": unsigned(sum(FIELDS.values())),
        }
    )


def answer_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``o``: a word that was read, or the end of a program."""
    return data.StructLayout({"value": signed(WORD), "ran": unsigned(1), "fault": unsigned(1)})


class Top(Configured[Config]):
    """Runs programs of matrix-vector products, element-wise functions and jumps, without a host.

    Latency is two cycles from a read to its answer; requests wait while a program runs, whose
    cycles :class:`nomul.golden.mvmu.Core` counts.

    Members
    -------
    i : ``In(stream.Signature(request_layout(cfg)))``
        Words of memory to write or read, instructions to write, and ``run`` from instruction
        ``address``.
    weight : ``In(stream.Signature(tile_layout(cfg)))``
        Matrices of the units in offset binary, as :mod:`nomul.golden.bitplanes` packs them.
    o : ``Out(stream.Signature(answer_layout(cfg)))``
        One answer for each read and each run, in order; ``fault`` where a program left its
        registers, units, memory or instructions, and was ended there.
    misaddressed : ``Out(1)``
        Sticky: a request behind a memory; a write is dropped, a read is answered with 0.
    clips : ``Out(32)``
        Reads that the units' converters clipped, modulo 2^32.
    errors : ``Out(8)``
        The units' sticky error registers, together.

    Limits
    ------
    Digital all through: it computes what a machine of crossbars is meant to compute, and shows what
    a converter cuts; noise and its own conversion errors are not modelled.
    """

    notes = {"errors": RULES}  # for register maps

    i: stream.Interface
    o: stream.Interface
    weight: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        return {
            "i": In(stream.Signature(request_layout(cfg))),
            "weight": In(stream.Signature(tile_layout(cfg))),
            "o": Out(stream.Signature(answer_layout(cfg))),
            "misaddressed": Out(1),
            "clips": Out(32),
            "errors": Out(len(bitplanes.FLAGS)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.stage = stage = Stage(answer_layout(cfg))
        wiring.connect(m, stage.o, wiring.flipped(self.o))
        m.submodules.product = product = Product(cfg)
        m.d.comb += [
            product.tile_valid.eq(self.weight.valid),
            Value.cast(product.tile).eq(Value.cast(self.weight.payload)),
            self.weight.ready.eq(product.tile_ready),
            self.clips.eq(product.clips),
            self.errors.eq(product.errors),
        ]
        # Memories: words, instructions, and registers that are read at two places at once.
        words: memory.Memory = memory.Memory(
            shape=signed(WORD), depth=cfg.words, init=[0] * cfg.words
        )
        m.submodules.words = words
        program: memory.Memory = memory.Memory(
            shape=instruction_layout(), depth=cfg.program_words, init=[]
        )
        m.submodules.program = program
        registers: memory.Memory = memory.Memory(
            shape=signed(WORD), depth=cfg.every_register, init=[0] * cfg.every_register
        )
        m.submodules.registers = registers
        self.word_read, self.word_write = words.read_port(), words.write_port()
        self.code_read, self.code_write = program.read_port(), program.write_port()
        self.first, self.second = registers.read_port(), registers.read_port()
        self.put = registers.write_port()

        running, answering = Signal(), Signal()
        counter = Signal(WORD)
        self._serve(m, stage, running, answering, counter)
        self._run(m, stage, product, running, counter)
        return m

    def _serve(
        self, m: Module, stage: Stage, running: Signal, answering: Signal, counter: Signal
    ) -> None:
        """Describe requests from outside; a read takes a cycle until its word is there."""
        cfg, request = self.cfg, self.i.payload
        missing, dropped = Signal(), Signal()
        depth = Mux(request.kind == PROGRAM, cfg.program_words, cfg.words)
        taken = self.i.valid & self.i.ready
        m.d.comb += [
            missing.eq((request.kind != RUN) & (request.address >= depth)),
            self.i.ready.eq(~running & ~answering),
        ]
        with m.If(~running):
            m.d.comb += [
                self.word_read.addr.eq(request.address),
                self.word_write.addr.eq(request.address),
                self.word_write.data.eq(request.value[:WORD].as_signed()),
                self.word_write.en.eq(taken & (request.kind == WRITE) & ~missing),
            ]
        m.d.comb += [
            self.code_write.addr.eq(request.address),
            Value.cast(self.code_write.data).eq(request.value),
            self.code_write.en.eq(taken & (request.kind == PROGRAM) & ~missing),
        ]
        with m.If(taken):
            m.d.sync += [
                self.misaddressed.eq(self.misaddressed | missing),
                dropped.eq(missing),
                answering.eq(request.kind == READ),
            ]
            with m.If(request.kind == RUN):
                m.d.sync += [running.eq(1), counter.eq(request.address)]
        with m.If(answering):
            m.d.comb += [
                stage.i.valid.eq(1),
                stage.i.payload.value.eq(Mux(dropped, 0, self.word_read.data)),
            ]
            # The word that was read stays while the answer waits.
            m.d.comb += self.word_read.en.eq(0)
            with m.If(stage.i.ready):
                m.d.sync += answering.eq(0)

    def _run(
        self, m: Module, stage: Stage, product: Product, running: Signal, counter: Signal
    ) -> None:
        """Describe how instructions are fetched and carried out."""
        cfg, code = self.cfg, self.code_read.data
        now: Any
        now, k, faults = Signal(instruction_layout()), Signal(FIELDS["count"]), Signal()
        m.d.comb += [
            self.code_read.addr.eq(counter),
            product.unit.eq(now.a),
            product.word.eq(self.first.data),
            self.first.addr.eq(now.a + k),
            self.second.addr.eq(now.b + Mux(self._moves(now), 0, k)),
        ]
        with m.FSM():
            with m.State("fetch"):
                with m.If(running):
                    m.next = "decode"
            with m.State("decode"):
                # The instruction is there; what a jump looks at is addressed.
                m.d.comb += self.first.addr.eq(code.a)
                m.d.sync += [Value.cast(now).eq(Value.cast(code)), k.eq(0)]
                m.next = "work"
                with m.If(counter >= cfg.program_words):
                    m.next = "fault"
            with m.State("work"):
                self._work(m, product, now, counter, k)
            with m.State("index"):
                # A load: its index register is there, and with it the word's address.
                place, outside = self._place(m, now, now.a, k, "source")
                m.d.comb += self.word_read.addr.eq(place)
                m.next = "use"
                with m.If(outside):
                    m.next = "fault"
            with m.State("use"):
                self._use(m, now, counter, k)
            with m.State("product"):
                m.d.comb += [
                    self.first.addr.eq(product.register),
                    self.put.addr.eq(cfg.out + product.place),
                    self.put.data.eq(product.result),
                    self.put.en.eq(product.put),
                ]
                with m.If(product.done):
                    m.d.sync += counter.eq(counter + 1)
                    m.next = "fetch"
            with m.State("fault"):
                m.d.sync += faults.eq(1)
                m.next = "end"
            with m.State("end"):
                m.d.comb += [
                    stage.i.valid.eq(1),
                    stage.i.payload.ran.eq(1),
                    stage.i.payload.fault.eq(faults),
                ]
                with m.If(stage.i.ready):
                    m.d.sync += [running.eq(0), faults.eq(0)]
                    m.next = "fetch"

    def _moves(self, now: data.View) -> Value:
        """Return whether an instruction moves words between registers and memory."""
        return (now.op == OP["load"]) | (now.op == OP["store"])

    def _place(
        self, m: Module, now: data.View, base: Value, k: Signal, name: str
    ) -> tuple[Value, Value]:
        """Return the address of a word that is moved, and whether it is outside of the memory."""
        place = Signal(signed(WORD + 3), name=f"{name}_place")
        index = Mux(now.kind == KINDS["load"].index("indexed"), self.second.data, 0)
        m.d.comb += place.eq(base + k + index)
        return place, (place < 0) | (place >= self.cfg.words)

    def _work(
        self, m: Module, product: Product, now: data.View, counter: Signal, k: Signal
    ) -> None:
        """Describe the first cycle of an instruction, or of an element: operands are addressed."""
        cfg, value = self.cfg, self.first.data
        every = cfg.every_register
        a, b, dst = (getattr(now, name) + k >= every for name in ("a", "b", "dst"))
        alone = Signal()  # a function of one register
        m.d.comb += alone.eq(now.kind >= FUNCTIONS.index("relu"))
        m.next = "fault"
        with m.Switch(now.op):
            with m.Case(OP["halt"]):
                with m.If(now.kind == 0):
                    m.next = "end"
            with m.Case(OP["jump"]):
                taken = Signal()
                with m.Switch(now.kind):
                    with m.Case(WHENS.index("always")):
                        m.d.comb += taken.eq(1)
                    with m.Case(WHENS.index("nonzero")):
                        m.d.comb += taken.eq(value != 0)
                    with m.Case(WHENS.index("negative")):
                        m.d.comb += taken.eq(value < 0)
                with m.If((now.kind < len(WHENS)) & (now.a < every)):
                    m.d.sync += counter.eq(Mux(taken, now.dst, counter + 1))
                    m.next = "fetch"
            with m.Case(OP["mvm"]):
                loaded = product.loaded.bit_select(now.a[:3], 1)
                m.d.comb += self.first.addr.eq(product.register)
                with m.If((now.kind == 0) & (now.a < cfg.units) & loaded):
                    m.d.comb += product.start.eq(1)
                    m.next = "product"
            with m.Case(OP["set"]):
                self._element(m, now, counter, (now.kind == 0) & ~dst)
            with m.Case(OP["load"]):
                legal = (now.kind < 2) & ~dst & ((now.kind == 0) | (now.b < every))
                self._element(m, now, counter, legal, "index")
            with m.Case(OP["store"]):
                self._element(
                    m, now, counter, (now.kind < 2) & ~a & ((now.kind == 0) | (now.b < every))
                )
            with m.Case(OP["alu"]):
                legal = (now.kind < len(FUNCTIONS)) & ~dst & ~a & (alone | ~b)
                self._element(m, now, counter, legal)

    def _element(
        self, m: Module, now: data.View, counter: Signal, legal: Value, then: str = "use"
    ) -> None:
        """Go on with an element, if there is one and its registers exist."""
        with m.If(now.count == 0):
            m.d.sync += counter.eq(counter + 1)
            m.next = "fetch"
        with m.Elif(legal):
            m.next = then

    def _use(self, m: Module, now: data.View, counter: Signal, k: Signal) -> None:
        """Describe the last cycle of an element: its operands are there, its result is written."""
        a, b = self.first.data, self.second.data
        place, outside = self._place(m, now, now.dst, k, "target")
        stores = now.op == OP["store"]
        m.d.comb += [
            self.put.addr.eq(now.dst + k),
            self.put.en.eq(~stores),
            self.word_write.addr.eq(place),
            self.word_write.data.eq(a),
            self.word_write.en.eq(stores & ~outside),
        ]
        with m.Switch(now.op):
            with m.Case(OP["set"]):
                m.d.comb += self.put.data.eq(now.b.as_signed())
            with m.Case(OP["load"]):
                m.d.comb += self.put.data.eq(self.word_read.data)
            with m.Case(OP["alu"]):
                m.d.comb += self.put.data.eq(self._function(m, now, a, b))
        with m.If(stores & outside):
            m.next = "fault"
        with m.Elif(k + 1 == now.count):
            m.d.sync += counter.eq(counter + 1)
            m.next = "fetch"
        with m.Else():
            m.d.sync += k.eq(k + 1)
            m.next = "work"

    def _function(self, m: Module, now: data.View, a: Value, b: Value) -> Value:
        """Return the function of two words that an instruction names, cut to a word."""
        wide = Signal(signed(WORD + 1))
        values = {
            "add": a + b,
            "sub": a - b,
            "min": Mux(a < b, a, b),
            "max": Mux(a < b, b, a),
            "relu": Mux(a < 0, 0, a),
            "copy": a,
            "shift": a >> now.b[:4],
        }
        with m.Switch(now.kind):
            for number, name in enumerate(FUNCTIONS):
                with m.Case(number):
                    m.d.comb += wide.eq(values[name])
        high, low = (1 << (WORD - 1)) - 1, -(1 << (WORD - 1))
        return Mux(wide > high, high, Mux(wide < low, low, wide))
