"""Float ONNX: every operator that is read against onnxruntime, and what is refused.

One file, since there is one case per operator that is read.
"""

import numpy as np
import pytest

from nomul.golden import network
from nomul.golden.network import onnx_files

F = np.float32


def f(*shape, seed=0, low=-1.0):
    return np.random.default_rng(seed).uniform(low, 1, shape).astype(F)


def norm(n, seed=5):
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.5, 2, n).astype(F) for _ in range(4)]


def convolution(b, x, **attributes):
    return b.node("Conv", x, f(4, 3, 3, 3, seed=1), f(4, seed=2), **attributes)


def classified(b, scores):
    """Give the tail that scikit-learn's converter writes: class and probability per class."""
    ml = {"domain": "ai.onnx.ml"}
    p = b.node("Softmax", scores)
    top = b.node("ArgMax", p, axis=1)
    names = b.node("ArrayFeatureExtractor", np.arange(4), top, **ml)
    label = b.node("Cast", b.node("Reshape", names, np.array([-1])), to=7)
    b.node("ZipMap", p, classlabels_int64s=[0, 1, 2, 3], **ml)
    return label, p


# What is built on an input of 3 x 7 x 6, as a function of builder and name.
OPERATORS = {
    "conv": lambda b, x: convolution(b, x, pads=[1, 0, 2, 1], strides=[2, 1]),
    "conv without bias": lambda b, x: b.node("Conv", x, f(2, 3, 2, 2)),
    "conv same upper": lambda b, x: convolution(b, x, auto_pad="SAME_UPPER", strides=[2, 2]),
    "conv same lower": lambda b, x: convolution(b, x, auto_pad="SAME_LOWER", strides=[2, 2]),
    "conv valid": lambda b, x: convolution(b, x, auto_pad="VALID"),
    "conv grouped": lambda b, x: b.node("Conv", x, f(6, 1, 2, 3), f(6, seed=1), group=3),
    "batch norm": lambda b, x: b.node("BatchNormalization", convolution(b, x), *norm(4)),
    "batch norm alone": lambda b, x: b.node("BatchNormalization", x, *norm(3), epsilon=0.5),
    "clip": lambda b, x: b.node("Clip", convolution(b, x), F(-0.25), F(1.5)),
    "clip from above": lambda b, x: b.node("Clip", convolution(b, x), "", F(0.5)),
    "max": lambda b, x: b.node(
        "MaxPool", x, kernel_shape=[2, 3], strides=[2, 1], pads=[1, 1, 0, 2]
    ),
    "max ceil": lambda b, x: b.node(
        "MaxPool", x, kernel_shape=[2, 2], strides=[2, 4], pads=[0, 0, 1, 1], ceil_mode=1
    ),
    "mean": lambda b, x: b.node("AveragePool", x, kernel_shape=[2, 3], strides=[2, 3]),
    "mean with padding": lambda b, x: b.node(
        "AveragePool", x, kernel_shape=[2, 3], pads=[1, 1, 0, 2], count_include_pad=1
    ),
    "global mean": lambda b, x: b.node("Flatten", b.node("GlobalAveragePool", x)),
    "squeezed mean": lambda b, x: b.node(
        "Squeeze", b.node("GlobalAveragePool", x), np.array([2, 3])
    ),
    "reduce mean": lambda b, x: b.node("ReduceMean", x, np.array([-1, 2]), keepdims=0),
    "skip": lambda b, x: b.node("Add", x, b.node("Conv", x, f(3, 3, 3, 3), pads=[1, 1, 1, 1])),
    "per channel": lambda b, x: b.node("Mul", b.node("Sub", x, f(3, 1, 1)), f(1, 3, 1, 1)),
    "scalar": lambda b, x: b.node("Div", b.node("Add", F(0.5), x), F(-3)),
    "reshape": lambda b, x: b.node("Reshape", x, np.array([-1, 126])),
    "reshape open": lambda b, x: b.node("Reshape", x, np.array([0, -1])),
    "gemm": lambda b, x: b.node("Gemm", b.node("Flatten", x), f(5, 126), f(5, seed=1), transB=1),
    "gemm without bias": lambda b, x: b.node("Gemm", b.node("Flatten", x), f(126, 5)),
    "matmul": lambda b, x: b.node(
        "Add", b.node("MatMul", b.node("Flatten", x), f(126, 4)), f(1, 4)
    ),
    "transposed": lambda b, x: b.node(
        "MatMul", b.node("Flatten", x), b.node("Transpose", f(4, 126))
    ),
    "identity": lambda b, x: b.node("Identity", b.node("Cast", b.node("Dropout", x), to=1)),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operator_means_what_onnxruntime_computes(name, build, judge):
    b = build(3, 7, 6)
    model = b.model(OPERATORS[name](b, "x"))
    x = f(4, 3, 7, 6, seed=9)
    (want,) = judge(model, x)
    got = network.ideal(network.read(model), x)
    np.testing.assert_allclose(got, want.reshape(got.shape), rtol=0, atol=2e-5)


def test_average_with_padding_has_to_count_it(build):
    b = build(3, 7, 6)
    model = b.model(b.node("AveragePool", "x", kernel_shape=[2, 2], pads=[1, 1, 0, 0]))
    with pytest.raises(ValueError, match=r"node 0 \(AveragePool, n1\): has padding that does not"):
        network.read(model)


def test_the_tail_of_scikit_learn_gives_scores(build, judge):
    b = build(6)
    scores = b.node("Gemm", "x", f(6, 4), f(4, seed=1))
    model = b.model(*classified(b, scores))
    graph = network.read(model)
    x = f(20, 6, seed=3)
    want = judge(model, x, [model.graph.output[0].name])[0]
    assert graph.notes["classes"] == "0,1,2,3"
    np.testing.assert_array_equal(network.ideal(graph, x).argmax(axis=1), want)


def test_arg_max_gives_numbers(build, judge):
    b = build(6)
    model = b.model(b.node("ArgMax", b.node("Gemm", "x", f(6, 4)), axis=-1, keepdims=0))
    x = f(20, 6, seed=3)
    np.testing.assert_array_equal(network.ideal(network.read(model), x), judge(model, x)[0])
    net = network.quantise(model, x)
    assert network.model(net, net.encode(x)).shape == (20,)


def test_any_size_of_batch_is_one(build):
    b = build(6, batch=1)
    graph = network.read(b.model(b.node("Relu", "x")))
    assert network.ideal(graph, f(5, 6)).shape == (5, 6)


def refused_node(op, *inputs, shape=(3, 7, 6), message, **attributes):
    return pytest.param(op, inputs, shape, attributes, message, id=f"{op}: {message}")


@pytest.mark.parametrize(
    ("op", "inputs", "shape", "attributes", "message"),
    [
        refused_node("Tanh", "x", message=r"Tanh is not read; what is: Add, ArgMax, "),
        refused_node("Relu", "x", message="Relu of elsewhere is not read", domain="elsewhere"),
        refused_node("Conv", "x", f(4, 3, 3, 3), message="without dilations", dilations=[2, 2]),
        refused_node("Conv", "x", f(4, 3, 3), message="weights must have 4 axes"),
        refused_node("Conv", "x", f(4, 2, 3, 3), message="not for .3, 7, 6."),
        refused_node("Conv", "x", f(4, 3, 9, 9), message="does not fit"),
        refused_node("Conv", "x", f(4, 3, 3, 3), f(3), message="bias must have 4 values"),
        refused_node("Conv", "x", f(4, 3, 1, 1), message="kernel_shape", kernel_shape=[3, 3]),
        refused_node("Conv", "x", f(4, 3, 1, 1), message="pads must be", pads=[-1, 0, 0, 0]),
        refused_node("Gemm", "x", f(6, 2), shape=(6,), message="alpha = 1.0", alpha=2.0),
        refused_node("Gemm", "x", f(6, 2), shape=(6,), message="transA = 0", transA=1),
        refused_node("Gemm", "x", f(5, 2), shape=(6,), message=r"has weights for \[5\]"),
        refused_node("Gemm", "x", f(6, 2) * F(np.nan), shape=(6,), message="w.*must be finite"),
        refused_node("MatMul", "x", "x", shape=(6,), message="input 1, 'x', must be a constant"),
        refused_node(
            "MatMul", f(6, 6), "x", shape=(6,), message="input 1, .x., must be a constant"
        ),
        refused_node("Mul", "x", "x", message="with a constant only"),
        refused_node("Sub", F(1), "x", message="the constant second"),
        refused_node("Div", "x", F(0), message="divides by 0"),
        refused_node("Add", "x", f(7, 6), message="one constant or one per channel"),
        refused_node("Add", "x", "y", message="reads 'y', which nothing gives"),
        refused_node("Clip", "x", F(2), F(1), message="clips to 2..1"),
        refused_node("MaxPool", "x", message="over two axes", kernel_shape=[2]),
        refused_node("ReduceMean", "x", np.array([1]), message="axes 2 and 3 only"),
        refused_node("Flatten", "x", message="axis = 1 only", axis=2),
        refused_node("Reshape", "x", np.array([3, 42]), message="does not flatten 126"),
        refused_node("Reshape", "x", np.array([5, 126]), message="fixes the batch"),
        refused_node("ArgMax", "x", shape=(6,), message="axis 1", axis=0),
        refused_node("ArgMax", "x", shape=(6,), message="select_last", axis=1, select_last_index=1),
        refused_node("Sigmoid", "x", shape=(6,), message="behind a single score only"),
        refused_node("Softmax", "x", message="behind .classes. only"),
        refused_node("Dropout", "x", F(0.5), np.array(True), message="training mode"),
        refused_node("BatchNormalization", "x", *norm(3), message="training", training_mode=1),
        refused_node("BatchNormalization", "x", *norm(2), message="scale must have 3 values"),
        refused_node(
            "BatchNormalization", "x", *norm(3)[:3], -norm(3)[3], message=r"var\[0\] must be posit"
        ),
    ],
)
def test_a_node_that_is_not_read_is_named(op, inputs, shape, attributes, message, build):
    b = build(*shape)
    model = b.model(b.node("Relu", b.node(op, *inputs, **attributes)))
    with pytest.raises(ValueError, match=rf"node 0 \({op}, n\d+\): .*{message}"):
        network.read(model)


def test_a_node_that_gives_nothing_is_named(build):
    b = build(4)
    y = b.node("Relu", "x")
    model = b.model(y)
    del model.graph.node[0].output[:]
    with pytest.raises(ValueError, match=r"node 0 \(Relu.*\): output 0 is missing"):
        network.read(model)


def test_scores_are_final(build):
    b = build(4)
    model = b.model(b.node("Gemm", b.node("Softmax", "x"), f(4, 2)))
    with pytest.raises(
        ValueError, match=r"node 1 .*stands behind Softmax, which is read at the end"
    ):
        network.read(model)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (("C", 7, 6), "'C' on axis 1; only the batch may be open"),
        ((3, 0, 6), "0 on axis 2"),
        ((3, 1 << 40, 6), "on axis 2"),
        ((3, 7), "must have the axes batch and features"),
    ],
)
def test_an_open_shape_is_refused(shape, message, build):
    b = build(*shape)
    with pytest.raises(ValueError, match=message):
        network.read(b.model(b.node("Relu", "x")))


