"""Coders and readouts: against their definitions, and the files that networks are kept in."""

import json
import re

import numpy as np
import pytest

from nomul.golden import lif
from nomul.golden.lif import Layer, Network, coders, files


def small(seed: int = 1, **changes) -> Network:
    """Return a random network 6-5-3."""
    rng = np.random.default_rng(seed)
    layers = (Layer(inputs=6, neurons=5, threshold=20), Layer(inputs=5, neurons=3, threshold=9))
    weights = tuple(rng.integers(-10, 20, (layer.inputs, layer.neurons)) for layer in layers)
    options = {"coder": "accumulate", "readout": "counts", "steps": 8} | changes
    return Network(layers=layers, weights=weights, **options)


def test_accumulate_carries_the_remainder():
    spikes = lif.encode("accumulate", np.arange(16), 40, 4)
    for pixel in range(16):
        total = 0
        for t in range(40):
            total += pixel
            assert spikes[t, pixel] == total // 16
            total %= 16


def test_latency_spikes_once_and_the_bright_first():
    x = np.arange(16)
    spikes = lif.encode("latency", x, 10, 4)
    assert spikes.sum(axis=0).tolist() == [0] + [1] * 15
    when = spikes[:, 1:].argmax(axis=0)
    assert np.array_equal(when, np.sort(when)[::-1])
    assert (when[0], when[-1]) == (8, 0)
    levels = coders.levels(10, 4)
    for t in range(10):
        high = levels[t - 1] if t else 16
        assert np.array_equal(spikes[t], (x >= levels[t]) & (x < high))


@pytest.mark.parametrize("kind", ["rate", "rate_shared"])
def test_rate_is_the_pixel(kind):
    """Over 4,000 steps, five standard deviations of a Bernoulli variable."""
    spikes = lif.encode(kind, np.arange(16), 4000, 4)
    for pixel, rate in enumerate(spikes.mean(axis=0)):
        p = pixel / 16
        assert abs(rate - p) <= 5 * np.sqrt(p * (1 - p) / 4000) + 1e-3
    same = lif.encode(kind, np.full(16, 8), 50, 4)
    assert (same == same[:, :1]).all() == (kind == "rate_shared")


def test_readouts():
    out = np.array([[0, 1, 0], [1, 1, 0], [1, 0, 0]])
    v = np.array([[0, 0, 0], [0, 0, 0], [5, -3, 7]])
    assert lif.read("counts", out, v) == (0, 2)
    assert lif.read("first", out, v) == (1, 0)
    assert lif.read("potential", out, v) == (2, 7)
    assert lif.read("first", out * 0, v) == (0, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lif.encode("rate", [16], 3, 4), "pixels must be in 0..15, not 16"),
        (lambda: lif.encode("rate", [0.5], 3, 4), "pixels must be integers, not float64"),
        (lambda: lif.encode("phase", [1], 3, 4), "coder must be one of rate, rate_shared, latency"),
        (lambda: lif.read("mean", np.zeros((2, 2)), np.zeros((2, 2))), "readout must be one of"),
        (lambda: small(steps=0), "steps must be more than 0 for coder 'accumulate'"),
        (lambda: small(coder="phase"), "coder must be one of direct, rate"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        call()


def test_networks_chain():
    network = small()
    x = np.random.default_rng(2).integers(0, 16, (7, 6))
    spikes = network.spikes(x)
    first = lif.model(network.layers[0], network.weights[0], spikes)
    second = lif.model(network.layers[1], network.weights[1], first.out)
    got = lif.responses(network, spikes)[-1]
    assert np.array_equal(got.out, second.out)
    answer = lif.predict(network, x, batch=3)
    assert np.array_equal(answer.value, second.out.sum(axis=1).max(axis=1))
    counts = lif.counts(network, spikes)
    assert counts[1].events == counts[0].spikes == first.out.sum()
    assert counts[0].additions == spikes.sum() * 5


def test_layers_that_do_not_fit_are_refused():
    network = small()
    with pytest.raises(ValueError, match="layer 1 takes 6 inputs, but layer 0 has 5 neurons"):
        Network(layers=network.layers[:1] * 2, weights=network.weights[:1] * 2)
    with pytest.raises(ValueError, match=r"layer 1: lif.w must be in -32..31, not 99 at \[0, 0\]"):
        Network(layers=network.layers, weights=(network.weights[0], np.full((5, 3), 99)))


def test_a_file_holds_a_network(tmp_path):
    network = small(readout="potential")
    files.save(tmp_path / "a.npz", network)
    files.save(tmp_path / "b.npz", network)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = files.load(tmp_path / "a.npz")
    assert again.layers == tuple(layer.replace(lanes=4) for layer in network.layers)
    assert all(np.array_equal(a, b) for a, b in zip(again.weights, network.weights, strict=True))
    cfg = lif.Config(network=str(tmp_path / "a.npz"), weights="rom", lanes=2)
    assert (cfg.inputs, cfg.neurons, cfg.outputs, cfg.coder, cfg.steps) == (
        6,
        5,
        3,
        "accumulate",
        8,
    )
    assert lif.Config.from_json(cfg.to_json()) == cfg
    with pytest.raises(
        ValueError, match=r"lif.leak must be 4, as network '.*' has it, or left out"
    ):
        cfg.replace(leak=5)


def edited(tmp_path, **changes) -> str:
    """Return a network file whose description or arrays were changed."""
    path = tmp_path / "edited.npz"
    files.save(path, small())
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(arrays["network"].tobytes())
    arrays |= {name: changes.pop(name) for name in list(changes) if name.startswith("w")}
    about |= changes
    arrays["network"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    np.savez(path, **arrays)
    return str(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "edited.npz: network.format must be 'nomul-lif'"),
        ({"version": 2}, "edited.npz: network.version must be 1, not 2"),
        ({"w0": np.zeros((6, 5))}, "edited.npz: layer 0: lif.w must be integers, not float64"),
        ({"w1": np.zeros((9, 3), int)}, "edited.npz: layer 1: lif.w must be of shape [5, 3], not"),
        ({"w2": np.zeros((9, 3), int)}, "edited.npz: must hold network, w0, w1, not"),
        ({"steps": 2.5}, "edited.npz: network.steps must be an integer, not 2.5"),
        ({"coder": "phase"}, "edited.npz: coder must be one of"),
        ({"layers": [{"leak": 99}, {}]}, "edited.npz: network.layers[0]: lif.leak must be in"),
        ({"layers": [{"tau": 9}, {}]}, "edited.npz: network.layers[0]: lif has no parameter 'tau'"),
    ],
)
def test_bad_files_are_named(tmp_path, changes, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what is tested
        files.load(edited(tmp_path, **changes))
    assert message in str(caught.value)


def test_what_is_no_archive_is_named(tmp_path):
    (tmp_path / "x.npz").write_text("no")
    with pytest.raises(ValueError, match=r"x\.npz: is no zip archive"):
        files.load(tmp_path / "x.npz")
    with pytest.raises(FileNotFoundError):
        files.load(tmp_path / "y.npz")
