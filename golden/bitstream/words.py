"""Words of bitstream sources: fixed sequences, registers, and how lanes make bits of them."""

from typing import Any

import numpy as np

from nomul.golden import lfsr
from nomul.golden.arrays import Ints, count
from nomul.golden.bitstream.config import Side, Streams

# Direction numbers of the second dimension of Sobol's sequence (Joe and Kuo 2008, m_k of x + 1).
SOBOL_M = (1, 3, 5, 15, 17, 51, 85, 255)

# Under `rotate`, lanes beyond the word's own rotations differ by multiples of this constant.
LANE_STEP = 0x9D


def ones(sng: str, word: Any, operand: Any, width: int) -> Any:
    """Return the bits that a stochastic number generator makes of words and operands.

    Over all words 0 .. 2**W - 1 an operand X in 0 .. 2**W gets X ones either way. The comparator
    gives one for the words below X. The weighted binary generator (Gupta and Kumaresan 1988) picks
    the operand's bit at the place of the word's leading one, which is k with probability
    2**(k - W); its lanes share the search for that place.

    Parameters
    ----------
    sng
        ``comparator`` or ``wbg``.
    word, operand
        Arrays of integers whose shapes broadcast; at most 2**W for operands.
    width
        W.
    """
    if sng == "comparator":
        return word < operand
    places = leading_one(width).astype(word.dtype) | (1 << width)
    return (operand & places[word]) != 0


def leading_one(width: int) -> Ints:
    """Return for each word of ``width`` bits its leading one alone, 0 for 0: int64[2**W]."""
    exponent = np.frexp(np.arange(1 << width))[1].astype(np.int64)
    return (1 << exponent) >> 1


def reverse(word: Any, width: int) -> Any:
    """Return ``word`` (an integer or an array of them) with its ``width`` bits in reverse order."""
    result = word * 0
    for j in range(width):
        result |= ((word >> j) & 1) << (width - 1 - j)
    return result


def rotate_left(word: Any, by: int, width: int) -> Any:
    """Return ``word`` rotated towards its most significant bit."""
    by %= width
    return ((word << by) | (word >> (width - by))) & ((1 << width) - 1)


def points(cfg: Streams) -> tuple[Ints, Ints]:
    """Return the fixed sequences of a counted source, before any scramble.

    Van der Corput: the rows count evenly through 0 .. 2**W - 1, the columns count in reversed
    bits. Sobol: both sides by Gray code from 0, so that point n is the XOR of the direction
    numbers at the ones of n XOR (n >> 1). Both are linear over GF(2) in n, which the hardware uses.
    The rows keep their log2 R leading bits, which is linear too.

    Returns
    -------
    (int64[BL], int64[BL])
    """
    rows, cols = _whole_points(cfg)
    return rows >> cfg.row_low << cfg.row_low, cols


def _whole_points(cfg: Streams) -> tuple[Ints, Ints]:
    """Return the sequences of both sides before the rows' is cut."""
    width, n = cfg.width, np.arange(cfg.stream_bits)
    if cfg.source.startswith("vdc"):
        return (n << width) // cfg.stream_bits, reverse(n, width)
    gray = n ^ (n >> 1)
    rows, cols = np.zeros_like(n), np.zeros_like(n)
    for k in range(min(width, cfg.stream_log2)):
        bit = (gray >> k) & 1
        rows ^= bit << (width - 1 - k)
        cols ^= bit * (SOBOL_M[k] << (width - 1 - k))
    return rows, cols


def ordered_points(cfg: Streams) -> Ints:
    """Return the columns' words in ascending order of the rows' words, before any scramble.

    Word m belongs to the point whose row word, uncut, is m 2**W / BL. As a composition of linear
    maps it is linear in m too, and a scramble P of the rows permutes m by its top bits alone: the
    columns' word is then point(m XOR P_top) XOR Q = point(m) XOR point(P_top) XOR Q. Among words
    of the rows that are equal the order does not matter.

    Returns
    -------
    int64[BL]
    """
    rows, cols = _whole_points(cfg)
    return cols[np.argsort(rows)]


