"""Plane of product cells: every product of a pair in every cycle."""

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import bitstream
from nomul.golden.plane import Config
from nomul.hw.bitstream import Source, comparator
from nomul.hw.essop import EXPONENT, UNIT_EXPONENT
from nomul.hw.essop_prefix import run_length
from nomul.hw.intouter import rounded
from nomul.hw.once import Once
from nomul.hw.popcount import popcount


def pair_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``x_d``: one pair of vectors, as ESSOP takes it."""
    operand = unsigned(cfg.width + 1)
    return data.StructLayout(
        {
            "x": data.ArrayLayout(operand, cfg.rows),
            "sx": unsigned(cfg.rows),
            "d": data.ArrayLayout(operand, cfg.cols),
            "sd": unsigned(cfg.cols),
            "e_x": EXPONENT,
            "e_d": EXPONENT,
        }
    )


def products_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``y``: magnitudes row by row, signs of rows and columns, unit."""
    return data.StructLayout(
        {
            "y": data.ArrayLayout(unsigned(cfg.unit.count_bits), cfg.rows * cfg.cols),
            "sx": unsigned(cfg.rows),
            "sd": unsigned(cfg.cols),
            "exponent": UNIT_EXPONENT,
        }
    )


def lane_bits(cfg: Config) -> tuple[int, int]:
    """Return the bits that a row, and a column, sends to its cells."""
    if cfg.product == "prefix":
        return cfg.stream_bits, sum(t.bit_length() for t in range(1, cfg.stream_bits + 1))
    bits = cfg.unit.lane_bits
    return bits, bits


def product(m: Module, cfg: Config, a: Value, b: Value) -> Value:
    """Return the product of what a row and a column send."""
    if cfg.product == "multiply":
        return a * b
    if cfg.product == "popcount":
        both = Signal(cfg.stream_bits)
        m.d.comb += both.eq(a & b)
        return popcount(m, list(both))
    # The row's T is one-hot over 1 .. BL; the column sends its counts C[1] .. C[BL], bits packed.
    chosen: list[list[Value]] = [[] for _ in range(cfg.unit.count_bits)]
    offset = 0
    for t in range(1, cfg.stream_bits + 1):
        for bit in range(t.bit_length()):
            chosen[bit].append(a[t - 1] & b[offset + bit])
        offset += t.bit_length()
    return Cat(Cat(terms).any() for terms in chosen)


