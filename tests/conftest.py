"""Fixtures shared by all tests: emission and benches in a build folder of their own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nomul.sim import harness
from nomul.synth.emit import emit

from nomul import registry


@pytest.fixture
def simulate(tmp_path: Path) -> Callable[..., harness.Report]:
    """Return a function that emits a block, runs its bench, and returns the harness's report."""

    def run(block: str, cfg: Any, top: Any = None, **options: Any) -> harness.Report:
        found = registry.get(block)
        emitted = emit(top or found.top(cfg), block)
        emitted.write(tmp_path)
        return harness.run(
            options.pop("bench", found.bench),
            top=block,
            verilog=[tmp_path / f"{block}.v"],
            build_dir=tmp_path / "sim",
            config=cfg.to_json(),
            **options,
        )

    return run
