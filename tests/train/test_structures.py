"""Fine-tuning under a structure: what is projected and counted, and one case from start to end."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install nomul[train]")

from nomul.golden import network
from nomul.train.networks import prototypes, structures, study
from nomul.train.networks.export import to_onnx
from nomul.train.networks.projection import Case, Projection, nearest_of
from nomul.train.networks.settle import settle
from nomul.train.networks.structures import CASES
from nomul.train.networks.tune import Tuned, tune


def structured():
    return [case for case in CASES if case.structure not in ("dense", "narrower", "pq")]


@pytest.mark.parametrize("case", structured(), ids=str)
def test_projections_are_held_and_counted(case):
    """What was projected stays as it is, and takes as many bits as its member stores."""
    w = np.random.default_rng(1).integers(-127, 128, (64, 32))
    projection = Projection(case)
    near = projection(w)
    assert np.array_equal(projection(near), near)
    bits = projection.bits(near)
    share = {"permdiag": 8 / case.size, "circulant": 8 / case.size}
    if case.structure == "epitome":
        assert len(np.unique(near)) <= w.size / case.size
    if case.structure == "permdiag, chosen":
        assert bits == (8 / case.size + np.log2(case.size) / case.size**2) * w.size
    if case.structure in share:
        assert bits == share[case.structure] * w.size
    if case.structure == "1:M":
        assert bits == w.size / case.size * (8 + np.log2(case.size))
    if case.structure == "pow2basis":
        assert ((near != 0).any(axis=1)).any()
        assert bits < w.size * 8


def test_of_each_group_the_largest_stays():
    w = np.array([[1, -9], [-5, 2], [3, 3], [4, -3], [7, 0]])
    expected = [[0, -9], [-5, 0], [0, 0], [0, 0], [7, 0]]
    assert nearest_of(w, 4).tolist() == expected


@pytest.mark.parametrize("factor", [4, 8, 16])
def test_narrower_networks_take_no_more_than_their_share(factor):
    a, b, c, d = structures.narrower(factor)
    assert (a, d) == (64, 10)
    weights = a * b + b * c + c * d
    assert weights <= 6464 / factor
    assert weights > 0.95 * 6464 / factor


@pytest.fixture(scope="module")
def begun():
    """Return the digits' data, and a perceptron that is trained a little."""
    import torch

    torch.set_num_threads(1)
    data = study.data_of("digits")
    torch.manual_seed(2)
    net = structures.perceptron((64, 16, 10))
    study.fit(net, data, 6)
    return data, network.read(to_onnx(net, data.x[:2]))


def test_weights_of_one_stored_value_have_one_gradient(begun):
    """The sum of what each would have, so that projecting loses none of it."""
    import torch

    data, graph = begun
    projection = Projection(Case("circulant", 4))
    x, labels = torch.from_numpy(data.x[:64]), torch.from_numpy(data.labels[:64])
    gradients = []
    for shares in (None, projection.shares):
        tuned = Tuned(graph, data.x[:100], 8, 8, projection, shares)
        torch.nn.functional.cross_entropy(tuned(x), labels).backward()
        gradients.append([w.grad.numpy() for w in tuned.w.values()])
    for alone, shared in zip(*gradients, strict=True):
        numbers = projection.shares(alone.shape)
        for number in np.unique(numbers):
            own = numbers == number
            np.testing.assert_allclose(shared[own], alone[own].sum(), rtol=1e-3, atol=1e-6)


def test_outputs_of_shared_weights_begin_as_they_were(begun):
    """Of mean and spread of before; with means of weights alone they come together."""
    import torch

    data, graph = begun
    projection = Projection(Case("epitome", 16))
    tuned = Tuned(graph, data.x[:300], 8, 8, projection, projection.shares, follow=True)
    x = torch.from_numpy(data.x[:300])

    def scores(held):
        kept = dict(tuned.held)
        if not held:
            tuned.held.clear()
        with torch.no_grad():
            found = tuned(x)
        tuned.held.update(kept)
        return found

    was, imposed = scores(held=False), scores(held=True)
    settle(tuned, data.x[:300])
    now = scores(held=True)
    assert imposed.var(0).mean() < 0.5 * was.var(0).mean()
    assert float(now.var(0).mean() / was.var(0).mean()) == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(now.mean(0), was.mean(0), atol=0.01)
    for w in tuned.w.values():
        numbers, values = projection.shares(tuple(w.shape)), w.detach().numpy()
        for number in np.unique(numbers):
            assert np.ptp(values[numbers == number]) == 0


def test_scales_follow_the_weights_that_are_left(begun):
    """The largest weight that is held has the largest code, though others were larger before."""
    import torch

    data, graph = begun
    projection = Projection(Case("permdiag", 8))
    tuned = Tuned(graph, data.x[:100], 8, 8, projection, follow=True)
    tuned.hold()
    for key, w in tuned.w.items():
        held = tuned.held[key]
        assert (held.abs().amax(0) >= 126).all()
        with torch.no_grad():
            w[held != 0] *= 40.0
    tuned.hold()
    for key, w in tuned.w.items():
        held, scale = tuned.held[key], tuned.scale[key]
        assert ((w - held * scale)[held != 0].abs() <= scale.max()).all()


def test_a_network_of_tables_computes_what_was_trained(begun):
    """Scores in training are those of the integers, but for the rounding of single precision."""
    import torch

    data, graph = begun
    looked = prototypes.Looked(graph, data.x[:100], 8, 4)
    net = looked.network()
    tiles = looked.tiles(net)
    assert sorted(packed.cfg.outputs for packed in tiles.values()) == [10, 16]
    x = data.x_test[:50]
    with torch.no_grad():
        want = looked(torch.from_numpy(x)).numpy()
    got = network.model(net, net.encode(x), prototypes.sums(tiles)) * net.output_scale
    assert np.median(np.abs(got - want)) <= net.output_scale
    before = study.accuracy(net, data, prototypes.sums(tiles))
    tune(looked, torch.from_numpy(data.x), torch.from_numpy(data.labels), 4, 8e-3, relative=True)
    net = looked.network()
    assert study.accuracy(net, data, prototypes.sums(looked.tiles(net))) > before


@pytest.mark.long
def test_a_network_learns_under_a_structure():
    """Projected without training it is lost; trained on, it is nearly as good as before."""
    for case in (Case("permdiag", 8), Case("circulant", 16)):
        found = structures.run(case, 1)
        assert found["bits"] < 0.13 * found["weights"] * 8
        assert found["imposed"] < 0.5
        assert found["tuned"] > 0.93