def test_other_graphs_are_refused(build):
    b = build(4)
    model = b.model(b.node("Relu", "x"))
    model.graph.input.append(model.graph.input[0])
    model.graph.input[1].name = "y"
    with pytest.raises(ValueError, match="must have one input, not 2: x, y"):
        network.read(model)
    b = build(4)
    with pytest.raises(ValueError, match="must have one output, not "):
        network.read(b.model(b.node("Relu", "x"), b.node("Neg" and "Relu", "x")))
    with pytest.raises(ValueError, match="is of operator set 99; 7 to 25 are read"):
        network.read(b.model(b.node("Relu", "x"), opset=99))
    with pytest.raises(TypeError, match=r"a model must be a path.*not int"):
        network.read(3)


def stored_outside(model, folder, name="weights.bin"):
    """Put the model's weights into a file of their own, as PyTorch does."""
    import onnx

    path = folder / "net.onnx"
    onnx.save_model(model, str(path), save_as_external_data=True, location=name, size_threshold=0)
    return path


def test_weights_beside_the_model_are_read(build, tmp_path, judge):
    b = build(6)
    model = b.model(b.node("Gemm", "x", f(6, 4), f(4, seed=1)))
    x = f(3, 6, seed=2)
    want = judge(model, x)[0]
    graph = network.read(stored_outside(model, tmp_path))
    np.testing.assert_allclose(network.ideal(graph, x), want, atol=1e-6)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("location", "../secret", r"outside the model's folder"),
        ("location", "/etc/passwd", r"outside the model's folder"),
        ("location", "link", r"outside the model's folder"),
        ("location", "nowhere", r"'nowhere', which is not there"),
        ("offset", "99999", r"wants bytes 99999 to"),
        ("length", "12", r"has 12 bytes .* not 96"),
        ("length", "x", r"the length 'x'"),
    ],
)
def test_weights_come_from_the_folder_only(key, value, message, build, tmp_path):
    import onnx

    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(1000))
    (folder / "link").symlink_to(tmp_path / "secret")
    b = build(6)
    path = stored_outside(b.model(b.node("Gemm", "x", f(6, 4))), folder)
    model = onnx.load(str(path), load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        if entry.key == key:
            entry.value = value
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match=f"net.onnx: .*{message}"):
        network.read(path)


