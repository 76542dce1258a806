"""Quantisation after training: scales from weights and from what calibration data make of them.

Weights are symmetric and have a scale per output, activations a scale per tensor: unsigned where
nothing is negative, as after a ReLU. Each scale is the one of several that leaves the least mean
square error, after Banner, Nahshan, Soudry, "Post training 4-bit quantization of convolutional
networks for rapid-deployment" (arXiv 1810.05723), by search instead of their closed form.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints
from nomul.golden.network import reals
from nomul.golden.network.arrays import integer
from nomul.golden.network.lower import lower
from nomul.golden.network.network import Network
from nomul.golden.network.reals import Graph, Step

SHARES = np.linspace(0.3, 1.0, 36)  # of the largest value, where the clipping may be
SAMPLES = 1 << 16  # values of a tensor that its scale is chosen by
CHUNK = 64  # calibration inputs at once, fewer where they have many values
MOST_AT_ONCE = 1 << 25


def quantise_graph(
    graph: Graph,
    calibration: ArrayLike,
    weight_bits: int = 8,
    act_bits: int = 8,
    *,
    powers_of_two: bool = False,
) -> Network:
    """Return the network of integers for one of real numbers; see :func:`prepare`."""
    return lower(prepare(graph, calibration, weight_bits, act_bits, powers_of_two=powers_of_two))


def prepare(
    graph: Graph,
    calibration: ArrayLike,
    weight_bits: int = 8,
    act_bits: int = 8,
    *,
    powers_of_two: bool = False,
) -> Graph:
    """Return the graph with normalisations folded, weights as codes, and quantisers in place.

    Parameters
    ----------
    graph
        Without quantisers.
    calibration
        Real inputs [V, ...] like those that will come; some hundred are enough.
    weight_bits, act_bits
        Widths, 2..8 and 1..8.
    powers_of_two
        Take scales that are powers of two, so that requantisers shift and never multiply.

    Raises
    ------
    ValueError
        The graph is quantised already, a width is out of range, or the data does not fit.
    """
    integer("weight_bits", weight_bits, 2, 8)
    integer("act_bits", act_bits, 1, 8)
    if graph.quantised:
        raise ValueError("the model is quantised already: nomul.golden.network.load reads it")
    x = np.asarray(calibration, dtype=np.float64)
    if x.shape[1:] != graph.input_shape or len(x) == 0:
        want = ", ".join(map(str, graph.input_shape))
        raise ValueError(f"calibration must be of shape [V, {want}], V > 0, not {list(x.shape)}")
    if not np.isfinite(x).all():
        raise ValueError("calibration must be finite")
    graph = quantisers_in_place(fold(graph))
    ready: list[Step] = []
    samples = sample(graph, x)
    for number, step in enumerate(graph.steps):
        if isinstance(step, reals.Product):
            step = with_codes(step, weight_bits, powers_of_two)
        elif isinstance(step, reals.Quant):
            step = with_scale(step, samples[number], act_bits, powers_of_two)
        ready.append(step)
    return replace(graph, steps=ready)


def fold(graph: Graph) -> Graph:
    """Return the graph with every affine step put into the weights of the product before it.

    One without such a product (behind an addition, or a product that others read too) stays.
    """
    steps, number = list(graph.steps), 0
    while number < len(steps):
        step = steps[number]
        before = step.sources[0] - 1
        product = steps[before] if before >= 0 else None
        alone = len(replace(graph, steps=steps).users(before + 1)) == 1
        if isinstance(step, reals.Affine) and isinstance(product, reals.Product) and alone:
            gain = np.broadcast_to(step.gain, product.outputs)
            steps[before] = replace(
                product,
                w=product.w * product.per_output(gain),
                bias=product.bias * gain + step.shift,
            )
            steps = remove(steps, number)
        else:
            number += 1
    return replace(graph, steps=steps)


def remove(steps: Sequence[Step], number: int) -> list[Step]:
    """Return the steps without one; who read its output reads its input."""
    source = steps[number].sources[0]

    def moved(value: int) -> int:
        return source if value == number + 1 else value - (value > number + 1)

    others = [step for i, step in enumerate(steps) if i != number]
    return [replace(step, sources=tuple(map(moved, step.sources))) for step in others]


def quantisers_in_place(graph: Graph) -> Graph:
    """Return the graph with a quantiser, its scale still open, on every value that is stored.

    These are the input, what a clip gives, and what products, pools or several steps read. A value
    that only an addition reads stays a sum: it is rounded once, with the result.
    """
    steps: list[Step] = []
    place = {0: 0}  # value of the graph: value of the new one

    def quantise(value: int, name: str) -> int:
        steps.append(reals.Quant(sources=(value,), name=name, scale=1.0))
        return len(steps)

    place[0] = quantise(0, "input")
    for number, step in enumerate(graph.steps):
        steps.append(replace(step, sources=tuple(place[s] for s in step.sources)))
        place[number + 1] = len(steps)
        if _stored(graph, number):
            place[number + 1] = quantise(len(steps), f"{step.name} as codes".strip())
    return replace(graph, steps=steps)


def _stored(graph: Graph, number: int) -> bool:
    step, users = graph.steps[number], graph.users(number + 1)
    if not users or isinstance(step, reals.Flat | reals.Largest):
        return False
    if isinstance(step, reals.Pool) and not step.mean:
        return False  # the codes before it do
    kinds = [graph.steps[user] for user in users]
    if any(isinstance(kind, reals.Clip | reals.Affine) for kind in kinds) and len(users) == 1:
        return False
    if isinstance(step, reals.Clip) or len(users) > 1:
        return True
    return not isinstance(kinds[0], reals.Sum | reals.Largest)


def sample(graph: Graph, x: Floats) -> dict[int, Floats]:
    """Return for each quantiser some of the real values that reach it."""
    quants = [n for n, step in enumerate(graph.steps) if isinstance(step, reals.Quant)]
    parts: dict[int, list[Floats]] = {number: [] for number in quants}
    rng = np.random.default_rng(1)
    chunk = _at_once(graph)
    few = max(1, SAMPLES * chunk // max(len(x), chunk))
    for start in range(0, len(x), chunk):
        found = _without_quantisers(graph, x[start : start + chunk])
        for number in quants:
            flat = found[graph.steps[number].sources[0]].reshape(-1)
            chosen = rng.choice(flat, few, replace=False) if flat.size > few else flat
            ends = np.array([flat.min(), flat.max()])
            parts[number].append(np.concatenate([chosen, ends]))
    return {number: np.concatenate(part) for number, part in parts.items()}


def _at_once(graph: Graph) -> int:
    """Return how many inputs go through a graph at once, so that they take half a gigabyte."""
    steps = [reals.work(step, graph.shapes[step.sources[0]]) for step in graph.steps]
    values = sum(map(math.prod, graph.shapes)) + max(steps, default=0)
    return min(CHUNK, max(1, MOST_AT_ONCE // values))


def _without_quantisers(graph: Graph, x: Floats) -> list[Floats]:
    steps = [
        reals.Clip(sources=step.sources, low=-np.inf) if isinstance(step, reals.Quant) else step
        for step in graph.steps
    ]
    return reals.values(replace(graph, steps=steps), x)


def candidates(largest: Floats, powers_of_two: bool) -> list[Floats]:
    """Return scales worth trying, from those that clip nothing downwards."""
    if powers_of_two:
        ceiling = np.ceil(np.log2(largest))
        return [2.0 ** (ceiling - less) for less in range(3)]
    return [largest * share for share in SHARES[::-1]]


def with_codes(step: reals.Product, bits: int, powers_of_two: bool = False) -> reals.Product:
    """Return a product whose weights are codes -(2^(bits-1) - 1) .. 2^(bits-1) - 1 times a scale.

    Scales are per output. The real weights are replaced by what the codes mean.
    """
    most = (1 << (bits - 1)) - 1
    rows = step.w.T if step.w.ndim == 2 else step.w.reshape(step.outputs, -1)
    largest = np.abs(rows).max(axis=1)
    largest = np.where(largest == 0, 1.0, largest)
    best, error = largest / most, np.full(len(rows), np.inf)
    for scale in candidates(largest / most, powers_of_two):
        codes = np.clip(np.rint(rows / scale[:, None]), -most, most)
        loss = ((codes * scale[:, None] - rows) ** 2).sum(axis=1)
        best, error = np.where(loss < error, scale, best), np.minimum(loss, error)
    return coded(step, best, bits)


def coded(step: reals.Product, scale: Floats, bits: int) -> reals.Product:
    """Return a product with its weights rounded to codes of given scales per output."""
    most = (1 << (bits - 1)) - 1
    per_output = step.per_output(scale)
    codes: Ints = np.clip(np.rint(step.w / per_output), -most, most).astype(np.int64)
    return replace(step, w=codes * per_output, codes=codes, scale=scale)


def with_scale(
    step: reals.Quant, values: Floats, bits: int, powers_of_two: bool = False
) -> reals.Quant:
    """Return a quantiser of a width, its scale chosen by values that reach it."""
    signed = bool((values < 0).any())
    if signed and bits == 1:
        raise ValueError(f"{step.name}: codes of 1 bit need values that are never negative")
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    largest = max(float(values.max()) / high, float(values.min()) / low if signed else 0.0)
    best, error = 1.0, np.inf
    for scale in candidates(np.array([largest]), powers_of_two) if largest > 0 else ():
        codes = np.clip(np.rint(values / scale), low, high)
        loss = float(((codes * scale - values) ** 2).mean())
        if loss < error:
            best, error = float(scale[0]), loss
    return replace(step, scale=best, zero=0, low=low, high=high)
