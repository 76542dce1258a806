"""SP-IMC's tables: what they must show, and that the page holds them."""

from pathlib import Path

import numpy as np
import pytest

from nomul.golden import sparse
from nomul.synth import bench_spimc, spimc_tables

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def storage():
    """Return the table of storage."""
    return spimc_tables.storage()


def test_closed_forms_hold_to_one_per_cent(storage):
    """Up to a sparsity of 0.9; above, few entries and the ends of the columns show."""
    for row in storage:
        bound = 0.01 if row["sparsity"] <= 0.9 else 0.1
        assert row["worst error of the closed form"] < bound


def test_the_bitmap_wins_at_low_sparsity_and_run_length_above(storage):
    for row in storage:
        if row["sparsity"] <= 0.7:
            assert row["fewest"] == "bitmap"
        elif row["sparsity"] >= 0.8:
            assert row["fewest"] in ("rl", "coo")


def test_the_page_holds_the_table_that_is_computed(storage):
    page = (ROOT / "docs/spimc.md").read_text()
    assert spimc_tables.markdown(storage) in page


def test_sparse_formats_are_written_less_often():
    rng = np.random.default_rng(1)
    w = rng.integers(1, 128, (300, 40)) * (rng.random((300, 40)) >= 0.9)
    matrices = [("dense", rng.integers(1, 128, (300, 40))), ("90", w)]
    rows = {(r["pattern"], r["format"]): r["beats"] for r in spimc_tables.rewrites(matrices)}
    assert rows["dense", "dense"] == 300 * 48  # whole groups of 16 columns are written
    assert rows["90", "coo"] < 0.15 * rows["dense", "dense"]
    assert spimc_tables.balance(matrices)[0]["tiles"] >= 1


def test_the_macro_counts_the_cycles_of_the_formula():
    (row,) = spimc_tables.cycles([8])
    assert row == {"lanes": 8, "dense": 34, "coo": 34, "rl": 258, "nm": 18, "bitmap": 34}


@pytest.mark.long
def test_comparing_costs_more_than_not():
    dense, pairs = spimc_tables.selects(["dense", "1:4"])
    assert dense["slot logic um2"] < pairs["slot logic um2"]
    assert dense["column um2"] < pairs["column um2"]


def test_benchmarks_run():
    results = bench_spimc.packing(12_800)
    assert [result.weights for result in results] == [12_800] * 5
    assert bench_spimc.throughput(10) > 0
    assert (bench_spimc.matrix(12_800, 0.9) == 0).mean() == pytest.approx(0.9, abs=0.02)
    assert sparse.choose_format(bench_spimc.matrix(12_800, 0.9).T).ratio < 1