class Cell(wiring.Component):
    """Multiplies what one row and one column send, and holds the product.

    Latency is one cycle, one product per cycle while ``go``.

    Parameters
    ----------
    cfg : :class:`nomul.golden.plane.Config`
        Kind of product.

    Members
    -------
    a, b : ``In(lane_bits(cfg))``
        From row and column.
    go : ``In(1)``
        Take a new product.
    y : ``Out(cfg.unit.count_bits)``
        Magnitude of the product.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        a, b = lane_bits(cfg)
        y = unsigned(cfg.unit.count_bits)
        super().__init__({"a": In(a), "b": In(b), "go": In(1), "y": Out(y)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        held = Signal(self.cfg.unit.count_bits, reset_less=True)
        m.d.comb += self.y.eq(held)
        with m.If(self.go):
            m.d.sync += held.eq(product(m, self.cfg, self.a, self.b))
        return m


class Row(wiring.Component):
    """Holds one row of cells.

    Latency and interval are the cell's.

    Parameters
    ----------
    cfg : :class:`nomul.golden.plane.Config`
        Kind of product, number of columns.

    Members
    -------
    a : ``In``, b : ``In(ArrayLayout(bits of a column, N))``
        From the row and from all columns.
    go : ``In(1)``
        Take new products.
    y : ``Out(ArrayLayout(cfg.unit.count_bits, N))``
        Magnitudes.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        a, b = lane_bits(cfg)
        super().__init__(
            {
                "a": In(a),
                "b": In(data.ArrayLayout(b, cfg.cols)),
                "go": In(1),
                "y": Out(data.ArrayLayout(cfg.unit.count_bits, cfg.cols)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for j in range(self.cfg.cols):
            m.submodules[f"cell{j}"] = cell = Once("cell", Cell, self.cfg)
            m.d.comb += [
                cell.a.eq(self.a),
                cell.b.eq(self.b[j]),
                cell.go.eq(self.go),
                self.y[j].eq(cell.y),
            ]
        return m


class Top(wiring.Component):
    """Computes all products of a pair of vectors at once, a pair per cycle.

    Latency is two cycles, one register in the lanes and one in the cells; the interval is one.

    Parameters
    ----------
    cfg : :class:`nomul.golden.plane.Config`
        Size and kind of product, already validated.

    Members
    -------
    x_d : ``In(stream.Signature(pair_layout(cfg)))``
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

    def __init__(self, cfg: Config):
        self.cfg = cfg
        super().__init__(
            {
                "x_d": In(stream.Signature(pair_layout(cfg))),
                "y": Out(stream.Signature(products_layout(cfg))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        pair = self.x_d.payload
        drawn = Signal()
        go = Signal()
        m.d.comb += [go.eq(~self.y.valid | self.y.ready), self.x_d.ready.eq(go)]
        with m.If(go):
            m.d.sync += [drawn.eq(self.x_d.valid), self.y.valid.eq(drawn)]

        m.submodules.source = source = Once("source", Source, cfg.unit)
        taken = Signal()
        m.d.comb += [taken.eq(go & self.x_d.valid), source.advance.eq(taken)]
        lanes = _prefix_lanes if cfg.product == "prefix" else _bit_lanes
        sent = []
        for side, values in enumerate(lanes(cfg, m, source, pair)):
            held = []
            for lane, value in enumerate(values):
                name = f"{'ab'[side]}{lane}"
                register = Signal(lane_bits(cfg)[side], name=name, reset_less=True)
                with m.If(taken):
                    m.d.sync += register.eq(value)
                held.append(register)
            sent.append(held)

        result = self.y.payload
        tail = Signal(
            data.StructLayout(
                {"sx": unsigned(cfg.rows), "sd": unsigned(cfg.cols), "exponent": UNIT_EXPONENT}
            ),
            reset_less=True,
        )
        late = Signal(tail.shape(), reset_less=True)
        with m.If(taken):
            m.d.sync += [
                tail.sx.eq(pair.sx),
                tail.sd.eq(pair.sd),
                tail.exponent.eq(pair.e_x + pair.e_d - cfg.unit.stream_log2),
            ]
        with m.If(go):
            m.d.sync += late.eq(tail)
        m.d.comb += [result[name].eq(late[name]) for name in ("sx", "sd", "exponent")]
        for i, a in enumerate(sent[0]):
            m.submodules[f"row{i}"] = row = Once("row", Row, cfg)
            m.d.comb += [row.a.eq(a), row.b.eq(Cat(sent[1])), row.go.eq(go)]
            m.d.comb += [result.y[i * cfg.cols + j].eq(row.y[j]) for j in range(cfg.cols)]
        return m


def _bit_lanes(
    cfg: Config, m: Module, source: Source, pair: data.View
) -> tuple[list[Value], list[Value]]:
    """Return what rows and columns send: BL bits, or a rounded magnitude."""

    def lane(words: data.View, operand: Value) -> Value:
        if cfg.product == "multiply":
            return rounded(cfg.unit, operand, words[0])
        return Cat(comparator(word, operand) for word in words)

    rows = [lane(source.r, operand) for operand in pair.x]
    return rows, [lane(source.s, operand) for operand in pair.d]


def _prefix_lanes(
    cfg: Config, m: Module, source: Source, pair: data.View
) -> tuple[list[Value], list[Value]]:
    """Return T of each row one-hot, and the running counts of each column.

    In ascending order of the rows' words, those of the columns are a permutation of the multiples
    of 2**W / BL under the scramble: one word per m for all columns, compared with the length of the
    column's own run.
    """
    unit = cfg.unit
    low = unit.width - unit.stream_log2
    scramble_r, scramble_s = _scrambles(m, source, unit)
    permuted = [int(point) for point in bitstream.ordered_points(unit)]
    tops = []
    for index, point in enumerate(permuted):
        top = Signal(max(1, unit.stream_log2), name=f"top{index}")
        m.d.comb += top.eq(scramble_s[low:] ^ (point >> low))
        tops.append(top)
    rows, cols = [], []
    for i, operand in enumerate(pair.x):
        length = Signal(unit.count_bits, name=f"length_x{i}")
        m.d.comb += length.eq(run_length(unit, operand, scramble_r))
        rows.append(Cat(length == t for t in range(1, unit.stream_bits + 1)))
    for j, operand in enumerate(pair.d):
        length = Signal(unit.count_bits, name=f"length_d{j}")
        m.d.comb += length.eq(run_length(unit, operand, scramble_s))
        counts: list[Value] = []
        before: Value = Const(0, 1)
        for t, top in enumerate(tops, 1):
            count = Signal(t.bit_length(), name=f"count{j}_{t}")
            m.d.comb += count.eq(before + (top < length))
            counts.append(count)
            before = count
        cols.append(Cat(counts))
    return rows, cols


def _scrambles(m: Module, source: Source, unit: object) -> tuple[Value, Value]:
    """Return the scrambles of ascending order: of the rows, and of the columns behind them.

    The rows' words are m 2**W / BL above P's low bits; the columns' are point(m) XOR z with
    z = point(P_top) XOR Q. Both P and Q are the words of the vector's first draw, whose points
    are zero.
    """
    low = unit.width - unit.stream_log2
    p, q = source.r[0], source.s[0]
    points = [int(point) for point in bitstream.ordered_points(unit)]
    z: Value = q
    for bit in range(unit.stream_log2):
        z = z ^ (p[low + bit].replicate(unit.width) & points[1 << bit])
    scramble = Signal(unit.width, name="scramble")
    m.d.comb += scramble.eq(z)
    return p, scramble
