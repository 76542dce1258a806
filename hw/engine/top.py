"""The engine: sequencer, memories, and what moves between them.

One file, since all of it follows the pass that the sequencer is in.
"""

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from nomul.golden.engine import FLAGS, RULES, Config, members
from nomul.golden.engine.rows import KINDS
from nomul.hw.engine import product
from nomul.hw.engine.answer import Answer, answer_layout
from nomul.hw.engine.gather import Gather
from nomul.hw.engine.intake import Intake, input_layout
from nomul.hw.engine.loading import Loading
from nomul.hw.engine.rescale import Rescale
from nomul.hw.engine.sums import Sums
from nomul.hw.engine.walk import Walk
from nomul.hw.engine.weights import Framed, Stored
from nomul.hw.engine.word import Words, program_layout
from nomul.hw.products.loader import weight_layout

PRODUCT, VECTOR, ANSWER = range(len(KINDS))


class Top(wiring.Component):
    """Computes a quantised network: codes of an input in, scores and class out.

    The layer program is a memory of passes. A product pass loads a tile of weights, sends windows
    of codes through the member and adds what comes to the memory of sums. A vector pass reduces
    windows, rescales, and writes codes or sums. The last pass sends the answer. ``cfg.interval``
    cycles between two inputs, ``cfg.latency`` from an input's last code to its first score.

    Parameters
    ----------
    cfg : :class:`nomul.golden.engine.Config`
        Network, member and memories, already validated.

    Members
    -------
    x : ``In(stream.Signature({x, last}))``
        Codes of an input, in the order channel, row, column.
    weight : ``In(stream.Signature({w, last}))``
        Only with ``weights="stream"``: words of every tile in the order of the program, again for
        each input.
    y : ``Out(stream.Signature({score, label, last}))``
        Scores in order; ``label`` is the number of the largest so far, so behind the last one it is
        the class.
    program : ``In(stream.Signature({row, entry, last}))``
        Only with ``loads``: passes, then the requantisers' table, as
        ``nomul.golden.engine.load`` has them; taken between inputs, none of which is taken before.
    errors : ``Out(6)``
        Sticky flags, ``nomul.golden.engine.FLAGS``. An input that raises one has no answer.

    Limits
    ------
    An input is taken once the one before it was answered.
    """

    pushed = ("program",)  # over AXI4-Lite
    notes = {  # for register maps
        "errors": RULES,
        "program": {
            "row": "A pass, or scale and bias of a requantiser.",
            "entry": "Whether it is scale and bias.",
            "last": "The program ends.",
        },
    }

    x: stream.Interface
    y: stream.Interface

    def __init__(self, cfg: Config):
        self.cfg = cfg
        self.widths = cfg.program.widths
        self.word_bits = members.word_bits(cfg.tile)
        ports = {
            "x": In(stream.Signature(input_layout(self.widths["code"]))),
            "y": Out(
                stream.Signature(answer_layout(self.widths["score"], self.cfg.program.scores))
            ),
            "errors": Out(len(FLAGS)),
        }
        if cfg.weights == "stream":
            ports["weight"] = In(stream.Signature(weight_layout(self.word_bits)))
        if cfg.loads:
            ports["program"] = In(stream.Signature(program_layout(cfg.rows.bits)))
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        cfg, program, m = self.cfg, self.cfg.program, Module()
        words = Words(cfg.rows)
        entry, net = program.entry, cfg.net
        low, high = net.input_low, net.input_high
        intake = Intake(self.widths["code"], entry.words, program.code_signed, low, high)
        m.submodules.intake = intake
        m.submodules.walk = walk = Walk(words, cfg.tile.y_lanes)
        m.submodules.rescale = rescale = Rescale(program, words, cfg.capacity[1])
        m.submodules.gather = gather = Gather(members.x_lanes(cfg.tile), self.widths["code"])
        m.submodules.sums = sums = Sums(cfg.depths[1], cfg.tile.y_lanes, self.widths["sum"])
        m.submodules.answer = answer = Answer(self.widths["score"], program.scores)
        m.submodules.member = member = product.member(cfg)
        m.submodules.weights = weights = self._weights()
        wiring.connect(m, wiring.flipped(self.x), intake.x)
        wiring.connect(m, answer.y, wiring.flipped(self.y))
        wiring.connect(m, gather.x, member.x)
        wiring.connect(m, weights.o, member.weight)
        if isinstance(weights, Framed):
            wiring.connect(m, wiring.flipped(self.weight), weights.weight)

        step, kind, start, over = self._sequence(m, words, intake, weights, member, rescale)
        code = self._read(m, step, kind, (walk, start), (gather, rescale, answer), sums)
        self._write(m, step, kind, start, (intake, rescale, member, sums, code))
        m.d.comb += over.eq(self._over(m, kind, walk, gather, member, rescale, answer))
        return m

    def _weights(self) -> Stored | Framed:
        """Return where words of weights come from."""
        tiles = [step.tile.packed for step in self.cfg.program.passes if step.kind == "product"]
        most = max((members.beats(packed) for packed in tiles), default=1)
        if self.cfg.weights == "stream":
            return Framed(self.word_bits, most)
        words = [word for packed in tiles for word in members.tile_words(packed)]
        return Stored(self.word_bits, words or [0], most)

    def _sequence(
        self, m: Module, words: Words, intake: Intake, weights: Any, member: Any, rescale: Rescale
    ) -> tuple[Any, ...]:
        """Describe the sequencer: an input, then pass after pass, each from fetch to its end.

        Returns the pass, its kind, the strobe that begins its run, and a signal that is to say when
        that is over.
        """
        depth = max(2, self.cfg.capacity[0])
        rows = [] if words.loads else words.rows
        passes: Memory = Memory(shape=words.layout, depth=depth, init=rows)
        m.submodules.passes = passes
        port = passes.read_port()
        step, number = Signal(words.layout, reset_less=True), Signal(range(depth))
        start, over, spoiled, resting = Signal(), Signal(), Signal(), Signal()
        m.d.comb += port.addr.eq(number)
        closed, wrong = self._loaded(m, words, passes, rescale, intake, resting)
        with m.FSM(name="sequencer"):
            with m.State("INPUT"):
                m.d.comb += [resting.eq(1), intake.open.eq(~closed)]
                m.d.sync += number.eq(0)
                with m.If(intake.whole):
                    m.next = "FETCH"
            with m.State("FETCH"):
                m.next = "DECODE"
            with m.State("DECODE"):
                m.d.sync += step.eq(port.data)
                m.next = "START"
            with m.State("START"):
                m.d.comb += start.eq(step.kind != PRODUCT)
                m.next = "RUN"
                with m.If(step.kind == PRODUCT):
                    m.next = "LOAD"
                # A tile that was not whole spoils its input's answer.
                with m.If((step.kind == ANSWER) & spoiled):
                    m.d.comb += start.eq(0)
                    m.d.sync += spoiled.eq(0)
                    m.next = "INPUT"
            with m.State("LOAD"):
                m.d.comb += weights.load.eq(1)
                with m.If(weights.o.valid & weights.o.ready & weights.o.payload.last):
                    m.d.comb += start.eq(1)
                    m.next = "RUN"
            with m.State("RUN"):
                with m.If(over):
                    m.d.sync += number.eq(number + 1)
                    m.next = "FETCH"
                    with m.If(step.kind == ANSWER):
                        m.next = "INPUT"
        framed = isinstance(weights, Framed)
        faults = [weights.short, weights.long] if framed else [0, 0]
        if framed:
            with m.If(weights.short | weights.long):
                m.d.sync += spoiled.eq(1)
        strobes = (intake.short, intake.long, intake.range, *faults, wrong)
        for flag, strobe in zip(self.errors, strobes, strict=True):
            with m.If(strobe):
                m.d.sync += flag.eq(1)
        m.d.comb += [
            rescale.step.eq(step),
            rescale.start.eq(start),
            weights.final.eq(step.words),
        ]
        return step, step.kind, start, over

    def _loaded(
        self,
        m: Module,
        words: Words,
        passes: Memory,
        rescale: Rescale,
        intake: Intake,
        resting: Signal,
    ) -> tuple[Value, Value]:
        """Describe how a layer program is written, between inputs.

        Returns whether none may come in, and a strobe that says that a program was none.
        """
        if not words.loads:
            return Const(0), Const(0)
        m.submodules.loading = loading = Loading(
            words, self.cfg.rows.bits, passes.depth, rescale.depth
        )
        wiring.connect(m, wiring.flipped(self.program), loading.program)
        row, write = self.program.payload.row, passes.write_port()
        m.d.comb += [
            loading.free.eq(resting & (intake.into == 0)),
            write.en.eq(loading.write),
            write.addr.eq(loading.number),
            Value.cast(write.data).eq(row[: words.layout.size]),
            rescale.write.eq(loading.write_entry),
            rescale.into.eq(loading.entry),
            rescale.row.eq(row[: words.entry.size]),
        ]
        return loading.closed, loading.wrong

    def _read(
        self, m: Module, step: Any, kind: Value, walking: Any, takers: Any, sums: Sums
    ) -> Any:
        """Describe what is read, one cycle after its address, and who takes it.

        Returns the write port of the memory of codes.
        """
        (walk, start), (gather, rescale, answer) = walking, takers
        bits, is_signed = self.widths["code"], self.cfg.program.code_signed
        depth = max(2, self.cfg.depths[0])
        codes: Memory = Memory(shape=unsigned(bits), depth=depth, init=[])
        m.submodules.codes = codes
        port = codes.read_port()
        go, there = Signal(), Signal()
        names = ("real", "outside", "first", "last", "channel_last", "end", "lane")
        now = {name: Signal.like(getattr(walk, name), name=f"{name}_now") for name in names}
        m.d.comb += [
            walk.step.eq(step),
            walk.start.eq(start),
            walk.go.eq(go),
            port.addr.eq(walk.address),
            port.en.eq(go),
            sums.address.eq(walk.address),
            sums.read.eq(go & walk.real),
        ]
        with m.If(go):
            m.d.sync += there.eq(walk.running)
            m.d.sync += [signal.eq(getattr(walk, name)) for name, signal in now.items()]
        # Who takes it decides whether the next one comes.
        with m.Switch(kind):
            with m.Case(PRODUCT):
                m.d.comb += go.eq(gather.ready)
            with m.Case(VECTOR):
                m.d.comb += go.eq(1)
            with m.Default():
                m.d.comb += go.eq(~there | answer.y.ready)
        code = port.data.as_signed() if is_signed else port.data
        wide = sums.found[now["lane"]] if self.cfg.tile.y_lanes > 1 else sums.found[0]
        value = Signal(signed(max(self.widths["sum"], bits + 1)))
        fed = Mux(now["outside"], step.pad, port.data) if walk.words.pads else port.data
        m.d.comb += [
            value.eq(Mux(step.wide, wide, code)),
            gather.valid.eq(there & (kind == PRODUCT)),
            gather.last.eq(now["last"]),
            gather.code.eq(Mux(now["real"], fed, 0)),
            rescale.valid.eq(there & (kind == VECTOR)),
            rescale.value.eq(value),
            rescale.first.eq(now["first"]),
            rescale.last.eq(now["last"]),
            rescale.counts.eq(now["real"] & ~now["outside"]),
            rescale.channel_last.eq(now["channel_last"]),
            rescale.end.eq(now["end"]),
            answer.valid.eq(there & (kind == ANSWER)),
            answer.value.eq(value),
            answer.last.eq(now["end"]),
        ]
        return codes.write_port()

    def _write(self, m: Module, step: Any, kind: Value, start: Signal, units: Any) -> None:
        """Describe where results go: codes of an input, sums of the member, rescaled values."""
        intake, rescale, member, sums, codes = units
        lanes, entry = self.cfg.tile.y_lanes, self.cfg.program.entry
        into = Signal(max(len(sums.into), len(codes.addr)))
        lane, beat = Signal(range(max(2, lanes))), Signal.like(step.beats)
        skipped = Signal()  # sums of columns that the layer does not have
        y, put = member.y, Signal()
        m.d.comb += [
            y.ready.eq(1),
            put.eq(y.valid & ~skipped),
            codes.en.eq(intake.write | rescale.done & ~step.into_wide),
            codes.addr.eq(Mux(intake.write, intake.into + entry.base, into)),
            codes.data.eq(Mux(intake.write, intake.code, rescale.result)),
            sums.into.eq(into),
            sums.put.eq(put | rescale.done & step.into_wide),
            sums.add.eq(step.add),
        ]
        for number in range(lanes):
            # The member's sums fill a word, a rescaled value is one of it.
            mine = (lane == number) if lanes > 1 else 1
            m.d.comb += [
                sums.mask[number].eq((kind == PRODUCT) | mine),
                sums.sums[number].eq(Mux(kind == PRODUCT, y.payload.y[number], rescale.result)),
            ]
        lane_end = lane == step.into_lane_end
        with m.If(start):
            m.d.sync += [into.eq(step.into), lane.eq(0), beat.eq(0), skipped.eq(0)]
        with m.If(put):
            m.d.sync += [into.eq(into + 1), beat.eq(beat + 1)]
            with m.If(beat == step.beats):
                m.d.sync += [into.eq(into + step.into_pixel), beat.eq(0), skipped.eq(1)]
        with m.If(y.valid & y.payload.last):
            m.d.sync += skipped.eq(0)
        with m.If(rescale.done):
            m.d.sync += into.eq(into + step.into_pixel)
            with m.If(rescale.result_channel_last):
                m.d.sync += into.eq(into + step.into_channel + (lane_end & step.into_wide))
                if lanes > 1:
                    m.d.sync += lane.eq(Mux(lane_end, 0, lane + 1))

    def _over(
        self,
        m: Module,
        kind: Value,
        walk: Walk,
        gather: Gather,
        member: Any,
        rescale: Rescale,
        answer: Answer,
    ) -> Signal:
        """Return whether the last thing of a pass happens in this cycle."""
        # Vectors that the member has taken, and not answered.
        inside = Signal(3)
        goes = gather.x.valid & gather.x.ready & gather.x.payload.last
        comes = member.y.valid & member.y.payload.last
        m.d.sync += inside.eq(inside + goes - comes)
        waiting = walk.running | gather.valid | gather.x.valid
        over = Signal()
        with m.Switch(kind):
            with m.Case(PRODUCT):
                m.d.comb += over.eq(comes & (inside == 1) & ~waiting)
            with m.Case(VECTOR):
                m.d.comb += over.eq(rescale.done & rescale.result_end)
            with m.Default():
                m.d.comb += over.eq(answer.y.valid & answer.y.ready & answer.last)
        return over
