"""The training unit: frames in, outputs and weights out, a step of SGD in between."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import lfsr
from nomul.golden.sgd import Config, rounding_state, stream_state
from nomul.hw.lfsr import transform
from nomul.hw.once import Once
from nomul.hw.sgd import numbers
from nomul.hw.sgd.drawing import Drawing
from nomul.hw.sgd.frames import Frames
from nomul.hw.sgd.layouts import answer_layout, packed, recoded, request_layout
from nomul.hw.sgd.passes import Passes
from nomul.hw.sgd.ring import Bank, Ring
from nomul.hw.sgd.rounding import WORD_BITS
from nomul.hw.sgd.walk import Walk

STEP_BITS = 32


class Top(wiring.Component):
    """Learns an image at a time: forward, backward and update of a perceptron without biases.

    A frame of inputs and targets is one step of stochastic gradient descent; the outputs leave when
    they are there, before the weights are updated. Latency is ``cfg.latency`` cycles to the last
    output, and ``cfg.interval`` cycles from a frame to the next one. A word that comes while the
    unit is busy waits.

    Parameters
    ----------
    cfg : :class:`nomul.golden.sgd.Config`
        Sizes, widths, elements, rounding and kind of update, already validated.
    steps_before : int
        Steps that a training that goes on from stored weights has behind it: the shift registers
        begin with the states that they had then.

    Members
    -------
    i : ``In(stream.Signature(request_layout(cfg)))``
        Frames: ``LOAD`` with all weights, layer by layer and row by row; ``DUMP`` of one word;
        ``INFER`` with the inputs of an image; ``LEARN`` with inputs and targets.
    o : ``Out(stream.Signature(answer_layout(cfg)))``
        Of an image the outputs, as ``nomul.golden.sgd.model`` has them; of ``DUMP`` all weights in
        the order of ``LOAD``. ``last`` ends each.
    misframed, unloaded : ``Out(1)``
        Sticky: a frame had too few words or too many; one needed weights before there were any.
        Such a frame changes nothing, but a bad ``LOAD`` leaves no weights.
    phase : ``Out(2)``
        1 forward, 2 backward, 3 update, else 0.
    steps : ``Out(32)``
        Steps since reset, modulo 2^32.

    Limits
    ------
    Reset leaves the weights in their memory, and forgets that they are there. One image at a time:
    no minibatches, and an image does not come in while another one is learned.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, cfg: Config, steps_before: int = 0):
        self.cfg, self.steps_before = cfg, steps_before
        super().__init__(
            {
                "i": In(stream.Signature(request_layout(cfg))),
                "o": Out(stream.Signature(answer_layout(cfg))),
                "misframed": Out(1),
                "unloaded": Out(1),
                "phase": Out(2),
                "steps": Out(STEP_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.frames = frames = Frames(cfg)
        m.submodules.passes = passes = Passes(cfg)
        m.submodules.walk = walk = Walk(cfg)
        m.submodules.ring = ring = Once("ring", Ring, cfg)
        m.submodules.values = values = Once("values", Bank, cfg.bits, cfg.values)
        wiring.connect(m, wiring.flipped(self.i), frames.i)
        # What is done: frames come, weights leave, or a step is under way.
        dumping, sending, learning = Signal(), Signal(), Signal()
        m.d.comb += [
            frames.idle.eq(~passes.busy & ~dumping & ~sending),
            passes.start.eq(frames.learn | frames.infer),
            passes.learn.eq(learning),
            self.misframed.eq(frames.misframed),
            self.unloaded.eq(frames.unloaded),
            self.phase.eq(Cat(passes.forward | passes.update, passes.backward | passes.update)),
        ]
        with m.If(~passes.busy):
            m.d.comb += self.phase.eq(0)
        with m.If(passes.start):
            m.d.sync += learning.eq(frames.learn)
        with m.If(passes.done & learning):
            m.d.sync += self.steps.eq(self.steps + 1)
        word = self._random(m, passes)
        # Values: those of frames, and results as they leave the ring.
        result = Signal(signed(cfg.bits), reset_less=True)
        outcome = numbers.outcome(m, cfg, ring.exit, word)
        with m.If(passes.take):
            m.d.sync += result.eq(outcome)
        m.d.comb += [
            values.address.eq(passes.address[: len(values.address)]),
            values.read.eq(passes.ask | passes.take | passes.filling),
            values.write.eq(frames.value | (passes.offer & passes.go)),
            values.into.eq(Mux(frames.value, frames.place, passes.place)),
            values.word.eq(
                Mux(
                    frames.value,
                    self.i.payload.value,
                    self._result(m, passes, result, values.found.as_signed()),
                )
            ),
        ]
        self._elements(m, passes, ring, frames, values, word)
        self._weights(m, passes, ring, frames, walk)
        # The answers: outputs of the network, or weights.
        self._dump(m, frames, walk, ring, dumping, sending)
        m.d.comb += passes.go.eq(~(passes.offer & passes.last) | self.o.ready)
        with m.If(passes.offer & passes.last):
            m.d.comb += [
                self.o.valid.eq(1),
                self.o.payload.value.eq(result),
                self.o.payload.last.eq(passes.final),
            ]
        return m

    def _random(self, m: Module, passes: Passes) -> Value:
        """Describe the rounding's register, which moves on with each value or row of updates."""
        if self.cfg.rounding != "stochastic":
            return Const(0, WORD_BITS)
        step = lfsr.leap_matrix(WORD_BITS, lfsr.second_taps(WORD_BITS), WORD_BITS)
        state = Signal(WORD_BITS, init=rounding_state(self.cfg, self.steps_before))
        with m.If(passes.take | passes.store):
            m.d.sync += state.eq(transform(step, state))
        return state

    def _result(self, m: Module, passes: Passes, result: Signal, judged: Value) -> Value:
        """Return what is kept of a result: an activation, or a gradient."""
        above_zero = ~judged[-1] & judged.any()
        activation = Mux(result[-1], 0, result)
        gradient = Mux(above_zero, result, 0)
        wrong = numbers.error(m, self.cfg, result, judged)
        return Mux(passes.last, wrong, Mux(passes.backward, gradient, activation))

    def _elements(
        self,
        m: Module,
        passes: Passes,
        ring: Once,
        frames: Frames,
        values: Once,
        word: Value,
    ) -> None:
        """Describe what the elements get: digits or streams of the operand, and gradients."""
        cfg, control, value = self.cfg, ring.control, values.found.as_signed()
        if cfg.numbers == "fp16":
            numbers.halves(m, cfg, passes, ring, value)
            return
        operand, below = Signal(cfg.slices * cfg.serial), Signal()
        silent = passes.update if cfg.update == "essop" else Const(0, 1)
        with m.If(passes.load):
            m.d.sync += [operand.eq(Mux(silent, 0, value).as_signed()), below.eq(0)]
        with m.Elif(passes.step):
            m.d.sync += [operand.eq(operand >> cfg.serial), below.eq(operand[cfg.serial - 1])]
        digits = packed(recoded(m, list(operand[: cfg.serial]), below))
        resting = ~passes.step
        m.d.comb += [
            *(control[name].eq(Mux(resting, 0, part)) for name, part in digits.items()),
            control.step.eq(passes.step),
            control.clear.eq(passes.first & (passes.update | passes.fresh_sum)),
            control.slide.eq(passes.slide | passes.take),
            control.whole.eq(passes.take | silent),
            control.turn.eq(passes.fill | (passes.slide & passes.update)),
            control.update.eq(passes.update),
            ring.fill.eq(passes.fill),
        ]
        if cfg.rounding == "stochastic":
            m.d.comb += control.word.eq(word)
        if cfg.update == "exact":
            m.d.comb += ring.gradient.value.eq(Mux(passes.inside, value, 0))
            return
        m.submodules.drawing = drawing = Drawing(cfg, stream_state(cfg, self.steps_before))
        self._vectors(m, drawing, passes, frames, values)
        bits, negative = Signal(cfg.stream_bits), Signal()
        with m.If(passes.load):
            m.d.sync += [bits.eq(Mux(silent, drawing.operand_bits, 0)), negative.eq(value[-1])]
        m.d.comb += [
            drawing.operand.eq(value),
            drawing.gradient.eq(Mux(passes.inside, value, 0)),
            control.bits.eq(Mux(passes.step, bits, 0)),
            control.negative.eq(negative),
            control.unit.eq(drawing.unit),
            ring.gradient.bits.eq(drawing.gradient_bits),
            ring.gradient.negative.eq(value[-1]),
        ]

    def _vectors(
        self,
        m: Module,
        drawing: Drawing,
        passes: Passes,
        frames: Frames,
        values: Once,
    ) -> None:
        """Describe which vector is written, and of which layer an update is."""
        cfg = self.cfg
        numbers = []
        for one in cfg.passes:
            hidden = cfg.layers + one.layer - 2 if one.phase == "backward" else one.layer
            outputs = 2 * cfg.layers - 1 if one.last and one.phase == "forward" else hidden
            numbers.append((0 if one.phase == "update" else outputs, one.layer - 1))
        begins = passes.begin & passes.fresh
        with m.Switch(passes.index):
            for number, (vector, layer) in enumerate(numbers):
                with m.Case(number):
                    m.d.comb += [drawing.vector.eq(vector), drawing.layer.eq(layer)]
        with m.If(frames.value):
            m.d.comb += drawing.vector.eq(0)
        m.d.comb += [
            drawing.written.eq(Mux(frames.value, frames.image, values.write)),
            drawing.value.eq(values.word),
            drawing.forget.eq(Mux(frames.value, frames.first, begins & ~passes.update)),
            drawing.begin.eq(begins & passes.update),
        ]
        m.d.comb += drawing.finish.eq(passes.update & passes.finished)

    def _weights(self, m: Module, passes: Passes, ring: Once, frames: Frames, walk: Walk) -> None:
        """Describe which weights are read and written."""
        payload = self.i.payload
        low = payload.residue ^ (1 << (self.cfg.low_bits - 1)) if self.cfg.residue else Const(0, 0)
        m.d.comb += [
            ring.columns.eq(passes.busy & passes.backward),
            ring.store.eq(passes.store),
            ring.load.eq(frames.weight),
            ring.word.eq(Cat(low[: self.cfg.low_bits], payload.value)),
            ring.bank.eq(walk.bank),
        ]
        with m.If(passes.busy):
            m.d.comb += [ring.tile.eq(passes.tile), ring.line.eq(passes.line)]
            m.d.comb += ring.read.eq(passes.read)
        with m.Else():
            m.d.comb += [ring.tile.eq(walk.tile), ring.line.eq(walk.line)]

    def _dump(
        self,
        m: Module,
        frames: Frames,
        walk: Walk,
        ring: Once,
        dumping: Signal,
        sending: Signal,
    ) -> None:
        """Describe how all weights leave, and how the walk through them moves."""
        final, go = Signal(reset_less=True), Signal()
        m.d.comb += go.eq(~sending | self.o.ready)
        # A frame of weights begins the walk anew at its end, so that the next one finds it there.
        ends = self.i.payload.last & self.i.valid & self.i.ready
        m.d.comb += [
            walk.reset.eq(ends | (dumping & go & walk.final)),
            walk.advance.eq(frames.weight | (dumping & go)),
        ]
        with m.If(frames.dump):
            m.d.sync += dumping.eq(1)
        with m.If(dumping & go):
            m.d.comb += ring.read.eq(1)
            m.d.sync += [sending.eq(1), final.eq(walk.final), dumping.eq(~walk.final)]
        with m.Elif(go):
            m.d.sync += sending.eq(0)
        with m.If(sending):
            low = self.cfg.low_bits
            m.d.comb += [
                self.o.valid.eq(1),
                self.o.payload.value.eq(ring.found[low:].as_signed()),
                self.o.payload.last.eq(final),
            ]
            if low:
                residue = ring.found[:low] ^ (1 << (low - 1))
                m.d.comb += self.o.payload.residue.eq(residue)
