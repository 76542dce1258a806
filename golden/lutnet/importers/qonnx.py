"""Binary layers from QONNX: sign quantisers, products with weights of one bit, normalisation.

After Pappalardo et al., "QONNX: Representing Arbitrary-Precision Quantized Neural Networks"
(arXiv 2206.07527), whose BipolarQuant is +scale where its input is at least 0 and -scale elsewhere.

One file, since it is one walk over one kind of graph, whose steps hand on one state.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden.arrays import Floats
from nomul.golden.foreign.numbers import integer
from nomul.golden.lutnet.fold import exact, fold, half_floor
from nomul.golden.lutnet.heads import Argmax, Thermometer
from nomul.golden.lutnet.importers import graphs
from nomul.golden.lutnet.importers.graphs import Node
from nomul.golden.lutnet.layers import Layer, Xnor
from nomul.golden.lutnet.network import Network

# Channels times nodes, and bits of an exact number, that are worked on.
MAX_WORK = 1 << 18
MAX_DIGITS = 1 << 15


@dataclass
class Channel:
    """A value gain (s - mean) / sqrt(square) + shift, s an integer; all exact."""

    gain: Fraction = Fraction(1)
    mean: Fraction = Fraction(0)
    shift: Fraction = Fraction(0)
    square: Fraction = Fraction(1)

    def affine(self, gain: Fraction, shift: Fraction) -> "Channel":
        """Return the channel times ``gain`` plus ``shift``."""
        return Channel(self.gain * gain, self.mean, self.shift * gain + shift, self.square)

    def normalised(
        self, gamma: Fraction, beta: Fraction, mu: Fraction, square: Fraction
    ) -> "Channel":
        """Return gamma (value - mu) / sqrt(square) + beta."""
        if self.square != 1 or self.gain == 0:
            raise ValueError("is a second normalisation of the same sum")
        return Channel(gamma * self.gain, self.mean + (mu - self.shift) / self.gain, beta, square)


@dataclass
class Walk:
    """The chain of nodes so far: layers, what the last one hands on, and its name.

    ``scale`` is the magnitude of the signs that are handed on; None while sums are pending, whose
    values are ``channels`` of the products in ``sums``; both None and empty before the first layer.
    ``axes`` counts those of the tensor, samples and features being two.
    """

    width: int
    tensor: str
    channels: list[Channel]
    scale: Fraction | None
    axes: int
    layers: list[Layer] = field(default_factory=list)
    sums: dict[str, Any] | None = None
    work: int = 0

    def fan_ins(self) -> list[int]:
        """Return the number of products in each sum."""
        assert self.sums is not None
        counts: list[int] = np.bincount(self.sums["out"], minlength=len(self.channels)).tolist()
        return counts

    def spend(self) -> None:
        """Refuse a chain that would take exact numbers too long."""
        distinct = {id(channel): channel for channel in self.channels}.values()
        self.work += len(distinct) + len(self.channels) // 16
        digits = max(
            value.numerator.bit_length() + value.denominator.bit_length()
            for channel in distinct
            for value in (channel.gain, channel.shift)
        )
        if self.work > MAX_WORK or digits > MAX_DIGITS:
            raise ValueError("the chain of scales is too long to be computed exactly")


def qonnx(path: Path, input_bits: int = 1) -> Network:
    """Read a chain of binary dense layers; what a node computes is taken as exact real numbers.

    ``MatMul`` and ``Gemm`` have weights that are +-c or 0 in each column, given as such or through
    ``BipolarQuant``. ``BatchNormalization``, ``Mul``, ``Div``, ``Add`` and ``Sub`` by constants may
    follow, then ``BipolarQuant``, ``ArgMax`` or ``TopK`` (k = 1), or the end. Inputs are signs (bit
    1 for +1); with ``input_bits`` above 1 they are unsigned codes, which a first ``BipolarQuant``
    compares with a threshold. The class scores are integers in the order of the file's values.
    """
    input_bits = integer(input_bits, "input_bits", 1, 16)
    graph = graphs.read(path)
    walk = Walk(
        width=input_bits,
        tensor=graph.entry,
        channels=[Channel()] * graph.features,
        scale=Fraction(1) if input_bits == 1 else None,
        axes=graph.axes,
    )
    constants = graph.constants
    for number, node in enumerate(graph.nodes):
        try:
            if node.kind == "Constant" or (
                node.inputs and all(name in constants for name in node.inputs)
            ):
                constants[node.outputs[0]] = graphs.constant(node, constants)
            else:
                _step(walk, node, constants)
                walk.spend()
        except ValueError as error:
            raise ValueError(f"node {number} ({node.name}): {error}") from None
    if graph.outputs != [walk.tensor]:
        raise ValueError(f"the output is not {walk.tensor!r}, where the chain of nodes ends")
    if walk.sums is not None:
        _scores(walk)
    if not walk.layers:
        raise ValueError("the graph has no binary layer")
    return Network(walk.layers, graph.features, input_bits, {"format": "qonnx"})


def _step(walk: Walk, node: Node, constants: dict[str, Floats]) -> None:
    """Take one node of the chain into the walk."""
    inputs = list(node.inputs)
    if node.kind in ("Add", "Mul") and inputs[0] in constants:
        inputs.reverse()
    if inputs[0] != walk.tensor:
        raise ValueError(f"reads {inputs[0]!r}, not {walk.tensor!r} of the node before it")
    given: list[Floats] = []
    for name in inputs[1:]:
        if name and name not in constants:
            raise ValueError(f"{name!r} is not a constant")
        given += [constants[name]] if name else []
    steps: dict[str, Callable[[Walk, Node, list[Floats]], None]] = {
        "MatMul": _product,
        "Gemm": _product,
        "BatchNormalization": _normalise,
        "BipolarQuant": _quantise,
        "ArgMax": _largest,
        "TopK": _largest,
        "Flatten": _flatten,
        "Reshape": _reshape,
        "Dropout": _drop,
        "Identity": lambda walk, node, given: None,
        **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _affine),
    }
    if node.kind not in steps:
        raise ValueError(f"{node.kind} of the chain is not read; what is: {', '.join(steps)}")
    steps[node.kind](walk, node, given)
    walk.tensor = node.outputs[1] if node.kind == "TopK" else node.outputs[0]


def _flatten(walk: Walk, node: Node, given: list[Floats]) -> None:
    """Take all axes but the first as one; another axis would mix samples."""
    axis = node.attribute("axis", 1)
    if axis not in (1, 1 - walk.axes):
        raise ValueError(f"axis must be 1, so that samples stay apart, not {axis}")
    walk.axes = 2


def _reshape(walk: Walk, node: Node, given: list[Floats]) -> None:
    """Take a shape that keeps the samples apart: [-1, features] and the like."""
    shape = [] if not given else [int(n) for n in given[0].reshape(-1)]
    rest = shape[1:]
    whole = rest == [-1] or (rest and min(rest) > 0 and np.prod(rest) == len(walk.channels))
    first = shape[:1] in ([-1], [0], [1])
    if not whole or not first or shape.count(-1) > 1 or node.attribute("allowzero", 0):
        raise ValueError(
            f"the shape must be [-1, {len(walk.channels)}], so that samples stay apart, not {shape}"
        )
    walk.axes = len(shape)


def _drop(walk: Walk, node: Node, given: list[Floats]) -> None:
    """Pass on what comes, as Dropout does except in training."""
    if len(given) > 1 and given[1].any():
        raise ValueError("is in training mode: export the model after eval()")


def _product(walk: Walk, node: Node, given: list[Floats]) -> None:
    if walk.scale is None:
        raise ValueError("its input is not quantised to signs")
    if walk.axes != 2:
        raise ValueError(f"its input has {walk.axes} axes: there is no Flatten before it")
    weights = given[0]
    if node.kind == "Gemm":
        if node.attribute("transA", 0) or any(
            node.attribute(name, 1.0) != 1.0 for name in ("alpha", "beta")
        ):
            raise ValueError("Gemm is read with alpha = beta = 1 and transA = 0 only")
        weights = weights.T if node.attribute("transB", 0) else weights
    if weights.ndim != 2 or len(weights) != len(walk.channels) or not weights.size:
        raise ValueError(
            f"weights must be of shape [{len(walk.channels)}, n], at least one neuron, "
            f"not {list(weights.shape)}"
        )
    sizes = np.abs(weights).max(axis=0)
    if not sizes.any():
        raise ValueError("no weight is left: all are zero")
    # A neuron whose weights are all pruned has the sum 0, whatever its scale.
    sizes[sizes == 0] = 1
    wrong = np.argwhere((np.abs(weights) != sizes) & (weights != 0))
    if len(wrong):
        i, j = (int(v) for v in wrong[0])
        raise ValueError(f"weight [{i}][{j}] must be 0 or +-{sizes[j]:g}, not {weights[i, j]:g}")
    out, idx = np.nonzero(weights.T)
    walk.sums = {
        "idx": idx,
        "weight": (weights[idx, out] > 0).astype(np.int64),
        "out": out,
        "n_out": weights.shape[1],
    }
    walk.channels = [Channel(gain=exact(size) * walk.scale) for size in sizes]
    walk.scale = None
    if len(given) > 1:
        for i, shift in enumerate(_each(walk, given[1])):
            walk.channels[i] = walk.channels[i].affine(Fraction(1), shift)


def _each(walk: Walk, values: Floats) -> list[Fraction]:
    """Return one constant per channel, of a tensor that holds one or as many."""
    n = len(walk.channels)
    each = walk.axes == 2 and values.shape[-1:] == (n,) and values.size == n
    if values.size != 1 and not each:
        raise ValueError(f"a constant must have 1 or {n} values, not {list(values.shape)}")
    given = [exact(v) for v in values.reshape(-1)]
    return given * n if len(given) == 1 else given


def _affine(walk: Walk, node: Node, given: list[Floats]) -> None:
    if walk.scale is not None:
        raise ValueError("scales signs, which only BipolarQuant does here")
    kind = node.kind
    if node.inputs[0] != walk.tensor and kind in ("Sub", "Div"):
        raise ValueError("the constant must come second")
    one, zero = Fraction(1), Fraction(0)
    # Channels that are the same stay the same object, so that wide inputs are not computed twice.
    done: dict[tuple[int, int], Channel] = {}
    before = walk.channels
    values = _each(walk, given[0])
    for channel, value in zip(before, values, strict=True):
        if kind == "Div" and value == 0:
            raise ValueError("divides by zero")
        key = id(channel), id(value)
        if key not in done:
            gain = {"Mul": value, "Div": one / value if value else one}.get(kind, one)
            shift = {"Add": value, "Sub": -value}.get(kind, zero)
            done[key] = channel.affine(gain, shift)
    pairs = zip(before, values, strict=True)
    walk.channels = [done[id(channel), id(value)] for channel, value in pairs]


def _normalise(walk: Walk, node: Node, given: list[Floats]) -> None:
    if walk.scale is not None or len(given) != 4:
        raise ValueError("wants sums, and scale, bias, mean and variance")
    if node.attribute("training_mode", 0) or len(node.outputs) > 1:
        raise ValueError("is in training mode, by the batch: export the model after eval()")
    epsilon = exact(node.attribute("epsilon", float(np.float32(1e-5))))
    columns = [_each(walk, values) for values in given]
    for i, (gamma, beta, mu, var) in enumerate(zip(*columns, strict=True)):
        if var + epsilon <= 0:
            raise ValueError(f"variance [{i}] plus epsilon must be positive")
        walk.channels[i] = walk.channels[i].normalised(gamma, beta, mu, var + epsilon)


def _quantise(walk: Walk, node: Node, given: list[Floats]) -> None:
    """Compare sums, or codes of the input, with thresholds; a tie is +1 here."""
    if len(given) != 1 or given[0].size != 1 or float(given[0].reshape(-1)[0]) <= 0:
        raise ValueError("the scale must be one positive number")
    if walk.sums is not None:
        folded = [
            fold(-c.gain, -c.shift, c.mean, c.square, n)
            for c, n in zip(walk.channels, walk.fan_ins(), strict=True)
        ]
        theta, flip = (list(column) for column in zip(*folded, strict=True))
        walk.layers.append(Xnor(**walk.sums, theta=theta, flip=[1 - f for f in flip]))
    elif walk.scale is None:
        most, thresholds = (1 << walk.width) - 1, []
        for i, c in enumerate(walk.channels):
            if c.gain <= 0:
                raise ValueError(f"input {i} is scaled by {float(c.gain):g}, not upwards")
            # gain (code - mean) / sqrt(square) + shift >= 0 from the next integer on
            t = -half_floor(-2 * c.mean, -2 * c.shift / c.gain, c.square)
            if not 1 <= t <= most:
                raise ValueError(f"input {i} has its threshold at {t}, outside 1..{most}")
            thresholds.append(t)
        walk.layers.append(
            Thermometer(feature=np.arange(len(thresholds)), threshold=np.array(thresholds))
        )
    walk.scale = exact(given[0].reshape(-1)[0])
    walk.sums, walk.channels = None, [Channel() for _ in walk.channels]


def _largest(walk: Walk, node: Node, given: list[Floats]) -> None:
    if node.kind == "TopK" and (not given or given[0].size != 1 or given[0].reshape(-1)[0] != 1):
        raise ValueError("TopK is read with k = 1 only")
    if node.attribute("select_last_index", 0) or not node.attribute("largest", 1):
        raise ValueError("only the largest value is read, of equal ones the first")
    if node.attribute("axis", -1 if node.kind == "TopK" else 0) not in (-1, 1):
        raise ValueError("the axis must be that of the classes, 1")
    if walk.sums is None:
        raise ValueError("its input is not a layer's sums")
    _scores(walk)
    walk.layers.append(Argmax())


def _scores(walk: Walk) -> None:
    """Append the last sums, as integers in the order of the values, ties included.

    The sums are 2 pc - n. Where gains are equal, values are ordered as pc + f with a rational f per
    class: by its floor, and then by the rank of what is left among the classes.
    """
    assert walk.sums is not None
    first = walk.channels[0]
    if all(c == first for c in walk.channels) and first.gain > 0:
        plain = [Channel() for _ in walk.channels]
    else:
        plain = [_rational(i, c, first) for i, c in enumerate(walk.channels)]
    offsets = [c.shift / c.gain - c.mean - n for c, n in zip(plain, walk.fan_ins(), strict=True)]
    if all(offset.denominator == 1 for offset in offsets):
        alpha, bias = 2, [int(offset) for offset in offsets]
    else:
        rest = [offset / 2 - (offset / 2).__floor__() for offset in offsets]
        ranks = {value: i for i, value in enumerate(sorted(set(rest)))}
        alpha = len(ranks)
        bias = [
            (offset / 2).__floor__() * alpha + ranks[value]
            for offset, value in zip(offsets, rest, strict=True)
        ]
    walk.layers.append(Xnor(**walk.sums, alpha=[alpha], bias=bias))
    walk.sums = None


def _rational(number: int, channel: Channel, first: Channel) -> Channel:
    """Return a class's channel without its root; refuse what has no integers of the same order."""
    above, below = channel.square.numerator, channel.square.denominator
    root = Fraction(isqrt(above), isqrt(below))
    if root * root != channel.square:
        raise ValueError(f"class {number}: the deviation is irrational, its score is no integer")
    plain = Channel(channel.gain / root, channel.mean, channel.shift)
    # gain_i / root_i == gain_0 / root_0, by their squares
    if plain.gain <= 0 or plain.gain**2 * first.square != first.gain**2:
        raise ValueError(f"class {number}: its scale is not positive, or not that of class 0")
    return plain
