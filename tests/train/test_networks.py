"""Networks from PyTorch: their export, fine-tuning with few bits, and the ones that are kept."""

import json

import numpy as np
import pytest

import nomul
from nomul.golden import network
from nomul.golden.network.examples import FOLDER
from nomul.golden.products import sonic

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'nomul[train]'")
pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'nomul[train]'")

from torch import nn  # noqa: E402

from nomul.train.networks import NETS, Tuned, nets, study, to_onnx, tune  # noqa: E402

torch.set_num_threads(1)  # networks this small lose more to threads than they gain


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Let NumPy compute on one core, too."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


class Small(nn.Module):
    """A strided convolution, a skip that is normalised, and both kinds of pooling."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(1, 4, 3, 2, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.second = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = self.first(x)
        return self.head(torch.relu(x + self.second(x)).mean((2, 3)))


@pytest.fixture(scope="module")
def small():
    """Return a small module whose normalisations have seen data, and images."""
    torch.manual_seed(1)
    module, x = Small(), torch.rand(200, 1, 16, 16)
    for part in torch.split(x, 20):
        module(part)
    return module.eval(), x.numpy()


def test_a_module_comes_in_as_it_is(small):
    module, x = small
    graph = network.read(to_onnx(module, x))
    with torch.no_grad():
        want = module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(network.ideal(graph, x), want, atol=1e-5)
    assert not module.training


def test_weights_in_a_file_beside_the_model_come_in(small, tmp_path):
    """What PyTorch's own writer makes of a network, however small it is."""
    module, x = small
    batch = {0: torch.export.Dim("batch")}
    torch.onnx.export(
        module,
        (torch.from_numpy(x[:2]),),
        str(tmp_path / "net.onnx"),
        dynamo=True,
        dynamic_shapes=(batch,),
    )
    assert (tmp_path / "net.onnx.data").is_file()
    want = network.ideal(network.read(to_onnx(module, x)), x)
    np.testing.assert_allclose(
        network.ideal(network.read(tmp_path / "net.onnx"), x), want, atol=1e-6
    )


def test_one_call_quantises_a_module(small):
    module, x = small
    net = nomul.quantise(module, x, weight_bits=6)
    assert (net.weight_bits, net.act_bits) == (6, 8)
    with torch.no_grad():
        want = module(torch.from_numpy(x)).numpy()
    got = network.model(net, net.encode(x)) * net.output_scale
    assert np.abs(got - want).max() < 0.1 * np.abs(want).max()


def test_a_tuned_network_is_what_was_tuned(small):
    """Scores in training and those of the integers agree to rounding of the last layer's scale."""
    module, x = small
    graph = network.read(to_onnx(module, x))
    tuned = Tuned(graph, x, 4, 4)
    tune(tuned, torch.from_numpy(x), torch.arange(200) % 3, epochs=1)
    net = tuned.network()
    assert (net.weight_bits, net.act_bits) == (4, 4)
    with torch.no_grad():
        want = tuned(torch.from_numpy(x)).numpy()
    got = network.model(net, net.encode(x)) * net.output_scale
    # A tie in single precision may fall elsewhere, and a code of four bits is large.
    assert np.median(np.abs(got - want)) <= net.output_scale
    assert np.mean(np.abs(got - want) <= 2 * net.output_scale) > 0.9


@pytest.fixture(scope="module")
def digits_mlp():
    """Return the digits' data and an MLP that is trained a little."""
    data = study.data_of("digits-mlp")
    torch.manual_seed(3)
    module = nets.perceptron()
    study.fit(module, data, 12)
    return network.read(to_onnx(module, data.x[:2])), data


def test_fine_tuning_recovers_what_two_bits_lose(digits_mlp):
    graph, data = digits_mlp
    before = study.accuracy(network.quantise(graph, data.x[:300], 2, 2), data)
    tuned = Tuned(graph, data.x[:300], 2, 2)
    tune(tuned, torch.from_numpy(data.x), torch.from_numpy(data.labels), 6, rate=3e-3)
    after = study.accuracy(tuned.network(), data)
    assert after > before + 0.1