def words(cfg: Streams, n_vectors: int, n_vectors_before: int = 0) -> tuple[Ints, Ints]:
    """Return the words of both sides for ``n_vectors`` vectors.

    Parameters
    ----------
    n_vectors
        V, vectors to generate.
    n_vectors_before
        Vectors that the free-running registers have already served.

    Returns
    -------
    r, s
        int64[V, BL] under ``pair``, else int64[V, BL, rows] and int64[V, BL, cols]; each word in
        0 .. 2**W - 1.
    """
    r, s = (_side(cfg, side, n_vectors, n_vectors_before) for side in Side)
    return r, s


def _side(cfg: Streams, side: int, n_vectors: int, before: int) -> Ints:
    shared = _register_words(cfg, side, n_vectors, before)  # [V, BL, registers]
    if cfg.share == "pair":
        return shared[:, :, 0]
    if cfg.share == "lane":
        return shared
    lanes = [
        rotate_left(shared[:, :, 0], lane, cfg.width) ^ lane_mask(cfg, lane)
        for lane in range(cfg.lanes(side))
    ]
    return np.stack(lanes, axis=2)


def lane_mask(cfg: Streams, lane: int) -> int:
    """Return what lane ``lane`` XORs onto its rotation of the word under ``rotate``."""
    return (lane // cfg.width) * LANE_STEP % (1 << cfg.width)


def _register_words(cfg: Streams, side: int, n_vectors: int, before: int) -> Ints:
    """Return int64[V, BL, registers]: the words before they are spread over the lanes."""
    if cfg.counted:
        fixed = points(cfg)[side]
        if not cfg.scrambled:
            return np.broadcast_to(fixed[None, :, None], (n_vectors, cfg.stream_bits, 1))
        states = _states(cfg, side, n_vectors, before)
        return fixed[None, :, None] ^ take(cfg, side, states)[:, None, :]
    states = _states(cfg, side, n_vectors * cfg.stream_bits, before * cfg.stream_bits)
    return take(cfg, side, states).reshape(n_vectors, cfg.stream_bits, -1)


def _states(cfg: Streams, side: int, n: int, before: int) -> Ints:
    """Return int64[n, registers]: the states that a side's registers pass through."""
    step = lfsr.leap_matrix(cfg.lfsr_width, cfg.taps(cfg.register(side)), cfg.step)
    seeds = np.array(cfg.lane_seeds(side), dtype=np.int64)
    return lfsr.walk(step, lfsr.jump(step, before, seeds), n)


def take(cfg: Streams, side: int, state: Any) -> Any:
    """Return the word that a side reads from a register: W bits of the state.

    The top W bits; for the columns of a scrambled source the next W; for the columns of
    ``lfsr_shared`` the top W of the permuted state.
    """
    length, width = cfg.lfsr_width, cfg.width
    if side and cfg.source == "lfsr_shared":
        state = (
            reverse(state, length)
            if cfg.permute == "reverse"
            else rotate_left(state, length // 2, length)
        )
    skipped = width if side and cfg.scrambled else 0
    return (state >> (length - width - skipped)) & ((1 << width) - 1)


def ideal(cfg: Streams, rng: np.random.Generator, n_vectors: int) -> tuple[Ints, Ints]:
    """Return independent uniform words for every lane: what the sources stand in for."""
    high, shape = 1 << cfg.width, (n_vectors, cfg.stream_bits)
    r = rng.integers(0, high, (*shape, cfg.rows))
    s = rng.integers(0, high, (*shape, cfg.cols))
    return r, s


def model(cfg: Streams, n: int) -> tuple[Ints, Ints]:
    """Return the words of ``n`` beats as the hardware sends them: [n, U * lanes] per side.

    Within a beat the words of one lane are neighbours, in the order of their use.
    """
    n = count("n", n)
    vectors = -(-n // cfg.beats)
    sides = []
    for side, array in enumerate(words(cfg, vectors)):
        lanes = cfg.lanes(side)
        beat = array.reshape(vectors * cfg.beats, cfg.bits_per_cycle, lanes)[:n]
        sides.append(beat.transpose(0, 2, 1).reshape(n, -1))
    return sides[0], sides[1]


def stimuli(cfg: Streams, rng: np.random.Generator) -> dict[str, int]:
    """Return how many beats to ask for: those of a few vectors and one of the next."""
    return {"n": cfg.beats * int(rng.integers(2, 20)) + 1}
