"""Tables of docs/lutnet.md about what training reaches, from committed runs and networks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nomul.golden import lutnet

Rows = list[dict[str, Any]]

TRAIN = Path(__file__).parent.parent / "train"


def study(name: str) -> list[dict[str, Any]]:
    """Return the lines of a committed study, as ``nomul train lutnet --study`` writes them."""
    return [json.loads(line) for line in (TRAIN / f"lutnet_{name}.jsonl").read_text().splitlines()]


def mean(lines: list[dict[str, Any]], key: str) -> float:
    """Return the mean of a value over some lines."""
    return float(sum(line[key] for line in lines) / len(lines))


def percent(share: float) -> str:
    """Return a share in per cent, to a tenth."""
    return f"{100 * share:.1f} %"


def use_of_tables() -> Rows:
    """Return how much of the trained tables is used.

    A table that depends on one of its inputs alone does what an XNOR does.
    """
    rows = []
    for name in ("digits-xc7", "digits-hx1k"):
        for layer in lutnet.Config.preset(name).load().layers:
            if isinstance(layer, lutnet.DirectLut):
                used = [len(lutnet.support(table, layer.k)) for table in layer.tt]
                rows.append(_use(name, layer.k, [used.count(n) / len(used) for n in range(8)]))
    return rows


def _use(name: str, k: int, shares: list[float]) -> dict[str, Any]:
    """Return a row: ``shares`` are those of the tables that depend on 0, 1, 2, ... inputs."""
    return {
        "network": name,
        "K": k,
        "tables that are XNORs": percent(shares[1]),
        "inputs used, mean": round(sum(n * share for n, share in enumerate(shares)), 2),
        "tables that use all": percent(shares[k]),
    }


TABLES: dict[str, Callable[[], Rows]] = {"T4": use_of_tables}
