"""Training of look-up-table networks: gradients, a small run, data, and the command line."""

import json
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nomul.golden import lutnet  # noqa: E402
from nomul.train import data, lutnet_direct, lutnet_unrolled  # noqa: E402
from nomul.train import lutnet as training  # noqa: E402


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


def test_look_up_reads_address_bit_0_first():
    table = torch.tensor([[-1.0, 1.0, -1.0, -1.0]])
    x = torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 1.0]]])
    assert lutnet_direct.LookUp.apply(x, table)[:, 0].tolist() == [0, 1, 0, 0]


def test_gradient_of_a_table_goes_to_the_entry_it_read():
    table = torch.zeros(1, 4, requires_grad=True)
    x = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]], [[1.0, 1.0]]])
    lutnet_direct.LookUp.apply(x, table).sum().backward()
    assert table.grad.tolist() == [[0, 2, 0, 1]]


def test_slope_along_an_input_that_a_table_copies():
    """A table that copies input 0 rises along it, and is flat along input 1."""
    x = torch.tensor([[[0.0, 1.0]]], requires_grad=True)
    table = torch.tensor([[-1.0, 1.0, -1.0, 1.0]])
    lutnet_direct.LookUp.apply(x, table).sum().backward()
    assert x.grad[0, 0, 0] > 0.5
    assert x.grad[0, 0, 1] == 0


def test_wiring_learns_where_the_label_is():
    """One input of forty is the label; tables of two inputs find it."""
    x = torch.randint(0, 2, (400, 40), generator=generator()).float()
    labels = x[:, 17].long()
    net = lutnet_direct.DirectNet(40, (8,), 2, 2, generator())
    recipe = lutnet_direct.Recipe(epochs=12, batch=50, rate=0.1)
    lutnet_direct.fit(net, x, labels, recipe)
    with torch.no_grad():
        assert (net(x).argmax(dim=1) == labels).float().mean() == 1
    assert (net.layers()[0].idx == 17).any(axis=1).sum() >= 4


def test_digits_are_learned_and_the_models_agree():
    """A short run; the training itself asserts that float and integer model agree."""
    preset = training.Preset(sizes=(60,), recipe=lutnet_direct.Recipe(epochs=6))
    digits = data.load("digits")
    first, second = (training.train(preset, digits, seed=1) for _ in range(2))
    assert first.accuracy > 0.7
    assert first.network == second.network
    encoder = first.network.layers[0]
    assert len(encoder.feature) == len(set(first.network.layers[1].idx.ravel()))


def test_lutnet_grows_from_a_pruned_binary_network():
    """A short run: tables do more than the XNORs they came from, with as many products."""
    digits = data.load("digits")
    preset = training.Preset(noise=1.0, recipe=lutnet_direct.Recipe(epochs=3, batch=64, rate=0.01))
    plan = lutnet_unrolled.Plan(hidden=30, keep=(16, 10), k=4)
    before, after = training.train_lutnet(plan, preset, digits, seed=1)
    xnor, tables = before.network.layers[1], after.network.layers[1]
    assert np.array_equal(xnor.idx, tables.idx[:, 0])
    assert len(xnor.idx) == len(tables.tt) == 30 * 16
    assert after.accuracy > before.accuracy
    assert lutnet.share_xnor(tables) < 0.5


def test_expanded_tables_begin_as_signs_of_the_weights_they_bring_back():
    source = lutnet_unrolled.BinarySums(12, 3, generator())
    dense = source.weight.detach().clone()
    source.prune(4)
    tables = lutnet_unrolled.TableSums(source, dense, 3, generator())
    assert tables.wires.reshape(3, 4, 3)[:, :, 0].equal(source.kept)
    assert tables.tables.abs().max() <= 0.9
    x = torch.randint(0, 2, (50, 12), generator=generator()).float()
    layer = lutnet.Network([tables.layer()], 12)
    sums = 2 * lutnet.model(layer, x.numpy().astype(int)) - 4
    assert np.array_equal(tables(x).detach().numpy(), sums)


@pytest.mark.parametrize(("name", "least"), [("digits-xc7", 0.97), ("digits-hx1k", 0.96)])
def test_committed_networks_label_digits(name, least):
    digits = data.load("digits")
    network = lutnet.Config.preset(name).load()
    assert (lutnet.predict(network, digits.x_test) == digits.labels_test).mean() >= least


def test_an_unknown_data_set_and_a_missing_folder_are_named(tmp_path):
    with pytest.raises(ValueError, match="data must be one of digits, fashion-mnist, not 'mnist'"):
        data.load("mnist")
    with pytest.raises(FileNotFoundError, match=r"there is no .*train-images-idx3-ubyte.gz"):
        data.load("fashion-mnist", tmp_path)


def test_idx_files_are_read(tmp_path):
    import gzip

    for part, n in (("train", 3), ("t10k", 2)):
        pixels = (np.arange(n * 784) % 256).astype(np.uint8)
        head = b"\x00\x00\x08\x03" + n.to_bytes(4, "big") + b"\x00\x00\x00\x1c" * 2
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + bytes(pixels)))
        head = b"\x00\x00\x08\x01" + n.to_bytes(4, "big")
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(head + bytes(range(n)))
        )
    fashion = data.load("fashion-mnist", tmp_path)
    assert fashion.x.shape == (3, 784)
    assert fashion.x.max() == 15
    assert fashion.labels_test.tolist() == [0, 1]


def nomul(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "nomul", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.long
def test_the_test_set_runs_through_the_hardware(tmp_path):
    ran = nomul(
        *("sim", "lutnet", "--preset", "digits-hx1k", "--data", "digits", "--json"),
        *("--out", str(tmp_path)),
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert result["samples"] == 360
    assert result["accuracy"] >= 0.96
    assert result["compared"] >= 4 * 720


def test_commands_name_what_is_wrong(tmp_path):
    ran = nomul("train", "lutnet", "--preset", "mnist")
    assert ran.returncode == 2
    assert "there is no 'mnist' to train; there are digits-xc7, digits-hx1k" in ran.stderr
    ran = nomul("train", "lstm")
    assert "No such command 'lstm'; there are lutnet, essop" in ran.stderr
    ran = nomul("emit", "lfsr", "--network", "x.npz")
    assert "lfsr has no parameter 'network'" in ran.stderr
