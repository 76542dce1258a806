"""Ports and sticky flags of a member: every array of the family has them alike."""

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.hw.products.drain import y_layout
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


def raise_flags(m: Module, errors: Value, raised: Iterable[Value]) -> None:
    """Describe flags that hold, once raised, until reset."""
    for flag, strobe in zip(errors, raised, strict=True):
        with m.If(strobe):
            m.d.sync += flag.eq(1)
