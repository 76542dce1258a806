"""Images per second of the network model, run by ``make bench``, beside onnxruntime.

Both run the kept convnet for Fashion-MNIST on one core: the model with exact integers, onnxruntime
with the same codes and scales as QuantizeLinear and DequantizeLinear, which it fuses into kernels
of eight bits, and as a graph in single precision without rounding.
"""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden import network
from nomul.golden.network import Conv2d, Dense, Flatten, MaxPool2d, Network, Requant

IMAGES, LEAST = 2000, 2000.0  # images per processor second that are promised

Array = NDArray[Any]


def onnx_of(net: Network, *, codes: bool) -> bytes:
    """Return a chain with ReLUs as ONNX, its input and output in codes.

    Parameters
    ----------
    net
        Dense and Conv2d, each with a Requant of positive scales behind it, MaxPool2d and Flatten.
    codes
        With quantisers and weights of eight bits; else in single precision, not rounded.
    """
    from onnx import helper, numpy_helper

    nodes: list[Any] = []
    constants: list[Any] = []

    def constant(value: Any, kind: Any) -> str:
        name = f"c{len(constants)}"
        constants.append(numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name

    def node(op: str, *inputs: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(op, inputs, [f"t{len(nodes)}"], **attributes))
        return f"t{len(nodes) - 1}"

    def requantised(x: str, low: int, high: int) -> str:
        if not codes:
            return node("Clip", x, constant(low, "f"), constant(high, "f"))
        one, zero = constant(1.0, "f"), constant(0, np.uint8 if low == 0 else np.int8)
        return node("DequantizeLinear", node("QuantizeLinear", x, one, zero), one, zero)

    value = requantised("x", 0, 255)
    for layer, after in zip(net.layers, [*net.layers[1:], None], strict=True):
        match layer:
            case MaxPool2d():
                members = {"kernel_shape": layer.kernel, "strides": layer.stride}
                value = node("MaxPool", value, **members)
            case Flatten():
                value = node("Flatten", value)
            case Dense() | Conv2d():
                assert isinstance(after, Requant)
                dense = isinstance(layer, Dense)
                scale = after.scale * 2.0**-after.shift
                bias = after.bias / after.scale
                columns = scale if dense else scale.reshape(-1, 1, 1, 1)
                if codes:
                    axis = {"axis": 1 if dense else 0}
                    w = node(
                        "DequantizeLinear", constant(layer.w, "i1"), constant(scale, "f"), **axis
                    )
                    b = node(
                        "DequantizeLinear",
                        constant(np.rint(bias), "i4"),
                        constant(scale, "f"),
                        axis=0,
                    )
                else:
                    w, b = constant(layer.w * columns, "f"), constant(bias * scale, "f")
                if isinstance(layer, Conv2d):
                    value = node("Conv", value, w, b, strides=layer.stride, pads=layer.padding)
                else:
                    value = node("Gemm", value, w, b)
            case Requant() if layer.low == 0:
                value = requantised(value, layer.low, layer.high)
            case Requant():
                pass  # the scores: whoever compares them wants no rounding
            case _:
                raise ValueError(f"{layer.kind} is not written")
    entry = helper.make_tensor_value_info("x", 1, ["N", *net.input_shape])
    graph = helper.make_graph(
        nodes, "network", [entry], [helper.make_empty_tensor_value_info(value)], constants
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return bytes(model.SerializeToString())


def rate(run: Any, images: int) -> float:
    """Return images per processor second, the best of three runs."""
    best = 0.0
    for _ in range(3):
        start = time.process_time()
        run()
        best = max(best, images / (time.process_time() - start))
    return best


def main() -> None:
    """Print images per second, and whether they keep what is promised."""
    from threadpoolctl import threadpool_limits

    net = network.example("fashion-convnet-int8")
    x = np.random.default_rng(1).integers(0, 256, (IMAGES, *net.input_shape)).astype(np.uint8)
    with threadpool_limits(1):
        ours = rate(lambda: network.model(net, x), IMAGES)
    print(
        f"network: {ours:,.0f} images of {net.products:,} products per processor second "
        f"(at least {LEAST:,.0f})"
    )
    try:
        from nomul.train.judge import session

        for name, codes in (("eight bits", True), ("single precision", False)):
            theirs = session(onnx_of(net, codes=codes), fused=True)
            reals = x.astype(np.float32)
            speed = rate(lambda s=theirs, v=reals: s.run(None, {"x": v}), IMAGES)
            same = theirs.run(None, {"x": reals})[0].argmax(1) == network.model(net, x).argmax(1)
            print(
                f"onnxruntime, one thread, {name}: {speed:,.0f} images per processor second, "
                f"{same.mean():.1%} of the same class"
            )
    except ImportError as error:
        print(f"onnxruntime is not measured: {error}")
    if ours < LEAST:
        raise SystemExit("the network model is slower than promised")


if __name__ == "__main__":
    main()
