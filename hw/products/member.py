"""A member as the family's contract shows it: a tile of weights stays, vectors in, sums out."""

from typing import Any, ClassVar, Generic, TypeVar

from amaranth.hdl import Module
from amaranth.lib import stream, wiring

from nomul.hw.products.drain import Drain
from nomul.hw.products.feed import Feed
from nomul.hw.products.ports import ports

C = TypeVar("C")


class Member(wiring.Component, Generic[C]):
    """Has the ports of an array of the family, and connects them to the parts that all have.

    A vector must not be offered before its tile's first word was taken, nor a tile's first word
    before the last activation meant for the tile before it was. A tile of another length is not
    there: vectors for it, and vectors of another length, give no sums.

    Parameters
    ----------
    cfg
        The member's configuration, already validated.

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

    def __init__(self, cfg: C):
        self.cfg = cfg
        super().__init__(ports(cfg, len(self.notes["errors"])))

    def attach(self, m: Module, loader: Any, feed: Feed, drain: Drain) -> None:
        """Connect the streams of the ports: words and activations in, sums out.

        ``loader`` is a :class:`nomul.hw.products.loader.Loader`, or a member's own with the same
        ``weight``.
        """
        wiring.connect(m, wiring.flipped(self.weight), loader.weight)
        wiring.connect(m, wiring.flipped(self.x), feed.x)
        wiring.connect(m, drain.o, wiring.flipped(self.y))
