"""What a step of the array takes with it through the pipeline."""

from amaranth.hdl import Cat, Module, Signal, Value, signed

from nomul.golden.bitplanes import Config
from nomul.hw.bitplanes.column import add_layout
from nomul.hw.bitplanes.reads import Modes, Reads
from nomul.hw.products.feed import Feed


class Step:
    """Registers of a step as it goes through the pipeline; no logic but what they need.

    Those of the operands come first; ``add``, ``counted``, ``whole`` and the rest belong to the
    counts, behind the trees' registers.
    """

    def __init__(self, m: Module, cfg: Config, feed: Feed, reads: Reads, modes: Modes):
        mode, go, step = modes.mode, feed.go, feed.step
        self.place, self.planes = Signal.like(reads.place), Signal(cfg.slice_planes)
        self.chunk_last, self.xnor, self.act_planes = Signal(), Signal(), Signal(6)
        valid, end = Signal(), Signal()
        add, act_negate, first_read = Signal(add_layout(cfg)), Signal(cfg.at_once), Signal()
        rest, unit, rounds = Signal(5), Signal(5), Signal()
        # Which plane of the group is the sign plane of signed activations, and whether weights are.
        planes = [reads.place * cfg.at_once + i for i in range(cfg.at_once)]
        binary = mode.encoding == 0
        act_signs = [
            (plane == mode.act_planes - 1) & binary & int(cfg.act_signed) for plane in planes
        ]
        with m.If(go):
            m.d.sync += [valid.eq(step), end.eq(feed.end)]
        with m.If(step):
            m.d.sync += [
                self.place.eq(reads.place),
                self.planes.eq(reads.planes),
                self.chunk_last.eq(feed.chunk == cfg.chunks - 1),
                self.xnor.eq(~binary),
                self.act_planes.eq(mode.act_planes),
                add.first.eq(reads.first_read & reads.first_place & feed.fresh),
                add.double.eq(reads.doubles & feed.fresh),
                add.negate.eq(Cat(sign ^ reads.sign for sign in act_signs)),
                add.place.eq(reads.place),
                act_negate.eq(Cat(*act_signs)),
                first_read.eq(reads.first_read),
                rest.eq(mode.weight_planes - mode.planes_used),
                unit.eq(reads.slice * cfg.slice_planes),
                rounds.eq(mode.round),
            ]
        later = [add, act_negate, first_read, self.xnor, rest, unit, rounds, valid, end]
        for _ in range(cfg.tree_regs):
            later = [self._after(m, go, signal) for signal in later]
        self.add, self.act_negate, self.add_first_read, self.add_xnor = later[:4]
        self.rest, self.unit, self.round_end, self.counted, ends = later[4:]
        self.xnor_end = self.add_xnor
        self.whole = Signal()
        m.d.comb += self.whole.eq(self.counted & ends)
        self.kept = Signal(signed(cfg.y_bits), reset_less=True)

    def _after(self, m: Module, go: Value, signal: Signal) -> Signal:
        register = Signal.like(signal)
        with m.If(go):
            m.d.sync += register.eq(signal)
        return register
