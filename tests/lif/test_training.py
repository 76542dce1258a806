"""Training of spiking networks: the forward pass is the integer model, and it learns."""

import dataclasses

import numpy as np
import pytest

from nomul.experiments import tables
from nomul.experiments.lif import choice
from nomul.golden import lif
from nomul.golden.lif import Layer, files
from nomul.train import data

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'nomul[train]'")
from nomul.train.lif import PRESETS, RULES, Net, Options, fit, load, rates  # noqa: E402


@pytest.mark.parametrize("rounding", lif.ROUNDINGS)
@pytest.mark.parametrize("reset", RULES)
def test_the_forward_pass_is_the_integer_model(reset, rounding):
    """To the bit, saturation included, for spikes and potentials of two layers."""
    common = {"weight_bits": 8, "threshold": 64, "rounding": rounding}
    layers = (
        Layer(inputs=30, neurons=20, leak=3, fraction=3, state_bits=12, reset=reset, **common),
        Layer(inputs=20, neurons=10, leak=0, fraction=0, state_bits=14, reset="none", **common),
    )
    net = Net(layers, seed=3, gain=2.5)
    spikes = np.random.default_rng(1).integers(0, 2, (6, 12, 30))
    with torch.no_grad():
        v, _ = net(torch.from_numpy(spikes.swapaxes(0, 1).astype(np.float32)))
    network = net.network("accumulate", 12, 4)
    hidden, last = lif.responses(network, spikes)
    assert np.array_equal(v.numpy(), last.v[:, -1])
    assert 0.05 < hidden.out.mean() < 0.95
    if reset != "zero_now":  # which leaves nothing above the threshold
        assert hidden.v.max() == layers[0].high


def test_what_is_not_exact_in_float32_is_refused():
    with pytest.raises(ValueError, match=r"lif.fraction must be less: sums of \d+ bits are not"):
        Net((Layer(inputs=784, neurons=3, weight_bits=8, fraction=9, state_bits=30),), seed=1)
    with pytest.raises(ValueError, match=r"lif.reset must be one of subtract, zero, subtract_now"):
        Net((Layer(reset="zero_drop"),), seed=1)


def test_a_few_epochs_learn_and_the_same_seed_gives_the_same():
    few = Options(hidden=(24,), epochs=4, batch=32, leak=3, steps=6, rate=1e-2)
    losses: list[float] = []
    first = fit(data.load("digits"), few, advance=losses.append)
    again = fit(data.load("digits"), few)
    assert first.accuracy > 0.7
    assert losses[-1] < losses[0] / 2
    assert all(map(np.array_equal, first.network.weights, again.network.weights))
    assert len(first.rates) == 2


def test_fewer_samples_than_a_batch_are_learned_from():
    """All of them are one batch then: no network leaves as it was drawn."""
    digits, losses = data.load("digits"), list[float]()
    few = dataclasses.replace(digits, x=digits.x[:40], labels=digits.labels[:40])
    options = Options(hidden=(24,), epochs=30, batch=128, leak=3, steps=6, rate=2e-2, dropout=0)
    fit(few, options, advance=losses.append)
    assert len(losses) == 30
    assert losses[-1] < 0.8 * losses[0]


def test_sparsity_lowers_the_rate_of_spikes():
    few = Options(hidden=(24,), epochs=4, batch=32, leak=3, steps=6, rate=1e-2)
    digits = data.load("digits")
    dense = fit(digits, few)
    sparse = fit(digits, dataclasses.replace(few, sparsity=20.0))
    assert sparse.rates[1] < dense.rates[1] / 2


@pytest.mark.parametrize("name", choice.NETWORKS)
def test_the_digits_are_trained_as_held_out_images_chose(name):
    preset = PRESETS[name]
    assert choice.best(tables.load("lif", "T5").rows, name) == (preset.rate, preset.dropout)


@pytest.mark.parametrize("name", ["digits", "digits-32"])
def test_the_digits_that_come_with_it_reach_their_accuracy(name):
    digits = data.load("digits")
    network = files.load(lif.trained()[name])
    right = lif.predict(network, digits.x_test).label == digits.labels_test
    assert right.mean() >= 0.975
    assert 0.1 < rates(network, digits)[1] < 0.5


@pytest.mark.needs("fashion-mnist")
def test_the_fashion_that_comes_with_it_reaches_its_accuracy():
    fashion = data.load("fashion-mnist")
    network = files.load(lif.trained()["fashion-mnist"])
    assert [layer.neurons for layer in network.layers] == [128, 10]
    assert network.steps == 10
    right = lif.predict(network, fashion.x_test).label == fashion.labels_test
    assert right.mean() >= 0.87


@pytest.mark.long
def test_training_the_digits_reaches_their_accuracy():
    trained = fit(data.load("digits"), PRESETS["digits"])
    assert trained.accuracy >= 0.97


def test_own_data_is_read(tmp_path):
    x = np.random.default_rng(1).integers(0, 64, (40, 9))
    arrays = {"x": x, "labels": x[:, 0] % 3, "x_test": x[:7], "labels_test": x[:7, 0] % 3}
    np.savez(tmp_path / "own.npz", **arrays)
    samples = load(str(tmp_path / "own.npz"))
    assert (samples.bits, samples.classes, len(samples.x)) == (6, 3, 40)
    for name, value, message in (
        ("x", x / 3, r"own.npz: x must be integers \[n, features\], not float64"),
        ("labels", x[:, 0] - 64, "own.npz: labels must be in 0..4095, not -"),
        ("x_test", x[:6], "own.npz: x_test has 6 rows and labels_test has 7"),
        ("x_test", x[:7, :8], "own.npz: x has 9 features and x_test has 8"),
        ("x", x * 9, "own.npz: x must be in 0..255, not"),
    ):
        np.savez(tmp_path / "own.npz", **(arrays | {name: value}))
        with pytest.raises(ValueError, match=message):
            load(str(tmp_path / "own.npz"))
    np.savez(tmp_path / "own.npz", x=x)
    with pytest.raises(ValueError, match=r"own.npz: lacks labels, x_test, labels_test"):
        load(str(tmp_path / "own.npz"))
    with pytest.raises(ValueError, match="data must be one of digits, fashion-mnist or a file"):
        load("letters")
