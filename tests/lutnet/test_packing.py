"""Pairs of look-up tables that share one: which may, and as many as can."""

import json

import pytest

from nomul.synth.map import packing

pytest.importorskip("networkx", reason="pip install 'nomul[synth]'")


def nets(*tables):
    return [frozenset(table) for table in tables]


def test_pairs_have_a_common_input_and_at_most_five():
    assert packing.pairs(nets({1, 2, 3}, {3, 4, 5})) == 1
    assert packing.pairs(nets({1, 2, 3}, {4, 5})) == 0
    assert packing.pairs(nets({1, 2, 3, 4}, {4, 5, 6})) == 0
    assert packing.pairs(nets({1, 2, 3, 4, 5, 6}, {1})) == 0


def test_the_middle_of_a_chain_is_not_taken_where_both_ends_need_it():
    """Greedily b would go to c, and a and d be left alone."""
    a, b, c, d = {1, 2, 3}, {3, 4, 5}, {5, 6, 7}, {7, 8, 9}
    assert packing.pairs(nets(b, c, a, d)) == 2


def test_cells_are_read_with_their_nets_and_without_constants():
    cells = {
        "a": {"type": "LUT3", "connections": {"I0": [4], "I1": ["1"], "I2": [5], "O": [6]}},
        "b": {"type": "INV", "connections": {"I": [7], "O": [8]}},
        "c": {"type": "FDRE", "connections": {"D": [8], "Q": [9]}},
    }
    assert packing.inputs_of(cells) == nets({4, 5}, {7})


def test_a_mapped_design_is_flattened_first(tmp_path):
    """Two modules with a table each, over the same wires: together they are one."""

    def module(cells, ports, top=False):
        return {"attributes": {"top": "1"} if top else {}, "ports": ports, "cells": cells}

    def port(direction, *bits):
        return {"direction": direction, "bits": list(bits)}

    table = {
        "type": "LUT2",
        "parameters": {"INIT": "0110"},
        "port_directions": {"I0": "input", "I1": "input", "O": "output"},
        "connections": {"I0": [2], "I1": [3], "O": [4]},
    }
    ports = {"a": port("input", 2), "b": port("input", 3), "y": port("output", 4)}

    def part(y):
        return {
            "type": "part",
            "attributes": {"keep_hierarchy": "1"},
            "port_directions": {"a": "input", "b": "input", "y": "output"},
            "connections": {"a": [2], "b": [3], "y": [y]},
        }

    top_ports = {"a": port("input", 2), "b": port("input", 3), "y": port("output", 4, 5)}
    black_box = module({}, {n: port(d, i) for i, (n, d) in enumerate(
        {"I0": "input", "I1": "input", "O": "output"}.items(), 2)})  # fmt: skip
    black_box["attributes"] = {"blackbox": "1"}
    design = {
        "modules": {
            "LUT2": black_box,
            "part": module({"table": table}, ports),
            "top": module({"p": part(4), "q": part(5)}, top_ports, top=True),
        }
    }
    path = tmp_path / "mapped.json"
    path.write_text(json.dumps(design))
    assert packing.packed(path, "top") == 1
