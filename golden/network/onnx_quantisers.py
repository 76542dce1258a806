"""Quantisers in ONNX: QuantizeLinear and DequantizeLinear, and those of QONNX."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.network import reals
from nomul.golden.network.arrays import integer
from nomul.golden.network.onnx_files import kind_of
from nomul.golden.network.onnx_graph import QONNX, Constant, Node, Operator, Value, limits

Array = NDArray[Any]


def _scale(node: Node, index: int) -> Array:
    scale = node.needed(index).values
    if scale.dtype.kind != "f":
        raise ValueError(f"scale must be real, not {scale.dtype}")
    wrong = np.argwhere(~((scale > 0) & np.isfinite(scale)))
    if len(wrong):
        place = "".join(f"[{i}]" for i in wrong[0])
        raise ValueError(f"scale{place} must be positive, not {scale[tuple(wrong[0])]}")
    return np.asarray(scale)


def _one(array: Array, what: str) -> Any:
    if array.size != 1:
        raise ValueError(f"activations have one {what}, not {array.size}")
    return array.reshape(-1)[0]


def _whole(array: Array, what: str) -> Array:
    """Return zero points, which may be written as real numbers, as integers."""
    values = array.astype(np.float64)
    if not np.isfinite(values).all() or (values != np.rint(values)).any():
        raise ValueError(f"{what} must be an integer")
    return values.astype(np.int64)


def _along(scale: Array, values: Array, axis: int) -> Array:
    """Return scales in the shape that multiplies values: one, or one per entry of an axis."""
    if scale.size == 1:
        return scale.reshape((1,) * values.ndim)
    if scale.ndim != 1 or not -values.ndim <= axis < values.ndim:
        raise ValueError(f"has scales of shape {list(scale.shape)} on axis {axis}")
    if scale.size != values.shape[axis]:
        raise ValueError(f"has {scale.size} scales for {values.shape[axis]} entries of axis {axis}")
    shape = [1] * values.ndim
    shape[axis] = scale.size
    return scale.reshape(shape)


def _zero_of(node: Node, kind: Any = np.uint8) -> tuple[Array, Any]:
    found = node.constant(2)
    if found is None:
        return np.zeros(1, np.int64), kind
    return _whole(found.values, "zero point"), found.values.dtype


def _output_kind(node: Node) -> Any:
    """Return the kind of codes that a quantiser without zero point gives."""
    wanted = node.attribute("output_dtype", 0)
    return kind_of(wanted) if wanted else np.dtype(np.uint8)


def quantise_linear(node: Node) -> None:
    """Take a quantiser of activations, or make codes of constants."""
    node.only(block_size=0)
    scale = _scale(node, 1)
    zero, kind = _zero_of(node, _output_kind(node))
    low, high = limits(kind)
    found = node.inputs[0]
    if isinstance(found, Constant):
        # In the file's own precision, so that ties are those of who runs the file.
        wide = _along(scale, found.values, node.attribute("axis", 1))
        if zero.any():
            raise ValueError("weights must have the zero point 0; quantise them symmetrically")
        codes = np.clip(np.rint(found.values / wide), low, high).astype(np.int64)
        node.give(Constant(codes))
        return
    if isinstance(found, Value) and found.ended:
        node.give(found)  # of scores nothing but their order matters any more
        return
    value, step, offset = node.value(), float(_one(scale, "scale")), int(_one(zero, "zero point"))
    quant = reals.Quant(sources=(value.number,), scale=step, zero=offset, low=low, high=high)
    node.append(quant, quantised=(step, offset, low, high))


def dequantise_linear(node: Node) -> None:
    """Give codes their real values again."""
    node.only(block_size=0)
    scale, found = _scale(node, 1), node.inputs[0]
    if isinstance(found, Constant):
        if found.values.dtype.kind == "f" and str(found.values.dtype) not in ("int4", "uint4"):
            raise ValueError(f"reads {found.values.dtype}, not codes")
        codes = found.values.astype(np.int64)
        zero, _ = _zero_of(node)
        if zero.any():
            raise ValueError("weights must have the zero point 0; quantise them symmetrically")
        wide = _along(scale, codes, node.attribute("axis", 1)).astype(np.float64)
        node.give(Constant(codes * wide, codes, wide))
        return
    if isinstance(found, Value) and found.ended:
        node.give(found)
        return
    if not isinstance(found, Value) or found.quantised is None:
        raise ValueError("must read codes")
    step = float(_one(scale, "scale"))
    first, before, low, high = found.quantised
    zero, _ = _zero_of(node)
    offset = int(_one(zero, "zero point"))
    if found.number == 0 and first == 0.0:
        quant = reals.Quant(sources=(0,), scale=step, zero=offset, low=low, high=high)
        node.append(quant)
        return
    if (step, offset) != (first, before):
        raise ValueError(
            f"has scale {step:g} and zero point {offset}, but its codes were made with "
            f"{first:g} and {before}"
        )
    node.give(Value(found.number))


def _qonnx(node: Node) -> None:
    if node.proto.domain not in QONNX:
        raise ValueError(f"is read of the domain {QONNX[0]} only, not {node.proto.domain!r}")


def quant(node: Node) -> None:
    """Take Quant or IntQuant of QONNX."""
    _qonnx(node)
    scale = _scale(node, 1)
    zero = _whole(node.needed(2).values, "zeropt")
    width = _one(_whole(node.needed(3).values, "bitwidth"), "bitwidth")
    bits = integer("bitwidth", int(width), 1, 32)
    mode = str(node.attribute("rounding_mode", "ROUND")).upper()
    if mode not in ("ROUND", "HALF_EVEN"):
        raise ValueError(f"is read with rounding_mode ROUND only, not {mode}")
    signed, narrow = bool(node.attribute("signed", 1)), bool(node.attribute("narrow", 0))
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if narrow:
        low, high = (low + 1, high) if signed else (low, high - 1)
    if low == high:
        raise ValueError(f"has no codes but {low}")
    found = node.inputs[0]
    if isinstance(found, Constant):
        if zero.any():
            raise ValueError("weights must have the zero point 0; quantise them symmetrically")
        wide = _broadcast(scale, found.values)
        codes = np.clip(np.rint(found.values / wide), low, high).astype(np.int64)
        wide = wide.astype(np.float64)
        node.give(Constant(codes * wide, codes, wide))
        return
    node.append(
        reals.Quant(
            sources=(node.value().number,),
            scale=float(_one(scale, "scale")),
            zero=int(_one(zero, "zeropt")),
            low=low,
            high=high,
        )
    )


def _broadcast(scale: Array, values: Array) -> Array:
    if scale.ndim > values.ndim:
        scale = scale.reshape(scale.shape[scale.ndim - values.ndim :])
    wide = scale.reshape((1,) * (values.ndim - scale.ndim) + scale.shape)
    if any(n not in (1, m) for n, m in zip(wide.shape, values.shape, strict=True)):
        raise ValueError(f"has scales {list(scale.shape)} for {list(values.shape)}")
    return wide


def bipolar(node: Node) -> None:
    """Take BipolarQuant of QONNX: the sign, of 0 too, times a scale."""
    _qonnx(node)
    scale, found = _scale(node, 1), node.inputs[0]
    if isinstance(found, Constant):
        wide = _broadcast(scale, found.values).astype(np.float64)
        codes = np.where(found.values >= 0, 1, -1).astype(np.int64)
        node.give(Constant(codes * wide, codes, wide))
        return
    step = float(_one(scale, "scale"))
    node.append(reals.Quant(sources=(node.value().number,), scale=step, bipolar=True))


QUANTISERS: dict[str, Operator] = {
    "QuantizeLinear": quantise_linear,
    "DequantizeLinear": dequantise_linear,
    "Quant": quant,
    "IntQuant": quant,
    "BipolarQuant": bipolar,
}
