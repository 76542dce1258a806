"""Quantised ONNX against onnxruntime: element by element, and with what each tool writes."""

import warnings

import numpy as np
import pytest

from nomul.golden import network

F = np.float32


def scales(rng, count, powers):
    """Return scales of weights: powers of two, or any."""
    if powers:
        return 2.0 ** rng.integers(-9, -5, count)
    return rng.uniform(0.002, 0.02, count)


def residual(build, seed, *, powers, kind=np.uint8, bias="codes"):
    """Return a model with convolutions (one depthwise), maxima, a skip and means, and its input."""
    rng = np.random.default_rng(seed)
    b = build(2, 8, 8)
    zero = 0 if kind == np.uint8 else -128

    def scale():
        return F(2.0 ** rng.integers(-8, -4) if powers else rng.uniform(0.004, 0.05))

    def layer(op, x, shape, axis, step, **attributes):
        codes = rng.integers(-127, 128, shape)
        each = scales(rng, shape[axis], powers)
        units = each * step
        added = rng.integers(-2000, 2000, shape[axis])
        if bias == "codes":
            extra = b.weights(added, units.astype(F), 0, np.int32)
        else:
            extra = (added * units + rng.uniform(-1, 1, shape[axis]) * units).astype(F)
        return b.node(op, x, b.weights(codes, each, axis), extra, **attributes)

    first, second, third, fourth, fifth, last = (scale() for _ in range(6))
    x = b.codes("x", F(2**-7), 7, np.uint8)
    x = layer("Conv", x, (6, 2, 3, 3), 0, 2**-7, pads=[1, 1, 1, 1])
    x = b.codes(x, first, zero, kind)
    x = b.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    skip = b.codes(x, first, zero, kind)
    x = layer("Conv", skip, (6, 1, 3, 3), 0, first, pads=[1, 1, 1, 1], group=6)
    x = b.codes(b.node("Relu", x), second, zero, kind)
    x = layer("Conv", x, (6, 6, 1, 1), 0, second)
    x = b.codes(x, third, 131 if kind == np.uint8 else 3, kind)
    x = b.codes(b.node("Relu", b.node("Add", x, skip)), fourth, zero, kind)
    x = b.node("Flatten", b.node("GlobalAveragePool", x))
    x = b.codes(x, fifth, zero, kind)
    x = layer("Gemm", x, (5, 6), 0, fifth, transB=1)
    model = b.model(b.codes(x, last, 128 if kind == np.uint8 else 0, kind))
    return model, rng.uniform(-0.06, 1.95, (64, 2, 8, 8)).astype(F)


@pytest.mark.parametrize("kind", [np.uint8, np.int8])
@pytest.mark.parametrize("bias", ["codes", "reals"])
@pytest.mark.parametrize("seed", range(3))
def test_powers_of_two_agree_in_every_element(build, layer_by_layer, judge, kind, bias, seed):
    model, x = residual(build, seed, powers=True, kind=kind, bias=bias)
    layer_by_layer(model, x, share=0)
    net = network.load(model)
    scores = network.model(net, net.encode(x)) * net.output_scale
    np.testing.assert_array_equal(scores.astype(F), judge(model, x)[0])


@pytest.mark.parametrize("seed", range(4))
def test_any_scales_agree_but_for_a_few_ties(build, layer_by_layer, seed):
    model, x = residual(build, seed, powers=False)
    layer_by_layer(model, x)


def test_a_wrong_scale_is_noticed(build, layer_by_layer):
    """The comparison can fail: one requantiser's scale off by one in a thousand shows."""
    model, x = residual(build, 0, powers=False)
    net = network.load(model)
    layers = list(net.layers)
    place = next(i for i, layer in enumerate(layers) if isinstance(layer, network.Requant))
    layer = layers[place]
    layers[place] = network.Requant(
        layer.scale + (layer.scale >> 10),
        layer.bias,
        layer.shift,
        layer.low,
        layer.high,
        name=layer.name,
    )
    with pytest.raises(AssertionError):
        layer_by_layer(model, x, net.replace(layers=layers))


def test_zero_points_that_leave_eight_bits_are_refused(build):
    b = build(4)
    w = b.weights(np.ones((4, 4), int), [0.5] * 4, 1)
    x = b.codes(b.node("Gemm", b.codes("x", 0.5, 0), w), 0.5, 37)
    model = b.model(b.codes(b.node("Gemm", x, w), 0.5, 0))
    with pytest.raises(ValueError, match=r"node 6 \(Gemm.*-37\.\.218.*symmetric int8"):
        network.load(model)


def test_zero_points_of_weights_are_refused(build):
    b = build(4)
    parts = (np.ones(4, F), np.full(4, 3, np.int8))
    w = b.node("DequantizeLinear", np.ones((4, 4), np.int8), *parts, axis=1)
    model = b.model(b.codes(b.node("Gemm", b.codes("x", 0.5, 0), w), 0.5, 0))
    with pytest.raises(ValueError, match=r"node 0 \(Dequant.*weights must have the zero point 0"):
        network.load(model)


