"""ESSOP: the outer product of two vectors from AND gates and counters.

After Joshi et al., "ESSOP: Efficient and Scalable Stochastic Outer Product Architecture for Deep
Learning", ISCAS 2020, arXiv 2003.11256, whose abstract describes the method; stream lengths, number
generators and array organisation are our reconstruction.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import bitstream, lfsr

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CELLS = ("counter", "popcount", "snapshot", "prefix")
ORDERED_CELLS = ("snapshot", "prefix")
ROUNDINGS = ("floor", "stochastic")
EXPONENT_BITS = 8

# Sizes of the pieces worked on at a time: source words per side, then cells, which stay in cache.
_WORDS, _CELLS = 1 << 20, 1 << 17


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(bitstream.Config):
    """Parameters of the outer-product unit; those of its sources are inherited.

    Parameters
    ----------
    cell
        ``counter``: an AND and a counter, U bits added one by one. ``popcount``: U bits added by a
        tree. ``snapshot``: a counter per column, whose value each cell keeps when its row's ones
        end. ``prefix``: the column's counts in a table, read once per row. The last two go through
        the words in ascending order, so they need a counted source under ``pair`` and U = 1.
    sng
        How lanes make bits of words, see :func:`nomul.golden.bitstream.ones`: ``comparator``, or
        ``wbg``, the weighted binary generator. Ordered cells need comparators.
    early_stop
        Ordered cells only: go on to the next pair once every row's ones have ended.
    accumulate
        AW, bits of an accumulator per cell, 2..48; None: every pair is read out.
    acc_exponent
        Binary exponent of the accumulators' unit, -64..64.
    acc_rounding
        ``floor`` or ``stochastic``, for pairs whose unit is smaller than the accumulators'.
    """

    cell: str = "counter"
    sng: str = "comparator"
    early_stop: bool = False
    accumulate: int | None = None
    acc_exponent: int = 0
    acc_rounding: str = "floor"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"rows": 4, "cols": 4},
        "paper": {"rows": 16, "cols": 16},
    }

    cells: ClassVar[tuple[str, ...]] = CELLS

    def validate(self) -> None:
        """Check the array's own parameters after those of the sources."""
        super().validate()
        self.check_choice("cell", self.cells)
        self.check_choice("sng", bitstream.GENERATORS)
        if self.accumulate is not None:
            self.check_range("accumulate", 2, 48)
        self.check_range("acc_exponent", -64, 64)
        self.check_choice("acc_rounding", ROUNDINGS)
        if self.ordered:
            self.check("source", self.counted, f"a counted one for cell {self.cell!r}")
            self.check("share", self.share == "pair", f"pair for cell {self.cell!r}")
            self.check("bits_per_cycle", self.bits_per_cycle == 1, f"1 for cell {self.cell!r}")
            self.check("sng", self.sng == "comparator", f"comparator for cell {self.cell!r}")
        else:
            self.check("early_stop", not self.early_stop, f"false for cell {self.cell!r}")
        if self.cell == "prefix":
            self.check("accumulate", self.accumulate is None, "absent for cell 'prefix'")

    @property
    def ordered(self) -> bool:
        """Whether the cell needs the words of a vector in ascending order."""
        return self.cell in ORDERED_CELLS

    @property
    def lane_bits(self) -> int:
        """Bits that a lane sends to its cells in a cycle."""
        return self.bits_per_cycle

    @property
    def count_bits(self) -> int:
        """Bits of a count 0 .. BL: k + 1."""
        return self.stream_log2 + 1

    @property
    def y_bits(self) -> int:
        """Bits of a signed result: k + 2, or the accumulator's width."""
        return self.accumulate or self.stream_log2 + 2

    @property
    def latency(self) -> int:
        """Cycles from the transfer of a pair to its first row on ``y``."""
        return self.beats + (3 if self.accumulate else 2)

    @property
    def interval(self) -> int:
        """Cycles between two pairs, without stalls.

        The larger of BL / U and the M cycles of read-out; BL / U where results stay in the
        accumulators.
        """
        return self.beats if self.accumulate else max(self.beats, self.rows)

    def cycles(self, n: int) -> int:
        """Cycles from the transfer of the first of ``n`` pairs to that of the last row, inclusive.

        Without stalls, and with one read-out at the end where results accumulate. With early stop
        this is the most; :func:`cycles` knows the operands.
        """
        return self.latency + self.rows + (n - 1) * self.interval


