"""Counts of mapped cells: those of Yosys' own statistics, without a walk through all instances."""

import json

import pytest

from nomul import flow, registry
from nomul.synth import yosys
from nomul.synth.map import census, targets
from nomul.synth.map.stdcells import StandardCells
from nomul.synth.map.synthesize import synthesize


def module(area: float | None = None, **cells: int) -> dict:
    """Return a module with so many cells of each type; a library's cell, if it has an area."""
    box = {} if area is None else {"blackbox": "1", "area": str(area)}
    named = {f"{kind}{i}": {"type": kind} for kind, n in cells.items() for i in range(n)}
    return {"attributes": box, "cells": named}


def test_modules_are_counted_once_and_multiplied(tmp_path):
    """Four times four inverters and a register in each row, and a buffer at the top."""
    modules = {
        "top": module(row=4, BUF=1),
        "row": module(cell=4, DFF=1),
        "cell": module(INV=1),
        "unused": module(INV=9),
        "INV": module(0.5),
        "BUF": module(0.8),
        "DFF": module(4.5),
    }
    (tmp_path / "design.json").write_text(json.dumps({"modules": modules}))
    found = census.take(tmp_path / "design.json", "top", {"DFF"})
    assert found.cells == {"BUF": 1, "DFF": 4, "INV": 16}
    assert (found.area_um2, found.sequential_um2) == (16 * 0.5 + 0.8 + 4 * 4.5, 18.0)
    assert {name: part.count for name, part in found.parts.items()} == {
        "top": 1,
        "row": 4,
        "cell": 16,
        "unused": 0,
    }
    assert found.parts["row"].area_um2 == 4.5
    plain = census.take(tmp_path / "design.json", "top", None)
    assert (plain.cells, plain.area_um2, plain.sequential_um2) == (found.cells, None, None)


@pytest.mark.parametrize(
    ("target", "hierarchical"),
    [("freepdk45", False), ("freepdk45", True), ("ecp5", False), ("generic", True)],
)
def test_yosys_counts_the_same(tmp_path, target, hierarchical):
    block = registry.get("intouter")
    emitted = flow.emit(block, flow.configure(block))
    result = synthesize(emitted, target, hierarchical=hierarchical, folder=tmp_path)
    cells = targets.get(target)
    standard = isinstance(cells, StandardCells)
    liberty = f'-liberty "{cells.library()}"' if isinstance(cells, StandardCells) else ""
    library = [f"read_liberty -lib -ignore_miss_func {liberty[9:]}"] if standard else []
    options = "-icells" if target == "generic" else ""
    yosys.run(
        [
            *library,
            f"read_verilog {options} {result.netlist}",
            f"tee -q -o mapped.stat stat -json -top intouter {liberty}",
        ],
        tmp_path / "stat",
    )
    text = (tmp_path / "stat" / "mapped.stat").read_text()
    whole = json.loads(text)["modules"]["\\intouter"]
    assert bool(result.parts) == hierarchical
    if standard:
        assert result.area_um2 == round(whole["area"], 3)
        assert result.sequential_um2 == round(whole["sequential_area"], 3)
    if not hierarchical:
        assert result.cells == whole["num_cells_by_type"]
    assert sum(result.cells.values()) == json.loads(text)["design"]["num_cells"]
