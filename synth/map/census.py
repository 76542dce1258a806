"""What a mapped design consists of: cells by type, and area, of the whole and of each module.

Every module is counted once and multiplied, where Yosys' own statistics walk through all instances.
"""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Part:
    """A module of a design that kept its hierarchy.

    ``cells`` and ``area_um2`` are those of one instance without the modules below it, so the sum of
    ``count`` times ``area_um2`` over all parts is the area of the design.
    """

    count: int
    cells: dict[str, int]
    area_um2: float | None


@dataclass(frozen=True, kw_only=True)
class Census:
    """Cells of a design by type, its area and that of its registers, and its modules.

    Areas are None where the cells have none.
    """

    cells: dict[str, int]
    area_um2: float | None
    sequential_um2: float | None
    parts: dict[str, Part]


def take(netlist: Path, top: str, sequential: Collection[str] | None) -> Census:
    """Count a mapped design.

    Parameters
    ----------
    netlist
        As Yosys' ``write_json`` leaves it, with the library's cells as black boxes.
    top
        The top-level module.
    sequential
        Names of the library's flip-flops and latches; None if its cells have no area.
    """
    modules = json.loads(netlist.read_text())["modules"]
    boxes = {name for name, module in modules.items() if _is_box(module)}
    held = {
        name: Counter(cell["type"] for cell in module["cells"].values())
        for name, module in modules.items()
        if name not in boxes
    }
    count = Counter({top: 1})
    for name in from_the_top(held, top):
        for kind, instances in held[name].items():
            if kind in held:
                count[kind] += count[name] * instances
    areas = None if sequential is None else {name: _area(modules[name]) for name in boxes}
    parts = {}
    for name in sorted(held):
        own = {kind: n for kind, n in sorted(held[name].items()) if kind not in held}
        area = None if areas is None else round(_sum(own, areas), 3)
        parts[name] = Part(count=count[name], cells=own, area_um2=area)
    cells = Counter[str]()
    for part in parts.values():
        for kind, n in part.cells.items():
            cells[kind] += part.count * n
    whole = registers = None
    if areas is not None and sequential is not None:
        whole = round(_sum(cells, areas), 3)
        registers = round(_sum({k: n for k, n in cells.items() if k in sequential}, areas), 3)
    return Census(
        cells={kind: n for kind, n in sorted(cells.items()) if n},
        area_um2=whole,
        sequential_um2=registers,
        parts=parts,
    )


def _is_box(module: dict[str, Any]) -> bool:
    return int(module["attributes"].get("blackbox", "0"), 2) > 0


def _area(module: dict[str, Any]) -> float:
    return float(module["attributes"].get("area", 0))


def _sum(cells: dict[str, int], areas: dict[str, float]) -> float:
    return sum(n * areas.get(kind, 0.0) for kind, n in cells.items())


def from_the_top(below: dict[str, Counter[str]], top: str) -> list[str]:
    """Return the modules in an order in which each follows all those that instantiate it."""
    order: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name not in seen:
            seen.add(name)
            for child in below[name]:
                if child in below:
                    visit(child)
            order.append(name)

    visit(top)
    return order[::-1]
