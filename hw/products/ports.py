"""Ports and sticky flags of a member: every array of the family has them alike."""

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.hw.products.drain import Drain, y_layout
from nomul.hw.products.feed import Feed, x_layout
from nomul.hw.products.loader import weight_layout


def ports(cfg: Any, flags: int) -> dict[str, wiring.Member]:
    """Return ``weight``, ``x``, ``y``, ``errors`` and ``loaded``, by name.

    Parameters
    ----------
    cfg
        The member's configuration: ``word_bits``, ``width``, ``act_bits``, ``y_lanes`` and
        ``y_bits`` are asked.
    flags
        How many sticky flags there are.
    """
    return {
        "weight": In(stream.Signature(weight_layout(cfg.word_bits))),
        "x": In(stream.Signature(x_layout(cfg.width, cfg.act_bits))),
        "y": Out(stream.Signature(y_layout(cfg.y_lanes, cfg.y_bits))),
        "errors": Out(flags),
        "loaded": Out(1),
    }


def admission(loader: Any, feed: Feed) -> list[Any]:
    """Return what lets vectors begin: no tile may be on its way, and a whole one be there."""
    return [feed.hold.eq(loader.busy), feed.refuse.eq(~loader.loaded)]


def filling(loader: Any, store: Any) -> list[Any]:
    """Return what writes the words of a tile into a store."""
    return [
        store.write.eq(loader.write),
        store.into.eq(loader.into),
        store.word.eq(loader.word),
    ]


def strobes(loader: Any, feed: Feed) -> tuple[Value, ...]:
    """Return what raises the family's flags, in the order of ``nomul.golden.products.FLAGS``."""
    return loader.short, loader.long, feed.refused, feed.short, feed.long


def go_through(
    m: Module, feed: Feed, planes: int, stride: int, group: Signal, base: Signal, plane: Signal
) -> None:
    """Describe the passes of a vector: groups of columns, and of each the planes of activations.

    Parameters
    ----------
    planes
        Passes of a group, counted down, the most significant plane first.
    stride
        How far ``base``, the first place of a group's weights, moves from one to the next.
    """
    with m.If(feed.end | feed.drop):
        m.d.sync += [group.eq(0), base.eq(0), plane.eq(planes - 1)]
    with m.Elif(feed.pass_end):
        m.d.sync += plane.eq(Mux(plane == 0, planes - 1, plane - 1))
        with m.If(plane == 0):
            m.d.sync += [group.eq(group + 1), base.eq(base + stride)]


def follow(
    m: Module, feed: Feed, drain: Drain, valid: Signal, whole: Signal, taken: list[Any]
) -> None:
    """Describe the cycle after a step, whose operands wait where they would end sums without room.

    Parameters
    ----------
    valid, whole
        Operands are there; their sums are whole with them.
    taken
        What is kept of the step that is issued.
    """
    m.d.comb += feed.go.eq(~(valid & whole & ~drain.room))
    with m.If(feed.go):
        m.d.sync += valid.eq(feed.step)
    with m.If(feed.step):
        m.d.sync += taken


def raise_flags(m: Module, errors: Value, raised: Iterable[Value]) -> None:
    """Describe flags that hold, once raised, until reset."""
    for flag, strobe in zip(errors, raised, strict=True):
        with m.If(strobe):
            m.d.sync += flag.eq(1)
