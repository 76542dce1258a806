"""QONNX: generated files of binary layers against their nodes evaluated one by one.

One file, since the cases share the generator of graphs.
"""

import itertools
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from nomul.golden import importers, lutnet


def save(folder, nodes, constants, n_in, output):
    """Write a model; constants are stored as float32 unless they are integers already."""
    tensors = [
        numpy_helper.from_array(v if np.asarray(v).dtype.kind == "i" else np.float32(v), name)
        for name, v in ((n, np.asarray(v)) for n, v in constants.items())
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, n_in])
    y = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "net", [x], [y], tensors)
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph), str(path))
    return path


def node(kind, inputs, output, **attributes):
    domain = "qonnx.custom_op.general" if kind == "BipolarQuant" else ""
    outputs = output if isinstance(output, list) else [output]
    return helper.make_node(kind, inputs.split(), outputs, domain=domain, **attributes)


def bipolar(x, scale):
    return np.where(x >= 0, 1.0, -1.0) * scale


def batch_norm(x, gamma, beta, mu, var, epsilon):
    return gamma * (x - mu) / np.sqrt(var + epsilon) + beta


def signs(n):
    return np.array(list(itertools.product((0, 1), repeat=n)))


RNG = np.random.default_rng(8)

# Quarters, and variances whose roots are quarters: every float below is exact, ties included.
NORM = {
    "gamma": RNG.integers(-2, 3, 7) / 2,
    "beta": RNG.integers(-4, 5, 7) / 4,
    "mu": RNG.integers(-3, 4, 7) / 4,
    "var": np.tile([0.25, 1.0, 4.0], 3)[:7],
}
W1, W2, W3 = RNG.normal(size=(8, 7)), RNG.normal(size=(7, 6)), RNG.normal(size=(6, 3))


def network(folder, end=()):
    """Three layers: normalised, biased by Gemm, scores with a shift per class."""
    nodes = [
        node("BipolarQuant", "w1 half", "w1q"),
        node("BipolarQuant", "x one", "xq"),
        node("MatMul", "xq w1q", "s1"),
        node("BatchNormalization", "s1 gamma beta mu var", "n1", epsilon=0.0),
        node("BipolarQuant", "n1 half", "h1"),
        node("BipolarQuant", "w2 one", "w2q"),
        node("Transpose", "w2q", "w2t", perm=[1, 0]),
        node("Gemm", "h1 w2t bias", "s2", transB=1),
        node("BipolarQuant", "s2 one", "h2"),
        node("BipolarQuant", "w3 half", "w3q"),
        node("MatMul", "h2 w3q", "s3"),
        node("Mul", "four s3", "m3"),
        node("Add", "m3 shift", "y"),
    ]
    constants = {
        **NORM,
        "w1": W1,
        "w2": W2,
        "w3": W3,
        "one": 1.0,
        "half": [0.5],
        "four": 4.0,
        "bias": [0.5, -0.5, 0.0, 1.0, -1.5, 0.25],
        "shift": [0.0, 1.5, -3.0],
    }
    nodes += list(end)
    return save(folder, nodes, constants, 8, nodes[-1].output[-1]), constants


def evaluate(bits, constants):
    x = 2.0 * bits - 1
    n1 = batch_norm(x @ bipolar(W1, 0.5), *NORM.values(), 0.0)
    s2 = bipolar(n1, 0.5) @ bipolar(W2, 1.0) + constants["bias"]
    return 4 * (bipolar(s2, 1.0) @ bipolar(W3, 0.5)) + constants["shift"]


def test_every_input_of_a_network_of_three_layers(tmp_path):
    path, constants = network(tmp_path)
    read = importers.load(path, format="qonnx")
    bits = signs(8)
    scores, expected = lutnet.model(read, bits), evaluate(bits, constants)
    # Integers in the order of the values, ties included.
    for i, j in itertools.permutations(range(3), 2):
        order = np.sign(expected[:, i] - expected[:, j])
        assert np.array_equal(np.sign(scores[:, i] - scores[:, j]), order)
    assert np.array_equal(lutnet.predict(read, bits), expected.argmax(axis=1))
    assert [layer.kind for layer in read.layers] == ["xnor"] * 3
    ties = (batch_norm((2.0 * bits - 1) @ bipolar(W1, 0.5), *NORM.values(), 0.0) == 0).sum()
    assert ties > 20


