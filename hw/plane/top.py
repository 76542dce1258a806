"""Plane of product cells: all products of a pair leave together."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from nomul.golden.bitstream import Side
from nomul.golden.plane import Config
from nomul.hw.bitstream import Source
from nomul.hw.configured import Configured, Ports
from nomul.hw.fp16mul.product import add_columns, crossed, net
from nomul.hw.once import Once
from nomul.hw.outer import UNIT_EXPONENT, pair_layout
from nomul.hw.plane.lanes import count_width, lane_bits, lanes
from nomul.hw.popcount import popcount


def products_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``y``: magnitudes row by row, signs of rows and columns, unit."""
    return data.StructLayout(
        {
            "y": data.ArrayLayout(unsigned(cfg.array.count_bits), cfg.rows * cfg.cols),
            **tail_fields(cfg),
        }
    )


def tail_fields(cfg: Config) -> dict[str, object]:
    """Return what a pair's products need beside their magnitudes."""
    return {"sx": unsigned(cfg.rows), "sd": unsigned(cfg.cols), "exponent": UNIT_EXPONENT}


def product(m: Module, cfg: Config, a: Value, b: Value, before: Value) -> Value:
    """Return the product of what a row and a column send; ``before`` is the cell's count so far."""
    if cfg.product == "multiply":
        return net(m, add_columns(m, crossed(m, a, b)))
    if cfg.product == "snapshot":
        return Mux(a, b, before)
    if cfg.product == "popcount":
        both = Signal.like(a)
        m.d.comb += both.eq(a & b)
        now = popcount(m, list(both))
        return now if cfg.array.beats == 1 else before + now
    # One bit of the row is one, or none; the column sends a count for each, bits packed.
    chosen: list[list[Value]] = [[] for _ in range(cfg.array.count_bits)]
    offset = 0
    for level in range(len(a)):
        for bit in range(count_width(cfg, level + 1)):
            chosen[bit].append(a[level] & b[offset + bit])
        offset += count_width(cfg, level + 1)
    return Cat(Cat(terms).any() for terms in chosen)


# Cells that take more bits than this in a cycle are modules of their own: mapped once, not N times.
WIDE = 8


