"""What every matrix-vector product checks alike, and computes alike: y = W^T x in integers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints, int64
from nomul.golden.products.packed import Packed
from nomul.golden.spimc.config import bits_for

# Bits of the sticky error register of a member that has no register of its own, least significant
# first, and what each says.
RULES = {
    "E_SHORT": "A tile had too few words, and is not there.",
    "E_LONG": "A tile had too many words, and is not there.",
    "E_NOTLOADED": "A vector came without a tile.",
    "E_XSHORT": "A vector had too few activations, and gave no sums.",
    "E_XLONG": "A vector had too many activations, and gave no sums.",
}
FLAGS = tuple(RULES)

# Integers below this are exact in float64, whose matrix product is fast.
_EXACT = 1 << 53


class TooFull(ValueError):
    """A tile has more entries than the member stores: fewer rows of it may fit."""


def code_range(bits: int, signed: bool = True) -> tuple[int, int]:
    """Return the least and the greatest code of so many bits."""
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def sum_bits(inputs: int, weight_bits: int, act_bits: int, signed: bool = True) -> int:
    """Return the bits of a signed sum of ``inputs`` products that holds the worst of them.

    WB + AB + ceil(log2 K) where at least one operand is two's complement; otherwise those of
    K (2^WB - 1) (2^AB - 1), and a sign.
    """
    if signed:
        return weight_bits + act_bits + bits_for(inputs)
    return (inputs * ((1 << weight_bits) - 1) * ((1 << act_bits) - 1)).bit_length() + 1


def integers(name: str, values: ArrayLike) -> Ints:
    """Return an array as int64, or raise TypeError: nothing is rounded or cast silently."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must be an array: its rows are of different lengths") from None
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, not {array.dtype}")
    return int64(name, array)


def matrix(cfg: Any, w: ArrayLike, bounds: tuple[int, int]) -> Ints:
    """Return weights as int64[inputs, outputs].

    Raises
    ------
    TypeError
        They are not integers.
    ValueError
        The shape is another one, or a weight is out of bounds; the message has row, column, value.
    """
    w, name = integers("w", w), cfg.block_name
    if w.shape != (cfg.inputs, cfg.outputs):
        shape = [cfg.inputs, cfg.outputs]
        raise ValueError(f"{name}: w must be of shape {shape}, not {list(w.shape)}")
    refuse_outside(name, "w", w, bounds)
    return w


def refuse_outside(name: str, what: str, values: Ints, bounds: tuple[int, int]) -> None:
    """Raise ValueError with the place of the first value that is out of bounds, if there is one."""
    low, high = bounds
    outside = np.argwhere((values < low) | (values > high))
    if len(outside):
        place = tuple(int(i) for i in outside[0])
        raise ValueError(
            f"{name}: {what}{list(place)} must be in {low}..{high}, not {values[place]}"
        )


def hold(packed: Packed, name: str, shape: tuple[int, ...], bounds: tuple[int, int]) -> None:
    """Replace an array of a tile by int64, or refuse it: a tile may come from any file.

    Raises
    ------
    TypeError
        It is not of integers.
    ValueError
        The shape is another one, or a value is out of bounds; the message has the place and value.
    """
    array = integers(name, getattr(packed, name))
    if array.shape != shape:
        raise ValueError(
            f"{packed.member}: {name} must be of shape {list(shape)}, not {list(array.shape)}"
        )
    refuse_outside(packed.member, name, array, bounds)
    object.__setattr__(packed, name, array)


def shaped(cfg: Any, x: ArrayLike) -> Ints:
    """Return activations of any value as int64[V, inputs]; errors as for :func:`matrix`."""
    x = integers("x", x)
    if x.ndim != 2 or x.shape[1] != cfg.inputs:
        raise ValueError(
            f"{cfg.block_name}: x must be of shape [V, {cfg.inputs}], not {list(x.shape)}"
        )
    return x


def vectors(cfg: Any, x: ArrayLike, bounds: tuple[int, int]) -> Ints:
    """Return activations as int64[V, inputs]; errors as for :func:`matrix`."""
    x = shaped(cfg, x)
    refuse_outside(cfg.block_name, "x", x, bounds)
    return x


