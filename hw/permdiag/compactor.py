"""Zero compactor in front of the array: a beat of activations, of which zeros take no time."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.permdiag import Config
from nomul.hw.permdiag.address import modular_sum


class Compactor(wiring.Component):
    """Holds a beat, and offers those of its activations that are not zero, one after the other.

    Each is offered for ``steps * planes`` cycles, the first in the cycle after its beat came; a
    beat of zeros takes one cycle, in which nothing is offered. A place in the vector is kept as
    block column and d = j mod p, so that no remainder is ever computed.

    Parameters
    ----------
    cfg : :class:`nomul.golden.permdiag.Config`
        Sizes and widths.

    Members
    -------
    go : ``In(1)``
        The pipeline moves; nothing changes without.
    load, begin, end : ``In(1)``
        A beat comes; it is its vector's first; it is the last of a good vector. Where there is
        ``room`` only.
    mask : ``In(width)``
        Which of the beat's activations are not zero.
    acts : ``In(ArrayLayout(unsigned(act_bits), width))``
        The activations, from the next cycle on until the next beat comes.
    room : ``Out(1)``
        A beat may come in this cycle.
    there, operand : ``Out(1)``
        A beat is at work; an activation is offered.
    x, j, d, block : ``Out``
        The activation, its place, the place within its block, and its block column, modulo p where
        shifts are natural.
    step, base, plane : ``Out``
        Step under way, the address of its first word, and the bit at work.
    first, last : ``Out(1)``
        The first cycle of a vector, and the last one of a good vector.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        self.blocks = cfg.p if cfg.k == "natural" else cfg.block_columns
        super().__init__(
            {
                "go": In(1),
                "load": In(1),
                "begin": In(1),
                "end": In(1),
                "mask": In(cfg.width),
                "acts": In(data.ArrayLayout(unsigned(cfg.act_bits), cfg.width)),
                "room": Out(1),
                "there": Out(1),
                "operand": Out(1),
                "x": Out(cfg.act_bits),
                "j": Out(range(max(2, cfg.chunks * cfg.width))),
                "d": Out(range(max(2, cfg.p))),
                "block": Out(range(max(2, self.blocks))),
                "step": Out(range(max(2, cfg.steps))),
                "base": Out(range(max(2, cfg.depth))),
                "plane": Out(range(max(2, cfg.planes)), init=cfg.planes - 1),
                "first": Out(1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        pending, begun, ends = Signal(cfg.width), Signal(), Signal()
        others, worked, done = Signal(cfg.width), Signal(), Signal()
        # What happens in this cycle.
        m.d.comb += [
            others.eq(pending & (pending - 1)),
            self.operand.eq(self.there & pending.any()),
            worked.eq((self.step == cfg.steps - 1) & (self.plane == 0)),
            done.eq(~self.operand | worked & ~others.any()),
            self.room.eq(self.go & (~self.there | done)),
            self.first.eq(self.there & begun),
            self.last.eq(self.there & ends & done),
        ]
        # Bits of an activation within steps, steps within activations, these within the beat.
        with m.If(self.go & self.there):
            m.d.sync += begun.eq(0)
            with m.If(self.operand):
                m.d.sync += self.plane.eq(Mux(self.plane == 0, cfg.planes - 1, self.plane - 1))
                with m.If(self.plane == 0):
                    m.d.sync += [self.step.eq(self.step + 1), self.base.eq(self.base + cfg.inputs)]
                with m.If(worked):
                    m.d.sync += [self.step.eq(0), self.base.eq(0), pending.eq(others)]
            with m.If(done):
                m.d.sync += self.there.eq(0)
        with m.If(self.load):
            m.d.sync += [
                self.there.eq(1),
                pending.eq(self.mask),
                begun.eq(self.begin),
                ends.eq(self.end),
            ]
        self._places(m, pending)
        return m

    def _places(self, m: Module, pending: Signal) -> None:
        """Describe where the beat is, and where the lowest pending of its activations is."""
        cfg = self.cfg
        lane = Signal(range(max(2, cfg.width)))
        for number in reversed(range(cfg.width)):
            with m.If(pending[number]):
                m.d.comb += lane.eq(number)
        first_j, first_d, first_block = (Signal.like(s) for s in (self.j, self.d, self.block))
        on_d, on_block = self._moved(m, first_d, first_block, cfg.width, cfg.width // cfg.p, "on")
        with m.If(self.load):
            m.d.sync += [
                first_j.eq(Mux(self.begin, 0, first_j + cfg.width)),
                first_d.eq(Mux(self.begin, 0, on_d)),
                first_block.eq(Mux(self.begin, 0, on_block)),
            ]
        within = Array(Const(i % cfg.p, range(max(2, cfg.p))) for i in range(cfg.width))[lane]
        size = range(max(2, self.blocks, cfg.width // cfg.p + 1))
        across = Array(Const(self._wrapped(i // cfg.p), size) for i in range(cfg.width))[lane]
        d, block = self._moved(m, first_d, first_block, within, across, "at")
        m.d.comb += [
            self.j.eq(first_j + lane),
            self.d.eq(d),
            self.block.eq(block),
            Cat(self.x).eq(self.acts[lane]),
        ]

    def _wrapped(self, blocks: int) -> int:
        """Return a number of block columns as it is kept."""
        return blocks % self.cfg.p if self.cfg.k == "natural" else blocks

    def _moved(
        self,
        m: Module,
        d: Value,
        block: Value,
        within: Value | int,
        across: Value | int,
        name: str,
    ) -> tuple[Value, Value]:
        """Return d and block column of the activation so many places, and blocks, further on."""
        cfg = self.cfg
        if isinstance(within, int) and isinstance(across, int):
            within, across = within % cfg.p, self._wrapped(across)
        d, carry = modular_sum(m, d, within, cfg.p, f"{name}_d")
        if cfg.k != "natural":
            further = Signal(range(max(2, 2 * self.blocks + cfg.width)), name=f"{name}_block")
            m.d.comb += further.eq(block + across + carry)
            return d, further
        # p - 1 and p - 1 and a carry are still below 2 p.
        block, _ = modular_sum(m, block, across + carry, cfg.p, f"{name}_block")
        return d, block