def quantise(values: ArrayLike, width: int) -> tuple[Ints, Ints, Ints]:
    """Return magnitudes, signs and block exponents of vectors of real numbers.

    Step 1 of the method: e is the smallest integer with max|v| < 2**e, and |v| 2**-e in [0, 1) is
    rounded down to ``width`` bits. A power of two replaces the floating-point scaling.

    Parameters
    ----------
    values
        float64[V, n], finite.
    width
        W, bits of a magnitude.

    Returns
    -------
    (int64[V, n], int64[V, n], int64[V])
        Magnitudes 0 .. 2**W - 1, signs (1: negative), exponents (0 for a zero vector).
    """
    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("values must be finite")
    _, exponent = np.frexp(np.abs(values).max(axis=1, initial=0.0))
    magnitude = np.floor(np.ldexp(np.abs(values), width - exponent[:, None]))
    negative = (values < 0) & (magnitude > 0)
    return magnitude.astype(np.int64), negative.astype(np.int64), exponent.astype(np.int64)


def ideal(x: ArrayLike, d: ArrayLike) -> Floats:
    """Return the exact outer product x d^T, float64[M, N]."""
    return np.outer(np.asarray(x, dtype=np.float64), np.asarray(d, dtype=np.float64))


def bits(cfg: Config, n_vectors: int, n_vectors_before: int = 0) -> tuple[Ints, Ints]:
    """Return the source words of both sides; see :func:`nomul.golden.bitstream.words`."""
    return bitstream.words(cfg, n_vectors, n_vectors_before)


def model(
    cfg: Config,
    x: ArrayLike,
    sx: ArrayLike,
    d: ArrayLike,
    sd: ArrayLike,
    n_vectors_before: int = 0,
) -> Ints:
    """Return the signed counts of V pairs of vectors, as the hardware gives them.

    Steps 2 to 4: a_i[n] = [r_n < x_i], b_j[n] = [s_n < d_j], c_ij = sum_n a_i[n] AND b_j[n], and
    the sign is the XOR of the operands' signs. Magnitudes above 2**W saturate there.

    Parameters
    ----------
    x, d
        Unsigned magnitudes [V, M] and [V, N] in units of 2**-W.
    sx, sd
        Signs 0 or 1, of the same shapes.
    n_vectors_before
        Pairs that the free-running sources have already served.

    Returns
    -------
    int64[V, M, N], each in -BL .. BL

    Raises
    ------
    ValueError
        Shapes do not fit the array, a magnitude is negative, or a sign is not 0 or 1.
    """
    x, sx = operand("x", x, "sx", sx, cfg.rows)
    d, sd = operand("d", d, "sd", sd, cfg.cols)
    if len(x) != len(d):
        raise ValueError(f"x holds {len(x)} vectors and d holds {len(d)}")
    y = np.empty((len(x), cfg.rows, cfg.cols), dtype=np.int64)
    for part in _pieces(len(x), cfg.stream_bits * max(cfg.lanes(0), cfg.lanes(1)), _WORDS):
        r, s = bits(cfg, part.stop - part.start, n_vectors_before + part.start)
        a, b = _streams(cfg, r, x[part]), _streams(cfg, s, d[part])
        signs = _unit(sx[part])[:, :, None], _unit(sd[part])[:, None, :]
        for piece in _pieces(len(a), cfg.rows * cfg.cols, _CELLS):
            count = np.bitwise_count(a[piece, :, None] & b[piece, None, :])
            total = count[..., 0] if count.shape[-1] == 1 else count.sum(axis=-1, dtype=np.int16)
            sign = signs[0][piece] * signs[1][piece]
            np.multiply(total, sign, out=y[part][piece], dtype=np.int64)
    return y


def _unit(sign: Ints) -> NDArray[np.int8]:
    return (1 - 2 * sign).astype(np.int8)


def operand(
    name: str, magnitude: ArrayLike, sign_name: str, sign: ArrayLike, lanes: int
) -> tuple[Ints, Ints]:
    """Return magnitudes and signs as integers [V, lanes]; raise ValueError for what is not."""
    magnitude = np.asarray(magnitude, dtype=np.int64)
    sign = np.asarray(sign, dtype=np.int64)
    for label, array in ((name, magnitude), (sign_name, sign)):
        if array.ndim != 2 or array.shape[1] != lanes:
            raise ValueError(f"{label} must be of shape [V, {lanes}], not {list(array.shape)}")
    if magnitude.shape != sign.shape:
        raise ValueError(f"{sign_name} must be of the shape of {name}, {list(magnitude.shape)}")
    if (magnitude < 0).any():
        raise ValueError(f"{name} must not be negative: {magnitude.min()}")
    if ((sign != 0) & (sign != 1)).any():
        raise ValueError(f"{sign_name} must hold 0 and 1 only")
    return magnitude, sign


