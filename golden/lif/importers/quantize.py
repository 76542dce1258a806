"""From trained numbers to integers: a grid for the weights, shifts for beta, and what it costs."""

import dataclasses
from collections.abc import Iterable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Floats, Ints
from nomul.golden.lif.layer import Layer, Reset, Rounding
from nomul.golden.lif.network import Network

MOST_SHIFT = 15


@dataclasses.dataclass(frozen=True)
class Trained:
    """A layer as it was trained: weights float64[inputs, neurons], beta, threshold, reset rule.

    ``node`` is what the file calls it, for messages.
    """

    node: str
    weight: Floats
    beta: float
    threshold: Floats
    reset: Reset


@dataclasses.dataclass(frozen=True)
class Rounded:
    """What rounding did to a layer.

    Attributes
    ----------
    node
        Name of the layer.
    beta, rounded
        As trained, and as two shifts at most leave it.
    weight_error
        Largest error of a weight, as a share of the layer's largest weight.
    """

    node: str
    beta: float
    rounded: float
    weight_error: float

    def __str__(self) -> str:
        return (
            f"{self.node}: beta {self.beta:.6g} as {self.rounded:.6g}, "
            f"weights within {100 * self.weight_error:.3g} %"
        )


def shifts(beta: float) -> tuple[int | tuple[int, int], float]:
    """Return the leak that comes nearest to beta, and the beta that it leaves.

    One shift where it is as good as two.
    """
    single: list[tuple[int | tuple[int, int], float]] = [(0, 1.0)]
    single += [(k, 1 - 2.0**-k) for k in range(1, MOST_SHIFT + 1)]
    pairs = combinations_with_replacement(range(1, MOST_SHIFT + 1), 2)
    double = [((a, b), 1 - 2.0**-a - 2.0**-b) for a, b in pairs]
    # A pair of equal shifts is one shift less each: the single ones come first.
    return min([*single, *double], key=lambda choice: abs(choice[1] - beta))


@dataclasses.dataclass(frozen=True)
class Precision:
    """How finely a network is written in integers; fields as of :func:`layer`."""

    weight_bits: int
    fraction: int
    state_bits: int
    tolerance: float


def network(
    found: Iterable[Trained], precision: Precision, **others: Any
) -> tuple[Network, list[Rounded]]:
    """Return a network of layers in integers, and what rounding did to each.

    ``others`` are the further fields of the network: coder, readout and steps.
    """
    made = [layer(one, **dataclasses.asdict(precision)) for one in found]
    layers, weights = tuple(m[0] for m in made), tuple(m[1] for m in made)
    return Network(layers=layers, weights=weights, **others), [m[2] for m in made]


def layer(
    trained: Trained,
    *,
    weight_bits: int,
    fraction: int,
    state_bits: int,
    rounding: Rounding = "floor",
    tolerance: float = 0.01,
) -> tuple[Layer, Ints, Rounded]:
    """Return a layer in integers.

    The largest weight takes the largest integer, unless the threshold would not fit then; one scale
    for all neurons of the layer, since theirs are the same potentials.

    Parameters
    ----------
    tolerance
        How far beta may be off.

    Raises
    ------
    ValueError
        Something cannot be had in integers; the message names the layer.
    """
    node, weight = trained.node, trained.weight
    for name, values in (("weight", weight), ("threshold", trained.threshold)):
        if not np.isfinite(values).all():
            raise ValueError(
                f"{node}: {name} must be finite, not {values[~np.isfinite(values)][0]}"
            )
    if not (trained.threshold > 0).all():
        raise ValueError(f"{node}: threshold must be more than 0, not {trained.threshold.min():g}")
    if not 0 <= trained.beta <= 1:
        raise ValueError(f"{node}: beta must be in 0..1, not {trained.beta:g}")
    leak, rounded = shifts(trained.beta)
    if abs(rounded - trained.beta) > tolerance:
        raise ValueError(
            f"{node}: beta {trained.beta:g} is {abs(rounded - trained.beta):.2g} from the nearest "
            f"{rounded:g}, which exceeds the tolerance of {tolerance:g}"
        )
    largest = float(np.abs(weight).max(initial=0.0))
    most = (1 << (state_bits - 1 - fraction)) - 1
    scale = _scale(weight, trained.threshold, (1 << (weight_bits - 1)) - 1, most)
    whole = np.rint(weight * scale)
    thresholds = np.rint(trained.threshold * scale)
    if thresholds.min() < 1:
        raise ValueError(
            f"{node}: threshold {trained.threshold.min():g} is less than half a weight's step "
            f"{1 / scale:g}; more weight_bits would do"
        )
    threshold = tuple(int(theta) for theta in thresholds)
    made = Layer(
        inputs=weight.shape[0],
        neurons=weight.shape[1],
        weight_bits=weight_bits,
        state_bits=state_bits,
        fraction=fraction,
        leak=leak,
        threshold=threshold[0] if len(set(threshold)) == 1 else threshold,
        reset=trained.reset,
        rounding=rounding,
    )
    error = float(np.abs(whole / scale - weight).max(initial=0.0)) / (largest or 1.0)
    return made, whole.astype(np.int64), Rounded(node, trained.beta, rounded, error)


def _scale(weight: Floats, threshold: Floats, most: int, largest_threshold: int) -> float:
    """Return what weights are multiplied by: 1 or a power of two where they are integers already.

    So a network that this project wrote comes back as it was.
    """
    limits = [largest_threshold / float(threshold.max())]
    largest = float(np.abs(weight).max(initial=0.0))
    if largest:
        limits.append(most / largest)
    numbers: NDArray[np.float64] = np.concatenate([weight.ravel(), threshold.ravel()])
    for power in range(0, 17):
        exact = float(1 << power)
        # The most negative integer has no positive counterpart.
        lowest = float(weight.min(initial=0.0)) * exact >= -most - 1
        highest = float(weight.max(initial=0.0)) * exact <= most
        fits = lowest and highest and exact <= limits[0]
        if fits and np.array_equal(np.rint(numbers * exact), numbers * exact):
            return exact
    return min(limits)
