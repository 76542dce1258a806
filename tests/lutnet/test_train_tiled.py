"""Training of tiled layers: floats against the data model, shared tables, archives of networks."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nomul.golden import lutnet  # noqa: E402
from nomul.golden.lutnet import files  # noqa: E402
from nomul.train.lutnet import cases, study, tiled  # noqa: E402


def sums(k=4, p=2, tile_m=2, tile_n=3):
    generator = torch.Generator().manual_seed(3)
    return tiled.TiledSums(24, 6, k, p, tile_m, tile_n, 12, generator)


@pytest.mark.parametrize(
    "shape", [(2, 1, 1, 1), (4, 1, 2, 3), (4, 2, 3, 2), (6, 3, 6, 1), (5, 4, 1, 6)]
)
def test_floats_are_the_data_model(shape):
    tiles = sums(*shape)
    x = torch.randint(0, 2, (24, 60), generator=torch.Generator().manual_seed(1))
    network = lutnet.Network([tiles.layer()], 24)
    ones = lutnet.model(network, x.T.numpy())
    assert np.array_equal(tiles(x).detach().numpy().T, 2 * ones - 12)


def test_tiles_share_tables_and_differ_in_weights():
    tiles = sums()
    assert len(tiles.tables) == 3 * 4
    assert tiles.weight.shape == (6, 12, 2)
    x = torch.randint(0, 2, (24, 60), generator=torch.Generator().manual_seed(1))
    (tiles(x) * torch.arange(6)[:, None]).sum().backward()
    assert (tiles.tables.grad != 0).any(dim=1).all()
    # A neuron that nothing asks for leaves the weights of its tiles alone.
    assert not tiles.weight.grad[:3, :4].any()
    assert tiles.weight.grad[3:].any()


def test_entries_and_weights_stay_in_range():
    tiles = sums()
    with torch.no_grad():
        tiles.tables += 3
        tiles.weight -= 3
    tiles.clip()
    assert tiles.tables.max() == 1
    assert tiles.weight.min() == -1


def test_a_tiled_layer_is_trained(monkeypatch, tmp_path):
    few = [cases.Tiles(k=4, p=2, tile_m=2, tile_n=2, seed=1)]
    monkeypatch.setattr(study, "cases", lambda _: few)
    plan = study.PLANS["digits"]
    short = dataclasses.replace(plan, recipe=dataclasses.replace(plan.recipe, epochs=3))
    monkeypatch.setattr(study, "PLANS", {"digits": short})
    archive = tmp_path / "nets.npz"
    (line,) = study.study("tiles", tmp_path / "tiles.jsonl", networks=archive)
    assert line["case"] == {"k": 4, "p": 2, "tile_m": 2, "tile_n": 2, "seed": 1}
    assert line["products"] == [1024, 640]
    assert line["accuracy"] > 0.6
    layer = files.load_all(archive)["4-2-2-2-1"].layers[1]
    assert isinstance(layer, lutnet.LutNetTiled)
    assert len(layer.tt) == 1024 // 4


def test_an_archive_names_what_is_wrong(tmp_path):
    path = tmp_path / "nets.npz"
    network = lutnet.Network([lutnet.DirectLut(k=2, idx=[[0, 1]], tt=[6])], 2)
    files.add(path, "one", network)
    files.add(path, "two", network)
    assert files.load_all(path) == {"one": network, "two": network}
    np.savez(path, three=np.frombuffer(b"{}", dtype=np.uint8))
    with pytest.raises(ValueError, match="three: not a network"):
        files.load_all(path)
