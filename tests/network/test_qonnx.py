"""QONNX against onnx's own reference evaluator, which is told what Quant and BipolarQuant are."""

import numpy as np
import pytest

from nomul.golden import network

F = np.float32
DOMAIN = "qonnx.custom_op.general"
X = np.random.default_rng(0).uniform(0, 2, (60, 6)).astype(F)


@pytest.fixture
def evaluate(build):
    """Return a function that runs a model with the operators of QONNX as its documents define."""
    from onnx.reference import ReferenceEvaluator
    from onnx.reference.op_run import OpRun

    class Quant(OpRun):
        op_domain = DOMAIN

        def _run(self, x, scale, zeropt, bitwidth, signed=1, narrow=0, rounding_mode="ROUND"):
            bits = int(np.asarray(bitwidth).reshape(-1)[0])
            low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
            if narrow:
                low, high = (low + 1, high) if signed else (low, high - 1)
            codes = np.rint(np.clip(x / scale + zeropt, low, high))
            return (((codes - zeropt) * scale).astype(F),)

    class IntQuant(Quant):
        pass

    class BipolarQuant(OpRun):
        op_domain = DOMAIN

        def _run(self, x, scale):
            return (np.where(x >= 0, scale, -scale).astype(F),)

    def run(model, x):
        return ReferenceEvaluator(model, new_ops=[Quant, IntQuant, BipolarQuant]).run(
            None, {"x": x}
        )[0]

    return run


def quantised(b, x, scale, bits, op="Quant", zero=0, **attributes):
    attributes = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND", **attributes}
    parts = [np.asarray(v, dtype=F) for v in (scale, zero, bits)]
    return b.node(op, x, *parts, domain=DOMAIN, **attributes)


def perceptron(b, op="Quant", scales=(0.125, 0.0625), weight_scale=0.25):
    rng = np.random.default_rng(1)
    x = quantised(b, "x", scales[0], 4, op, signed=0)
    each = np.asarray(weight_scale * 2.0 ** rng.integers(0, 3, (1, 8)))
    w = quantised(b, rng.normal(0, 1, (6, 8)).astype(F), each, 4, op, narrow=1)
    x = b.node("Add", b.node("MatMul", x, w), rng.integers(-8, 8, 8).astype(F))
    norm = [2.0 ** rng.integers(-1, 2, 8), rng.integers(-2, 3, 8), rng.integers(-2, 3, 8)]
    norm = [np.asarray(n, dtype=F) for n in norm]
    x = b.node("BatchNormalization", x, *norm, np.full(8, 4, F), epsilon=0.0)
    x = quantised(b, b.node("Relu", x), scales[1], 3, op, signed=0)
    w = quantised(b, rng.normal(0, 1, (8, 5)).astype(F), 0.5, 2, op)
    return quantised(b, b.node("MatMul", x, w), 0.25, 8, op)


@pytest.mark.parametrize("op", ["Quant", "IntQuant"])
def test_powers_of_two_agree_in_every_element(op, build, evaluate):
    b = build(6)
    model = b.model(perceptron(b, op), domains=[DOMAIN])
    net = network.load(model)
    got = network.model(net, net.encode(X)) * net.output_scale
    want = evaluate(model, X)
    np.testing.assert_array_equal(got, want)
    assert len(np.unique(want)) > 10
    assert (net.weight_bits, net.act_bits) == (4, 4)


def test_any_scales_agree_but_for_a_few_ties(build, evaluate):
    b = build(6)
    model = b.model(perceptron(b, scales=(0.13, 0.21), weight_scale=0.19), domains=[DOMAIN])
    net = network.load(model)
    got = network.model(net, net.encode(X)) * net.output_scale
    np.testing.assert_allclose(got, evaluate(model, X), atol=1e-6)


def test_initialisers_among_the_inputs_are_constants(build, evaluate):
    from onnx import helper

    b = build(6)
    model = b.model(perceptron(b), domains=[DOMAIN])
    for tensor in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
    net = network.load(model)
    np.testing.assert_array_equal(
        network.model(net, net.encode(X)) * net.output_scale, evaluate(model, X)
    )


def test_bipolar_layers_agree(build, evaluate):
    rng = np.random.default_rng(2)
    b = build(6)

    def signs(x, scale=1.0):
        return b.node("BipolarQuant", x, F(scale), domain=DOMAIN)

    x = quantised(b, "x", 0.25, 3, signed=0)
    x = signs(b.node("MatMul", x, signs(rng.integers(-1, 2, (6, 8)).astype(F))), 0.5)
    x = b.node("Add", b.node("MatMul", x, signs(rng.normal(0, 1, (8, 8)).astype(F))), F(-0.25))
    x = b.node("MatMul", signs(x), signs(rng.normal(0, 1, (8, 4)).astype(F), 2.0))
    model = b.model(x, domains=[DOMAIN])
    net = network.load(model)
    want = evaluate(model, X)
    np.testing.assert_array_equal(network.model(net, net.encode(X)) * net.output_scale, want)
    assert len(np.unique(want)) > 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rounding_mode": "FLOOR"}, r"node 0 \(Quant, n\d+\): .*rounding_mode ROUND only"),
        ({"bits": 2.5}, "bitwidth must be an integer"),
        ({"bits": 33}, "bitwidth must be in 1..32, not 33"),
        ({"scale": 0.0}, "scale must be positive"),
        ({"scale": [0.5] * 6}, "activations have one scale, not 6"),
        ({"zero": 0.5}, "zeropt must be an integer"),
        ({"bits": 1, "narrow": 1}, "has no codes but 0"),
    ],
)
def test_quantisers_that_are_not_read_are_named(change, message, build):
    b = build(6)
    members = {"scale": 0.25, "bits": 4, **change}
    scale, bits = members.pop("scale"), members.pop("bits")
    model = b.model(quantised(b, "x", scale, bits, **members), domains=[DOMAIN])
    with pytest.raises(ValueError, match=message):
        network.load(model)


def test_the_domain_counts(build):
    b = build(6)
    x = b.node("BipolarQuant", "x", F(1))
    with pytest.raises(ValueError, match=r"is read of the domain qonnx\.custom_op\.general only"):
        network.load(b.model(x))


def test_weights_alone_make_no_quantised_network(build):
    b = build(6)
    w = quantised(b, np.ones((6, 2), F), 0.5, 4)
    with pytest.raises(ValueError, match="has quantised weights, but no quantised activations"):
        network.load(b.model(b.node("MatMul", "x", w), domains=[DOMAIN]), X)
