"""SONIC: sparse vector dot products, zeros dropped on one side and gated on the other.

After Sunny, Nikdast, Pasricha, "SONIC: A Sparse Neural Network Inference Accelerator with Silicon
Photonics for Energy-Efficient Deep Learning", ASP-DAC 2022, arXiv 2109.04459. Everything digital is
modelled to the bit; the optics between the converters is a device model, see ``sonic_device``.
"""

import dataclasses
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import codebook as codes_of
from nomul.golden import compactor, config
from nomul.golden.codebook import fits, integers
from nomul.golden.sonic_cluster import cluster, levels
from nomul.golden.sonic_device import device
from nomul.golden.sonic_post import post, rne

Ints = NDArray[np.int64]

__all__ = ["Config", "Result", "cluster", "conv", "device", "fc", "ideal", "levels", "model"]
__all__ += ["post", "quantise", "rne", "stimuli"]

# Every product sum stays below 2**53, so float64 matrix products are exact.
_EXACT_BITS = 52


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of the accelerator.

    Parameters
    ----------
    act_bits, level_bits, code_bits
        Bits of a signed activation, of a signed level of the codebook, and of a weight's code.
    conv_lanes, fc_lanes
        n and m, elements per dot product of a CONV and of an FC unit.
    conv_units, fc_units
        N and K, units of each kind.
    compactor_width
        P, elements per beat into the zero compactors.
    adc_bits, adc_shift
        Partial sums are rounded to even to a multiple of 2**adc_shift and saturate at adc_bits;
        None is exact.
    conv_resolution, fc_resolution
        Bits of an operand that wavelength crosstalk leaves; None: all of them.
    batchnorm_bits
        Bits of a signed batch-norm scale.
    max_length
        Longest vector or unrolled kernel.
    acc_bits
        Bits of the accumulators; None takes what ``max_length`` needs.
    address_bits
        Bits of an image address and of the counts of rows, kernels and windows of a task.
    """

    act_bits: int = 16
    level_bits: int = 16
    code_bits: int = 6
    conv_lanes: int = 5
    fc_lanes: int = 50
    conv_units: int = 50
    fc_units: int = 10
    compactor_width: int = 8
    adc_bits: int | None = None
    adc_shift: int = 0
    conv_resolution: int | None = None
    fc_resolution: int | None = None
    batchnorm_bits: int = 16
    max_length: int = 4096
    acc_bits: int | None = None
    address_bits: int = 16

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {
            "act_bits": 8,
            "level_bits": 8,
            "code_bits": 4,
            "conv_lanes": 3,
            "fc_lanes": 6,
            "conv_units": 4,
            "fc_units": 3,
            "compactor_width": 4,
            "batchnorm_bits": 8,
            "max_length": 128,
            "address_bits": 10,
        },
        "paper": {},
    }

    def validate(self) -> None:
        """Check the ranges, and that no accumulator can wrap."""
        for name, most in (("act_bits", 16), ("level_bits", 16), ("batchnorm_bits", 18)):
            self.check_range(name, 2, most)
        self.check_range("code_bits", 1, 10)
        self.check(
            "code_bits", self.code_bits <= self.level_bits, f"at most level_bits {self.level_bits}"
        )
        for name in ("conv_lanes", "fc_lanes", "conv_units", "fc_units"):
            self.check_range(name, 1, 256)
        self.check_range("compactor_width", 1, 64)
        if self.adc_bits is not None:
            self.check_range("adc_bits", 2, 24)
        self.check_range("adc_shift", 0, 40)
        for name in ("conv_resolution", "fc_resolution"):
            if getattr(self, name) is not None:
                self.check_range(name, 2, 16)
        self.check_range("max_length", 1, 65536)
        self.check_range("address_bits", 1, 24)
        if self.acc_bits is not None:
            self.check_range("acc_bits", self.needed_bits, 48)
        self.check(
            "batchnorm_bits",
            self.sum_bits + self.batchnorm_bits <= 62,
            f"at most 62 less the accumulator's {self.sum_bits} bits",
        )

    @property
    def needed_bits(self) -> int:
        """Bits of an accumulator that holds the sum of ``max_length`` products, whatever they are.

        With an ADC, that of as many conversions as the unit with fewer lanes needs.
        """
        if self.adc_bits is None:
            return self.act_bits + self.level_bits + (self.max_length - 1).bit_length()
        passes = -(-self.max_length // min(self.conv_lanes, self.fc_lanes))
        return self.adc_bits + (passes - 1).bit_length()

    @property
    def sum_bits(self) -> int:
        """Bits of an accumulator."""
        return self.acc_bits or self.needed_bits

    @property
    def bias_bits(self) -> int:
        """Bits of a batch-norm bias, which is added to y times scale."""
        return self.sum_bits + self.batchnorm_bits

    def lanes(self, kind: str) -> int:
        """Return n or m, for ``conv`` or ``fc``."""
        return {"conv": self.conv_lanes, "fc": self.fc_lanes}[kind]

    def units(self, kind: str) -> int:
        """Return N or K, for ``conv`` or ``fc``."""
        return {"conv": self.conv_units, "fc": self.fc_units}[kind]

    def resolution(self, kind: str) -> int | None:
        """Return the bits of an operand that crosstalk leaves, for ``conv`` or ``fc``."""
        return {"conv": self.conv_resolution, "fc": self.fc_resolution}[kind]

    @property
    def latency(self) -> int:
        """Cycles beside compaction and rounds, with a memory that answers in the next cycle.

        Two in the compactor, one to store the last chunk, one to start, one to fetch, and six in
        the units: operands, products, sum, conversion, batch norm, pooling.
        """
        return 11

    @property
    def interval(self) -> int:
        """II, cycles between two rounds."""
        return 1

    def cycles(self, n: int, beats: int = 1, vectors: int = 1) -> int:
        """Cycles of a task: from the first beat of its first vector to its last result, inclusive.

        Without stalls, and with a memory that answers in the cycle after it was asked.

        Parameters
        ----------
        n
            Rounds; an all-zero vector takes as many as one with a single chunk.
        beats
            Beats in of all vectors, ceil(J / P) each, and the waits of the compactor: see
            :meth:`beats`.
        vectors
            Kernels of a convolution; 1 for a fully connected layer.
        """
        between = self.latency - 6  # the units empty while the next kernel comes in
        return beats + n * self.interval + (vectors - 1) * between + self.latency

    def beats(self, kind: str, vectors: ArrayLike) -> int:
        """Return the cycles that compaction of vectors [V, J] (activations, or levels) takes.

        ceil(J / P) each where L is at least P and the last beat does not fill two chunks.
        """
        packer = compactor.Config(
            width=self.compactor_width,
            lanes=self.lanes(kind),
            max_length=self.max_length,
        )
        return sum(compactor.slots(packer, vector != 0) for vector in np.atleast_2d(vectors))


@dataclasses.dataclass(frozen=True)
class Result:
    """What a layer gives, and what its units did.

    Attributes
    ----------
    y
        Sums before batch norm and ReLU, int64.
    passes
        Dot products of L lanes, over all units.
    rounds
        Passes that units do at the same time count once.
    active, gated, pad
        Lanes whose sparse side is not 0, is 0, and that hold nothing; passes times L in all.
    saturations
        Conversions that the ADC clipped.
    kind
        ``fc`` or ``conv``.
    unloaded
        Whether a code stood for no level and counted as 0.
    """

    y: Ints
    passes: int
    rounds: int
    active: int
    gated: int
    pad: int
    saturations: int
    kind: str = ""
    unloaded: bool = False


def quantise(cfg: Config, partial: Ints) -> tuple[Ints, int]:
    """Return ADC codes clip(rne(p 2^-shift), -2^(B-1), 2^(B-1)-1), and how many were clipped."""
    if cfg.adc_bits is None:
        return partial, 0
    high = (1 << (cfg.adc_bits - 1)) - 1
    rounded = rne(partial, cfg.adc_shift)
    clipped = np.clip(rounded, -high - 1, high)
    return clipped, int((clipped != rounded).sum())


def resolved(values: Ints, bits: int, resolution: int | None) -> Ints:
    """Return operands of ``bits`` bits as a bank of ``resolution`` bits holds them.

    Rounded to even to a multiple of 2**(bits - resolution), and saturated there.
    """
    if resolution is None or resolution >= bits:
        return values
    high = (1 << (resolution - 1)) - 1
    drop = bits - resolution
    return np.clip(rne(values, drop), -high - 1, high) << drop


def fc(cfg: Config, codes: ArrayLike, codebook: ArrayLike, a: ArrayLike) -> Result:
    """Return a fully connected layer: zeros of the activations dropped, those of weights gated.

    With keep = {j: a_j != 0} in order and its q-th chunk of m, p[i, q] = sum cb[c[i, j]] a_j and
    y_i = sum_q p[i, q], each p converted first where there is an ADC.

    Parameters
    ----------
    codes
        int[R, J], codes of the weights.
    codebook
        int[<= 2**code_bits], levels; the first is 0. Codes beyond it count as 0.
    a
        int[J], or int[B, J] for a batch.

    Returns
    -------
    Result
        y of int64[R], or int64[B, R].

    Raises
    ------
    TypeError, ValueError
        A shape or a value does not fit; the message names it.
    """
    looked = codes_of.model(_codebook(cfg), codebook, codes)
    weights, a = looked.level, integers("a", a)
    _length(cfg, "codes", weights, 2, weights.shape[-1:])
    fits("a", a, cfg.act_bits)
    if a.ndim not in (1, 2) or a.shape[-1] != weights.shape[1]:
        raise ValueError(f"a must be of shape [{weights.shape[1]}], not {list(a.shape)}")
    vectors = a.reshape(-1, a.shape[-1])
    met = looked.unloaded & (vectors != 0).any(axis=0)
    result = _dot(cfg, "fc", vectors, weights, cfg.act_bits, cfg.level_bits)
    return dataclasses.replace(
        result, y=result.y.reshape(*a.shape[:-1], -1), unloaded=bool(met.any())
    )


def conv(
    cfg: Config, kernel_codes: ArrayLike, codebook: ArrayLike, image: ArrayLike, pool: int = 1
) -> Result:
    """Return a convolution: zeros of the kernels dropped, those of the patches gated.

    No flip, stride 1, no padding; kernels and patches are unrolled channel by channel, row by row.

    Parameters
    ----------
    kernel_codes
        int[O, I, kh, kw], or int[kh, kw] for one of each.
    codebook
        As for :func:`fc`.
    image
        int[I, H, W], int[H, W], or int[B, I, H, W] for a batch.
    pool
        1, or 2: units take windows of 2 x 2 positions, one position after the other, and leave out
        the last row and column of odd sizes. Counts differ, sums do not.

    Returns
    -------
    Result
        y of int64[O, OH, OW], or int64[B, O, OH, OW].

    Raises
    ------
    TypeError, ValueError
        A shape or a value does not fit; the message names it.
    """
    looked = codes_of.model(_codebook(cfg), codebook, kernel_codes)
    kernels, image = looked.level, integers("image", image)
    kernels = kernels[None, None] if kernels.ndim == 2 else kernels
    _length(cfg, "kernel_codes", kernels, 4, kernels.shape[1:])
    fits("image", image, cfg.act_bits)
    single = image.ndim < 4
    image = image[None] if image.ndim == 2 else image
    image = image[None] if image.ndim == 3 else image
    out, channels, kh, kw = kernels.shape
    if image.ndim != 4 or image.shape[1] != channels:
        raise ValueError(f"image must be of shape [{channels}, H, W], not {list(image.shape[1:])}")
    if image.shape[2] < kh or image.shape[3] < kw:
        raise ValueError(f"image of {list(image.shape[2:])} is smaller than the kernel {[kh, kw]}")
    if pool not in (1, 2):
        raise ValueError(f"pool must be 1 or 2, not {pool!r}")
    windows = np.lib.stride_tricks.sliding_window_view(image, (kh, kw), axis=(2, 3))
    windows = windows.transpose(0, 2, 3, 1, 4, 5)
    batch, high, wide = windows.shape[:3]
    if min(high, wide) < pool:
        raise ValueError(f"pool of {pool} needs as many positions a side, not {[high, wide]}")
    length = channels * kh * kw
    flat = kernels.reshape(out, length)
    sums = _dot(cfg, "conv", flat, windows.reshape(-1, length), cfg.level_bits, cfg.act_bits, batch)
    if pool > 1:
        # The same sums; what counts is what the units visit, and in which groups.
        taken = windows[:, : high // pool * pool, : wide // pool * pool].reshape(-1, length)
        groups = batch * pool * pool
        counted = _dot(cfg, "conv", flat, taken, cfg.level_bits, cfg.act_bits, groups)
        sums = dataclasses.replace(counted, y=sums.y)
    y = sums.y.reshape(out, batch, high, wide).transpose(1, 0, 2, 3)
    unloaded = bool(looked.unloaded.any())
    return dataclasses.replace(sums, y=y[0] if single else y, unloaded=unloaded)


def _codebook(cfg: Config) -> codes_of.Config:
    return codes_of.Config(code_bits=cfg.code_bits, level_bits=cfg.level_bits)


def _length(
    cfg: Config, name: str, weights: Ints, dimensions: int, unrolled: tuple[int, ...]
) -> None:
    if weights.ndim != dimensions:
        raise ValueError(f"{name} must have {dimensions} dimensions, not {weights.ndim}")
    length = int(np.prod(unrolled))
    if not 1 <= length <= cfg.max_length or not len(weights):
        raise ValueError(f"{name} must unroll to 1..{cfg.max_length} elements, not {length}")


def _dot(
    cfg: Config,
    kind: str,
    kept: Ints,
    other: Ints,
    kept_bits: int,
    other_bits: int,
    groups: int = 1,
) -> Result:
    """Return the dot products of V vectors, whose zeros are dropped, with U others: y[V, U].

    ``groups`` equal parts of the U others are worked on one after the other.
    """
    lanes, units = cfg.lanes(kind), cfg.units(kind)
    survives = kept != 0
    chunk = (np.cumsum(survives, axis=1) - 1) // lanes
    survivors = survives.sum(axis=1)
    chunks = int((-(-survivors // lanes)).sum())
    passes = len(other) * chunks
    met = int(survives.sum(axis=0) @ (other != 0).sum(axis=0))
    left = resolved(kept, kept_bits, cfg.resolution(kind)).astype(np.float64)
    right = resolved(other, other_bits, cfg.resolution(kind)).astype(np.float64).T
    assert kept_bits + other_bits + kept.shape[1].bit_length() <= _EXACT_BITS
    if cfg.adc_bits is None:
        y, saturations = (left @ right).astype(np.int64), 0
    else:
        y, saturations = np.zeros((len(kept), len(other)), dtype=np.int64), 0
        for q in range(int(chunk.max(initial=-1)) + 1):
            part = np.where(survives & (chunk == q), left, 0.0)
            converted, clipped = quantise(cfg, (part @ right).astype(np.int64))
            y, saturations = y + converted, saturations + clipped
    return Result(
        y=y,
        passes=passes,
        rounds=groups * -(-len(other) // groups // units) * chunks,
        active=met,
        gated=len(other) * int(survivors.sum()) - met,
        pad=passes * lanes - len(other) * int(survivors.sum()),
        saturations=saturations,
        kind=kind,
    )


def ideal(codes: ArrayLike, codebook: ArrayLike, x: ArrayLike) -> NDArray[np.float64]:
    """Return the product float64[R] of weights [R, J] and activations [J], or the convolution.

    A convolution where ``codes`` has four dimensions; see :func:`conv` for its shapes.
    """
    weights = np.asarray(codebook, dtype=np.float64)[np.asarray(codes)]
    x = np.asarray(x, dtype=np.float64)
    if weights.ndim == 2 and x.ndim == 1:
        return np.asarray(weights @ x)
    windows = np.lib.stride_tricks.sliding_window_view(x, weights.shape[2:], axis=(1, 2))
    return np.einsum("oiab,ihwab->ohw", weights, windows)


def model(cfg: Config, codes: ArrayLike, codebook: ArrayLike, x: ArrayLike) -> Result:
    """Return :func:`conv` where ``codes`` has four dimensions, else :func:`fc`."""
    return (conv if np.ndim(codes) == 4 else fc)(cfg, codes, codebook, x)


def stimuli(cfg: Config, rng: np.random.Generator) -> dict[str, list[tuple[Ints, Ints]]]:
    """Return layers of both kinds as (codes, x), sizes that divide and that do not; and corners.

    ``fc``: typical, all activations zero, all weights zero, one element, full scale. ``conv``:
    likewise; the second kernel is all zero, the third shorter than a beat of n.
    """
    top, codes = (1 << (cfg.act_bits - 1)) - 1, 1 << cfg.code_bits

    def sparse(shape: tuple[int, ...], high: int, zero: float) -> Ints:
        low = 1 if high == codes else -high
        return np.where(rng.random(shape) < zero, 0, rng.integers(low, high, shape))

    m, k = cfg.fc_lanes, cfg.fc_units
    length = min(cfg.max_length, 4 * m + 1)
    layers = [
        (sparse((2 * k + 1, length), codes, 0.4), sparse((length,), top, 0.5)),
        (sparse((k, m), codes, 0.3), sparse((m,), top, 0.0)),
        (sparse((k + 1, 9), codes, 0.5), np.zeros(9, dtype=np.int64)),
        (np.zeros((1, 5), dtype=np.int64), sparse((5,), top, 0.2)),
        (np.full((1, 1), codes - 1), np.full(1, -top - 1)),
        (np.full((2, length), codes - 1), np.full(length, top)),
    ]
    kernels = sparse((4, 2, 3, 3), codes, 0.5)
    kernels[1] = 0
    kernels[2] = 0
    kernels[2, 1, 2, 2] = 1
    side = 6 if cfg.conv_units < 30 else 11
    images = [
        (kernels, sparse((2, side, side + 1), top, 0.4)),
        (sparse((2, 1, 2, 2), codes, 0.0), sparse((1, 5, 4), top, 0.3)),
        (sparse((1, 1, 1, 1), codes, 0.0), np.zeros((1, 2, 3), dtype=np.int64)),
        (np.full((1, 1, 3, 2), codes - 1), np.full((1, 4, 4), top)),
    ]
    return {"fc": layers, "conv": images}