@pytest.mark.parametrize(
    "end",
    [
        [node("ArgMax", "y", "top", axis=1, keepdims=0)],
        [node("TopK", "y k", ["value", "top"], axis=-1)],
    ],
)
def test_an_argmax_at_the_end(tmp_path, end):
    path, constants = network(tmp_path)
    model = onnx.load(str(path))
    model.graph.node.extend(end)
    model.graph.initializer.append(numpy_helper.from_array(np.array([1]), "k"))
    model.graph.output[0].name = "top"
    onnx.save(model, str(path))
    read = importers.load(path, format="qonnx")
    assert isinstance(read.layers[-1], lutnet.Argmax)
    bits = signs(8)
    assert np.array_equal(lutnet.predict(read, bits), evaluate(bits, constants).argmax(axis=1))


def test_plain_sums_are_those_of_the_file_and_zeros_are_no_products(tmp_path):
    w = np.array([[0.5, 0, -0.5], [0.5, -0.5, 0], [0, 0.5, 0.5], [-0.5, 0.5, 0.5]])
    read = importers.load(
        save(tmp_path, [node("MatMul", "x w", "y")], {"w": w}, 4, "y"), format="qonnx"
    )
    assert np.array_equal(lutnet.model(read, signs(4)), (2 * signs(4) - 1) @ np.sign(w))
    assert len(read.layers[0].idx) == 9


def test_codes_are_compared_with_thresholds(tmp_path):
    nodes = [
        node("Mul", "x two", "a"),
        node("Sub", "a t", "b"),
        node("BipolarQuant", "b one", "h"),
        node("MatMul", "h w", "y"),
    ]
    t = [3.0, 4.0, 5.5]
    constants = {"two": 2.0, "t": t, "one": 1.0, "w": np.eye(3)}
    read = importers.load(save(tmp_path, nodes, constants, 3, "y"), format="qonnx", input_bits=3)
    x = np.array(list(itertools.product(range(8), repeat=3)))
    assert np.array_equal(lutnet.model(read, x), np.where(2 * x - t >= 0, 1, -1))


def test_an_irrational_deviation_folds_exactly(tmp_path):
    """[s - 1 >= -sqrt(var + eps)] at every s, the tie of an exact square among them."""
    for var, epsilon in ((2.0, 0.0), (3.0, 1.0), (0.7, 1e-5)):
        nodes = [
            node("MatMul", "x w", "s"),
            node("BatchNormalization", "s g b m v", "n", epsilon=epsilon),
            node("BipolarQuant", "n g1", "y"),
        ]
        constants = {"w": np.ones((5, 1)), "g": [1.0], "b": [1.0], "m": [1.0], "v": [var]}
        path = save(tmp_path, nodes, {**constants, "g1": 1.0}, 5, "y")
        got = lutnet.model(importers.load(path, format="qonnx"), signs(5))[:, 0]
        square = float(np.float32(var)) + float(np.float32(epsilon))
        for bits, y in zip(signs(5), got, strict=True):
            s = 2 * int(bits.sum()) - 5
            assert y == (s >= 1 or (s - 1) ** 2 <= square)


