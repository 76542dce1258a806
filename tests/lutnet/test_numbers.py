"""Learned numbers in place of popcounts: what they begin as, their layers, and a short training."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nomul.golden import lutnet  # noqa: E402
from nomul.train import lutnet as training  # noqa: E402
from nomul.train.data import load  # noqa: E402
from nomul.train.lutnet import fit, numbers  # noqa: E402


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("k", [4, 6])
def test_a_unit_begins_as_the_count_of_its_bits_in_some_sense(k):
    digits = numbers.counts(5, k, generator()).reshape(5, 3, 1 << k) > 0
    values = (digits.long() * torch.tensor([1, 2, 4])[None, :, None]).sum(dim=1)
    for unit in values:
        # A sense is the address at which no bit counts.
        sense = int(unit.argmin())
        assert unit.tolist() == [(a ^ sense).bit_count() for a in range(1 << k)]
    assert len({int(unit.argmin()) for unit in values}) > 1


@pytest.mark.parametrize(("k", "units", "votes"), [(6, 2, 3), (6, 1, 0), (6, 0, 4), (4, 2, 1)])
def test_scores_are_those_of_the_layers(k, units, votes):
    net = numbers.NumberNet(40, k, units, votes, 3, generator())
    first, last = net.layers()
    network = lutnet.Network([first, last], 40)
    x = torch.randint(0, 2, (40, 200), generator=generator(2))
    with torch.no_grad():
        scores = net(x.to(torch.uint8)) * net.temperature
    assert np.array_equal(lutnet.model(network, x.T.numpy()), scores.round().long().numpy())
    assert scores.unique().numel() > 2


def test_a_unit_learns_another_number_than_the_count():
    """Its first bit outweighs the other five, which no count of the six says."""
    x = torch.randint(0, 2, (600, 6), generator=generator()).to(torch.uint8)
    net = numbers.NumberNet(6, 6, 1, 0, 2, generator())
    labels = x[:, 0].long()
    fit.fit(net, x, labels, fit.Recipe(epochs=40, batch=50), lambda part, _: part.T)
    with torch.no_grad():
        assert (net(x.T).argmax(dim=1) == labels).float().mean() == 1


def test_a_short_training_gives_a_network_and_the_same_again():
    digits = load("digits")
    preset = dataclasses.replace(
        training.PRESETS["digits-numbers"], recipe=fit.Recipe(epochs=4, wire_every=2)
    )
    trained = training.train(preset, digits, seed=1)
    assert trained.accuracy > 0.7
    assert [layer.kind for layer in trained.network.layers] == [
        "thermometer",
        "direct",
        "lut",
        "argmax",
    ]
    assert trained.network == training.train(preset, digits, seed=1).network


def test_memory_is_kept_only_where_the_c_library_can(monkeypatch):
    import ctypes

    from nomul.train import memory

    calls = []

    class Library:
        def mallopt(self, parameter, value):
            calls.append((parameter, value))
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library())
    assert memory.keep.__wrapped__()
    assert [parameter for parameter, _ in calls] == [-3, -1]

    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert not memory.keep.__wrapped__()
