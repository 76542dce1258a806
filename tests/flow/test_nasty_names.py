"""Every command in a folder, on files and into folders with names that shells and tools read."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nomul import cli, flow, registry
from nomul.golden import lutnet
from nomul.synth.map.targets import FreePdk45

NASTY = 'größe of $HOME\'s "a" [exec touch RAN]; {#\n!touch RAN'


@pytest.fixture
def nomul_(tmp_path, monkeypatch, capfd):
    """Return a function that runs a command in a folder of that name: exit code and output."""
    folder = tmp_path / NASTY
    (folder / "tmp").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("tempfile.tempdir", str(folder / "tmp"))
    lutnet.Config(network="direct").load().save("net $x.json")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["nomul", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capfd.readouterr()
        assert not list(tmp_path.rglob("RAN"))
        assert not list((folder / "tmp").iterdir())
        assert not list(folder.glob(".nomul-*"))
        return end.value.code or 0, said.out, said.err

    return run


COMMANDS = {
    "sim lutnet --network {net} --out {out}": "sim/sim.log",
    "synth popcount --set width=4 --energy --out {out}": "cells/energy/settled.bin",
    "synth popcount --set width=4 --liberty {lib} --check --out {out}": "cells/check/netcheck",
    "layout popcount --set width=4 --out {out}": "freepdk45/layout/layout.def",
    "pnr lfsr --target ice40 --bitstream --board icebreaker --out {out}": "icebreaker/",
    "pack {weights} --out {out}.npz": "",
}
# What these name and write is among the above and in the tests below too.
MORE = {
    "emit lutnet --network {net} --testbench --out {out}": "lutnet_tb.v",
    "emit lfsr --out {out}": "lfsr.v",
    "emit popcount --axi --testbench --out {out}": "popcount_axi_tb.v",
    "synth lutnet --network {net} --target generic --check --out {out}": "generic/check/netcheck",
    "pnr lfsr --target ice40 --seed 1 --out {out}": "ice40/pnr.json",
    "sweep lutnet --set network={net},direct --steps model --workers 1 --out {out}": "table.csv",
}


@pytest.mark.parametrize(
    ("line", "written"),
    [
        *(pytest.param(*pair, id=pair[0].partition(" --out")[0]) for pair in COMMANDS.items()),
        *(
            pytest.param(*pair, id=pair[0].partition(" --out")[0], marks=pytest.mark.long)
            for pair in MORE.items()
        ),
    ],
)
def test_commands_work_under_any_name(nomul_, line, written):
    out = 'o"ut $(touch RAN)'
    lib = "my $cells.lib"
    if "{lib}" in line:
        shutil.copyfile(FreePdk45().library(), lib)
    if "{weights}" in line:
        np.save("w $1.npy", np.eye(16, dtype=np.int64))
    words = {"out": out, "net": "net $x.json", "lib": lib, "weights": "w $1.npy"}
    code, said, error = nomul_(*(word.format(**words) for word in line.split(" ")))
    assert code == 0, said + error
    assert (Path(out) / written if written else Path(f"{out}.npz")).exists()


def test_a_network_is_found_by_a_relative_path(nomul_):
    """The bench runs in another folder, and the emitted file says what the user said."""
    out = Path('o"ut $(touch RAN)')
    words = ("--network", "./net $x.json", "--testbench", "--out", str(out))
    code, said, error = nomul_("emit", "lutnet", *words)
    assert code == 0, said + error
    assert (out / "lutnet_tb.v").exists()
    text = (out / "lutnet.v").read_text()
    assert json.dumps("net $x.json") in text


@pytest.mark.long
def test_a_board_with_a_high_pin_takes_a_network(tmp_path):
    """Its netlist has several modules, and only the outermost gets the pin."""
    block = registry.get("lutnet")
    about = flow.bitstream(block, block.config().preset("small"), tmp_path / "out", "ulx3s")
    assert Path(about["bitstream"]).stat().st_size > 1000
    assert about["bitstream"] == str(tmp_path / "out" / "lutnet_ulx3s.bit")


def test_two_commands_in_one_folder_print_their_own_numbers(tmp_path):
    """The slower one is held while the other comes and goes."""
    command = [sys.executable, "-m", "nomul", "synth", "popcount", "--target", "generic", "--json"]
    runs = [
        subprocess.Popen(
            [*command, "--set", f"width={width}"], cwd=tmp_path, stdout=subprocess.PIPE
        )
        for width in (100, 30)
    ]
    rows = [json.loads(run.communicate()[0]) for run in runs]
    alone = [
        flow.measure(registry.get("popcount"), width(n), tmp_path / str(n), target="generic")
        for n in (100, 30)
    ]
    assert [row["resources"] for row in rows] == [row.resources for row in alone]


def width(bits):
    """Return a population count of so many bits."""
    return registry.get("popcount").config()(width=bits)


def test_a_signal_ends_a_command_and_all_it_started(tmp_path):
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    command = [sys.executable, "-m", "nomul", "sim", "sotfp", "--simulator", "icarus"]
    run = subprocess.Popen(
        command, cwd=tmp_path, env=environment, start_new_session=True, stderr=subprocess.PIPE
    )

    def started():
        listed = subprocess.run(
            ["ps", "-s", str(run.pid), "-o", "stat=,args="], capture_output=True, text=True
        ).stdout.splitlines()
        return [line for line in listed if "vvp" in line and not line.startswith("Z")]

    while not started():
        assert run.poll() is None
        time.sleep(0.05)
    run.terminate()
    error = run.communicate()[1]
    assert run.returncode == 128 + signal.SIGTERM
    assert b"Traceback" not in error
    end = time.monotonic() + 10
    while started() and time.monotonic() < end:
        time.sleep(0.05)
    assert not started()
    assert not list((tmp_path / "tmp").iterdir())
    assert not list(tmp_path.rglob(".nomul-*"))


def test_help_shows_colons_as_they_are(nomul_, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, said, _ = nomul_("pack", "--help")
    assert code == 0
    assert "\N{CIRCLED LATIN CAPITAL LETTER M}" not in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EOFError("No data left in file"), "a file ends too early: No data left in file"),
        (KeyError("x"), "KeyError: 'x' (unexpected: NOMUL_DEBUG=1 shows where)"),
        (
            ModuleNotFoundError("No module named 'serial'", name="serial"),
            "pip install 'nomul[board]'",
        ),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            "pip install 'nomul[train]'",
        ),
    ],
)
def test_whatever_happens_is_one_line(nomul_, monkeypatch, error, said):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("nomul.flow.steps.emit", fail)
    monkeypatch.delenv("NOMUL_DEBUG", raising=False)
    code, _, text = nomul_("emit", "lfsr")
    assert code in (1, 2)
    assert said in text
    assert "Traceback" not in text
    assert len(text.strip().splitlines()) == 1