class Product(Configured[Config]):
    """Computes the product of what one row and one column send, at once.

    Members
    -------
    a, b : ``In``
        From the row and from the column.
    before : ``In(cfg.array.count_bits)``
        The cell's count so far.
    y : ``Out(cfg.array.count_bits)``
        Magnitude.
    """

    def ports(self, cfg: Config) -> Ports:
        a, b = lane_bits(cfg)
        bits = cfg.array.count_bits
        return {"a": In(a), "b": In(b), "before": In(bits), "y": Out(bits)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.y.eq(product(m, self.cfg, self.a, self.b, self.before))
        return m


class Row(Configured[Config]):
    """Multiplies what one row and all columns send: N cells.

    Products follow at once, or after one cycle where they are registered; one per cell and beat
    unless complete products wait. Each row keeps for itself whether they do, since a wire from one
    place to every register of the plane would be slow.

    Members
    -------
    a : ``In``, b : ``In(ArrayLayout(bits of a column, N))``
        From the row and from all columns.
    first : ``In(1)``
        These are the first of a pair: cells that count start again.
    complete, ready : ``In(1)``
        Products are complete with this beat; those that leave are taken. Without effect where
        products are not registered.
    full, b_full : ``In(1)``, ``In(N)``
        Of registered products of ``prefix``: row and columns of the products held are at full
        scale. Only both give BL, so that bit is their AND and needs no register in the cell.
    y : ``Out(ArrayLayout(cfg.array.count_bits, N))``
        Magnitudes.
    """

    def ports(self, cfg: Config) -> Ports:
        a, b = lane_bits(cfg)
        return {
            "a": In(a),
            "b": In(data.ArrayLayout(b, cfg.cols)),
            "first": In(1),
            "complete": In(1),
            "ready": In(1),
            "full": In(1),
            "b_full": In(cfg.cols),
            "y": Out(data.ArrayLayout(unsigned(cfg.array.count_bits), cfg.cols)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        keeps_full = _keeps_full(cfg)
        held_bits = cfg.array.count_bits - keeps_full
        # A row that sends nothing has products of zero, so an OR does for a multiplexer.
        gated = cfg.registered and cfg.array.beats == 1 and cfg.hold == "gates"
        valid, go = Signal(), Signal()
        m.d.comb += go.eq(~valid | self.ready)
        if cfg.registered:
            with m.If(go):
                m.d.sync += valid.eq(self.complete)
        a = Signal.like(self.a, name="a_now")
        m.d.comb += a.eq(self.a & go.replicate(len(self.a)) if gated else self.a)
        for j in range(cfg.cols):
            y = Signal(cfg.array.count_bits, name=f"y{j}")
            held = Signal(held_bits, name=f"held{j}", reset_less=True)
            before = Signal(held_bits, name=f"before{j}")
            m.d.comb += before.eq(Mux(self.first, 0, held))
            if cfg.product == "popcount" and len(a) > WIDE:
                m.submodules[f"product{j}"] = cell = Once("product", Product, cfg)
                m.d.comb += [cell.a.eq(a), cell.b.eq(self.b[j]), cell.before.eq(before)]
                m.d.comb += y.eq(cell.y)
            else:
                m.d.comb += y.eq(product(m, cfg, a, self.b[j], before))
            if not cfg.registered:
                m.d.comb += self.y[j].eq(y)
                continue
            top = [self.full & self.b_full[j]] if keeps_full else []
            m.d.comb += self.y[j].eq(Cat(held, *top))
            if gated:
                m.d.sync += held.eq(y[:held_bits] | (held & (~go).replicate(held_bits)))
            else:
                with m.If(go):
                    m.d.sync += held.eq(y)
        return m


def _keeps_full(cfg: Config) -> bool:
    """Whether rows and columns keep the flags whose AND is the highest bit of a product."""
    return cfg.registered and cfg.product == "prefix" and cfg.stream_bits > 1


class Top(Configured[Config]):
    """Computes all products of a pair of vectors at once.

    Latency is the pair's beats, and one cycle more where products are registered; a pair every
    ``cfg.array.beats`` cycles. A pair is taken in the last of its beats, so it needs no register.

    Members
    -------
    x_d : ``In(stream.Signature(pair_layout(cfg.array)))``
        Pairs, as :class:`nomul.hw.essop.Top` takes them; magnitudes above 2**W count as 2**W.
    y : ``Out(stream.Signature(products_layout(cfg)))``
        Magnitudes of all products, row by row; a product's sign is ``sx[i] ^ sd[j]``.

    Limits
    ------
    No flags, no reload of seeds and no accumulators: these are the unit's, and cost all kinds of
    product the same.
    """

    x_d: stream.Interface
    y: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        return {
            "x_d": In(stream.Signature(pair_layout(cfg.array))),
            "y": Out(stream.Signature(products_layout(cfg))),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        pair = self.x_d.payload
        m.submodules.source = source = Once("source", Source, cfg.array.words, cfg.array.ordered)
        # A beat is drawn into the lanes' registers, and from there into the cells'.
        go, taken = Signal(), Signal()
        fresh, first = Signal(init=1), Signal()
        complete = Signal()
        m.d.comb += [
            taken.eq(go & self.x_d.valid),
            self.x_d.ready.eq(go & source.last),
            source.advance.eq(taken),
        ]
        with m.If(taken):
            m.d.sync += [fresh.eq(source.last), first.eq(fresh)]
        with m.If(go):
            m.d.sync += complete.eq(self.x_d.valid & source.last)
        sent: list[list[Value]] = []
        for side, values in zip(Side, lanes(cfg, m, source, pair), strict=True):
            sent.append([])
            for lane, value in enumerate(values):
                register = Signal(len(value), name=f"{side.bits}{lane}", reset_less=True)
                with m.If(taken):
                    m.d.sync += register.eq(value)
                sent[side].append(register)
        # Signs and exponent go beside the last beat of a pair.
        tail: Any = Signal(data.StructLayout(tail_fields(cfg)), reset_less=True)
        with m.If(taken & source.last):
            m.d.sync += [
                tail.sx.eq(pair.sx),
                tail.sd.eq(pair.sd),
                tail.exponent.eq(pair.e_x + pair.e_d - cfg.array.unit_log2),
            ]
        if cfg.product == "snapshot":
            bits = enumerate(sent[Side.D])
            sent[Side.D] = [_running(m, cfg, bit, first, go, j) for j, bit in bits]

        full = [Signal(len(side), reset_less=True) for side in sent]
        if _keeps_full(cfg):
            with m.If(go):
                m.d.sync += [
                    flags.eq(Cat(v[-1] for v in s)) for flags, s in zip(full, sent, strict=True)
                ]
        # The cells, row by row, and the word of all their products.
        result = self.y.payload
        for i, a in enumerate(sent[Side.X]):
            m.submodules[f"row{i}"] = row = Once("row", Row, cfg)
            m.d.comb += [row.a.eq(a), row.b.eq(Cat(sent[Side.D])), row.first.eq(first)]
            m.d.comb += [row.complete.eq(complete), row.ready.eq(self.y.ready)]
            m.d.comb += [row.full.eq(full[Side.X][i]), row.b_full.eq(full[Side.D])]
            m.d.comb += [result.y[i * cfg.cols + j].eq(row.y[j]) for j in range(cfg.cols)]
        m.d.comb += go.eq(~self.y.valid | self.y.ready)
        if not cfg.registered:
            m.d.comb += [self.y.valid.eq(complete)]
            m.d.comb += [result[name].eq(tail[name]) for name in tail_fields(cfg)]
            return m
        late: Any = Signal(tail.shape(), reset_less=True)
        with m.If(go):
            m.d.sync += [self.y.valid.eq(complete), late.eq(tail)]
        m.d.comb += [result[name].eq(late[name]) for name in tail_fields(cfg)]
        return m


def _running(m: Module, cfg: Config, bit: Value, first: Signal, go: Signal, lane: int) -> Signal:
    """Describe a column's counter; return its count, this beat's bit included."""
    count = Signal(cfg.array.count_bits, name=f"count{lane}")
    held = Signal(cfg.array.count_bits, name=f"counted{lane}", reset_less=True)
    m.d.comb += count.eq(Mux(first, 0, held) + bit)
    with m.If(go):
        m.d.sync += held.eq(count)
    return count
