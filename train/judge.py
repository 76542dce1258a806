"""onnxruntime's quantiser as another way to codes, and onnxruntime as the judge of what we read."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden import network
from nomul.golden.network import Network

Array = NDArray[Any]

NEAR = 1e-4  # of a code: how wrong sums in single precision may be


@dataclass(frozen=True)
class Agreement:
    """How far a network of integers and onnxruntime agree on inputs.

    Attributes
    ----------
    elements, differ
        Codes of all layers, each fed the same codes, and how many of them differ.
    far
        How many of those are not next to a tie, where sums in single precision round another way.
    most
        The largest difference.
    inputs, unclear, wrong
        Inputs, those whose two best scores are at most two units apart, and how many of the rest
        are put into another class.
    """

    elements: int
    differ: int
    far: int
    most: int
    inputs: int
    unclear: int
    wrong: int


def quantised(model: Path, calibration: Array, out: Path) -> None:
    """Write what onnxruntime's static quantiser makes of a float model: 8 bits, per channel.

    Raises
    ------
    ImportError
        onnxruntime is missing.
    """
    try:
        from onnxruntime import quantization
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError:
        raise ImportError("the judge needs onnxruntime; try: pip install onnxruntime") from None

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            self.batches = iter(np.array_split(calibration.astype(np.float32), 8))
            self.name = name

        def get_next(self) -> dict[str, Array] | None:
            batch = next(self.batches, None)
            return None if batch is None else {self.name: batch}

    import onnx

    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(str(model), str(ready))
        name = onnx.load(str(ready)).graph.input[0].name
        quantization.quantize_static(
            str(ready),
            str(out),
            Reader(name),
            per_channel=True,
            quant_format=quantization.QuantFormat.QDQ,
        )


def session(content: Any, *, fused: bool = False) -> Any:
    """Return an inference session of one thread; nothing is fused or reordered unless ``fused``."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if fused else level.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def agreement(source: Path | Any, x: Array, net: Network | None = None) -> Agreement:
    """Compare a quantised model, as it is read here, with onnxruntime on real inputs.

    Each layer of our network is given the codes that onnxruntime computed for the layers before.

    Parameters
    ----------
    source
        Path of an ONNX file with QuantizeLinear, or an onnx.ModelProto.
    x
        float32[V, ...].
    net
        The network to compare; what :func:`nomul.golden.network.load` reads if None.

    Raises
    ------
    ValueError
        A sum of the network may not be exact in single precision, so the judge would be wrong.
    """
    import onnx
    from onnx import helper

    given = onnx.load(str(source)) if isinstance(source, Path) else source
    net = network.load(given) if net is None else net
    model = type(given)()
    model.CopyFrom(given)
    wanted = _tensors(model, net)
    output = model.graph.output[0].name
    for name, _ in wanted.values():
        if name != output:
            model.graph.output.append(helper.make_empty_tensor_value_info(name))
    run = session(model.SerializeToString())
    names = sorted({output, *(name for name, _ in wanted.values())})
    answers = dict(zip(names, run.run(names, {run.get_inputs()[0].name: x}), strict=True))
    values: list[Array] = [net.encode(x)]
    elements = differ = far = most = 0
    for number, layer in enumerate(net.layers):
        inputs = [values[s] for s in net.sources(number)]
        value: Array = network.layer_output(net, number, *inputs)
        if number in wanted and isinstance(layer, network.Requant):
            name, zero = wanted[number]
            codes = answers[name].astype(np.int64) - zero
            wrong = value != codes
            elements, differ = elements + codes.size, differ + int(wrong.sum())
            most = max(most, int(np.abs(value - codes).max()))
            real = unrounded(layer, inputs[0])[wrong]
            far += int((np.abs(np.abs(real - np.rint(real)) - 0.5) > NEAR).sum())
            value = codes
        values.append(value)
    return Agreement(elements, differ, far, most, len(x), *_classes(net, answers[output], x))


def _tensors(model: Any, net: Network) -> dict[int, tuple[str, int]]:
    """Return for each requantiser of the file's the tensor of its codes, and its zero point."""
    from onnx import numpy_helper

    known = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    for node in model.graph.node:  # constants of PyTorch are nodes, some of them copied
        if node.op_type == "Constant":
            known[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        elif node.op_type == "Identity" and node.input[0] in known:
            known[node.output[0]] = known[node.input[0]]
    wanted: dict[int, tuple[str, int]] = {}
    for number, layer in enumerate(net.layers):
        found = re.match(r"node (\d+) \(QuantizeLinear", layer.name)
        if found and isinstance(layer, network.Requant):
            node = model.graph.node[int(found.group(1))]
            wanted[number] = (node.output[0], int(known[node.input[2]]))
        sums = max(map(abs, net.ranges[number + 1]))
        if isinstance(layer, network.Dense | network.Conv2d) and sums >= 1 << 24:
            raise ValueError(f"{net.place(number)} has sums up to {sums}")
    return wanted


def unrounded(layer: network.Requant, y: Array) -> Array:
    """Return what a requantiser rounds, for sums [V, channels, ...]."""
    axes = (-1,) + (1,) * (y.ndim - 2)
    real = y * layer.scale.reshape(axes) + layer.bias.reshape(axes)
    return np.asarray(real / 2.0**layer.shift)


def _classes(net: Network, scores: Array, x: Array) -> tuple[int, int]:
    """Return inputs without a clear class, and others that get another class here."""
    if scores.ndim != 2:
        return 0, 0
    want = np.rint(scores / net.output_scale)
    best = np.sort(want, axis=1)
    clear = best[:, -1] - best[:, -2] > 2
    got = network.model(net, net.encode(x))
    return int((~clear).sum()), int((got.argmax(1) != want.argmax(1))[clear].sum())
