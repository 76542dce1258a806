"""What tests of networks share: a builder of ONNX models, and onnxruntime as their judge."""

import re

import numpy as np
import pytest

from nomul.golden import network
from nomul.golden.network.layers import Conv2d, Dense, Requant


class Builder:
    """Collects nodes and constants of one ONNX model; methods give the name of what they add."""

    def __init__(self, *shape, batch="N", kind=1):
        self.nodes, self.constants, self.count = [], [], 0
        self.shape, self.batch, self.kind = shape, batch, kind

    def constant(self, value, kind=np.float32, **options):
        """Add a tensor."""
        from onnx import numpy_helper

        self.count += 1
        name = f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name

    def node(self, op, *inputs, outputs=1, **attributes):
        """Add a node; arrays among its inputs become constants."""
        from onnx import helper

        names = [
            self.constant(i, i.dtype) if isinstance(i, np.ndarray | np.generic) else i
            for i in inputs
        ]
        self.count += 1
        results = [f"t{self.count}" + "abc"[i] for i in range(outputs)]
        domain = attributes.pop("domain", "")
        self.nodes.append(
            helper.make_node(op, names, results, name=f"n{self.count}", domain=domain, **attributes)
        )
        return results[0] if outputs == 1 else results

    def codes(self, x, scale, zero, kind=np.uint8):
        """Add QuantizeLinear and DequantizeLinear."""
        parts = (np.float32(scale), np.array(zero, dtype=kind))
        return self.node("DequantizeLinear", self.node("QuantizeLinear", x, *parts), *parts)

    def weights(self, codes, scale, axis, kind=np.int8):
        """Add weights as codes, scaled along an axis."""
        scale = np.asarray(scale, dtype=np.float32)
        zero = np.zeros(scale.shape, dtype=kind)
        return self.node("DequantizeLinear", codes.astype(kind), scale, zero, axis=axis)

    def model(self, *outputs, opset=20, domains=()):
        """Return the model that gives those outputs."""
        from onnx import helper

        entry = helper.make_tensor_value_info("x", self.kind, [self.batch, *self.shape])
        results = [helper.make_empty_tensor_value_info(name) for name in outputs]
        graph = helper.make_graph(self.nodes, "g", [entry], results, self.constants)
        sets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
        sets += [helper.make_opsetid(name, 2) for name in domains]
        return helper.make_model(graph, opset_imports=sets, ir_version=10)


@pytest.fixture
def build():
    """Return the builder of models."""
    pytest.importorskip("onnx", reason="needs onnx: pip install 'nomul[onnx]'")
    return Builder


@pytest.fixture
def judge():
    """Return a function that runs a model in onnxruntime, with nothing fused or reordered."""
    runtime = pytest.importorskip(
        "onnxruntime", reason="needs onnxruntime: pip install onnxruntime"
    )

    def run(model, x, names=None):
        options = runtime.SessionOptions()
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        content = model if isinstance(model, str) else model.SerializeToString()
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return session.run(names, {session.get_inputs()[0].name: x})

    return run


@pytest.fixture
def layer_by_layer(judge):
    """Return a function that compares each quantised layer with onnxruntime, fed the same codes."""
    from onnx import helper, numpy_helper

    def compare(model, net, x):
        """Return elements compared, elements that differ, and the largest difference.

        Where one differs, the real number must be as close to a tie as sums in single precision are
        wrong: there onnxruntime rounds a number that is not quite the exact one.
        """
        graph = model.graph
        known = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        for node in graph.node:  # constants of PyTorch are nodes, some of them copied
            if node.op_type == "Constant":
                known[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            elif node.op_type == "Identity" and node.input[0] in known:
                known[node.output[0]] = known[node.input[0]]
        wanted = {}
        for number, layer in enumerate(net.layers):
            found = re.match(r"node (\d+) \(QuantizeLinear", layer.name)
            if found and isinstance(layer, Requant):
                node = graph.node[int(found.group(1))]
                wanted[number] = (node.output[0], int(known[node.input[2]]))
            if isinstance(layer, Dense | Conv2d):  # else sums of codes would be rounded there
                assert max(map(abs, net.ranges[number + 1])) < 1 << 24
        probe = type(model)()
        probe.CopyFrom(model)
        del probe.graph.output[:]
        names = [name for name, _ in wanted.values()]
        for name in names:
            probe.graph.output.append(helper.make_empty_tensor_value_info(name))
        answers = dict(zip(names, judge(probe, x, names), strict=True))
        values = [net.encode(x)]
        elements = differ = worst = 0
        for number in range(len(net.layers)):
            inputs = [values[s] for s in net.sources(number)]
            value = network.layer_output(net, number, *inputs)
            if number in wanted:
                name, zero = wanted[number]
                want = answers[name].astype(np.int64) - zero
                elements += want.size
                differ += int((value != want).sum())
                worst = max(worst, int(np.abs(value - want).max()))
                real = unrounded(net.layers[number], inputs[0])[value != want]
                assert (np.abs(np.abs(real - np.rint(real)) - 0.5) < 1e-4).all()
                value = want
            values.append(value)
        assert elements
        return elements, differ, worst

    return compare


def unrounded(layer, y):
    """Return what a requantiser rounds, as float64."""
    axes = (-1,) + (1,) * (y.ndim - 2)
    return (y * layer.scale.reshape(axes) + layer.bias.reshape(axes)) / 2.0**layer.shift