def test_sizes_are_checked_before_memory_is_taken(build, tmp_path, monkeypatch):
    b = build(6)
    model = b.model(b.node("Gemm", "x", f(6, 4)))
    tensor = model.graph.initializer[0]
    tensor.dims[:] = [1 << 20, 1 << 20]
    with pytest.raises(ValueError, match="brings the tensors above"):
        network.read(model)
    tensor.dims[:] = [6, 5]
    with pytest.raises(ValueError, match=tensor.name):
        network.read(model)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    monkeypatch.setattr(onnx_files, "MAX_BYTES", 10)
    with pytest.raises(ValueError, match=r"net.onnx: has \d+ bytes, more than the 10"):
        network.read(path)


def test_what_a_small_file_makes_is_bounded(build):
    """Constants out of constants, windows and values between layers, before memory is taken."""
    b = build(6)
    row, column = f(1 << 13, 1), f(1, 1 << 13)
    with pytest.raises(ValueError, match=r"node 0 \(Add.*would have 67108864 entries"):
        network.read(b.model(b.node("Gemm", "x", b.node("Add", row, column))))
    b = build(6)
    filled = [b.node("ConstantOfShape", np.array([1 << 24])) for _ in range(3)]
    with pytest.raises(ValueError, match=r"node 1 \(ConstantOfShape.*would have 16777216 entries"):
        network.read(b.model(b.node("Add", "x", filled[2])))
    b = build(1, 9, 9)
    model = b.model(b.node("Conv", "x", f(1, 1, 3, 3), pads=[4096] * 4, strides=[4000, 4000]))
    with pytest.raises(ValueError, match="needs 67256401 values for one input, more than"):
        network.read(model)
    b = build(1, 2, 2)
    model = b.model(b.node("Conv", "x", f(1, 1, 100, 100), pads=[300] * 4))
    with pytest.raises(ValueError, match="needs 2530090000 values for one input"):
        network.read(model)
    b = build(*[1 << 20] * 3)
    with pytest.raises(ValueError, match=r"input 'x' has \[1048576.*above"):
        network.read(b.model(b.node("Relu", "x")))