def activations(cfg: Any, x: ArrayLike) -> Ints:
    """Return activations of ``cfg.act_bits`` as int64[V, inputs]; errors as for :func:`matrix`."""
    return vectors(cfg, x, code_range(cfg.act_bits, cfg.act_signed))


def in_parts(cfg: Any, x: ArrayLike, parts: int, length: int) -> Ints:
    """Return activations as int64[V, parts, length]; what is beyond the last input is zero."""
    given = activations(cfg, x)
    padded = np.zeros((len(given), parts * length), dtype=np.int64)
    padded[:, : cfg.inputs] = given
    return padded.reshape(len(given), parts, length)


def product(x: Ints, w: Ints) -> Ints:
    """Return x @ w exactly: through float64 where no sum can leave its integers."""
    largest = int(np.abs(x).max(initial=0)) * int(np.abs(w).max(initial=0)) * max(1, len(w))
    if largest < _EXACT:
        return np.asarray(x.astype(np.float64) @ w.astype(np.float64)).astype(np.int64)
    return np.asarray(x @ w)


def model(cfg: Any, packed: Packed, x: ArrayLike) -> Ints:
    """Return y = W^T x, int64[V, outputs], of activations x int[V, inputs]."""
    x, w = activations(cfg, x), packed.weights()
    if w.shape != (cfg.inputs, cfg.outputs):
        shape = [cfg.inputs, cfg.outputs]
        raise ValueError(f"{cfg.block_name}: the tile must be of {shape}, not {list(w.shape)}")
    return product(x, w)


def cycles(cfg: Any, packed: Packed, x: ArrayLike) -> int:
    """Return the cycles from the first activation of all vectors to the last sum."""
    return int(cfg.cycles(len(shaped(cfg, x))))


def half_to_even(numerator: Ints, denominator: Ints) -> Ints:
    """Return quotients of integers and positive integers, rounded half to even, exactly."""
    below = numerator // denominator
    twice = 2 * (numerator - below * denominator)
    up = (twice > denominator) | ((twice == denominator) & (below % 2 == 1))
    return np.asarray(below + up)


def means(values: Ints, numbers: Ints, count: int, bounds: tuple[int, int]) -> Ints:
    """Return the mean of the values of each number, int64[count]: what stands for all of them.

    Parameters
    ----------
    values
        Integers of any size.
    numbers
        int64 of the same shape, 0..count-1 each. The mean of none is zero.
    bounds
        The least and the greatest mean, to which it is clipped after it was rounded half to even.
    """
    largest = max(int(values.max(initial=0)), -int(values.min(initial=0)))
    # Of what does not fit 62 bits Python's own integers are added up.
    kind: type[Any] = np.int64 if largest * max(1, values.size) < 1 << 62 else object
    sums, counts = np.zeros(count, dtype=kind), np.zeros(count, dtype=np.int64)
    np.add.at(sums, numbers, values.astype(kind))
    np.add.at(counts, numbers, 1)
    near = half_to_even(sums, np.maximum(counts, 1).astype(kind))
    return np.clip(near, *bounds).astype(np.int64)


def ideal(w: ArrayLike, x: ArrayLike) -> Floats:
    """Return y = W^T x in float64: [V, outputs] of w [inputs, outputs] and x [V, inputs]."""
    return np.asarray(x, dtype=np.float64) @ np.asarray(w, dtype=np.float64)


def corners(
    rng: np.random.Generator, shape: tuple[int, int], bounds: tuple[int, int], n: int = 6
) -> list[Ints]:
    """Return ``n`` matrices: all least, all greatest, all of bounds only, zero, sparse, any."""
    low, high = bounds
    free = rng.integers(low, high + 1, shape)
    zero = min(max(0, low), high)
    made = [
        free,
        np.full(shape, low),
        np.full(shape, high),
        rng.choice(np.array([low, high]), shape),
        np.full(shape, zero),
        np.where(rng.random(shape) < 0.8, zero, free),
    ]
    while len(made) < n:
        made.append(rng.integers(low, high + 1, shape))
    return [m.astype(np.int64) for m in made[:n]]


def corner_vectors(cfg: Any, rng: np.random.Generator, n: int) -> Ints:
    """Return ``n`` vectors of activations, int64[n, inputs]: extremes, zero, any."""
    bounds = code_range(cfg.act_bits, cfg.act_signed)
    return np.concatenate(corners(rng, (1, cfg.inputs), bounds, n))
