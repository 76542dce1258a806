"""``nomul layout`` as somebody uses it who does not know it: what is refused, and what is left."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from flow.processes import gone
from typer.testing import CliRunner

import nomul
from nomul import flow
from nomul.cli.app import app
from nomul.flow import mapping
from nomul.synth.layout import layout, route

pytest.importorskip("coloquinte", reason="install the extra: pip install nomul[layout]")

LFSR = ("lfsr", "--set", "width=8", "--set", "seed=1", "--no-energy")


def command(*options, path=()):
    """Return the words of a command, and an environment whose programs come from ``path`` first."""
    places = [*map(str, path), os.environ["PATH"]]
    words = [sys.executable, "-m", "nomul", "layout", *LFSR, *map(str, options)]
    return words, {**os.environ, "PATH": os.pathsep.join(places)}


def run(*options, path=()):
    words, environment = command(*options, path=path)
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def router(folder, script):
    """Write a program that is called as the router is, and calls it where it says so."""
    program = folder / route.PROGRAM
    program.parent.mkdir(parents=True)
    program.write_text(script.replace("REAL", shutil.which(route.PROGRAM)))
    program.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """Return a mapped register, in a folder whose name has blanks."""
    folder = tmp_path_factory.mktemp("mapped") / "a folder"
    return nomul.design("lfsr", width=8, seed=1).synthesize(folder=folder)


@pytest.mark.parametrize("density", ["0", "1.5", "nan"])
def test_a_density_that_cannot_be_is_refused_before_synthesis(density, tmp_path):
    done = run("--density", density, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr == (f"nomul: density must be above 0 and at most 1, not {float(density)}\n")
    assert not (tmp_path / "out").exists()


def test_what_is_not_installed_is_named_before_synthesis(monkeypatch):
    find = importlib.util.find_spec
    for package, message in (
        ("gdstk", r"masks need gdstk; try: pip install 'nomul\[layout\]'"),
        ("matplotlib", r"pictures need matplotlib; try: pip install 'nomul\[layout\]'"),
    ):
        monkeypatch.setattr(
            importlib.util,
            "find_spec",
            lambda name, missing=package: None if name == missing else find(name),
        )
        with pytest.raises(ImportError, match=message):
            flow.demand_layout()
    monkeypatch.setattr(importlib.util, "find_spec", find)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    flow.demand_layout()
    with pytest.raises(FileNotFoundError, match="routing needs qrouter; try: apt-get install"):
        flow.demand_layout(routed=True)


def test_modules_are_kept_apart_as_in_synthesis(monkeypatch):
    """Where nobody says, in large designs; the command asks for neither."""
    asked = []

    def synthesize(design, *arguments, hierarchical, **options):
        asked.append(hierarchical)
        raise ValueError("enough")

    monkeypatch.setattr(flow.Design, "synthesize", synthesize)
    for options in ([], ["--flat"], ["--hierarchy"]):
        for name in ("synth", "layout"):
            done = CliRunner().invoke(app, [name, "lfsr", *options])
            assert str(done.exception) == "enough"
    assert asked == [None, None, False, False, True, True]


@pytest.mark.needs("qrouter")
def test_a_second_layout_leaves_nothing_of_the_first(mapped):
    folder = mapped.where / "layout"
    first = mapped.layout(energy=False, route=True)
    assert {path.parent for path in first.files.values()} == {folder}
    assert all(path.is_file() for path in first.files.values())
    (folder / "notes.txt").write_text("somebody's own")
    second = mapped.layout(energy=False, route=False)
    assert second.method == "estimated"
    assert not [*folder.glob("route*")]
    assert (folder / "notes.txt").read_text() == "somebody's own"


@pytest.mark.needs("qrouter")
def test_a_layout_without_enough_time_says_so_and_leaves_its_logs(mapped):
    with pytest.raises(route.RoutingError, match=r"took more than 0\.01 s; a lower density"):
        mapping.layout(
            mapped.block, mapped.cfg, mapped.where, energy=False, routed=True, limit_s=0.01
        )
    left = {path.name for path in (mapped.where / "layout").iterdir()}
    assert "layout.def" in left
    assert not left & {"routed.def", "layout.svg", "layout-LEF.spef"}


@pytest.mark.needs("qrouter")
def test_wires_that_are_missing_are_said_and_mark_all_numbers(tmp_path):
    """Mutation: a router that says that all is routed, and leaves the wires of one net out."""
    program = router(
        tmp_path / "programs",
        f"#!{sys.executable}\nimport re, subprocess, sys\n"
        "code = subprocess.run(['REAL', *sys.argv[1:]]).returncode\n"
        "text = open('routed.def').read()\n"
        r"cut = re.sub(r'(\n- n\d+[^;]*?)\+ ROUTED[^;]*', r'\1', text, count=1)"
        "\nassert cut != text\nopen('routed.def', 'w').write(cut)\nsys.exit(code)\n",
    )
    done = run("--route", "--out", tmp_path / "out", path=[program])
    assert done.returncode == 1
    assert "this layout does not work: nets not wired: 1 (n" in done.stderr
    periods = [line for line in done.stdout.splitlines() if line.startswith("smallest period")]
    assert len(periods) == 3
    assert all("of a layout that does not work" in line for line in periods)
    done = run("--route", "--json", "--out", tmp_path / "out", path=[program])
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["complete"] is False
    assert len(told["open"]) == 1


@pytest.mark.needs("qrouter")
def test_ctrl_c_stops_the_router_and_leaves_the_mapped_cells(tmp_path):
    program = router(
        tmp_path / "programs", f"#!/bin/sh\necho $$ > {tmp_path}/number\nexec sleep 600\n"
    )
    words, environment = command("--route", "--out", tmp_path / "out", path=[program])
    number = tmp_path / "number"
    with subprocess.Popen(
        words,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in the background Ctrl-C is ignored, and programs would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as started:
        while not (number.is_file() and number.read_text().strip()):
            assert started.poll() is None
            time.sleep(0.05)
        started.send_signal(signal.SIGINT)
        said = started.communicate()[1]
    assert started.returncode == 130
    assert f"stopped: the mapped cells are in {tmp_path / 'out' / 'freepdk45'}" in said
    assert (tmp_path / "out" / "freepdk45" / "mapped.v").is_file()
    assert not (tmp_path / "out" / "freepdk45" / "layout").exists()
    assert gone(int(number.read_text()))


def test_cells_without_a_clock_are_laid_out(register, tmp_path):
    """A netlist of somebody's own may hold no register."""
    kinds = {"freepdk45": ("INV_X1", "A", "ZN"), "osu018": ("INVX1", "A", "Y")}
    cell, taken, given = kinds[register.target.name]
    (tmp_path / "wires.v").write_text(
        f"module wires(input a, output y); wire m;\n {cell} u(.{taken}(a), .{given}(m));\n"
        f" {cell} v(.{taken}(m), .{given}(y));\nendmodule\n"
    )
    made = layout.lay_out(tmp_path / "wires.v", "wires", register.target, tmp_path / "layout")
    assert (made.cells, made.nets, made.ports) == (2, 3, 2)
    assert made.clock_um == 0
    assert made.wire_um > 0
