"""Fixtures shared by all tests: emission and benches in a build folder of their own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nomul import flow, registry
from nomul.sim import harness


@pytest.fixture
def simulate(tmp_path: Path) -> Callable[..., harness.Report]:
    """Return a function that emits a block, runs its bench, and returns the harness's report.

    As :func:`nomul.flow.simulate`, for a block by name and in a fresh folder.
    """

    def run(block: str, cfg: Any, top: Any = None, **options: Any) -> harness.Report:
        return flow.simulate(registry.get(block), cfg, tmp_path, top=top, **options)

    return run
