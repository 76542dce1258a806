"""The command line: what it prints, what it refuses in one line, and what it does not load.

One file, since all of its cases go through one fixture that runs a command in a folder of its own.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import nomul
from nomul import cli, doctor, flow, present, registry


@pytest.mark.parametrize("command", ["list", "show lfsr", "doctor"])
def test_light_commands_load_no_hdl(command):
    check = (
        f"import sys; sys.argv = ['nomul', *{command.split()!r}, '--json']\n"
        "from nomul.cli import main\n"
        "try: main()\n"
        "finally: print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    json.loads(done.stdout)
    for module in ("amaranth", "pyosys", "cocotb", "scipy", "sklearn", "torch"):
        assert f"'{module}'" not in done.stderr


def test_list_names_every_block(nomul_):
    code, out, _ = nomul_("list")
    assert code == 0
    assert all(name in out for name in registry.BLOCKS)
    code, out, _ = nomul_("list", "--json")
    listed = json.loads(out)
    assert [row["name"] for row in listed] == list(registry.BLOCKS)
    assert listed[0]["presets"] == ["small", "serial16"]


def test_show_explains_parameters(nomul_):
    code, out, _ = nomul_("show", "lfsr", "--preset", "leap", "--set", "seed=0x2A")
    assert code == 0
    assert "Length of the register" in out
    _, out, _ = nomul_("show", "lfsr", "--preset", "leap", "--set", "seed=0x2A", "--json")
    shown = json.loads(out)
    assert shown["config"] == {"width": 16, "taps": [16, 15, 13, 4], "seed": 42, "leap": 8}
    assert shown["timing"]["cycles(1000)"] == 1000


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_every_parameter_is_explained(name):
    kind = registry.get(name).config()
    notes = present.parameter_notes(kind)
    assert [field for field in kind.names() if not notes.get(field)] == []


def test_emit_writes_design_manifest_core_and_constraints(nomul_, tmp_path):
    code, out, _ = nomul_("emit", "lfsr", "--out", tmp_path / "rtl")
    assert code == 0
    names = {path.name for path in (tmp_path / "rtl").iterdir()}
    assert names == {"lfsr.v", "lfsr.json", "lfsr.core", "lfsr.sdc", "lfsr.xdc"}
    assert {line.rpartition("/")[2] for line in out.splitlines()} == names
    _, out, _ = nomul_("emit", "lfsr", "--json")
    emitted = json.loads(out)
    assert emitted["files"][0] == "build/lfsr/small/lfsr.v"
    assert emitted["config"]["width"] == 8


def test_sim_reports_what_was_compared(nomul_, tmp_path):
    code, out, _ = nomul_("sim", "lfsr", "--set", "width=5", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["config"]["width"] == 5
    assert report["tests"] == 2
    assert report["compared"] > 600
    assert (tmp_path / "build/lfsr/small/sim/sim.log").is_file()


def test_an_error_of_the_system_begins_with_its_file(nomul_, tmp_path):
    code, _, err = nomul_("pack", "nowhere.npy")
    assert (code, err.strip()) == (1, "nomul: nowhere.npy: No such file or directory")
    (tmp_path / "file").write_text("")
    code, _, err = nomul_("emit", "lfsr", "--out", str(tmp_path / "file"))
    assert (code, err.strip()) == (1, f"nomul: {tmp_path}/file: Not a directory")


@pytest.mark.parametrize(
    ("options", "advice"),
    [((), "a smaller configuration takes less"), (("--data", "digits"), "--images N takes fewer")],
)
def test_a_simulation_that_is_stopped_says_what_to_do(nomul_, monkeypatch, options, advice):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("nomul.flow.test_set", stop)
    monkeypatch.setattr("nomul.flow.Design.simulate", stop)
    code, out, err = nomul_("sim", "lutnet", "--preset", "digits-tiny", *options)
    assert (code, out) == (130, "")
    assert f"stopped: nothing of this simulation is kept; {advice}" in err


def test_sim_takes_a_network_by_the_name_that_it_comes_with(nomul_):
    code, out, _ = nomul_("sim", "lutnet", "--network", "table", "--json")
    assert code == 0
    assert json.loads(out)["config"]["network"] == "table"
    code, _, err = nomul_("sim", "lutnet", "--network", "tabel")
    assert (code, "not 'tabel'" in err) == (2, True)


def test_synth_measures(nomul_, tmp_path):
    code, out, _ = nomul_("synth", "lfsr", "--target", "generic", "--json")
    row = json.loads(out)
    assert code == 0
    assert (row["block"], row["preset"], row["resources"]["ffs"]) == ("lfsr", "small", 8)
    assert (tmp_path / "build/lfsr/small/generic/mapped.v").is_file()
    code, out, _ = nomul_(
        *("synth", "lfsr", "--target", "ice40", "--set", "width=9", "--set", "seed=2"),
        *("--seed", "3"),
    )
    assert code == 0
    assert "luts" in out
    assert "clock (MHz, nextpnr-ice40)" in out


def test_options_that_would_mean_nothing_are_refused(nomul_, tmp_path):
    code, _, error = nomul_("synth", "lfsr", "--models", tmp_path / "none.v")
    assert code == 2
    assert "none.v are models of cells, and --liberty does not say which library's" in error
    code, _, error = nomul_("emit", "lfsr", "--period", "0")
    assert code == 2
    assert "--period must be positive, not 0" in error
    assert not (tmp_path / "build").exists()


def test_pnr_gives_clock_and_sites(nomul_, tmp_path):
    code, out, _ = nomul_("pnr", "lfsr", "--target", "ice40", "--device", "up5k", "--seed", "2")
    assert code == 0
    assert "lfsr small, iCE40UP5K (nextpnr-ice40 " in out
    assert "ICESTORM_LC of 5,280" in out
    assert "clock (MHz, nextpnr-ice40, seed 2)" in out
    code, out, _ = nomul_("pnr", "lfsr", "--set", "width=9", "--seed", "1", "--json")
    assert code == 0
    placed = json.loads(out)
    assert placed["fmax_mhz"] == pytest.approx(1e6 / placed["period_ps"])
    assert (placed["config"]["width"], placed["device"]) == (9, "LFE5U-25F")
    assert placed["available"]["TRELLIS_FF"] == 24288
    assert (tmp_path / "build/lfsr/small/ecp5/pnr.json").is_file()
    code, _, error = nomul_("pnr", "lfsr", "--target", "xc7")
    assert code == 2
    assert "there is no place and route for 'xc7'; there is ecp5, ice40" in error


def test_pnr_writes_a_bitstream_for_a_board_only(nomul_):
    code, _, error = nomul_("pnr", "lfsr", "--bitstream")
    assert code == 2
    assert "--bitstream and --board go together" in error
    code, _, error = nomul_("pnr", "lfsr", "--bitstream", "--board", "de0")
    assert code == 2
    assert "there is no board 'de0'" in error


def test_synth_measures_energy(nomul_, tmp_path):
    code, out, _ = nomul_("synth", "lfsr", "--energy", "--hierarchy", "--json")
    energy = json.loads(out)["energy"]
    assert code == 0
    assert energy["operation"] == "transfer"
    assert energy["per_operation_fj"] * energy["operations"] == pytest.approx(energy["total_fj"])
    code, out, _ = nomul_("synth", "lfsr", "--energy", "--glitches", "--period", "2000")
    assert code == 0
    assert "energy per transfer (fJ)" in out
    assert "power (uW, at 2,000 ps)" in out


@pytest.mark.needs("osu018")
def test_synth_measures_energy_on_cells_of_a_file(nomul_):
    """Nothing of such a library is known but its files, and that suffices."""
    from nomul.synth.map.stdcells import Osu018

    cells = Osu018()
    files = ("--liberty", str(cells.library()), "--models", str(cells.models()))
    code, out, _ = nomul_("synth", "skid", *files, "--period", "5000", "--energy", "--json")
    assert code == 0
    row = json.loads(out)
    assert row["target"] == "osu018_stdcells"
    assert row["energy"]["per_operation_fj"] > 1000


REFUSED = {
    "": (0, ""),
    "lst": (2, "No such command 'lst'; there are list, show, emit, sim, synth, layout, pnr"),
    "show": (2, "Missing argument 'BLOCK'. One of essop, "),
    "show esop": (2, "there is no block 'esop'; there are essop, "),
    "show lfsr --prest leap": (2, "No such option: --prest; show has --preset, --set, --json"),
    "show lfsr --preset big": (2, "lfsr has no preset 'big'; it has small, leap"),
    "show lfsr --set widht=3": (2, "lfsr has no parameter 'widht'; it has width, taps"),
    "show lfsr --set width": (2, "--set wants name=value, not 'width'; lfsr has width, taps"),
    "show lfsr --set width=wide": (2, "lfsr.width must be an integer, not 'wide'"),
    "emit lfsr --set seed=0": (2, "lfsr.seed must be in 1..255, not 0"),
    "sim lfsr --simulator questa": (2, "one of icarus, verilator, not 'questa'"),
    "synth lfsr --target freepkd45": (2, "no target 'freepkd45'; there are freepdk45, osu018, gen"),
    "synth lfsr --liberty no.lib": (1, "there is no Liberty file"),
    "synth lfsr --period 0 --target generic": (2, "period_ps must be positive, not 0"),
    "synth lfsr --energy --target ecp5": (2, "needs standard cells, and ecp5 has none; try"),
    "synth lfsr --energy --models no.v": (2, "--liberty does not say which library's"),
    "report lsfr": (2, "there is no block 'lsfr'; there are lfsr"),
    "sim lfsr --seed x": (2, "Invalid value for '--seed'"),
    "emit lfsr --out /dev/null/x": (1, "/dev/null/x: Not a directory"),
}


@pytest.mark.parametrize("command", REFUSED)
def test_errors_are_one_line_and_name_the_alternatives(nomul_, command):
    expected, message = REFUSED[command]
    code, out, err = nomul_(*command.split())
    assert code == expected
    if code:
        assert out == ""
        assert len(err.splitlines()) == 1
    assert message in err


def test_failed_bench_is_one_line_and_exit_code_1(nomul_, monkeypatch):
    monkeypatch.setattr(registry.Block, "bench", "no_such_bench")
    code, out, err = nomul_("sim", "lfsr")
    assert (code, out) == (1, "")
    assert err.startswith("nomul: no_such_bench")


def test_debug_shows_the_traceback(nomul_, monkeypatch):
    monkeypatch.setenv("NOMUL_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["nomul", "show", "esop"])
    with pytest.raises(ValueError, match="no block 'esop'"):
        cli.main()


def test_version_and_module_form():
    done = subprocess.run(
        [sys.executable, "-m", "nomul", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == nomul.__version__


def test_doctor_tells_versions_and_what_is_missing(nomul_, monkeypatch):
    _, out, _ = nomul_("doctor", "--json")
    state = json.loads(out)
    assert state["tools"]["amaranth"] == "0.5.10"
    assert state["missing"]["emit"] == []
    monkeypatch.setenv("PATH", "/nowhere")
    code, out, _ = nomul_("doctor")
    assert code == 0
    assert "missing: apt-get install iverilog" in out


def test_doctor_accepts_either_simulator():
    everything = {name: "1" for name in doctor.TOOLS}
    assert all(missing == [] for missing in doctor.lacking(everything).values())
    one = doctor.lacking(everything | {"iverilog": doctor.MISSING})
    assert one["sim"] == []
    none = doctor.lacking(everything | {"iverilog": doctor.MISSING, "g++": doctor.MISSING})
    assert none["sim"] == ["iverilog"]
    assert none["sim --simulator verilator"] == ["g++"]


def test_area_is_told_before_energy_and_stays_when_that_is_stopped(nomul_, monkeypatch):
    def stopped(self, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr(flow.Mapped, "energy", stopped)
    code, out, err = nomul_("synth", "popcount", "--energy", "--out", "kept")
    assert code == 130
    assert "area (um2)" in out
    assert "stopped; the mapped cells are in kept/cells" in err
    assert Path("kept", "cells", "mapped.v").is_file()


def test_numbers_are_readable():
    assert [present.number(v) for v in (1234567, 0.123456, 98765.4, True, None, "x")] == [
        "1,234,567",
        "0.1235",
        "98,765",
        "yes",
        "-",
        "x",
    ]


def test_report_as_a_page(nomul_, tmp_path):
    code, out, _ = nomul_("report", "lfsr", "--html", "out", "--no-simulate")
    assert code == 0
    assert out.strip() == "out/index.html"
    text = (tmp_path / "out" / "index.html").read_text()
    assert 'id="lfsr"' in text
    assert "One transaction" not in text


def parameters(command, words=("nomul",)):
    """Yield the words of each command, and each of its parameters."""
    for parameter in command.params:
        yield pytest.param(words, parameter, id=f"{' '.join(words[1:])} {parameter.name}".strip())
    for name, below in getattr(command, "commands", {}).items():
        yield from parameters(below, (*words, name))


@pytest.mark.parametrize(("words", "parameter"), list(parameters(typer.main.get_command(cli.app))))
def test_every_help_text_stands_alone(words, parameter):
    """A whole phrase that says what the option is or does, read without its neighbours."""
    text = parameter.help
    assert text, f"{' '.join(words)} {parameter.name} has no help"
    assert len(text.split()) >= 4 or parameter.name in ("help", "version"), text
    assert not re.match(r"(Of|With|Behind|May|Its|Which|What|Where)\b", text), text
    assert text[0].isupper()
    assert text.endswith((".", ")"))
