"""The Sparse DNN Challenge: generated layers, exact integers against float64, and refusals."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nomul.golden import spdnn
from nomul.golden.spdnn import Layer


def maps(groups, neurons=1024, seed=0):
    """Return balanced maps, the first of which is that of the challenge."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(neurons // 16), 16)
    first = np.arange(neurons) % (neurons // 16)
    return [first, *(rng.permutation(classes) for _ in range(groups - 1))]


def images(count, neurons=1024, seed=0):
    """Return binary images of which some stay active through 120 layers and others do not."""
    rng = np.random.default_rng(seed)
    return rng.random((count, neurons)) < rng.uniform(0.2, 0.6, (count, 1))


@pytest.fixture(scope="module")
def network():
    return spdnn.generate(120, maps(20))


def by_edges(layers, y0, fraction):
    """Compute a network edge by edge, in Python's own integers."""
    y, bias = y0.astype(object), spdnn.offset(layers[0].neurons, fraction)
    for layer in layers:
        sums = np.zeros_like(y)
        for row, column, weight in zip(layer.row, layer.column, layer.weight, strict=True):
            sums[:, column] += y[:, row] * int(weight)
        y = np.clip(((sums + 8) >> 4) - bias, 0, 32 << fraction)
    return y.astype(np.int64)


def test_first_layer_is_the_published_one_byte_for_byte():
    """Size and CRC-32 of the published file of layer 1."""
    text = spdnn.tsv(spdnn.generate(1)[0])
    assert len(text) == 682_816
    assert zlib.crc32(text) == 0xA5EB90D9
    assert text.startswith(b"1\t1\t6.250000e-02\n2\t1\t6.250000e-02\n65\t1\t6.250000e-02\n")


def test_every_neuron_has_32_edges_in_and_out():
    for layer in spdnn.generate(12, maps(2)):
        assert (np.bincount(layer.row, minlength=1024) == 32).all()
        assert (np.bincount(layer.column, minlength=1024) == 32).all()


def test_columns_a_class_apart_are_equal(network):
    """So after a layer at most P values differ; half as many where d is half of P."""
    for layer, kinds in zip(network[:7], [64, 64, 64, 64, 64, 32, 64], strict=True):
        first, which = layer.distinct
        assert len(first) == kinds
        assert np.array_equal(which, np.arange(1024) % kinds)


@settings(max_examples=5)
@given(st.integers(0, 1000), st.sampled_from(["edge", "general"]), st.integers(4, 20))
def test_model_is_the_sum_over_edges(seed, engine, fraction):
    cfg = spdnn.Config(neurons=64, layers=3, adders=2, fraction=fraction, engine=engine)
    case = spdnn.stimuli(cfg, np.random.default_rng(seed))
    expected = by_edges(case["layers"], case["y0"], fraction)
    assert np.array_equal(spdnn.model(cfg, **case), expected)
    assert np.array_equal(spdnn.model(case["layers"], case["y0"], fraction), expected)


def test_active_images_are_those_of_float64(network):
    """As the challenge judges: the same images are active behind 120 layers."""
    y0 = images(128, seed=0)
    real = spdnn.categories(spdnn.ideal(network, y0))
    assert 0 < len(real) < len(y0)
    for fraction in (8, 16):
        y = spdnn.model(network, y0.astype(np.int64) << fraction, fraction)
        assert np.array_equal(spdnn.categories(y), real), fraction


def test_four_bits_behind_the_point_are_too_few(network):
    """A value near the bias is decided by its last bit."""
    y0 = images(128, seed=0)
    y = spdnn.model(network, y0.astype(np.int64) << 4, 4)
    assert not np.array_equal(spdnn.categories(y), spdnn.categories(spdnn.ideal(network, y0)))


def test_the_bias_where_nothing_arrives_changes_nothing():
    """The description adds the bias where Z is not 0; it is negative, so 0 stays 0 anyway."""
    layer = spdnn.generate(1)[0]
    y0 = images(8)
    weights = np.zeros((1024, 1024))
    weights[layer.row, layer.column] = 1 / 16
    everywhere = np.clip(y0 @ weights - 0.3, 0, 32)
    assert np.array_equal(spdnn.ideal([layer], y0), everywhere)


def test_an_activation_is_cut_at_32():
    layer = spdnn.generate(1)[0]
    y = spdnn.model([layer], np.full((1, 1024), 32 << 16))
    assert (y == 32 << 16).all()
    assert (spdnn.ideal([layer], np.full((1, 1024), 32.0)) == 32).all()


@pytest.mark.parametrize(("neurons", "bias"), spdnn.BIASES.items())
def test_the_bias_follows_the_number_of_neurons(neurons, bias):
    assert spdnn.Config(neurons=neurons, layers=6).bias == round(bias * 65536)
    layer = Layer(neurons, *(np.array([k]) for k in (0, 0, 16)))
    y = spdnn.model([layer], np.full((1, neurons), 1 << 16))
    assert y[0, 0] == (1 << 16) - round(bias * 65536)
    assert not y[0, 1:].any()


def test_columns_without_edges_stay_zero():
    layer = Layer(64, np.array([3, 4, 3]), np.array([0, 0, 63]), np.array([16, -8, 32]))
    y0 = np.zeros((2, 64), dtype=np.int64)
    y0[:, 3], y0[1, 4] = 1 << 8, 1 << 8
    y = spdnn.model([layer], y0, 8)
    bias = spdnn.offset(64, 8)
    assert y[:, 0].tolist() == [256 - bias, 128 - bias]
    assert y[:, 63].tolist() == [512 - bias] * 2
    assert not y[:, 1:63].any()


def test_maps_are_found_again(network):
    found = spdnn.maps(network)
    assert all(np.array_equal(a, b) for a, b in zip(found, maps(20), strict=True))


def test_layers_without_the_structure_are_named(network):
    general = spdnn.stimuli(spdnn.Config(engine="general", neurons=64), np.random.default_rng(1))
    with pytest.raises(ValueError, match=r"layer 1: neuron .* engine=general"):
        spdnn.maps(general["layers"])
    with pytest.raises(ValueError, match="layer 8 is not made of the classes of layer 7"):
        spdnn.maps([*network[:7], network[0]])


@pytest.mark.parametrize(
    ("layers", "maps_given", "message"),
    [
        (7, None, "layers must be in 1..6, not 7; more need maps"),
        (0, None, "layers must be in 1..6, not 0"),
        (13, maps(2), "layers must be in 1..12, not 13"),
        (2, [np.zeros(1024, dtype=int)], r"maps\[0\] must give every class 16 neurons; class 0"),
        (2, [np.full(1024, 64)], r"maps\[0\] must hold classes 0..63, not 64"),
        (2, [np.arange(64)], r"maps\[0\] must be of shape \(1024,\), not \(64,\)"),
    ],
)
def test_generation_refuses(layers, maps_given, message):
    with pytest.raises(ValueError, match=message):
        spdnn.generate(layers, maps_given)


def test_generation_refuses_fractional_classes():
    with pytest.raises(TypeError, match=r"maps\[0\] must hold integers, not float64"):
        spdnn.generate(1, [np.arange(1024) % 64 + 0.5])
    with pytest.raises(TypeError, match="layers must be an integer"):
        spdnn.generate(2.5)


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ([0, 1, 1], [0, 0, 0], r"edge 3 \(1, 0\) is there twice"),
        ([1, 0], [0, 0], r"edge 2 \(0, 0\) is out of order"),
        ([0, 64], [0, 1], "edge 2: row 64 is not one of 0..63"),
        ([0, 1], [-1, 1], "edge 1: column -1 is not one of 0..63"),
    ],
)
def test_layers_refuse_edges(row, column, message):
    with pytest.raises(ValueError, match=message):
        Layer(64, np.array(row), np.array(column), np.ones(len(row), dtype=np.int64))


@pytest.mark.parametrize(
    ("y0", "error", "message"),
    [
        (np.zeros((1, 63), dtype=int), ValueError, r"shape \(images, 64\), not \(1, 63\)"),
        (np.full((1, 64), -1), ValueError, "y0 must be in 0..8192, not -1"),
        (np.full((1, 64), 8193), ValueError, "y0 must be in 0..8192, not 8193"),
        (np.zeros((1, 64)), TypeError, "y0 must hold integers, not float64"),
    ],
)
def test_model_refuses_images(y0, error, message):
    with pytest.raises(error, match=message):
        spdnn.model(spdnn.generate(1, neurons=64), y0, 8)
