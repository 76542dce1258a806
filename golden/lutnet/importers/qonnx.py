"""Binary layers from QONNX: sign quantisers, products with weights of one bit, normalisation.

After Pappalardo et al., "QONNX: Representing Arbitrary-Precision Quantized Neural Networks"
(arXiv 2206.07527), whose BipolarQuant is +scale where its input is at least 0 and -scale elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden.arrays import Floats
from nomul.golden.lutnet.fold import exact, fold, half_floor
from nomul.golden.lutnet.heads import Argmax, Thermometer
from nomul.golden.lutnet.layers import Layer, Xnor
from nomul.golden.lutnet.network import Network

PASSED = ("Identity", "Flatten", "Dropout", "Reshape")


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
    """

    width: int
    tensor: str
    channels: list[Channel]
    scale: Fraction | None
    layers: list[Layer] = field(default_factory=list)
    sums: dict[str, Any] | None = None

    def fan_in(self, channel: int) -> int:
        """Return the number of products in a sum."""
        assert self.sums is not None
        return int(np.sum(self.sums["out"] == channel))


def qonnx(path: Path, input_bits: int = 1) -> Network:
    """Read a chain of binary dense layers; what a node computes is taken as exact real numbers.

    ``MatMul`` and ``Gemm`` have weights that are +-c or 0 in each column, given as such or through
    ``BipolarQuant``. ``BatchNormalization``, ``Mul``, ``Div``, ``Add`` and ``Sub`` by constants may
    follow, then ``BipolarQuant``, ``ArgMax`` or ``TopK`` (k = 1), or the end. Inputs are signs (bit
    1 for +1); with ``input_bits`` above 1 they are unsigned codes, which a first ``BipolarQuant``
    compares with a threshold. The class scores are integers in the order of the file's values.
    """
    model = _read(path)
    constants = {t.name: _values(t) for t in model.graph.initializer}
    (entry, *others) = [i for i in model.graph.input if i.name not in constants]
    if others:
        raise ValueError(f"the graph has {1 + len(others)} inputs, not one")
    features = [d.dim_value for d in entry.type.tensor_type.shape.dim][1:]
    n_in = int(np.prod(features)) if features else 0
    if n_in < 1:
        raise ValueError(f"input {entry.name!r} has no fixed number of features")
    walk = Walk(
        width=input_bits,
        tensor=entry.name,
        channels=[Channel() for _ in range(n_in)],
        scale=Fraction(1) if input_bits == 1 else None,
    )
    for number, node in enumerate(model.graph.node):
        place = f"node {number} ({node.name or node.op_type})"
        try:
            if node.op_type == "Constant" or all(name in constants for name in node.input):
                constants[node.output[0]] = _constant(node, constants)
            else:
                _step(walk, node, constants)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
    if [o.name for o in model.graph.output] != [walk.tensor]:
        raise ValueError(f"the output is not {walk.tensor!r}, where the chain of nodes ends")
    if walk.sums is not None:
        _scores(walk)
    if not walk.layers:
        raise ValueError("the graph has no binary layer")
    return Network(walk.layers, n_in, input_bits, {"format": "qonnx"})


def _read(path: Path) -> Any:
    try:
        import onnx
    except ImportError:
        raise ImportError("QONNX files need the package onnx; try: pip install onnx") from None
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(str(path))
    except DecodeError:
        raise ValueError("not an ONNX file") from None
    if not model.graph.node:
        raise ValueError("not an ONNX file, or one without nodes")
    return model


def _values(tensor: Any) -> Floats:
    from onnx import numpy_helper

    return np.asarray(numpy_helper.to_array(tensor), dtype=np.float64)


def _attribute(node: Any, name: str, default: Any) -> Any:
    from onnx import helper

    found = [helper.get_attribute_value(a) for a in node.attribute if a.name == name]
    return found[0] if found else default


def _constant(node: Any, constants: dict[str, Floats]) -> Floats:
    """Return what a node computes of constants: quantised or transposed weights."""
    if node.op_type == "Constant":
        value = _attribute(node, "value", None)
        if value is None:
            raise ValueError("Constant has no tensor 'value'")
        return _values(value)
    first = constants[node.input[0]]
    if node.op_type == "BipolarQuant":
        return np.where(first >= 0, 1.0, -1.0) * constants[node.input[1]]
    if node.op_type == "Transpose":
        return np.transpose(first, _attribute(node, "perm", None))
    if node.op_type == "Identity":
        return first
    raise ValueError(f"{node.op_type} of constants is not read")


