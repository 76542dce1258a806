"""SP-IMC layers: tiling keeps the product, whatever the format, and the macro computes it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nomul.golden import sparse, spimc
from nomul.golden.spimc import Config, Tile
from nomul.golden.spimc import layer as spimc_layer

MACRO = Config(window=16, columns=4, slots=6, lanes=4, tree_regs=0)

FORMATS = [
    Tile(format="dense", act_bits=4),
    Tile(format="coo", act_bits=4),
    Tile(format="bitmap", act_bits=4),
    Tile(format="rl", act_bits=4, run_bits=3),
    Tile(format="nm", act_bits=4, nnz_per_group=1, group=4),
]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 11), st.booleans())
def test_tiles_add_up_to_the_product(seed, rows, columns, balance):
    rng = np.random.default_rng(seed)
    dense = rng.integers(-128, 128, (rows, columns)) * (rng.random((rows, columns)) < 0.3)
    x = rng.integers(0, 16, (3, rows))
    for tile in FORMATS:
        w = sparse.prune_groups(dense, 1, 4) if tile.format == "nm" else dense
        layer = spimc_layer.plan(w, MACRO, tile, balance=balance)
        assert np.array_equal(layer.weights(), w)
        assert np.array_equal(layer.model(x), x @ w)
        streams = (sparse.stream(MACRO, placed.packed) for placed in layer.tiles)
        assert layer.beats == sum(1 for beats in streams for _ in beats)


def test_a_layer_that_fits_is_written_once():
    rng = np.random.default_rng(1)
    w = rng.integers(1, 5, (16, 4)) * (rng.random((16, 4)) < 0.2)
    assert spimc_layer.plan(w, MACRO, FORMATS[1]).rewritten == 0
    dense = spimc_layer.plan(w, MACRO, FORMATS[0])
    assert dense.rewritten == dense.beats == 16 * 4


def test_balancing_needs_fewer_tiles():
    """One full column among sparse ones shortens every window, unless it is folded."""
    w = np.zeros((16, 3), dtype=int)
    w[:, 0], w[3, 1], w[5, 2] = 1, 2, 3
    assert len(spimc_layer.plan(w, MACRO, FORMATS[1]).tiles) == 3
    assert len(spimc_layer.plan(w, MACRO, FORMATS[1], balance=True).tiles) == 2


def test_plan_names_what_does_not_fit():
    tile = Tile(format="nm", nnz_per_group=8, group=8)
    with pytest.raises(ValueError, match="8 rows of nm entries do not fit 6 slots"):
        spimc_layer.plan(np.ones((32, 2), dtype=int), MACRO, tile)
    with pytest.raises(ValueError, match=r"x must be of shape \[V, 2\], not \[2\]"):
        spimc_layer.plan(np.ones((2, 2), dtype=int), MACRO, FORMATS[1]).model([1, 2])
    with pytest.raises(ValueError, match=r"tile.run_bits must be in 0\.\.4, not None"):
        spimc_layer.plan(np.ones((2, 2), dtype=int), MACRO, Tile(format="rl"))


@pytest.mark.parametrize("tile", FORMATS, ids=lambda tile: tile.format)
def test_rtl_computes_a_layer(simulate, tmp_path, tile):
    rng = np.random.default_rng(2)
    w = rng.integers(-128, 128, (40, 9)) * (rng.random((40, 9)) < 0.2)
    layer = spimc_layer.plan(w, MACRO, tile, balance=tile.format == "coo", prune=True)
    spimc_layer.save(tmp_path / "w.npz", layer)
    low, high = spimc.act_range(tile)
    np.save(tmp_path / "x.npy", rng.integers(low, high + 1, (2, 40)))
    files = {"NOMUL_WEIGHTS": tmp_path / "w.npz", "NOMUL_INPUTS": tmp_path / "x.npy"}
    environment = {name: str(path) for name, path in files.items()}
    report = simulate("spimc", MACRO, bench="nomul.sim.spimc.layer", environment=environment)
    assert report.records["vectors"] == 2
