"""How a design is reset: with the clock or without it, and by which level."""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from nomul.hw.once import place

KINDS, LEVELS = ("sync", "async"), ("high", "low")


@dataclass(frozen=True)
class Reset:
    """Kind and active level.

    Parameters
    ----------
    kind
        ``sync``: at a rising edge of the clock. ``async``: at once; the design leaves reset at the
        next edge, so the release must not come too close to one.
    active
        ``high`` (port ``rst``) or ``low`` (port ``rst_n``).
    """

    kind: str = "sync"
    active: str = "high"

    def __post_init__(self) -> None:
        for value, name, known in ((self.kind, "kind", KINDS), (self.active, "level", LEVELS)):
            if value not in known:
                raise ValueError(f"reset {name} must be {' or '.join(known)}, not {value!r}")


@dataclass(frozen=True)
class Clocking:
    """Names of a component's own clock and reset ports, and the reset's level.

    A component that has such ports says so in its attribute ``clocking``. ``active`` is ``none``
    where it resets itself.
    """

    clock: str = "clk"
    reset: str = "rst"
    active: str = "high"


class ActiveLow(wiring.Component):
    """A component whose reset is active low; otherwise the same.

    Parameters
    ----------
    top : :class:`wiring.Component`
        What is inside.

    Members
    -------
    clk, rst_n : ``In(1)``
        Clock and reset.
    ...
        Those of ``top``.
    """

    clocking = Clocking("clk", "rst_n", "low")

    def __init__(self, top: wiring.Component):
        self.top = top
        self.cfg = getattr(top, "cfg", None)
        super().__init__({"clk": In(1), "rst_n": In(1), **dict(top.signature.members)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains.sync = ClockDomain(async_reset=getattr(platform, "async_reset", False))
        m.d.comb += [ClockSignal().eq(self.clk), ResetSignal().eq(~self.rst_n)]
        place(m, "block", self.top, platform)
        for name, member in self.top.signature.members.items():
            outer, inner = getattr(self, name), getattr(self.top, name)
            if member.is_signature:
                wiring.connect(m, wiring.flipped(outer), inner)
            elif member.flow == In:
                m.d.comb += inner.eq(outer)
            else:
                m.d.comb += outer.eq(inner)
        return m
