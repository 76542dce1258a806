"""How many look-up tables of a mapped design share one LUT6_2, as a Xilinx part allows.

A six-input table of a 7-series part is two tables of the same five inputs, and gives both of their
outputs where the sixth input is tied. Yosys counts each table by itself; Vivado packs. Here two
tables make a pair if they have an input in common and at most five between them, and as many pairs
are taken as can be at once: a maximum matching on the graph of possible pairs.
"""

import itertools
import json
import re
from pathlib import Path
from typing import Any

from nomul.synth import yosys

# Inputs that both halves of a LUT6_2 have together.
SHARED = 5

_TABLE = re.compile(r"LUT([1-6])$|INV$")


def packed(netlist_json: Path, top: str) -> int:
    """Return how many six-input tables a design takes if pairs share one.

    Parameters
    ----------
    netlist_json
        The mapped design, as :func:`nomul.synth.map.synthesize.synthesize` leaves it for xc7.
    top
        Its top module.

    Raises
    ------
    ModuleNotFoundError
        networkx, which finds the matching, is not installed.
    """
    folder = netlist_json.parent
    yosys.run(
        [
            f"read_json {netlist_json.name}",
            f"hierarchy -top {top}",
            "setattr -mod -unset keep_hierarchy",
            "setattr -unset keep_hierarchy */t:*",
            "flatten",
            "write_json flat.json",
        ],
        folder,
    )
    design = json.loads((folder / "flat.json").read_text())
    tables = inputs_of(design["modules"][top]["cells"])
    return len(tables) - pairs(tables)


def inputs_of(cells: dict[str, Any]) -> list[frozenset[int]]:
    """Return the nets that each look-up table reads; constants are none."""
    result = []
    for cell in cells.values():
        if _TABLE.match(cell["type"]):
            nets = itertools.chain.from_iterable(
                net for port, net in cell["connections"].items() if port != "O"
            )
            result.append(frozenset(net for net in nets if isinstance(net, int)))
    return result


def pairs(tables: list[frozenset[int]]) -> int:
    """Return the most pairs of tables with a common input and at most five inputs, all disjoint."""
    try:
        import networkx
    except ModuleNotFoundError as error:
        error.add_note("pairs of tables are matched by networkx: pip install 'nomul[synth]'")
        raise
    readers: dict[int, list[int]] = {}
    for number, nets in enumerate(tables):
        if len(nets) <= SHARED:
            for net in nets:
                readers.setdefault(net, []).append(number)
    graph = networkx.Graph()
    for own in readers.values():
        graph.add_edges_from(
            (a, b)
            for a, b in itertools.combinations(own, 2)
            if len(tables[a] | tables[b]) <= SHARED
        )
    return len(networkx.max_weight_matching(graph, maxcardinality=True))