@pytest.mark.parametrize("content", [b"\x08\x07", b"this is no model"])
def test_other_files_are_refused(content, build, tmp_path):
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"net.onnx: not an ONNX file"):
        network.read(tmp_path / "net.onnx")
    with pytest.raises(FileNotFoundError, match=r"other\.onnx"):
        network.read(tmp_path / "other.onnx")
    with pytest.raises(ValueError, match="must end in one of"):
        network.read(tmp_path / "net.txt")


def test_float_models_need_calibration(build, tmp_path):
    b = build(6)
    path = tmp_path / "net.onnx"
    path.write_bytes(b.model(b.node("Gemm", "x", f(6, 4))).SerializeToString())
    with pytest.raises(ValueError, match=r"net.onnx: is in real numbers: calibration data must"):
        network.load(path)
    net = network.load(path, f(50, 6, seed=1), weight_bits=4)
    assert net.weight_bits == 4


def damaged(content, rng):
    """Return a copy with a few bytes changed, left out or put in."""
    octets = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(octets)))
        kind = rng.integers(3)
        if kind == 0:
            octets[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del octets[place : place + int(rng.integers(1, 8))]
        else:
            octets[place:place] = rng.bytes(int(rng.integers(1, 4)))
    return bytes(octets)


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_file_is_read_or_refused_in_one_line(seed, build, tmp_path):
    """Never any other exception, whatever the bytes."""
    rng = np.random.default_rng(seed)
    b = build(3, 7, 6)
    x = b.codes(convolution(b, b.codes("x", 0.01, 3), pads=[1, 1, 1, 1]), 0.05, 0)
    x = b.node("MaxPool", b.node("Cast", x, to=1), kernel_shape=[2, 2])
    x = b.node("Gemm", b.node("Flatten", x), f(4, 120), transB=1)
    whole = b.model(*classified(b, x)).SerializeToString()
    path = tmp_path / "net.onnx"
    messages = []
    for _ in range(150):
        path.write_bytes(damaged(whole, rng))
        try:
            network.read(path)
        except ValueError as error:
            messages.append(str(error))
    assert len(messages) > 30
    assert not [m for m in messages if "\n" in m or not m.startswith("net.onnx: ")]


@pytest.mark.parametrize("opset", [11, 13, 17, 23])
def test_older_and_newer_operator_sets_are_read(opset, build, judge):
    """Where axes and limits were attributes, then inputs."""
    b = build(3, 7, 6)
    x = b.node("Clip", convolution(b, "x"), F(-0.5), F(0.75))
    if opset < 18:
        x = b.node("ReduceMean", x, axes=[2, 3], keepdims=1)
    else:
        x = b.node("ReduceMean", x, np.array([2, 3]), keepdims=1)
    x = b.node("Squeeze", x, axes=[2, 3]) if opset < 13 else b.node("Squeeze", x, np.array([2, 3]))
    model = b.model(b.node("Softmax", b.node("Dropout", x), axis=1), opset=opset)
    x = f(8, 3, 7, 6, seed=4)
    got = np.exp(network.ideal(network.read(model), x))
    want = judge(model, x)[0]
    np.testing.assert_allclose(got / got.sum(1, keepdims=True), want, atol=1e-6)
