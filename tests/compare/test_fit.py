"""What a member makes of a network: the layer's sums, exact or imposed structure, refusals."""

import numpy as np
import pytest

from nomul.experiments.compare import fit, subject
from nomul.experiments.compare.choices import candidates
from nomul.golden import epitome, network, products


def chosen(name, **changes):
    """Return the first candidate of a member in the smallest size."""
    return candidates([name], ["small"], 8, False, {name: changes} if changes else {})[0]


def test_vectors_times_weights_are_the_layers_sums(subject):
    """Windows with stride and padding, groups side by side, in the planner's order."""
    values = network.trace(subject.net, subject.codes)
    cfg = fit.configured(chosen("dense"), subject.net)
    for layer in fit.layers(subject.net):
        x = fit.vectors(subject.net, layer.number, values)
        plan = products.plan("dense", cfg, layer.w, layer.groups)
        y = plan.model(x.reshape(-1, x.shape[-1])).reshape(len(x), layer.windows, -1)
        shaped = y.swapaxes(1, 2).reshape(len(x), *subject.net.shapes[layer.number + 1])
        assert np.array_equal(shaped, values[layer.number + 1])


@pytest.mark.parametrize("name", ["dense", "bitplanes", "spimc"])
def test_a_member_that_holds_any_weights_is_exact(subject, name):
    found = fit.fit(subject, chosen(name))
    assert found["structure"] == "exact"
    assert found["accuracy"] == 1.0
    assert [part["tiles"] for part in found["layers"]] == [2, 3]


def test_cycles_and_bits_are_the_plans(subject):
    part = fit.fit(subject, chosen("dense"))["layers"][1]
    cfg = products.configure("dense", inputs=16, outputs=4, products=1, load=8, act_signed=False)
    plan = products.plan("dense", cfg, subject.net.layers[3].w)
    assert (part["cycles"], part["bits"], part["beats"]) == (plan.cycles, plan.bits, plan.beats)
    assert part["fetched"] == plan.bits
    assert part["moved"] == 48 * 8 + 9 * cfg.y_bits
    w = np.array(part["w"])
    assert np.array_equal(w[:, :3], subject.net.layers[3].w[:16])
    assert not w[:, 3].any()


@pytest.mark.parametrize("name", ["permdiag", "sonic", "epitome"])
def test_a_structure_is_imposed_on_every_tile(subject, name):
    cfg = fit.configured(chosen(name), subject.net)
    assert fit.fit(subject, chosen(name))["structure"] == "imposed"
    plans = {
        layer.number: products.plan(name, cfg, layer.w, layer.groups, project=True)
        for layer in fit.layers(subject.net)
    }
    held = fit.with_weights(subject.net, plans)
    for layer in fit.layers(held):
        again = products.plan(name, cfg, layer.w, layer.groups, project=True)
        assert np.array_equal(again.weights(), plans[layer.number].weights())


def test_tables_are_fitted_to_what_the_tables_before_give(subject):
    found = fit.fit(subject, chosen("pq"))
    assert found["structure"] == "approximated"
    assert 0 <= found["accuracy"] <= 1
    for part, layer in zip(found["layers"], fit.layers(subject.net), strict=True):
        w = np.array(part["w"])
        assert (w != 0).sum() >= layer.w[0].size - 1
        assert np.array(part["samples"]).shape[1] == 16


def test_what_is_given_for_sums_is_what_the_network_goes_on_with(subject):
    net = subject.net
    sums = {
        layer.number: products.plan(
            "dense", fit.configured(chosen("dense"), net), layer.w, layer.groups
        ).model
        for layer in fit.layers(net)
    }
    scores = network.model(net, subject.codes)
    assert np.array_equal(network.model(net, subject.codes, sums), scores)


def test_weights_that_are_fetched_count_for_every_vector(subject):
    part = fit.fit(subject, chosen("sonic"))["layers"][0]
    assert part["first"] < part["beats"]
    assert part["fetched"] > part["bits"]


def test_a_member_of_signed_activations_gets_a_bit_more(subject):
    assert fit.configured(chosen("sonic"), subject.net).act_bits == 9
    cfg = fit.configured(chosen("dense"), subject.net)
    assert (cfg.act_bits, cfg.act_signed) == (8, False)


def test_a_layer_that_cannot_be_held_is_named(subject):
    part = fit.fit(subject, chosen("dense", weight_bits="4"))["layers"][0]
    assert part["layer"] == "layer 0, conv2d 4x1x3x3"
    assert part["tiles"] == 2  # clipped to what it holds


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("digits-mlp", "digits"), "network must be a file or one of digits-mlp-int4"),
        (
            ("digits-mlp-int8", "mnist"),
            "--data must be digits, fashion-mnist or a file, not 'mnist'",
        ),
        (("digits-mlp-int8", "x.csv"), "needs --column"),
        (("fashion-convnet-int8", "digits"), r"takes \[1, 28, 28\], and samples of digits are"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        subject.load(*arguments)


def test_choices_are_refused_by_name():
    with pytest.raises(ValueError, match="there is no size 'huge'; there are small"):
        candidates(["dense"], ["huge"], 8, False, {})
    with pytest.raises(TypeError, match="dense has no parameter 'widht'"):
        chosen("dense", widht="4")
    with pytest.raises(ValueError, match="members that are compared, and 'sonic' is none"):
        candidates(["dense"], ["small"], 8, False, {"sonic": {}})


def test_the_operands_of_an_epitome_are_its_tile(subject):
    """What the controller makes of cells, patches and activations is what the layer needs."""
    candidate = chosen("epitome")
    cfg = fit.configured(candidate, subject.net)
    for layer, part in zip(
        fit.layers(subject.net), fit.fit(subject, candidate)["layers"], strict=True
    ):
        plan = products.plan("epitome", cfg, layer.w, layer.groups, project=True)
        first, x = plan.tiles[0], np.array(part["x"])
        y = epitome.model(cfg, part["e"], part["entries"], x)
        assert np.array_equal(y, x @ first.packed.weights())
        assert (
            part["cycles"]
            == layer.windows * epitome.cycles(cfg, first.packed.entries, 1) * (part["tiles"])
        )
        assert part["bits"] == part["tiles"] * (16 * 8 + 16 * cfg.table_bits)
        assert part["beats"] == part["tiles"] * (16 + 16)
        assert part["first"] == part["tiles"] * 16


def test_codes_of_both_signs_and_those_without_fit_one_array():
    """Inputs of -128..127 before activations of 0..255: all arrays take nine bits."""
    rng = np.random.default_rng(4)
    net = network.Network(
        [
            network.Dense(rng.integers(-100, 101, (5, 4))),
            network.Requant([300] * 4, [0] * 4, shift=14, low=0, high=255),
            network.Dense(rng.integers(-100, 101, (4, 3))),
        ],
        input_shape=(5,),
        input_scale=1 / 128,
        input_low=-128,
        input_high=127,
    )
    x = rng.uniform(-1, 1, (20, 5))
    given = subject.Subject("both", net, subject.Samples("noise", x, np.zeros(20, dtype=int)))
    for name in ("dense", "pq", "sonic"):
        cfg = fit.configured(chosen(name), net)
        assert (cfg.act_bits, cfg.act_signed) == (9, True)
    found = fit.fit(given, chosen("dense"))["layers"]
    assert np.array(found[0]["x"]).min() < 0
    assert np.array(found[1]["x"]).max() > 127
    assert fit.fit(given, chosen("pq"))["structure"] == "approximated"