def _step(walk: Walk, node: Any, constants: dict[str, Floats]) -> None:
    """Take one node of the chain into the walk."""
    inputs = list(node.input)
    if node.op_type in ("Add", "Mul") and inputs[0] in constants:
        inputs.reverse()
    if inputs[0] != walk.tensor:
        raise ValueError(f"reads {inputs[0]!r}, not {walk.tensor!r} of the node before it")
    given: list[Floats] = []
    for name in inputs[1:]:
        if name and name not in constants:
            raise ValueError(f"{name!r} is not a constant")
        given += [constants[name]] if name else []
    if node.op_type not in PASSED:
        steps: dict[str, Callable[[Walk, Any, list[Floats]], None]] = {
            "MatMul": _product,
            "Gemm": _product,
            "BatchNormalization": _normalise,
            "BipolarQuant": _quantise,
            "ArgMax": _largest,
            "TopK": _largest,
            **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _affine),
        }
        if node.op_type not in steps:
            known = ", ".join([*steps, *PASSED])
            raise ValueError(f"{node.op_type} is not read; what is: {known}")
        steps[node.op_type](walk, node, given)
    walk.tensor = node.output[1] if node.op_type == "TopK" else node.output[0]


def _product(walk: Walk, node: Any, given: list[Floats]) -> None:
    if walk.scale is None:
        raise ValueError("its input is not quantised to signs")
    weights = given[0]
    if node.op_type == "Gemm":
        if _attribute(node, "transA", 0) or any(
            _attribute(node, name, 1.0) != 1.0 for name in ("alpha", "beta")
        ):
            raise ValueError("Gemm is read with alpha = beta = 1 and transA = 0 only")
        weights = weights.T if _attribute(node, "transB", 0) else weights
    if weights.ndim != 2 or len(weights) != len(walk.channels):
        raise ValueError(
            f"weights must be of shape [{len(walk.channels)}, n], not {list(weights.shape)}"
        )
    sizes = np.abs(weights).max(axis=0)
    wrong = np.argwhere((np.abs(weights) != sizes) & (weights != 0) | (sizes == 0))
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
    if values.size not in (1, n):
        raise ValueError(f"a constant must have 1 or {n} values, not {values.size}")
    if not np.isfinite(values).all():
        raise ValueError("a constant must be finite")
    return [exact(v) for v in np.broadcast_to(values.reshape(-1), n)]


def _affine(walk: Walk, node: Any, given: list[Floats]) -> None:
    if walk.scale is not None:
        raise ValueError("scales signs, which only BipolarQuant does here")
    kind = node.op_type
    if node.input[0] != walk.tensor and kind in ("Sub", "Div"):
        raise ValueError("the constant must come second")
    one, zero = Fraction(1), Fraction(0)
    for i, value in enumerate(_each(walk, given[0])):
        if kind == "Div" and value == 0:
            raise ValueError("divides by zero")
        gain = {"Mul": value, "Div": one / value if value else one}.get(kind, one)
        shift = {"Add": value, "Sub": -value}.get(kind, zero)
        walk.channels[i] = walk.channels[i].affine(gain, shift)


def _normalise(walk: Walk, node: Any, given: list[Floats]) -> None:
    if walk.scale is not None or len(given) != 4:
        raise ValueError("wants sums, and scale, bias, mean and variance")
    epsilon = exact(_attribute(node, "epsilon", float(np.float32(1e-5))))
    columns = [_each(walk, values) for values in given]
    for i, (gamma, beta, mu, var) in enumerate(zip(*columns, strict=True)):
        if var + epsilon <= 0:
            raise ValueError(f"variance [{i}] plus epsilon must be positive")
        walk.channels[i] = walk.channels[i].normalised(gamma, beta, mu, var + epsilon)


def _quantise(walk: Walk, node: Any, given: list[Floats]) -> None:
    """Compare sums, or codes of the input, with thresholds; a tie is +1 here."""
    if len(given) != 1 or given[0].size != 1 or float(given[0].reshape(-1)[0]) <= 0:
        raise ValueError("the scale must be one positive number")
    if walk.sums is not None:
        folded = [
            fold(-c.gain, -c.shift, c.mean, c.square, walk.fan_in(i))
            for i, c in enumerate(walk.channels)
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


def _largest(walk: Walk, node: Any, given: list[Floats]) -> None:
    if node.op_type == "TopK" and (not given or given[0].size != 1 or given[0].reshape(-1)[0] != 1):
        raise ValueError("TopK is read with k = 1 only")
    if _attribute(node, "select_last_index", 0) or not _attribute(node, "largest", 1):
        raise ValueError("only the largest value is read, of equal ones the first")
    if _attribute(node, "axis", -1 if node.op_type == "TopK" else 0) not in (-1, 1):
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
    offsets = [c.shift / c.gain - c.mean - walk.fan_in(i) for i, c in enumerate(plain)]
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
