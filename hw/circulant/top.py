"""The circulant array: activations, weights, one of two engines, and sums."""

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import stream, wiring

from nomul.golden.circulant import FLAGS, Config
from nomul.golden.circulant.config import RULES
from nomul.hw.circulant.direct import Direct
from nomul.hw.circulant.spectral import Spectral
from nomul.hw.once import Once
from nomul.hw.products.drain import Drain
from nomul.hw.products.feed import Feed
from nomul.hw.products.loader import Loader
from nomul.hw.products.ports import ports, raise_flags, strobes
from nomul.hw.products.store import Store


class Top(wiring.Component):
    """Multiplies vectors by a matrix of circulant blocks that stays: y = W^T x.

    After CirCNN (Ding et al., MICRO 2017), with exact integers. ``direct``: a block's k weights go
    around in a register, and meet one activation in a cycle; two cycles from a vector's last step
    to its first sums. ``ntt``: k activations are transformed modulo a Fermat number, each point is
    multiplied by the weights' and added up, and the sums are transformed back once per block row.
    ``cfg.interval`` cycles between vectors.

    A vector must not be offered before its tile's first word was taken, nor a tile's first word
    before the last activation meant for the tile before it was. A tile of another length is not
    there: vectors for it, and vectors of another length, give no sums.

    Parameters
    ----------
    cfg : :class:`nomul.golden.circulant.Config`
        Sizes, widths and engine, already validated.

    Members
    -------
    weight : ``In(stream.Signature({w, last}))``
        Words of a tile: a block's weights, or one of its points, for each unit; see
        ``Packed.words``.
    x : ``In(stream.Signature({x: ArrayLayout(act_bits, width), last}))``
        Activations in order; lanes beyond the vector's end are ignored.
    y : ``Out(stream.Signature({y: ArrayLayout(signed(y_bits), y_lanes), last}))``
        Sums in order; lanes beyond the last output are any.
    errors : ``Out(6)``
        Sticky flags, ``nomul.golden.circulant.FLAGS``.
    loaded : ``Out(1)``
        A tile is there.
    """

    notes = {"errors": RULES}  # for register maps

    weight: stream.Interface
    x: stream.Interface
    y: stream.Interface

    def __init__(self, cfg: Config):
        self.cfg = cfg
        super().__init__(ports(cfg, cfg.word_bits, len(FLAGS)))

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.loader = loader = Loader(cfg.word_bits, cfg.depth, cfg.depth)
        m.submodules.store = store = Once("store", Store, cfg.word_bits, cfg.depth)
        direct = cfg.engine == "direct"
        again = direct and cfg.steps * cfg.planes > 1
        m.submodules.feed = feed = Feed(cfg.width, cfg.act_bits, cfg.chunks, again)
        m.submodules.drain = drain = Drain(cfg.columns, cfg.y_lanes, cfg.y_bits, cfg.y_beats)
        wiring.connect(m, wiring.flipped(self.weight), loader.weight)
        wiring.connect(m, wiring.flipped(self.x), feed.x)
        wiring.connect(m, drain.o, wiring.flipped(self.y))
        m.d.comb += [
            feed.hold.eq(loader.busy),
            feed.refuse.eq(~loader.loaded),
            self.loaded.eq(loader.loaded),
            store.write.eq(loader.write),
            store.into.eq(loader.into),
            store.word.eq(loader.word),
        ]
        engine = (Direct if direct else Spectral)(cfg, loader, store, feed, drain)
        engine.describe(m)
        # A code with the bit of zero and others counts as zero.
        bits = cfg.stored_bits
        words = [loader.word[unit * bits :][:bits] for unit in range(cfg.rows_at_once)]
        wrong = Const(0) if direct else Cat(word[-1] & word[:-1].any() for word in words).any()
        raise_flags(m, self.errors, (*strobes(loader, feed), loader.write & wrong))
        return m
