"""A member as the family's contract shows it: a tile of weights stays, vectors in, sums out."""

from typing import Any, ClassVar, TypeVar

from amaranth.hdl import Module
from amaranth.lib import stream, wiring

from nomul.hw.configured import Configured, Ports
from nomul.hw.once import Once
from nomul.hw.products.drain import Drain
from nomul.hw.products.feed import Feed
from nomul.hw.products.loader import Loader
from nomul.hw.products.ports import ports
from nomul.hw.products.store import Store

C = TypeVar("C")


class Member(Configured[C]):
    """Has the ports of an array of the family, and connects them to the parts that all have.

    A vector must not be offered before its tile's first word was taken, nor a tile's first word
    before the last activation meant for the tile before it was. A tile of another length is not
    there: vectors for it, and vectors of another length, give no sums.

    Members
    -------
    weight : ``In(stream.Signature({w, last}))``
        Words of a tile; see the member's ``Packed.words``.
    x : ``In(stream.Signature({x: ArrayLayout(act_bits, width), last}))``
        Activations in order; lanes beyond the vector's end are ignored.
    y : ``Out(stream.Signature({y: ArrayLayout(signed(y_bits), y_lanes), last}))``
        Sums in order; lanes beyond the last output are any.
    errors : ``Out``
        Sticky flags.
    loaded : ``Out(1)``
        A tile is there.

    Attributes
    ----------
    notes
        For register maps: under ``errors``, what each sticky flag says, least significant first.
    """

    notes: ClassVar[dict[str, dict[str, str]]]

    weight: stream.Interface
    x: stream.Interface
    y: stream.Interface

    def ports(self, cfg: C) -> Ports:
        return ports(cfg, len(self.notes["errors"]))

    def add_parts(self, m: Module, columns: int, again: bool) -> tuple[Loader, Any, Feed, Drain]:
        """Add what a member of plain words has, connected to the ports; return it.

        Parameters
        ----------
        m
            The member's module.
        columns
            Sums that come at once.
        again
            Whether a vector's activations are passed over more than once.

        Returns
        -------
        loader, store, feed, drain
        """
        cfg: Any = self.cfg
        m.submodules.loader = loader = Loader(cfg.word_bits, cfg.depth, cfg.depth)
        m.submodules.store = store = Once("store", Store, cfg.word_bits, cfg.depth)
        m.submodules.feed = feed = Feed(cfg.width, cfg.act_bits, cfg.chunks, again)
        m.submodules.drain = drain = Drain(columns, cfg.y_lanes, cfg.y_bits, cfg.y_beats)
        self.attach(m, loader, feed, drain)
        return loader, store, feed, drain

    def attach(self, m: Module, loader: Any, feed: Feed, drain: Drain) -> None:
        """Connect the streams of the ports: words and activations in, sums out.

        ``loader`` is a :class:`nomul.hw.products.loader.Loader`, or a member's own with the same
        ``weight``.
        """
        wiring.connect(m, wiring.flipped(self.weight), loader.weight)
        wiring.connect(m, wiring.flipped(self.x), feed.x)
        wiring.connect(m, drain.o, wiring.flipped(self.y))
