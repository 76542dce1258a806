"""Circulants by rotation: a block's weights stand in a register that goes around."""

from amaranth.hdl import Cat, Module, Mux, Signal

from nomul.golden import dense
from nomul.golden.circulant import Config
from nomul.hw.circulant.engine import Engine
from nomul.hw.dense.column import Column, lane
from nomul.hw.once import Once
from nomul.hw.products.ports import follow, go_through


def column_config(cfg: Config) -> dense.Config:
    """Return the dense array of whose columns the engine is made: one lane each."""
    serial = cfg.product == "bitserial"
    return dense.Config(
        inputs=cfg.inputs,
        outputs=1,
        products=1,
        array="bitserial" if serial else "multiplier",
        weight_bits=cfg.weight_bits,
        act_bits=cfg.act_bits,
        act_signed=cfg.act_signed,
    )


class Direct(Engine):
    """Describes the engine ``direct``: a word per block, and one activation in a step."""

    def describe(self, m: Module) -> None:
        """Add the engine's passes, registers and columns to the module of the top level."""
        cfg, feed = self.cfg, self.feed
        # Passes of a vector: groups of block rows, and of each the planes of a bit-serial array.
        group, base = Signal(range(max(2, cfg.groups))), Signal(range(max(2, cfg.depth)))
        plane = Signal(range(max(2, cfg.planes)), init=cfg.planes - 1)
        within, block = Signal(range(max(2, cfg.k))), Signal(range(max(2, cfg.block_columns)))
        plane_last, turn = plane == 0, within == cfg.k - 1
        with m.If(feed.step):
            m.d.sync += [within.eq(Mux(turn, 0, within + 1)), block.eq(block + turn)]
        go_through(m, feed, cfg.planes, cfg.block_columns, group, base, plane)
        with m.If(feed.end | feed.drop | feed.pass_end):
            m.d.sync += [within.eq(0), block.eq(0)]
        m.d.comb += [
            feed.final.eq(plane_last & (group == cfg.groups - 1)),
            self.loader.idle.eq(feed.idle),
            self.store.read.eq(feed.step & (within == 0)),
            self.store.address.eq(base + block),
        ]
        self._columns(m, plane, within)

    def _columns(self, m: Module, plane: Signal, within: Signal) -> None:
        """Describe the cycle after a step: weights go around, and columns add."""
        cfg, feed, drain = self.cfg, self.feed, self.drain
        each = column_config(cfg)
        top, chunk_last = plane == cfg.planes - 1, feed.chunk == cfg.chunks - 1
        valid, whole, final = Signal(), Signal(), Signal()
        first, doubles, negate, fresh = Signal(), Signal(), Signal(), Signal()
        plane_now = Signal.like(plane)
        taken = [
            first.eq(feed.fresh & top),
            doubles.eq(feed.fresh & ~top),
            negate.eq(top & int(cfg.act_signed and cfg.product == "bitserial")),
            fresh.eq(within == 0),
            plane_now.eq(plane),
            whole.eq(chunk_last & (plane == 0) & ~feed.drop),
            final.eq(feed.end),
        ]
        follow(m, feed, drain, valid, whole, taken)
        sent, enable = Signal(lane(m, each, feed.now[0], plane_now).shape()), valid & feed.go
        m.d.comb += sent.eq(lane(m, each, feed.now[0], plane_now))
        bits = cfg.k * cfg.weight_bits
        for unit in range(cfg.rows_at_once):
            turned = Signal(bits, name=f"turned{unit}", reset_less=True)
            now = Signal(bits, name=f"weights{unit}")
            m.d.comb += now.eq(Mux(fresh, self.store.found[unit * bits :][:bits], turned))
            with m.If(enable):
                # Element (i - j) mod k for output i: from one activation to the next, one up.
                m.d.sync += turned.eq(Cat(now[bits - cfg.weight_bits :], now)[:bits])
            for i in range(cfg.k):
                number = unit * cfg.k + i
                m.submodules[f"column{number}"] = column = Once("column", Column, each)
                m.d.comb += [
                    column.x.eq(sent),
                    column.w.eq(now[i * cfg.weight_bits :][: cfg.weight_bits]),
                    column.enable.eq(enable),
                    column.first.eq(first),
                    column.doubles.eq(doubles),
                    column.negate.eq(negate),
                    drain.sums[number].eq(column.total),
                ]
        m.d.comb += [drain.load.eq(valid & whole & drain.room), drain.final.eq(final)]
