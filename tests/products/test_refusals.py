"""What a tile may not hold: numbers from files, other sizes; and means that 64 bits do not hold."""

import numpy as np
import pytest

from nomul.golden import products
from nomul.golden.products.contract import means

# One that checks a tile as it computes, in its own words.
LATER = "spimc"


@pytest.mark.parametrize("name", [name for name in products.MEMBERS if name != LATER])
def test_a_file_of_other_numbers_is_refused(name, tmp_path):
    """What is no integer, of another shape or out of range never becomes a tile."""
    module = products.member(name)
    cfg = module.Config(inputs=10, outputs=3)
    module.stimuli(cfg, np.random.default_rng(3))["packed"].save(tmp_path / "tile.npz")
    with np.load(tmp_path / "tile.npz") as file:
        whole = dict(file)
    for key in whole.keys() - {"meta"}:
        good = whole[key].astype(np.int64)
        for wrong, why in (
            (good * np.nan, "must be integers, not float64"),
            (good[None], r"must be of shape \["),
            (good + (1 << 40), r"\[0.*\] must be in "),
        ):
            np.savez(tmp_path / "wrong.npz", **{**whole, key: wrong})
            with pytest.raises(ValueError, match=rf"wrong\.npz: .*{key}.*{why}"):
                module.Packed.load(tmp_path / "wrong.npz")


def test_a_foreign_file_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match="is not a tile of weights"):
        products.member("dense").Packed.load(tmp_path / "x.npz")


def test_a_tile_of_another_size_is_refused():
    module, cfg = products.member("dense"), products.configure("dense", inputs=10, outputs=3)
    packed = module.stimuli(cfg, np.random.default_rng(5))["packed"]
    with pytest.raises(ValueError, match=r"dense: the tile must be of \[9, 3\], not \[10, 3\]"):
        module.model(cfg.replace(inputs=9), packed, np.zeros((1, 9), dtype=int))
    with pytest.raises(ValueError, match="w must be an array: its rows are of different lengths"):
        module.compress(cfg, [[1], [1, 2]])


def test_means_of_integers_that_sums_do_not_hold():
    """Through Python's integers where 64 bits would wrap: the means of all, and of mixed signs."""
    numbers, most = np.array([0, 0, 1, 1, 1]), 1 << 62
    values = np.array([most, most, most, -most, 9])
    assert means(values, numbers, 3, (-128, 127)).tolist() == [127, 3, 0]
    assert means(-values, numbers, 3, (-128, 127)).tolist() == [-128, -3, 0]
