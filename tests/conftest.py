"""Fixtures shared by all tests: emission and benches in a build folder of their own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from nomul import flow, registry
from nomul.golden import lfsr
from nomul.hw.lfsr import Top
from nomul.sim import harness
from nomul.synth import yosys
from nomul.synth.emit import Emitted, emit

# A busy machine is slow, and no test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def simulate(tmp_path: Path) -> Callable[..., harness.Report]:
    """Return a function that emits a block, runs its bench, and returns the harness's report.

    As :func:`nomul.flow.simulate`, for a block by name and in a fresh folder.
    """

    def run(block: str, cfg: Any, top: Any = None, **options: Any) -> harness.Report:
        return flow.simulate(registry.get(block), cfg, tmp_path, top=top, **options)

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
