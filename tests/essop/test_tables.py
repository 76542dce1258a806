"""Tables of ESSOP's page: how candidates are measured, and what the committed figures claim."""

import numpy as np
import pytest

from nomul.experiments import tables
from nomul.experiments.essop import candidates, costs, errors
from nomul.golden import bitstream, essop, fp16mul, plane


def test_the_multiplier_gets_the_products_that_planes_get():
    """The same vectors, scaled by their block exponents, a quarter of the rows."""
    values = candidates.half_precision()
    planes = candidates.encoded(plane.Config())
    a, b = (fp16mul.decode(values[side]).reshape(candidates.PAIRS, 8, 32) for side in "ab")
    x, d = errors.signed(planes)
    assert abs(a - x[:, candidates.ROWS, None]).max() < 2**-8
    assert abs(b - d[:, None, :]).max() < 2**-8
    assert (abs(a) < 1).all()


def test_a_candidate_is_measured_once(tmp_path, monkeypatch):
    cfg = plane.Config(rows=3, cols=3, row_levels=4)
    cost = candidates.measure(cfg, tmp_path)
    assert 10 < cost.area_um2 < 300
    assert 0 < cost.fj <= cost.glitch_fj < 1000
    monkeypatch.setattr(candidates, "_measure", None)
    assert candidates.measure(cfg, tmp_path) == cost


def test_errors_are_those_of_the_definition():
    """All products twice too large: the error is one, the bias 100 %, the projection off by one."""
    pairs = errors.network_pairs(5)
    x, d = errors.signed(pairs)
    exact = x[:, :, None] * d[:, None, :]
    assert errors.errors(pairs, 2 * exact) == {
        "relative RMSE": 1.0,
        "bias %": 100.0,
        "projected noise": 1.0,
    }


def test_a_shared_source_raises_the_projected_noise_and_scrambled_sobol_does_not():
    pairs = errors.network_pairs(500)

    def noise(products):
        return errors.errors(pairs, products)["projected noise"]

    alone = noise(errors._ideal(pairs, 16))
    operands = [pairs[name] for name in ("x", "sx", "d", "sd")]
    found = {
        source: noise(essop.model(essop.Config(rows=32, cols=32, source=source), *operands) / 16)
        for source in ("lfsr", "sobol_xor")
    }
    assert found["lfsr"] > 2.5 * alone
    assert found["sobol_xor"] < alone


def test_fronts_and_winners_of_a_small_table(monkeypatch):
    common = {"U": None, "R": 4, "product in a register": True, "cycles": 1}
    rows = [
        {"unit": "FP16 IEEE", "BL": None, "relative error": None, "um2": 1500.0, "fJ": 2000.0},
        {"unit": "ESSOP prefix", "BL": 8, "relative error": 0.5, "um2": 40.0, "fJ": 20.0},
        {"unit": "ESSOP popcount", "BL": 8, "relative error": 0.5, "um2": 70.0, "fJ": 60.0},
        {"unit": "INT3", "BL": None, "relative error": 0.6, "um2": 30.0, "fJ": 10.0},
        {"unit": "INT4", "BL": None, "relative error": 0.3, "um2": 60.0, "fJ": 15.0},
    ]
    whole = tables.Table("essop", "T1", "", [common | row for row in rows], {})
    monkeypatch.setattr(tables, "load", lambda block, name: whole)
    monkeypatch.setattr(tables, "committed", lambda block: [whole])
    front = {row["unit"] for row in costs.pareto() if row["front"]}
    assert front == {"ESSOP prefix", "INT3", "INT4"}
    (winner,) = costs.winners()
    assert winner["INTk"] == "INT4"
    assert winner["area ratio"] == pytest.approx(0.67)
    assert (winner["smaller"], winner["thriftier"]) == ("ESSOP", "INT4")


def test_the_committed_table_claims_what_the_page_says():
    """A stream no worse than 16 ideal bits, at one product per cell and cycle."""
    rows = tables.load("essop", "T1").rows
    fp16 = next(row for row in rows if row["unit"] == "FP16 IEEE")
    assert fp16["um2"] < 1621  # a multiplier of a public library, three stages, FreePDK45
    ours = [
        row for row in rows if row["BL"] and row["relative error"] <= 0.556 and row["cycles"] == 1
    ]
    registered = max(row["area saved %"] for row in ours if row["product in a register"])
    assert registered > 97.5
    assert max(row["energy saved %"] for row in ours) > 95


def test_every_candidate_of_the_winners_meets_the_common_clock():
    """1 ns for all, so that no area is that of a slower circuit."""
    rows = [row for name in ("T1", "T1-more") for row in tables.load("essop", name).rows]
    assert min(row["MHz"] for row in rows if row["MHz"]) >= 1000
    winners = tables.load("essop", "T1-winners").rows
    named = {row["INTk"] for row in winners}
    assert named <= {row["unit"] for row in rows}


@pytest.mark.parametrize(
    "name", ["T1", "T1-more", "T1-others", "T1-gated", "T1-winners", "T2", "T5"]
)
def test_every_table_is_committed_and_fits_its_page(name):
    table = tables.load("essop", name)
    page = (tables.BASELINE.parents[1] / "docs" / "essop.md").read_text()
    assert f"<!-- table: {name} -->\n{tables.content(table)}<!-- /table -->" in page


def test_sources_of_the_error_table_are_all_there():
    rows = tables.load("essop", "T2").rows
    assert {row["source"] for row in rows} >= {*bitstream.SOURCES, "ideal"}
    ideal = {row["BL"]: row["relative RMSE"] for row in rows if row["source"] == "ideal"}
    assert ideal[16] == pytest.approx(0.556, rel=0.05)
    assert np.all(np.diff([ideal[length] for length in sorted(ideal)]) < 0)