def _pieces(count: int, size: int, most: int) -> Iterator[slice]:
    """Cut ``count`` items of ``size`` each into slices of at most ``most``."""
    items = max(1, most // size)
    for start in range(0, count, items):
        yield slice(start, min(start + items, count))


def _streams(cfg: Config, source: Ints, operand: Ints) -> Any:
    """Return the bit streams of [V, lanes] operands, packed: uint[V, lanes, words]."""
    narrow: Any = np.uint16 if cfg.width < 16 else np.uint32
    operand = np.minimum(operand, 1 << cfg.width).astype(narrow)[:, :, None]
    source = source.astype(narrow)
    source = source[:, None, :] if source.ndim == 2 else source.transpose(0, 2, 1)
    drawn = bitstream.ones(cfg.sng, source, operand, cfg.width)
    packed = np.packbits(drawn, axis=2, bitorder="little")
    size = packed.shape[2]
    return packed.view(f"u{size}") if size <= 8 else packed.view("u8")


def beats(cfg: Config, x: ArrayLike, n_vectors_before: int = 0) -> Ints:
    """Return the cycles that each pair's bits take, int64[V].

    BL / U. With early stop, in ascending order of the rows' words, a pair ends with the first beat
    in which every row sends zero, which is needed to see it: one more than the longest run of ones,
    and no more than BL.
    """
    x = np.asarray(x, dtype=np.int64)
    if not cfg.early_stop:
        return np.full(len(x), cfg.beats)
    r, _ = bits(cfg, len(x), n_vectors_before)
    runs = (r < x.max(axis=1, keepdims=True)).sum(axis=1)
    return np.minimum(runs + 1, cfg.beats)


def cycles(cfg: Config, x: ArrayLike) -> int:
    """Return ``cfg.cycles`` for given magnitudes of the rows, exact with early stop too."""
    each = beats(cfg, x)
    intervals = each[1:] if cfg.accumulate else np.maximum(each[1:], cfg.rows)
    return int(cfg.latency - cfg.beats + each[0] + cfg.rows + intervals.sum())


def unit_exponent(cfg: Config, e_x: ArrayLike, e_d: ArrayLike) -> Ints:
    """Return the exponent of one count: a count y stands for y 2**(e_x + e_d - k)."""
    return np.asarray(e_x, dtype=np.int64) + np.asarray(e_d, dtype=np.int64) - cfg.stream_log2


def accumulate(
    cfg: Config, y: ArrayLike, exponent: ArrayLike, n_vectors_before: int = 0
) -> tuple[Ints, bool]:
    """Add V results into accumulators that start at 0.

    acc <- sat(acc + y shifted by exponent - acc_exponent). A left shift is exact; a right shift
    rounds down, or adds a random rho in [0, 2**shift) first. One random word serves all cells of a
    pair: its top bits are rho.

    Parameters
    ----------
    y
        Counts [V, M, N].
    exponent
        Their units [V], from :func:`unit_exponent`.
    n_vectors_before
        Pairs accumulated since the last reset: the rounding register runs on through read-outs.

    Returns
    -------
    int64[M, N], and whether any addition saturated.
    """
    if cfg.accumulate is None:
        raise ValueError("essop.accumulate is None: there are no accumulators")
    y = np.asarray(y, dtype=np.int64)
    high = (1 << (cfg.accumulate - 1)) - 1
    acc, saturated = np.zeros(y.shape[1:], dtype=np.int64), False
    rounding = rounding_words(cfg, len(y), n_vectors_before)
    for counts, unit, word in zip(y, np.asarray(exponent).tolist(), rounding, strict=True):
        total = acc + shifted(cfg, counts, unit - cfg.acc_exponent, int(word))
        acc = np.clip(total, -high - 1, high)
        saturated |= bool((acc != total).any())
    return acc, saturated


def outer(x: ArrayLike, delta: ArrayLike, cfg: Config, n_vectors_before: int = 0) -> Floats:
    """Return ESSOP's estimate of the outer product of each pair of real vectors.

    The whole method: block exponents, bits, counts, signs, scale. A drop-in for
    ``np.einsum("vm,vn->vmn", x, delta)``.

    Parameters
    ----------
    x, delta
        float64[V, M] and float64[V, N], finite.
    cfg
        Configuration with M rows and N columns.
    n_vectors_before
        Pairs that the free-running sources have already served.

    Returns
    -------
    float64[V, M, N]
    """
    (x_int, sx, e_x), (d_int, sd, e_d) = (quantise(v, cfg.width) for v in (x, delta))
    counts = model(cfg, x_int, sx, d_int, sd, n_vectors_before)
    return np.ldexp(counts.astype(np.float64), unit_exponent(cfg, e_x, e_d)[:, None, None])


def update(x: ArrayLike, delta: ArrayLike, cfg: Config, n_vectors_before: int = 0) -> Floats:
    """Return the sum of :func:`outer` over the pairs, float64[M, N], without forming them.

    What a batch adds to a weight matrix. The sum over pairs and bits of a_i[n] b_j[n], scaled, is
    one matrix product of the streams; it is exact as long as the pairs' units lie within 2**30 of
    each other, since float64 then holds every partial sum.
    """
    (x_int, sx, e_x), (d_int, sd, e_d) = (quantise(v, cfg.width) for v in (x, delta))
    r, s = bits(cfg, len(x_int), n_vectors_before)
    unit = np.ldexp(1.0, unit_exponent(cfg, e_x, e_d))[:, None]
    a = _weighted_stream(cfg, r, x_int, _unit(sx))
    b = _weighted_stream(cfg, s, d_int, _unit(sd) * unit)
    return a.T @ b


def _weighted_stream(cfg: Config, source: Ints, operand: Ints, weight: NDArray[Any]) -> Floats:
    """Return float64[V * BL, lanes]: a lane's weight where its bit is one, else 0."""
    source = source[:, :, None] if source.ndim == 2 else source
    narrow = operand.astype(np.int32)[:, None, :]
    stream = bitstream.ones(cfg.sng, source.astype(np.int32), narrow, cfg.width).astype(np.float64)
    if (weight != 1).any():  # activations behind a ReLU have no signs
        stream *= weight[:, None, :]
    return stream.reshape(-1, operand.shape[1])


def max_right_shift(cfg: Config) -> int:
    """Return the right shift beyond which every count vanishes the same way."""
    return cfg.lfsr_width + cfg.count_bits


def shifted(cfg: Config, counts: Ints, left: int, word: int) -> Ints:
    """Return counts brought to the accumulators' unit; ``word`` is the pair's random word."""
    assert cfg.accumulate is not None
    if left >= 0:
        return counts << min(left, cfg.accumulate)
    right = min(-left, max_right_shift(cfg))
    rho = (word << right) >> cfg.lfsr_width if cfg.acc_rounding == "stochastic" else 0
    return (counts + rho) >> right


def rounding_words(cfg: Config, n: int, before: int = 0) -> Ints:
    """Return the words of the rounding register, one per pair, int64[n].

    The second polynomial from the first seed, L steps per pair: apart from both sources.
    """
    step = lfsr.leap_matrix(cfg.lfsr_width, cfg.taps(1), cfg.lfsr_width)
    first = np.array([cfg.seeds[0]], dtype=np.int64)
    return lfsr.walk(step, lfsr.jump(step, before, first), n)[:, 0]


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 64) -> dict[str, Ints]:
    """Return pairs as a network has them, and corners: zero, full scale, one lane, alternating.

    Rectified normal activations and Laplace gradients, block-scaled to the whole range.
    """
    top = 1 << cfg.width
    real_x = np.maximum(rng.normal(size=(n_vectors, cfg.rows)), 0)
    x, sx, e_x = quantise(real_x, cfg.width)
    d, sd, e_d = quantise(rng.laplace(size=(n_vectors, cfg.cols)), cfg.width)
    corners = [(0, 0), (top, top), (top, 1), (1, top), (0, top), (top - 1, top - 1)]
    for row, (left, right) in enumerate(corners[:n_vectors]):
        x[row], d[row] = left, right
        sx[row], sd[row] = rng.integers(0, 2, cfg.rows), rng.integers(0, 2, cfg.cols)
    e_x += rng.integers(-3, 4, n_vectors)
    return {"x": x, "sx": sx, "d": d, "sd": sd, "e_x": e_x, "e_d": e_d}
