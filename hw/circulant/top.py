"""The circulant array: activations, weights, one of two engines, and sums."""

from amaranth.hdl import Cat, Const, Module

from nomul.golden.circulant import Config
from nomul.golden.circulant.config import RULES
from nomul.hw.circulant.direct import Direct
from nomul.hw.circulant.spectral import Spectral
from nomul.hw.products.member import Member
from nomul.hw.products.ports import admission, filling, raise_flags, strobes


class Top(Member[Config]):
    """Multiplies vectors by a matrix of circulant blocks that stays: y = W^T x.

    After CirCNN (Ding et al., MICRO 2017), with exact integers. ``direct``: a block's k weights go
    around in a register, and meet one activation in a cycle; two cycles from a vector's last step
    to its first sums. ``ntt``: k activations are transformed modulo a Fermat number, each point is
    multiplied by the weights' and added up, and the sums are transformed back once per block row.
    ``cfg.interval`` cycles between vectors.

    When tiles and vectors may be offered is said in :class:`nomul.hw.products.member.Member`.

    Members
    -------
    Those of :class:`nomul.hw.products.member.Member`, of which:

    weight : ``In(stream.Signature({w, last}))``
        Words of a tile: a block's weights, or one of its points, for each unit; see
        ``Packed.words``.
    errors : ``Out(6)``
        Sticky flags, ``nomul.golden.circulant.FLAGS``.
    """

    notes = {"errors": RULES}  # for register maps

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        direct = cfg.engine == "direct"
        again = direct and cfg.groups * cfg.planes > 1
        loader, store, feed, drain = self.add_parts(m, cfg.columns, again)
        m.d.comb += [
            *admission(loader, feed),
            self.loaded.eq(loader.loaded),
            *filling(loader, store),
        ]
        engine = (Direct if direct else Spectral)(cfg, loader, store, feed, drain)
        engine.describe(m)
        # A code with the bit of zero and others counts as zero.
        bits = cfg.stored_bits
        words = [loader.word[unit * bits :][:bits] for unit in range(cfg.rows_at_once)]
        wrong = Const(0) if direct else Cat(word[-1] & word[:-1].any() for word in words).any()
        raise_flags(m, self.errors, (*strobes(loader, feed), loader.write & wrong))
        return m
