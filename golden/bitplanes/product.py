"""The product of planes: by the weights that the planes make, and read by read as columns are."""

from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.bitplanes.config import Config
from nomul.golden.bitplanes.encoders import level_codes
from nomul.golden.bitplanes.packed import Packed, compress, weight_range
from nomul.golden.products.contract import code_range, corners, product, shaped, vectors


def activations(cfg: Config, x: ArrayLike, encoding: str) -> Ints:
    """Return activations as int64[V, inputs], or raise what names the first that is none."""
    most = (1 << cfg.act_planes) - 1
    if encoding == "and":
        return vectors(cfg, x, code_range(cfg.act_planes, cfg.act_signed))
    x = vectors(cfg, x, (-most, most))
    level_codes(x, cfg.act_planes, "bitplanes: x")
    return x


def act_codes(cfg: Config, x: Ints, encoding: str) -> Ints:
    """Return the bits of activations as numbers of A bits: what the stream ``x`` carries."""
    most = (1 << cfg.act_planes) - 1
    return (x + most) >> 1 if encoding == "xnor" else x & most


def _used(packed: Packed, planes_used: int | None, rounded: bool) -> int:
    planes = packed.cfg.weight_planes
    used = planes if planes_used is None else planes_used
    if not 1 <= used <= planes:
        raise ValueError(f"bitplanes: planes_used must be in 1..{planes}, not {used!r}")
    if rounded and packed.encoding == "xnor":
        raise ValueError("bitplanes: round must be False under xnor, whose top digits are unbiased")
    return used


@overload
def model(
    cfg: Config,
    packed: Packed,
    x: ArrayLike,
    planes_used: int | None = None,
    round: bool = False,
    *,
    with_clips: Literal[False] = False,
) -> Ints: ...


@overload
def model(
    cfg: Config,
    packed: Packed,
    x: ArrayLike,
    planes_used: int | None = None,
    round: bool = False,
    *,
    with_clips: Literal[True],
) -> tuple[Ints, int]: ...


def model(
    cfg: Config,
    packed: Packed,
    x: ArrayLike,
    planes_used: int | None = None,
    round: bool = False,
    *,
    with_clips: bool = False,
) -> Ints | tuple[Ints, int]:
    """Return y = x @ w_u in units of full precision, int64[V, outputs].

    Parameters
    ----------
    packed
        A tile, of ``cfg`` or of fewer weight planes.
    x
        int[V, inputs]: codes of ``act_planes`` bits under ``and``, odd levels under ``xnor``.
    planes_used
        u, weight planes from the top that count; all if None.
    round
        Add 2^(r - 1) sum(x) where r = B - u planes are left out: the mean of what they would add.
    with_clips
        Also return how many reads the converter clipped.

    Raises
    ------
    TypeError, ValueError
        An activation is out of range, or even under ``xnor``; ``planes_used`` is not in 1..B;
        ``round`` is asked of ``xnor``.
    """
    used = _used(packed, planes_used, round)
    x = activations(cfg, x, packed.encoding)
    clips = 0
    if cfg.adc_bits is None:
        y = product(x, packed.weights(used))
    else:
        y, clips = model_by_reads(cfg, packed, x, used)
    rest = packed.cfg.weight_planes - used
    if round and rest:
        y = y + (x.sum(axis=1, keepdims=True) << (rest - 1))
    return (y, clips) if with_clips else y


def model_by_reads(
    cfg: Config, packed: Packed, x: ArrayLike, planes_used: int | None = None
) -> tuple[Ints, int]:
    """Return the sums without rounding, and the clips, read by read as the hardware works.

    A read adds, over the lanes of a chunk, the planes of a slice where an activation's bit is one,
    or is the same under ``xnor``; the converter clips it; its sign and weight come afterwards.
    """
    used, encoding = _used(packed, planes_used, False), packed.encoding
    x = activations(cfg, x, encoding)
    acts, planes = cfg.act_planes, packed.cfg.weight_planes
    codes = act_codes(cfg, x, encoding)
    most = None if cfg.adc_bits is None else (1 << cfg.adc_bits) - 1
    y, clips = np.zeros((len(x), cfg.outputs), dtype=np.int64), 0
    for read in cfg.reads(planes, used, encoding):
        for start in range(0, cfg.inputs, cfg.width):
            rows = slice(start, start + cfg.width)
            for plane in range(acts):
                bits = (codes[:, rows] >> plane) & 1
                total = np.zeros_like(y)
                for number in read:
                    weights = (packed.codes[rows] >> number) & 1
                    same = product(bits, weights)
                    if encoding == "xnor":
                        same = same + product(1 - bits, 1 - weights)
                    total += same << (number % cfg.slice_planes)
                if most is not None:
                    clips += int((total > most).sum())
                    total = np.minimum(total, most)
                minus = encoding == "and" and (
                    (cfg.act_signed and plane == acts - 1)
                    != (cfg.weight_signed and read == (planes - 1,))
                )
                unit = plane + read[0] // cfg.slice_planes * cfg.slice_planes
                y += (-total if minus else total) << unit
    if encoding == "xnor":
        rest = planes - used
        y = 2 * y - ((cfg.inputs * ((1 << acts) - 1) * ((1 << used) - 1)) << rest)
    return y, clips


def cycles(
    cfg: Config,
    packed: Packed,
    x: ArrayLike,
    planes_used: int | None = None,
    act_planes: int | None = None,
) -> int:
    """Return the cycles from the first activation of all vectors to the last sum.

    ``cfg`` is the array's; a tile may have fewer planes, and activations ``act_planes`` digits.
    """
    used = _used(packed, planes_used, False)
    acts = cfg.act_planes if act_planes is None else act_planes
    steps = cfg.steps(acts, packed.cfg.weight_planes, used, packed.encoding)
    return cfg.cycles_of(len(shaped(cfg, x)), steps)


def stimuli(
    cfg: Config, rng: np.random.Generator, n_vectors: int = 8, encoding: str | None = None
) -> dict[str, Any]:
    """Return a tile ``packed`` of random weights, and vectors ``x``: extremes, zero, any.

    In the first of the encodings that the hardware has, unless one is named.
    """
    encoding = encoding or cfg.encodings[0]
    low, high = weight_range(cfg, encoding)
    step = 2 if encoding == "xnor" else 1
    w = low + step * rng.integers(0, (high - low) // step + 1, (cfg.inputs, cfg.outputs))
    bounds = code_range(cfg.act_planes, cfg.act_signed and encoding == "and")
    x = np.concatenate(corners(rng, (1, cfg.inputs), bounds, n_vectors))
    if encoding == "xnor":
        x = 2 * x - ((1 << cfg.act_planes) - 1)
    return {"packed": compress(cfg, w, encoding), "x": x}
