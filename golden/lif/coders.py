"""Input coders: pixels to spikes, and nothing random that is not a shift register."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import lfsr
from nomul.golden.arrays import Ints

# direct: the input is spikes already. rate: a random word per pixel and step. rate_shared: one word
# per step for all pixels, as Spiker has it. latency: one spike, the brighter the earlier.
# accumulate: a pixel is added in each step, and spikes as the sum overflows.
Coder = Literal["direct", "rate", "rate_shared", "latency", "accumulate"]
CODERS: tuple[Coder, ...] = get_args(Coder)

LFSR_WIDTH = 16
SEED = 0xACE1


def words(kind: str, inputs: int, steps: int, bits: int) -> Ints:
    """Return the random words that pixels are compared with, int64[steps, inputs].

    The upper ``bits`` of a shift register of :mod:`nomul.golden.lfsr`, ``bits`` steps apart, from
    the same seed for every image.
    """
    count = steps * (inputs if kind == "rate" else 1)
    states = lfsr.sequence(LFSR_WIDTH, lfsr.TAPS[LFSR_WIDTH], SEED, count, bits)
    drawn = states >> (LFSR_WIDTH - bits)
    return np.broadcast_to(drawn.reshape(steps, -1), (steps, inputs))


def levels(steps: int, bits: int) -> list[int]:
    """Return for each step the smallest pixel that has spiked by its end, under ``latency``.

    Pixel x spikes in step ((2^bits - 1 - x) T) div 2^bits; 0 never spikes.
    """
    most = (1 << bits) - 1
    time = [((most - x) * steps) >> bits for x in range(most + 1)]
    return [min(x for x in range(1, most + 2) if x > most or time[x] <= t) for t in range(steps)]


def encode(kind: str, pixels: ArrayLike, steps: int, bits: int) -> Ints:
    """Return the spikes of images.

    Parameters
    ----------
    kind
        One of :data:`CODERS` other than ``direct``.
    pixels
        Integers [..., inputs] of ``bits`` bits.
    steps
        T.

    Returns
    -------
    int64[..., steps, inputs]

    Raises
    ------
    ValueError
        A pixel does not fit, or there is nothing to encode.
    """
    pixels = np.asarray(pixels)
    if pixels.dtype.kind not in "iu":
        raise TypeError(f"pixels must be integers, not {pixels.dtype}")
    if pixels.size and not 0 <= pixels.min() <= pixels.max() < 1 << bits:
        wrong = pixels[(pixels < 0) | (pixels >= 1 << bits)][0]
        raise ValueError(f"pixels must be in 0..{(1 << bits) - 1}, not {wrong}")
    x, t = pixels.astype(np.int64)[..., None, :], np.arange(steps)[:, None]
    match kind:
        case "rate" | "rate_shared":
            return (words(kind, pixels.shape[-1], steps, bits) < x).astype(np.int64)
        case "latency":
            time = (((1 << bits) - 1 - x) * steps) >> bits
            return ((time == t) & (x > 0)).astype(np.int64)
        case "accumulate":
            return ((t + 1) * x >> bits) - (t * x >> bits)
    raise ValueError(f"coder must be one of {', '.join(CODERS[1:])}, not {kind!r}")
