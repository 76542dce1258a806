"""SP-IMC's tables: what they must show, measured here or committed."""

import numpy as np
import pytest

from nomul.experiments import tables
from nomul.experiments.spimc import bench, energy
from nomul.experiments.spimc import tables as spimc_tables
from nomul.golden import sparse
from nomul.synth.energy.activity import Measured


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


def test_the_committed_table_is_the_one_that_is_computed(storage):
    assert tables.load("spimc", "T1").rows == storage


def test_a_bitmap_wins_in_the_range_that_the_closed_forms_say():
    for row in tables.load("spimc", "T7").rows:
        assert abs(row["measured from"] - row["dense up to"]) <= 0.04
        assert abs(row["measured to"] - row["run length from"]) <= 0.04


def test_sparse_formats_are_written_less_often():
    rng = np.random.default_rng(1)
    w = rng.integers(1, 128, (300, 40)) * (rng.random((300, 40)) >= 0.9)
    matrices = [("dense", rng.integers(1, 128, (300, 40))), ("90", w)]
    rows = {(r["pattern"], r["format"]): r["beats"] for r in spimc_tables.rewrites(matrices)}
    assert rows["dense", "dense"] == 300 * 48  # whole groups of 16 columns are written
    assert rows["90", "coo"] < 0.15 * rows["dense", "dense"]
    assert spimc_tables.balance(matrices)[0]["tiles"] >= 1


def test_the_macro_counts_the_cycles_of_the_formula():
    (row,) = spimc_tables.cycles([8], ["ff"])
    counted = {"dense": 34, "coo": 34, "rl": 258, "nm": 18, "bitmap": 34}
    assert row == {"store": "ff", "lanes": 8, **counted, "as the formula": True}
    for row in tables.load("spimc", "T2").rows:
        assert row["as the formula"]


@pytest.mark.long
def test_comparing_costs_more_than_not():
    dense, pairs = spimc_tables.selects(["dense", "1:4"])
    assert dense["slot logic um2"] < pairs["slot logic um2"]
    assert dense["column um2"] < pairs["column um2"]


def test_phases_are_the_chosen_cycles_and_the_state_before_each():
    values = np.arange(8)[:, None] % 2 == 1
    parts = list(energy.phases(Measured(values=values), np.array([1, 1, 0, 0, 1, 0, 1], bool)))
    assert [part.cycles for part in parts] == [2, 1, 1]
    assert [part.values[:, 0].tolist() for part in parts] == [
        [False, True, False],
        [False, True],
        [False, True],
    ]


def test_every_case_of_energy_is_a_macro_that_holds_its_layer():
    rng = np.random.default_rng(1)
    dense = rng.integers(1, 128, (64, 8))
    for case in energy.CASES:
        kept, colon, group = case.pattern.partition(":")
        if colon:
            w = sparse.prune_groups(dense, int(kept), int(group))
        else:
            w = sparse.prune_magnitude(dense, float(case.pattern) / 100)
        plan = energy.layer(case, w)
        assert np.array_equal(plan.weights(), w)
        assert {placed.packed.tile.format for placed in plan.tiles} == {case.format}


@pytest.mark.long
def test_energy_is_measured():
    """Two columns of four rows: loading and computing both take energy."""
    w = {"90": np.array([[3, 0], [0, -5], [0, 0], [7, 1]])}
    case = energy.Case("90", "coo", 4, ("coo",))
    x = np.array([[1, 2, 3, 4]])
    (row,) = energy.energies(w, x, [case])
    assert min(row["load pJ"], row["compute pJ"], row["clock pins pJ"]) > 0
    assert row["without these pJ"] < row["total pJ"]


def test_benchmarks_run():
    results = bench.packing(12_800)
    assert [result.weights for result in results] == [12_800] * 5
    assert bench.whole_command(256, 20).weights == 5_120
    assert bench.throughput(10) > 0
    assert (bench.matrix(12_800, 0.9) == 0).mean() == pytest.approx(0.9, abs=0.02)
    assert sparse.choose_format(bench.matrix(12_800, 0.9).T).ratio < 1