GOOD = {"w": np.eye(2), "one": 1.0, "t": [0.5, 0.25], "v": [2.0, 2.0]}


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (["Conv x w y"], "node 0 (Conv): Conv is not read; what is: MatMul"),
        (["MatMul x t y"], "weights must be of shape [2, n], at least one neuron, not [2]"),
        (["MatMul x u y"], "node 0 (MatMul): weight [1][0] must be 0 or +-2, not 1"),
        (["MatMul x w a", "MatMul a w y"], "node 1 (MatMul): its input is not quantised to signs"),
        (["Mul x one y"], "node 0 (Mul): scales signs"),
        (["MatMul x w a", "Add a z y"], "node 1 (Add): 'z' is not a constant"),
        (["MatMul x w a", "Add x t y"], "node 1 (Add): reads 'x', not 'a' of the node before it"),
        (["MatMul x w a", "Div a zero y"], "node 1 (Div): divides by zero"),
        (["MatMul x w a", "Mul a t y"], "class 1: its scale is not positive, or not that of"),
        (
            ["MatMul x w a", "BatchNormalization a t t one v y"],
            "class 0: the deviation is irrational",
        ),
        (["MatMul x w a", "BipolarQuant a minus y"], "the scale must be one positive number"),
        (["MatMul x w a", "Add a three y"], "a constant must have 1 or 2 values, not [3]"),
        (["Exp w a", "MatMul x a y"], "node 0 (Exp): Exp is not read; what is: MatMul"),
        (["MatMul x w z"], "the output is not 'z', where the chain of nodes ends"),
        (["Identity x y"], "the graph has no binary layer"),
    ],
)
def test_what_is_not_binary_is_refused_with_the_place(tmp_path, nodes, message):
    extra = {"u": [[2.0, 1.0], [1.0, 1.0]], "zero": 0.0, "minus": -1.0, "three": [1.0, 2.0, 3.0]}
    made = [node(n.split()[0], " ".join(n.split()[1:-1]), n.split()[-1]) for n in nodes]
    path = save(tmp_path, made, GOOD | extra, 2, "y")
    with pytest.raises(ValueError, match=r"net\.onnx: ") as caught:
        importers.load(path, format="qonnx")
    assert message in str(caught.value)


