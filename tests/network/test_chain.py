"""Weights in safetensors and a chain in words, against PyTorch's own layers."""

import numpy as np
import pytest

from nomul.golden import network

CHAIN = ["c1 padding=1 stride=2", "relu", "c2 groups=2", "maxpool 2 stride=1", "flatten", "fc"]
SHAPE = (1, 9, 8)


def weights(seed=0):
    rng = np.random.default_rng(seed)
    sizes = {
        "c1.weight": (4, 1, 3, 3),
        "c1.bias": (4,),
        "c2.weight": (6, 2, 2, 2),
        "fc.weight": (5, 36),
        "fc.bias": (5,),
    }
    return {name: rng.normal(0, 0.5, size).astype(np.float32) for name, size in sizes.items()}


@pytest.fixture
def file(tmp_path):
    """Return a function that writes tensors and gives the file."""
    safetensors = pytest.importorskip(
        "safetensors.numpy", reason="needs safetensors: pip install safetensors"
    )

    def write(tensors):
        safetensors.save_file(tensors, tmp_path / "net.safetensors")
        return tmp_path / "net.safetensors"

    return write


def test_a_chain_is_what_pytorch_computes(file):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'nomul[train]'")
    tensors = weights()
    w = {name: torch.from_numpy(value) for name, value in tensors.items()}
    x = np.random.default_rng(1).random((20, *SHAPE)).astype(np.float32)
    y = torch.conv2d(torch.from_numpy(x), w["c1.weight"], w["c1.bias"], 2, 1).relu()
    y = torch.max_pool2d(torch.conv2d(y, w["c2.weight"], groups=2), 2, 1).flatten(1)
    want = (y @ w["fc.weight"].T + w["fc.bias"]).numpy()
    graph = network.read(file(tensors), chain=CHAIN, input_shape=SHAPE)
    np.testing.assert_allclose(network.ideal(graph, x), want, atol=1e-5)
    net = network.load(file(tensors), x, chain=CHAIN, input_shape=SHAPE)
    got = network.model(net, net.encode(x)) * net.output_scale
    assert np.abs(got - want).max() < 0.03 * np.abs(want).max()


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        (["c3"], r"chain\[0\] 'c3': there is no tensor c3.weight, and the words are relu, maxpool"),
        (["c1 dilation=2"], "dilation must be one of stride, padding, groups"),
        (["c1 stride=0"], "stride must be a number of at least 1, not '0'"),
        (["c1 padding=-1"], "padding must be a number of at least 0, not '-1'"),
        (["maxpool"], "wants the size of its windows"),
        (["maxpool 2 padding=2"], "padding must be below 2, not 2"),
        (["relu 6"], "relu takes no '6'"),
        (["flatten", "fc stride=1"], "a dense layer takes no stride"),
        (["c2"], "has .6, 2, 2, 2. weights in 1 groups, not for"),
        (["c1", "c2 groups=2", "flatten", "fc"], "has weights for"),
        (["c1"], "tensor 'c2.weight' is of no layer"),
    ],
)
def test_a_chain_that_does_not_fit_is_refused(chain, message, file):
    with pytest.raises(ValueError, match=rf"net.safetensors: .*{message}"):
        network.read(file(weights()), chain=chain, input_shape=SHAPE)


def test_weights_alone_are_no_network(file):
    with pytest.raises(ValueError, match="holds weights only: name chain and input_shape"):
        network.load(file(weights()))


def test_codes_are_no_real_weights(file):
    tensors = weights() | {"c1.weight": np.ones((4, 1, 3, 3), np.int8)}
    with pytest.raises(ValueError, match=r"c1\.weight must be real numbers, not int8"):
        network.read(file(tensors), chain=CHAIN, input_shape=SHAPE)


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "net.safetensors").write_bytes(b"hello, no tensors here")
    with pytest.raises(ValueError, match=r"^net.safetensors: a header of"):
        network.read(tmp_path / "net.safetensors", chain=CHAIN, input_shape=SHAPE)
