"""Layouts that are routed: which, by which programs, and what their page says of them."""

import os
import subprocess

import pytest

import nomul
from nomul.experiments import tables
from nomul.flow import mapping
from nomul.synth.layout import layout, route
from nomul.synth.map import targets

pytest.importorskip("coloquinte", reason="install the extra: pip install nomul[layout]")


def test_up_to_2500_cells_are_routed_where_nobody_says(monkeypatch):
    monkeypatch.setattr(route, "installed", lambda: True)
    assert [mapping.worth_routing(cells) for cells in (1, 2500, 2501)] == [True, True, False]
    monkeypatch.setattr(route, "installed", lambda: False)
    assert not mapping.worth_routing(1)


@pytest.mark.needs("qrouter", "opensta")
def test_no_layout_runs_a_yosys_of_the_system(tmp_path, monkeypatch):
    """An old one may come with other tools of layouts; here it would leave a trace."""
    trace = tmp_path / "trace"
    for name in ("yosys", "yosys-abc", "abc", "qflow"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {name} >> {trace}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    made = nomul.design("lfsr", width=8, seed=1).synthesize(folder=tmp_path / "out")
    assert made.layout(energy=False, route=True).complete
    assert not trace.exists()
    subprocess.run(["yosys"], check=True)
    assert trace.read_text() == "yosys\n"


@pytest.mark.needs("qrouter")
def test_a_routed_layout_says_what_it_is(register, tmp_path):
    made = layout.lay_out(register.mapped, "lfsr", register.target, tmp_path, routed=True)
    assert made.method == "routed"
    assert made.complete
    assert made.vias > 0
    assert made.wire_um == pytest.approx(sum(made.layer_um.values()))
    assert {"qrouter", "coloquinte"} <= made.tools.keys()
    assert "yosys" not in (tmp_path / "route.tcl").read_text()
    periods = [case.timing.period_ps for case in made.cases if case.timing]
    assert periods == sorted(periods)


@pytest.mark.long
@pytest.mark.needs("qrouter")
@pytest.mark.parametrize(("library", "period"), [("freepdk45", 1000), ("osu018", 5000)])
def test_spanning_trees_of_the_multiplier_are_within_a_twentieth_of_its_wires(
    library, period, tmp_path
):
    if library == "osu018" and not targets.Osu018().installed():
        pytest.skip("OSU's cells are not installed: apt-get install qflow-tech-osu018")
    mapped = nomul.design("fp16mul").synthesize(library, tmp_path, period_ps=period)
    made = mapped.layout(energy=False, route=True)
    assert made.complete
    assert made.tree_um == pytest.approx(made.wire_um, rel=0.05)


def test_the_page_of_numbers_says_how_much_energy_wires_add():
    page = " ".join((tables.BASELINE.parents[1] / "docs" / "numbers.md").read_text().split())

    def added(block, name):
        """Return by how many per cent wires raise the energies of a table's rows."""
        return [
            100 * (row[f"fJ, {wires}"] / row["fJ, without"] - 1)
            for row in tables.load(block, name).rows
            for wires in ("LEF", "Liberty", "Magic")
            if row.get(f"fJ, {wires}")
        ]

    routed = added("layout", "routed")
    assert f"Routed wires add {min(routed):.0f} to {max(routed):.0f} % to the blocks" in page
    planes = added("essop", "T1-wires") + added("essop", "T1-wires-more")
    assert f"up to {max(planes):.0f} % to planes of 32 x 32 products" in page


def test_the_page_says_what_the_rows_of_routed_layouts_say():
    rows = {(row["block"], row["library"]): row for row in tables.load("layout", "routed").rows}
    page = " ".join((tables.BASELINE.parents[1] / "docs" / "layout.md").read_text().split())
    ours, theirs = (rows[block, "freepdk45"] for block in ("essop", "fp16mul"))
    ratios = [
        f"{ours[name] / theirs[name]:.2f}" for name in ("fJ, without", "fJ, LEF", "fJ, Liberty")
    ]
    assert ratios[1] == ratios[2]
    assert f"is {ratios[0]} times without wires, and {ratios[1]} times with them" in page
    broken = {key: row["other rules broken"] for key, row in rows.items() if key[1] == "osu018"}
    assert list(broken.values()) == [0, 2, 7]
    assert "at two places of the multiplier and at seven of ESSOP" in page
    differences = {
        key: round(100 * (row["spanning trees, um"] / row["wires, um"] - 1), 1)
        for key, row in rows.items()
    }
    assert round(differences.pop(("lfsr", "freepdk45"))) == -8
    assert f"by {max(map(abs, differences.values()))} % at most" in page
