"""The committed rows: shown, compared, and put into the README by command."""

import contextlib
import json
import re
from pathlib import Path

import pytest

from nomul import flow, registry, report
from nomul.experiments import checkout, rows, tables
from nomul.golden import lfsr

ROOT = Path(__file__).parents[2]


def test_readme_shows_the_committed_rows():
    """The table is what `nomul report --readme` writes, never typed."""
    text = (ROOT / "README.md").read_text()
    assert report.blocks_table() in text
    assert report.table(report.committed()) in text


def test_rows_are_of_presets_and_hold_the_comparison_with_fp16():
    presets = {
        f"{name}/{preset}"
        for name in registry.BLOCKS
        for preset in registry.get(name).config().presets
    }
    for target in rows.BASELINE_TARGETS:
        assert {row.key for row in rows.load(target)} <= presets
    compared = {"essop/small", "essop/serial16", "fp16mul/ieee", "fp16mul/ftz"}
    assert compared <= {row.key for row in rows.load("freepdk45")}


def test_committed_rows_are_chosen_by_target_and_block():
    assert {row.block for row in report.committed(blocks=["lfsr"])} == {"lfsr"}
    assert {row.target for row in report.committed(targets=["freepdk45"])} == {"freepdk45"}
    with pytest.raises(ValueError, match="there is no block 'lsfr'; there are lfsr"):
        report.committed(blocks=["lsfr"])


def test_an_unknown_target_has_no_rows():
    with pytest.raises(ValueError, match="freepdk54"):
        report.committed(["freepdk54"])
    assert report.committed(["generic"]) == []


def test_tables_are_written_between_their_markers(tmp_path):
    page = tmp_path / "README.md"
    marked = "".join(
        f"<!-- {name}: written by `nomul report --readme` -->\nold\n<!-- /{name} -->\nbetween\n"
        for name in ("blocks", "rows")
    )
    page.write_text(f"before\n{marked}after\n")
    assert report.write_readme(page)
    text = page.read_text()
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.count("between\n") == 2
    assert text.endswith("after\n")
    assert not report.write_readme(page)
    page.write_text("no markers")
    with pytest.raises(ValueError, match="has no line"):
        report.write_readme(page)


def test_measured_row_carries_its_provenance(tmp_path):
    cfg = lfsr.Config.preset("leap", width=8, seed=1)
    row = flow.measure(registry.get("lfsr"), cfg, tmp_path, target="generic")
    assert (row.block, row.preset, row.target) == ("lfsr", "", "generic")
    assert row.config["width"] == 8
    assert {"amaranth", "yosys"} <= set(row.tools)
    assert (tmp_path / "mapped.v").is_file()
    assert json.loads(json.dumps(row.to_dict()))["resources"]["ffs"] == 8


def test_an_installed_package_is_not_written_to(monkeypatch, tmp_path):
    """It is refused before anything is measured, for rows and for tables."""
    checkout.demand("--update")
    monkeypatch.setattr(checkout, "ROOT", tmp_path)
    monkeypatch.setattr(rows, "measure_preset", None)
    monkeypatch.setattr(tables, "measure", None)
    message = f"--update writes committed numbers, and {tmp_path} is an installed package: clone"
    with pytest.raises(ValueError, match=re.escape(message)):
        report.measure(["generic"], ["lfsr"], keep=True)
    with pytest.raises(ValueError, match=re.escape(message)):
        report.update_table("sotfp", "steps", tmp_path)
    assert not list(tmp_path.iterdir())


def test_rows_are_measured_and_kept_one_by_one(monkeypatch, tmp_path):
    """Each is stored before the next one starts, and compared with what was committed before."""
    monkeypatch.setattr(rows, "BASELINE", tmp_path)
    monkeypatch.setattr(rows.replace, "__defaults__", (tmp_path,))
    monkeypatch.setattr(rows.load, "__defaults__", (tmp_path,))
    seen = []

    @contextlib.contextmanager
    def step(text):
        seen.append((text, len(rows.load("generic", tmp_path))))
        yield

    measured = report.measure(["generic"], ["lfsr"], keep=True, step=step)
    assert seen == [("lfsr small on generic", 0), ("lfsr leap on generic", 1)]
    assert rows.load("generic", tmp_path) == sorted(measured, key=lambda row: row.key)


@pytest.mark.parametrize(
    ("target", "blocks", "presets"),
    [
        ("freepdk45", ("lfsr", "popcount", "skid"), ()),
        ("freepdk45", ("fp16mul",), ("ieee",)),
        ("ice40", ("lfsr",), ("small",)),
        ("ecp5", ("lfsr",), ("small",)),
        pytest.param("freepdk45", ("essop",), ("small",), marks=pytest.mark.long),
        pytest.param("freepdk45", ("spimc",), ("small",), marks=pytest.mark.long),
    ],
)
def test_measuring_again_gives_the_committed_rows(target, blocks, presets):
    """Cells exactly, clocks within 10 %, cycles exactly; every row was measured and compared."""
    measured = report.measure([target], blocks, presets)
    compared = report.compare(measured)
    assert compared.equal, str(compared)
    assert compared.skipped == [], "other tools than those of the committed rows"
    assert len(measured) >= len(blocks)


def test_liberty_file_names_the_target(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cells\.lib"):
        flow.measure(registry.get("lfsr"), lfsr.Config(), tmp_path, liberty=Path("cells.lib"))