def test_a_product_that_is_rounded_before_its_bias_is_refused(build):
    b = build(4)
    w = b.weights(np.ones((4, 4), int), [0.5] * 4, 1)
    x = b.codes(b.node("MatMul", b.codes("x", 0.5, 0), w), 0.5, 0)
    model = b.model(b.codes(b.node("Add", x, np.ones(4, F)), 0.5, 0))
    with pytest.raises(ValueError, match=r"node 6 \(Add.*rounded twice; import the float model"):
        network.load(model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("weights", r"Gemm.*: its weights are not quantised"),
        ("input", r"Gemm.*: reads the input before it is quantised"),
        ("scale", r"DequantizeLinear.*has scale 0.25 .* made with 0.5"),
        ("along", r"scales along their inputs"),
        ("nan", r"DequantizeLinear.*scale\[1\] must be positive, not nan"),
        ("zero", r"QuantizeLinear.*scale must be positive, not 0.0"),
    ],
)
def test_what_integers_cannot_follow_is_refused(build, change, message):
    b = build(4)
    codes, steps = np.ones((4, 4), int), [0.5, np.nan if change == "nan" else 1.0, 2.0, 4.0]
    w = b.weights(codes, steps, 0 if change == "along" else 1)
    if change == "weights":
        w = np.ones((4, 4), F)
    x = "x" if change == "input" else b.codes("x", 0.5, 0)
    if change == "scale":
        q = b.node("QuantizeLinear", "x", F(0.5), np.uint8(0))
        x = b.node("DequantizeLinear", q, F(0.25), np.uint8(0))
    model = b.model(b.codes(b.node("Gemm", x, w), 0.0 if change == "zero" else 0.5, 0))
    with pytest.raises(ValueError, match=message):
        network.load(model)


def test_codes_as_input_are_taken_as_they_are(build, judge):
    b = build(4, kind=2)
    x = b.node("DequantizeLinear", "x", F(0.5), np.uint8(3))
    w = b.weights(np.arange(-8, 8).reshape(4, 4), [0.25] * 4, 1)
    model = b.model(b.codes(b.node("Gemm", x, w), 0.5, 0, np.int8))
    net = network.load(model)
    codes = np.random.default_rng(0).integers(0, 256, (50, 4)).astype(np.uint8)
    want = judge(model, codes)[0]
    np.testing.assert_array_equal(network.model(net, codes) * net.output_scale, want)
    assert (net.input_zero, net.input_scale) == (3, 0.5)


def test_the_quantiser_of_onnxruntime(build, layer_by_layer, tmp_path):
    """A skip, normalisations that vanish, and ReLUs that its quantiser leaves out."""
    import onnx

    from nomul.train.judge import quantised

    rng = np.random.default_rng(2)

    def f(*shape):
        return rng.normal(0, 0.3, shape).astype(F)

    b = build(1, 12, 12)
    x = b.node("Conv", "x", f(8, 1, 3, 3), pads=[1, 1, 1, 1])
    x = b.node("Relu", b.node("BatchNormalization", x, *(np.abs(f(8)) + F(0.5) for _ in range(4))))
    y = b.node("Conv", x, f(8, 8, 3, 3), f(8), pads=[1, 1, 1, 1])
    x = b.node("MaxPool", b.node("Relu", b.node("Add", x, y)), kernel_shape=[2, 2], strides=[2, 2])
    x = b.node("Relu", b.node("Gemm", b.node("Flatten", x), f(288, 16), f(16)))
    model = b.model(b.node("Gemm", x, f(16, 10), f(10)))
    data = rng.random((128, 1, 12, 12)).astype(F)

    model.graph.output[0].CopyFrom(
        onnx.helper.make_tensor_value_info(model.graph.output[0].name, 1, ["N", 10])
    )
    onnx.save(model, str(tmp_path / "plain.onnx"))
    out = tmp_path / "out.onnx"
    quantised(tmp_path / "plain.onnx", data, out)
    found = layer_by_layer(onnx.load(out), data)
    assert found.unclear < len(data) / 2


def test_quantisers_that_pytorch_writes(layer_by_layer, tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'nomul[train]'")
    import onnx

    class Net(torch.nn.Module):
        """Fake quantisers, as quantisation-aware training leaves them."""

        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(1, 4, 3)
            self.fc = torch.nn.Linear(144, 5)

        def forward(self, x):
            each = torch.zeros(4, dtype=torch.int32)
            x = torch.fake_quantize_per_tensor_affine(x, 2.0**-8, 0, 0, 255)
            w = torch.fake_quantize_per_channel_affine(
                self.conv.weight, torch.full((4,), 0.003), each, 0, -128, 127
            )
            x = torch.relu(torch.nn.functional.conv2d(x, w, self.conv.bias))
            x = torch.fake_quantize_per_tensor_affine(x, 0.007, 0, 0, 255).flatten(1)
            w = torch.fake_quantize_per_tensor_affine(self.fc.weight, 0.001, 0, -128, 127)
            x = torch.nn.functional.linear(x, w, self.fc.bias)
            return torch.fake_quantize_per_tensor_affine(x, 0.01, 0, -128, 127)

    torch.manual_seed(0)
    x = torch.rand(64, 1, 8, 8)
    path = str(tmp_path / "net.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(Net().eval(), (x,), path, dynamo=False, opset_version=17)
    layer_by_layer(onnx.load(path), x.numpy())


@pytest.mark.long
def test_converted_modules_that_pytorch_writes(layer_by_layer, tmp_path):
    """Its own quantised modules, exported with constants as nodes and casts of codes."""
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'nomul[train]'")
    fx = pytest.importorskip("torch.ao.quantization.quantize_fx")
    import onnx
    from torch import nn

    torch.manual_seed(0)
    x = torch.rand(64, 1, 8, 8)
    layers = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 5)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mapping = torch.ao.quantization.get_default_qconfig_mapping("onednn")
        module = fx.prepare_fx(nn.Sequential(*layers).eval(), mapping, (x,))
        module(x)
        torch.onnx.export(fx.convert_fx(module), (x,), str(tmp_path / "net.onnx"), dynamo=False)
    found = layer_by_layer(onnx.load(str(tmp_path / "net.onnx")), x.numpy())
    assert found.elements > 64 * 256
