"""What is proved about the SP-IMC macro: a wrapper with its assumptions and assertions."""

from amaranth.hdl import Assert, Assume, Module, Mux, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from nomul.golden.spimc import Config
from nomul.hw.spimc.top import Top


class Safety(wiring.Component):
    """The macro with assertions that hold in every environment.

    The sums stay while they are not taken; there is none without a product, and no product without
    a valid tile; error flags stay until they are cleared. The other assertions are the invariants
    that make these inductive.

    Parameters
    ----------
    cfg : :class:`nomul.golden.spimc.Config`
        A small macro, in strict mode.

    Members
    -------
    Those of :class:`nomul.hw.spimc.Top`.
    """

    def __init__(self, cfg: Config):
        self.cfg, self.top = cfg, Top(cfg)
        super().__init__(dict(self.top.signature.members))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.top = top = self.top
        wiring.connect(m, wiring.flipped(self), top)
        m.d.comb += Assume(~ResetSignal())
        begun = Signal()  # there is a cycle before this one
        m.d.sync += begun.eq(1)

        waiting = was(m, top.y.valid & ~top.y.ready)
        kept = was(m, top.y.payload.as_value())
        with m.If(begun & waiting):
            m.d.comb += Assert(top.y.valid & (top.y.payload.as_value() == kept))

        taken = top.command.valid & top.command.ready
        op = top.command.payload.op
        flags, cleared = was(m, top.errors.as_value()), was(m, taken & (op == 2))
        with m.If(begun & ~cleared):
            m.d.comb += Assert((flags & ~top.errors.as_value()) == 0)

        # A ghost of the tile's validity and one of the product, kept from the ports and pulses.
        guilty, product = Signal(), Signal()
        m.d.sync += guilty.eq(Mux(taken & (op == 0), top.refused, guilty | top.refused))
        with m.If(taken & (op == 1) & top.loaded):
            m.d.sync += product.eq(1)
        with m.If(~top.busy & ~taken):
            m.d.sync += product.eq(0)
        m.d.comb += [
            Assert(~(top.loaded & guilty)),
            Assert(~guilty | top.tile_bad),
            Assert(~(top.loaded & top.tile_bad)),
            Assert(~(top.loaded & top.loading)),
            Assert(top.one_phase),
            Assert(~top.busy | product),
            Assert(~top.y.valid | top.giving),
            Assert(~top.giving | top.busy),
        ]
        return m


class Progress(wiring.Component):
    """The macro in an environment that always answers: no product takes longer than a bound.

    Activations always come, with ``last`` at some time within the window, and sums are always
    taken. The tile has at most one pass.

    Parameters
    ----------
    cfg : :class:`nomul.golden.spimc.Config`
        A small macro whose slots hold a window.

    Members
    -------
    Those of :class:`nomul.hw.spimc.Top`, and ``waited : Out(8)``, cycles since the start.
    """

    def __init__(self, cfg: Config):
        self.cfg, self.top = cfg, Top(cfg)
        super().__init__({**dict(self.top.signature.members), "waited": Out(8)})

    @property
    def bound(self) -> int:
        """Cycles from start to the last sum: activations, planes, registers, sums, hand-over."""
        cfg = self.cfg
        steps = max(cfg.window, cfg.max_group) * cfg.act_bits
        return cfg.window + steps + cfg.latency + cfg.columns + 2

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.top = top = self.top
        for name, member in self.top.signature.members.items():
            outer, inner = getattr(self, name), getattr(top, name)
            if member.is_signature:
                wiring.connect(m, wiring.flipped(outer), inner)
            else:
                m.d.comb += outer.eq(inner)
        place = Signal(range(self.cfg.window + 1))
        with m.If(~top.busy):
            m.d.sync += [place.eq(0), self.waited.eq(0)]
        with m.Else():
            m.d.sync += self.waited.eq(self.waited + 1)
            with m.If(top.x.valid & top.x.ready):
                m.d.sync += place.eq(place + 1)
        m.d.comb += [
            Assume(~ResetSignal()),
            Assume(top.x.valid),
            Assume(top.y.ready),
            Assume((place != self.cfg.window - 1) | top.x.payload.last),
            Assert(self.waited <= self.bound),
        ]
        return m


def was(m: Module, value: Value) -> Signal:
    """Return what ``value`` was in the cycle before."""
    kept = Signal(len(value))
    m.d.sync += kept.eq(value)
    return kept
