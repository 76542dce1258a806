"""The claim at a size of one's own: what is measured, beside what, and what is refused."""

import pytest

from nomul import flow, registry
from nomul.experiments import claims
from nomul.experiments.essop import candidates, claim, costs
from nomul.golden import essop, plane
from nomul.runs import parallel


def test_the_paper_preset_is_what_the_committed_claim_measures():
    cfg = claim.configured()
    assert cfg == plane.Config.preset("paper")
    assert (cfg.rows, cfg.cols, cfg.product, cfg.stream_bits) == (32, 32, "prefix", 8)
    assert any(unit == cfg for _, unit in costs.PARALLEL)


def test_longer_streams_have_rows_of_more_levels_unless_they_are_named():
    size = ["rows=24", "cols=40", "stream_bits=32"]
    assert claim.configured(size).row_levels == 8
    assert claim.configured([*size, "row_levels=16"]).row_levels == 16
    assert claim.configured(["stream_bits=2"]).row_levels == 2


@pytest.mark.parametrize(
    ("setting", "error", "message"),
    [
        ("cell=counter", TypeError, "plane has no parameter 'cell'"),
        ("rows", ValueError, "--set wants name=value, not 'rows'"),
        ("product=multiply", ValueError, "'multiply' has none"),
        ("stream_bits=5", ValueError, "must be a power of two"),
    ],
)
def test_what_has_no_claim_is_refused(setting, error, message):
    with pytest.raises(error, match=message):
        claim.configured([setting])


def test_the_rival_is_the_smallest_that_errs_no_more():
    cfg = claim.configured(["rows=8", "cols=8"])
    pairs = claim.operands(cfg)
    name, unit = claim.rival(cfg)
    assert (unit.rows, unit.cols) == (8, 8)
    assert plane.relative_error(unit, pairs) <= plane.relative_error(cfg, pairs)
    smaller = costs.integers(unit.bits - 1, rows=8, cols=8, width=8)[1]
    assert name == f"INT{unit.bits}"
    assert plane.relative_error(smaller, pairs) > plane.relative_error(cfg, pairs)


@pytest.fixture
def measured(monkeypatch):
    """Costs that are given instead of measured: area and energy per product by unit."""
    given = {"fp16mul": (1500.0, 1700.0), "prefix": (90.0, 400.0), "multiply": (100.0, 100.0)}

    def cost(candidate):
        area, energy = given[getattr(candidate[1], "product", "fp16mul")]
        return candidates.Measured(area, 1000.0, energy, None, "area")

    monkeypatch.setattr(parallel, "each", lambda _, values: enumerate(map(cost, values)))
    return given


def test_verdicts_follow_from_what_was_measured(measured):
    told = []
    found = claims.measure("essop", ["rows=4", "cols=6"], told.append)
    area, energy = found.claims
    assert (area["ours"], area["met"], area["takes least"]) == (
        "94.0 % less",
        "yes",
        "ESSOP prefix",
    )
    assert (energy["ours"], energy["met"]) == ("76.5 % less", "no")
    assert energy["takes least"].startswith("INT")
    assert [row["unit"] for row in found.rows][:3] == [
        "FP16 IEEE",
        found.rows[1]["unit"],
        "ESSOP prefix",
    ]
    assert "quoted" in found.rows[1]["unit"]
    assert "2,160 um2" in found.notes[0]  # 24 products of 90
    assert len(told) == 4


def test_lanes_beyond_those_recorded_are_of_further_pairs():
    x, d = candidates.operands(rows=24, cols=40)
    whole, wide = candidates.operands(32)
    assert (x == whole[:8, :24]).all()
    assert (d[:, :32] == wide[:8]).all()
    assert (d[:, 32:] == wide[8:16, :8]).all()
    encoded = candidates.encoded(plane.Config(rows=24, cols=40))
    assert encoded["d"].shape == (8, 40)


def test_the_old_name_of_the_serial_array_is_refused_with_the_new_ones():
    with pytest.raises(ValueError, match=r"no preset 'paper': .*'serial16'.* 'paper' of plane"):
        essop.Config.preset("paper")
    assert (essop.Config.preset("serial16").rows, essop.Config.preset("serial16").cell) == (
        16,
        "counter",
    )


@pytest.mark.parametrize("block", ["spimc", "sotfp"])
def test_other_claims_take_a_size_too(block):
    sizes = {
        "spimc": ["inputs=64", "outputs=8", "zeros=0.9"],
        "sotfp": ["exponent_bits=4", "mantissa_bits=3"],
    }
    found = claims.measure(block, sizes[block])
    assert found.rows
    assert {row["met"] for row in found.claims} <= {"yes", "no", "not comparable"}
    assert registry.get(block).capability("claim")


def test_a_dense_layer_does_not_meet_the_claim_of_storage():
    found = claims.measure("spimc", ["inputs=64", "outputs=8", "zeros=0"])
    assert found.claims[0]["met"] == "no"


def test_a_claim_of_committed_tables_has_no_other_size():
    assert claims.measure("sonic").claims == claims.of("sonic")
    with pytest.raises(ValueError, match="measured for essop, spimc, sotfp"):
        claims.measure("sonic", ["rows=4"])
    with pytest.raises(ValueError, match="no paper's claim is known for 'lfsr'"):
        claims.measure("lfsr")


@pytest.mark.long
def test_the_claim_is_measured(tmp_path, monkeypatch):
    """All of it once, small: the whole plane is what its products take together."""
    monkeypatch.chdir(tmp_path)
    found = claims.measure("essop", ["rows=2", "cols=3"])
    ours = found.rows[2]
    row = flow.measure(registry.get("plane"), claim.configured(["rows=2", "cols=3"]), tmp_path)
    assert 0.7 < ours["um2"] * 6 / row.area_um2 < 1.3
    assert all(row["fJ"] for row in (found.rows[0], *found.rows[2:]))
