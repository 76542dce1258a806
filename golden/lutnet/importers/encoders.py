"""Comparisons of features with thresholds, as the first layer of a network, and exactly those.

Features that are integers of a known width are compared as they are; real ones become codes in the
network's quantiser. A comparison that always comes out the same is a constant, which the tables
behind it take in.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Ints
from nomul.golden.lutnet.fold import cofactor
from nomul.golden.lutnet.heads import Thermometer
from nomul.golden.lutnet.layers import DirectLut
from nomul.golden.lutnet.quantiser import Quantiser


@dataclass(frozen=True)
class Encoder:
    """The comparators of a network's features.

    Attributes
    ----------
    layer
        One comparator for each comparison that occurs.
    wire
        int64[n], the comparator of each comparison asked for; -1 and -2 where it is always 0 or 1.
    input_bits
        Of the codes that the layer takes.
    quantiser
        What makes them; None where the features are codes.
    """

    layer: Thermometer
    wire: Ints
    input_bits: int
    quantiser: Quantiser | None

    def tables(self, k: int, idx: Ints, tt: list[int]) -> DirectLut:
        """Return tables whose wires are comparisons, with the constant ones taken in."""
        wires, tables = self.wire[idx], list(tt)
        for i, j in np.argwhere(wires < 0):
            tables[i] = cofactor(tables[i], k, int(j), -1 - int(wires[i, j]))
        return DirectLut(k=k, idx=np.maximum(wires, 0), tt=tables)


def encoder(
    feature: ArrayLike,
    threshold: NDArray[np.floating[Any]],
    features: int,
    *,
    above: bool,
    input_bits: int | None,
    used: NDArray[np.bool_] | None = None,
) -> Encoder:
    """Return comparators [x_feature > threshold], or [x_feature >= threshold].

    Parameters
    ----------
    feature, threshold
        int[n] and finite float32[n] or float64[n], the kind of number that features are rounded to.
    features
        Number of features.
    above
        A feature has to be above its threshold, not only at it.
    input_bits
        Features are unsigned integers of so many bits; None: real numbers.
    used
        bool[n], whether a comparison matters; all do if None.

    Raises
    ------
    ValueError
        Two thresholds of a feature cannot be told apart by integers: it is none.
    """
    feature = np.asarray(feature, dtype=np.int64)
    used = np.ones(len(feature), dtype=np.bool_) if used is None else used
    wire = np.full(len(feature), -1, dtype=np.int64)
    quantiser, bits = None, input_bits or 1
    if input_bits is None:
        edge = Quantiser.after(threshold) if above else threshold
        live = np.flatnonzero(used & np.isfinite(edge))
        quantiser, level = Quantiser.of(feature[live], edge[live], features, threshold.dtype.name)
        bits = quantiser.bits
    else:
        code = np.floor(threshold) + 1 if above else np.ceil(threshold)
        _require_apart(feature[used], threshold[used], code[used], input_bits)
        wire[code < 1] = -2
        live = np.flatnonzero(used & (code >= 1) & (code < 1 << input_bits))
        level = code[live].astype(np.int64)
    # Something must be there to be wired, even where all is constant.
    pairs = np.stack([feature[live], level], axis=1) if len(live) else np.array([[0, 1]])
    distinct, place = np.unique(pairs, axis=0, return_inverse=True)
    wire[live] = place.reshape(-1)[: len(live)]
    layer = Thermometer(feature=distinct[:, 0], threshold=distinct[:, 1])
    return Encoder(layer, wire, bits, quantiser)


def thermometer(
    name: str, thresholds: NDArray[np.floating[Any]], idx: Ints, input_bits: int | None
) -> Encoder:
    """Return the comparators of a thermometer that the wires ``idx`` of the first tables reach.

    Bit b of feature f, [x_f > thresholds[f, b]], is wire f bits + b.

    Raises
    ------
    ValueError
        There is no such wire, or as for :func:`encoder`.
    """
    features, levels = thresholds.shape
    if not thresholds.size or int(idx.max(initial=0)) >= thresholds.size:
        raise ValueError(
            f"{name} has {thresholds.size} bits: a wire must be below that, not {int(idx.max())}"
        )
    used = np.zeros(thresholds.size, dtype=np.bool_)
    used[idx] = True
    feature = np.repeat(np.arange(features), levels)
    flat = thresholds.reshape(-1)
    return encoder(feature, flat, features, above=True, input_bits=input_bits, used=used)


def _require_apart(
    feature: Ints, threshold: NDArray[Any], code: NDArray[Any], input_bits: int
) -> None:
    """Refuse thresholds that integers cannot tell apart: they are of real features.

    Those midway between integers may well be the same to all others: 3.5, where there was no 3 and
    no 4, and 4, where there was a 3 and a 5. So may the numbers next above such ones, by which
    "above" is written as "at least".
    """
    order = np.lexsort((threshold, feature))
    feature, threshold, code = feature[order], threshold[order], code[order]
    inside = (code >= 1) & (code < 1 << input_bits)
    same = (feature[1:] == feature[:-1]) & (code[1:] == code[:-1]) & inside[1:]
    under = np.nextafter(threshold, threshold.dtype.type(-np.inf))
    halves = np.logical_or(*(np.floor(2 * t) == 2 * t for t in (threshold, under)))
    odd = ~(halves[1:] & halves[:-1])
    wrong = np.flatnonzero(same & odd & (threshold[1:] != threshold[:-1]))
    if len(wrong):
        at = int(wrong[0])
        raise ValueError(
            f"thresholds {threshold[at]:g} and {threshold[at + 1]:g} of feature {feature[at]} are "
            f"the same to integers of {input_bits} bits: leave out input_bits for real features"
        )