def pairs(codes):
    """Keep the larger one of each two rows: a structure that a datapath might want."""
    rows = codes.reshape(-1, 2, codes.shape[1])
    keep = np.abs(rows[:, :1]) >= np.abs(rows[:, 1:])
    return np.where(np.concatenate([keep, ~keep], axis=1), rows, 0).reshape(codes.shape)


def codebook(codes):
    """Give the weights at most 16 levels, as SONIC's memories hold them."""
    cfg = sonic.Config(inputs=codes.shape[0], outputs=codes.shape[1])
    return sonic.project(cfg, codes)


def test_fine_tuning_keeps_a_members_codebook(digits_mlp):
    graph, data = digits_mlp
    tuned = Tuned(graph, data.x[:300], 8, 8, project=codebook)
    tune(tuned, torch.from_numpy(data.x), torch.from_numpy(data.labels), 1)
    net = tuned.network()
    for layer in net.layers:
        if isinstance(layer, network.Dense):
            assert len(np.unique(layer.w)) <= 16
    plain = study.accuracy(network.quantise(graph, data.x[:300]), data)
    assert study.accuracy(net, data) >= plain - 0.02


def test_fine_tuning_keeps_what_a_datapath_can_hold(digits_mlp):
    graph, data = digits_mlp
    tuned = Tuned(graph, data.x[:300], 4, 4, project=pairs)
    before = study.accuracy(tuned.network(), data)
    tune(tuned, torch.from_numpy(data.x), torch.from_numpy(data.labels), 4)
    net = tuned.network()
    for layer in net.layers:
        if isinstance(layer, network.Dense):
            np.testing.assert_array_equal(pairs(layer.w), layer.w)
            assert (layer.w[::2] * layer.w[1::2] == 0).all()
    assert study.accuracy(net, data) >= before


def test_a_study_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setitem(study.EPOCHS, "digits-mlp", 2)
    monkeypatch.setitem(study.TUNING, "digits-mlp", 1)
    first = study.run("digits-mlp", tmp_path / "build", tmp_path / "out")
    files = {p.name: p.stat().st_mtime_ns for p in tmp_path.rglob("*.pt")}
    monkeypatch.setattr(study, "fit", None)
    monkeypatch.setattr(study, "tune", None)
    assert study.run("digits-mlp", tmp_path / "build", tmp_path / "out") == first
    assert files == {p.name: p.stat().st_mtime_ns for p in tmp_path.rglob("*.pt")}
    assert json.loads((tmp_path / "out" / "digits-mlp.json").read_text()) == first


KEPT = [
    pytest.param(name, marks=[] if "digits" in name else pytest.mark.needs("fashion-mnist"))
    for name in NETS
]


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept_is_as_good_as_its_record(name):
    """And loses no more than half a point on digits, a point on Fashion-MNIST, two in four bits."""
    record = json.loads((FOLDER / f"{name}.json").read_text())
    data = study.data_of(name)
    for bits, key, allowed in (
        (8, "int8 after training", 0.005 if "digits" in name else 0.01),
        (4, "int4 fine-tuned", 0.02),
    ):
        net = network.load(FOLDER / f"{name}-int{bits}.npz")
        assert (net.weight_bits, net.act_bits) == (bits, bits)
        assert study.accuracy(net, data) == record[key]
        assert record["float"] - record[key] <= allowed
    assert net.products == record["products"]


def test_the_convnet_has_the_products_that_it_says():
    record = json.loads((FOLDER / "fashion-convnet.json").read_text())
    assert 1e6 < record["products"] < 2e6
    assert f"{record['products']:,}" in nets.FashionConvnet.__doc__
    record = json.loads((FOLDER / "fashion-residual.json").read_text())
    assert f"{record['products']:,}" in nets.FashionResidual.__doc__
