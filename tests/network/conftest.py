"""What tests of networks share: a builder of ONNX models, and onnxruntime as their judge."""

import numpy as np
import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Compute on one core: threads that wait for each other on a busy machine take minutes."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    with threadpool_limits(1):
        yield


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
    """Return a function that compares each quantised layer with onnxruntime, fed the same codes.

    A code may differ by one, and only next to a tie: there onnxruntime rounds sums in single
    precision, which are not quite the exact ones. Classes must be the same where they are clear.
    """
    from nomul.train.judge import agreement

    def compare(model, x, net=None, share=1e-5):
        """Require agreement in all but a share of the elements, and return it."""
        found = agreement(model, x, net)
        print(found)
        assert found.elements
        assert found.differ <= max(1, share * found.elements) * (share > 0), found
        assert found.most <= 1
        assert (found.far, found.wrong) == (0, 0), found
        return found

    return compare