def test_what_is_no_onnx_file_is_refused(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\xff\xff\xff not a graph")
    with pytest.raises(ValueError, match=r"net\.onnx: not an ONNX file"):
        importers.load(path, format="qonnx")


def test_a_missing_reader_is_named(tmp_path, monkeypatch):
    path, _ = network(tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="QONNX files need onnx; try: pip install"):
        importers.load(path, format="qonnx")


def test_a_qonnx_network_runs_as_hardware(simulate, tmp_path):
    path, _ = network(tmp_path)
    importers.load(path, format="qonnx").save(tmp_path / "net.json")
    simulate("lutnet", lutnet.Config(network=str(tmp_path / "net.json")))


def two_layers(between=(), **extra):
    """Return nodes and constants of a binary layer, something in between, and class scores."""
    rng = np.random.default_rng(8)
    last = between[-1][-1] if between else "z"
    nodes = [node(kind, inputs, out) for kind, inputs, out in between]
    constants = {
        **GOOD,
        "w": np.where(rng.random((4, 3)) < 0.5, -1.0, 1.0),
        "v": np.where(rng.random((3, 2)) < 0.5, -1.0, 1.0),
        **extra,
    }
    nodes = [node("MatMul", "x w", "z"), *nodes, node("BipolarQuant", f"{last} one", "h")]
    return [*nodes, node("MatMul", "h v", "y")], constants


def test_a_pruned_neuron_has_the_sum_zero(tmp_path):
    """Its sign is +1 by the definition of BipolarQuant, or what its normalisation leaves."""
    w = np.where(np.random.default_rng(8).random((4, 3)) < 0.5, -1.0, 1.0)
    w[:, 1] = 0
    for shift, sign in ((0.0, 1), (-0.5, -1)):
        nodes, constants = two_layers([("Add", "z t3", "a")], w=w, t3=[0.0, shift, 0.0])
        read = importers.load(save(tmp_path, nodes, constants, 4, "y"), format="qonnx")
        x = signs(4)
        sums = (2 * x - 1) @ w
        hidden = np.where(sums >= 0, 1, -1)
        hidden[:, 1] = sign
        wanted = hidden @ constants["v"]
        got = lutnet.model(read, x)
        assert np.array_equal(got.argmax(axis=1), wanted.argmax(axis=1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w": np.zeros((4, 3))}, "no weight is left: all are zero"),
        ({"w": np.zeros((4, 0)), "v": np.zeros((0, 2))}, "at least one neuron"),
        ({"w": np.full((4, 3), np.nan)}, "initializer 'w': [0, 0] must be finite, not nan"),
    ],
)
def test_weights_that_are_none_are_refused(tmp_path, change, message):
    nodes, constants = two_layers(**change)
    with pytest.raises(ValueError, match=r"net\.onnx: ") as caught:
        importers.load(save(tmp_path, nodes, constants, 4, "y"), format="qonnx")
    assert message in str(caught.value)


def altered(tmp_path, change):
    """Save a good graph with something changed in it; return the file."""
    nodes, constants = two_layers(
        [("BatchNormalization", "z g b m q", "n")],
        **{name: [1.0, 2.0, 0.5] for name in "gbmq"},
    )
    path = save(tmp_path, nodes, constants, 4, "y")
    importers.load(path, format="qonnx")
    model = onnx.load(path)
    change(model.graph)
    onnx.save(model, path)
    return path


def attribute(number, name, value):
    return lambda g: g.node[number].attribute.append(onnx.helper.make_attribute(name, value))


def dimension(size):
    def change(graph):
        graph.input[0].type.tensor_type.shape.dim[1].dim_value = size

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (attribute(1, "training_mode", 1), "node 1 (BatchNormalization): is in training mode"),
        (lambda g: g.node[1].output.extend(["rm", "rv"]), "is in training mode, by the batch"),
        (attribute(1, "epsilon", float("nan")), "epsilon must be finite, not nan"),
        (attribute(0, "axis", 1), "attribute 'axis' is not known, or stands twice"),
        (dimension(10**8), "must have a fixed number of features in 1..65536, not [100000000]"),
        (dimension(0), "must have a fixed number of features"),
        (lambda g: g.initializer.append(g.initializer[0]), "stands twice"),
        (lambda g: g.node.append(g.node[-1]), "'y' is computed twice"),
        (lambda g: setattr(g.node[0], "domain", "com.other"), "com.other.MatMul is not read"),
        (lambda g: g.node[0].input.append("w"), "has 3 inputs and 1 outputs, not 2..2"),
        (lambda g: g.ClearField("input"), "the graph has 0 inputs, not one"),
        (
            lambda g: g.initializer[0].external_data.add(key="location", value="/etc/passwd"),
            "lies in another file, which is not read",
        ),
        (lambda g: g.initializer[0].dims.insert(0, 1 << 40), "too large"),
    ],
)
def test_what_changes_the_meaning_is_refused(tmp_path, change, message):
    path = altered(tmp_path, change)
    with pytest.raises(ValueError, match=r"net\.onnx: ") as caught:
        importers.load(path, format="qonnx")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("Flatten", {"axis": 0}, "axis must be 1, so that samples stay apart, not 0"),
        ("Flatten", {"axis": 2}, "axis must be 1, so that samples stay apart, not 2"),
        ("Flatten", {}, None),
        ("Reshape", [-1, 4], None),
        ("Reshape", [0, -1], None),
        ("Reshape", [4, -1], "the shape must be [-1, 4], so that samples stay apart, not [4, -1]"),
        ("Reshape", [-1, 2, 2], "its input has 3 axes: there is no Flatten before it"),
        ("Identity", {}, "its input has 3 axes: there is no Flatten before it"),
    ],
)
def test_samples_stay_apart(tmp_path, kind, values, message):
    nodes, constants = two_layers()
    nodes[0].input[0] = "f"
    inputs = ["x", "s"] if kind == "Reshape" else ["x"]
    options = values if isinstance(values, dict) else {}
    nodes.insert(0, onnx.helper.make_node(kind, inputs, ["f"], **options))
    path = save(tmp_path, nodes, constants, 4, "y")
    model = onnx.load(path)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    dims[1].dim_value = 2
    dims.add().dim_value = 2
    if kind == "Reshape":
        tensor = onnx.numpy_helper.from_array(np.array(values, dtype=np.int64), "s")
        model.graph.initializer.append(tensor)
    onnx.save(model, path)
    if message is None:
        assert importers.load(path, format="qonnx").inputs == 4
    else:
        with pytest.raises(ValueError, match=r"net\.onnx: ") as caught:
            importers.load(path, format="qonnx")
        assert message in str(caught.value)
