"""A tile of one's own through a member's Verilog, from the command line."""

import json

import numpy as np
import pytest

from nomul.cli import blocks
from nomul.golden import permdiag, pq


def run(capsys, name, weights, inputs, out):
    blocks.sim(name, weights=weights, inputs=inputs, out=out, json=True)
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def vectors(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(2).integers(0, 100, (5, 12)))
    return tmp_path / "x.npy"


@pytest.mark.needs("icarus")
def test_a_tile_from_a_file_is_simulated(tmp_path, vectors, capsys):
    cfg = permdiag.Config(inputs=12, outputs=8, p=4, muls=2)
    w = permdiag.project(cfg, np.random.default_rng(1).integers(-90, 91, (12, 8)))
    packed = permdiag.compress(cfg, w)
    packed.save(tmp_path / "tile.npz")
    said = run(capsys, "permdiag", tmp_path / "tile.npz", vectors, tmp_path / "out")
    assert permdiag.Config.from_dict(said["config"]) == cfg
    x = np.load(vectors)
    assert (said["tests"], said["cycles"]) == (1, permdiag.cycles(cfg, packed, x))
    assert said["compared"] >= 5 * 8


@pytest.mark.long
@pytest.mark.needs("icarus")
def test_a_tile_of_tables_is_simulated(tmp_path, vectors, capsys):
    cfg, rng = pq.Config(inputs=12, outputs=8, table_shift=7), np.random.default_rng(1)
    packed = pq.fit(cfg, rng.integers(-90, 91, (12, 8)), rng.integers(0, 100, (200, 12)))
    packed.save(tmp_path / "tile.npz")
    said = run(capsys, "pq", tmp_path / "tile.npz", vectors, tmp_path / "out")
    assert said["cycles"] == cfg.cycles(5)


def test_what_is_no_tile_of_the_member_or_does_not_fit_it_is_refused(tmp_path, vectors, capsys):
    cfg = permdiag.Config(inputs=8, outputs=8, p=4)
    permdiag.compress(cfg, np.zeros((8, 8), dtype=int)).save(tmp_path / "tile.npz")
    with pytest.raises(
        ValueError, match=r"tile\.npz: holds a tile of 'permdiag', not of circulant"
    ):
        run(capsys, "circulant", tmp_path / "tile.npz", vectors, tmp_path / "out")
    for wrong, why in (
        (np.load(vectors), r"permdiag: x must be of shape \[V, 8\], not \[5, 12\]"),
        (np.full((2, 8), np.nan), "x must be integers, not float64"),
        (np.full((2, 8), 999), r"permdiag: x\[0, 0\] must be in -128\.\.127, not 999"),
        (np.zeros((0, 8), dtype=int), "holds no vector"),
    ):
        np.save(vectors, wrong)
        with pytest.raises(ValueError, match=rf"x\.npy: {why}"):
            run(capsys, "permdiag", tmp_path / "tile.npz", vectors, tmp_path / "out")
