"""The dense array: weights, activations, columns and sums."""

from amaranth.hdl import Cat, Module, Signal, Value

from nomul.golden.dense import Config
from nomul.golden.products.contract import RULES
from nomul.hw.dense.column import Column, lane, lane_bits
from nomul.hw.once import Once
from nomul.hw.products.drain import Drain
from nomul.hw.products.feed import Feed
from nomul.hw.products.member import Member
from nomul.hw.products.ports import (
    admission,
    filling,
    follow,
    go_through,
    raise_flags,
    strobes,
)


class Top(Member[Config]):
    """Multiplies vectors by a matrix that stays: y = W^T x by P multipliers.

    A tile is loaded word by word, and stays until another one comes. Steps take ``lanes``
    activations each, all columns of a group at once; where there are more columns than multipliers
    a vector is gone through once for each group. A group's sums leave while the next ones are made:
    ``cfg.interval`` cycles per vector, and two from its last step to the first sum.

    When tiles and vectors may be offered is said in :class:`nomul.hw.products.member.Member`.

    Members
    -------
    Those of :class:`nomul.hw.products.member.Member`, of which:

    weight : ``In(stream.Signature({w, last}))``
        Words of a tile: ``load`` times ``lanes * columns`` weights each, see ``Packed.words``.
    errors : ``Out(5)``
        Sticky flags, ``nomul.golden.products.FLAGS``.
    """

    notes = {"errors": RULES}  # for register maps

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        again = cfg.groups * cfg.planes > 1
        loader, store, feed, drain = self.add_parts(m, cfg.columns, again)

        # Which step of a word is read.
        shift = (cfg.load - 1).bit_length()
        address, place = Signal(range(max(2, cfg.steps))), Signal(range(max(2, cfg.load)))
        with m.If(feed.step):
            m.d.sync += place.eq(address)
        step = store.found.word_select(place, cfg.step_bits) if cfg.load > 1 else store.found

        # Passes of a vector: groups of columns, and of each the planes of a bit-serial array.
        group, base = Signal(range(max(2, cfg.groups))), Signal(range(max(2, cfg.steps)))
        plane = Signal(range(max(2, cfg.planes)), init=cfg.planes - 1)
        plane_last = plane == 0
        go_through(m, feed, cfg.planes, cfg.chunks, group, base, plane)
        m.d.comb += [
            feed.final.eq(plane_last & (group == cfg.groups - 1)),
            *admission(loader, feed),
            loader.idle.eq(feed.idle),
            self.loaded.eq(loader.loaded),
            *filling(loader, store),
            store.read.eq(feed.step),
            address.eq(base + feed.chunk),
            store.address.eq(address >> shift),
        ]
        raise_flags(m, self.errors, strobes(loader, feed))

        # One cycle later: operands are there.
        top, chunk_last = plane == cfg.planes - 1, feed.chunk == cfg.chunks - 1
        valid, first, doubles, negate = Signal(), Signal(), Signal(), Signal()
        plane_now, whole, final = Signal.like(plane), Signal(), Signal()
        taken = [
            first.eq(feed.fresh & top),
            doubles.eq(feed.fresh & ~top),
            negate.eq(top & int(cfg.act_signed and cfg.array == "bitserial")),
            plane_now.eq(plane),
            whole.eq(chunk_last & plane_last & ~feed.drop),
            final.eq(feed.end),
        ]
        follow(m, feed, drain, valid, whole, taken)
        self._columns(m, feed, step, drain, (valid & feed.go, first, doubles, negate, plane_now))
        m.d.comb += [drain.load.eq(valid & whole & drain.room), drain.final.eq(final)]
        return m

    def _columns(self, m: Module, feed: Feed, step: Value, drain: Drain, now: tuple) -> None:
        """Describe the lanes that all columns share, and the columns."""
        cfg, (enable, first, doubles, negate, plane) = self.cfg, now
        sent = Signal(cfg.lanes * lane_bits(cfg))
        m.d.comb += sent.eq(Cat(lane(m, cfg, x, plane) for x in feed.now))
        bits, stride = cfg.weight_bits, cfg.columns * cfg.weight_bits
        for number in range(cfg.columns):
            m.submodules[f"column{number}"] = column = Once("column", Column, cfg)
            words = [step[i * stride + number * bits :][:bits] for i in range(cfg.lanes)]
            m.d.comb += [
                column.x.eq(sent),
                column.w.eq(Cat(words)),
                column.enable.eq(enable),
                column.first.eq(first),
                column.doubles.eq(doubles),
                column.negate.eq(negate),
                drain.sums[number].eq(column.total),
            ]
