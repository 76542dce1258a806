"""Buffers across modules, and modules that are mapped by different recipes."""

import dataclasses
import json

import pytest

from nomul.hw import counterarray
from nomul.synth.emit import emit
from nomul.synth.map import liberty, mixtures, repeaters, stdcells, targets
from nomul.synth.map.recipes import AREA, SPEED
from nomul.synth.map.repeaters import Repeater
from nomul.synth.map.synthesize import synthesize

TARGET = targets.get("freepdk45")
BUFFER = stdcells.NANGATE_BUFFER


@pytest.fixture(scope="module")
def library():
    return liberty.read(TARGET.library())


def module(ports, cells):
    """Return a module of Yosys' JSON: ports as (direction, bits), cells as (type, pins)."""
    bits = [bit for _, pins in cells.values() for bits in pins.values() for bit in bits]
    return {
        "ports": {name: {"direction": d, "bits": bits} for name, (d, bits) in ports.items()},
        "cells": {name: {"type": t, "connections": pins} for name, (t, pins) in cells.items()},
        "netnames": {"all": {"bits": bits}},
    }


def star(instances, kind="leaf"):
    """Return a flip-flop that drives a port of many instances, each with three inverters."""
    inverters = {f"inv{k}": ("INV_X1", {"A": [2], "ZN": [k + 3]}) for k in range(3)}
    leaf = module({"a": ("input", [2]), "y": ("output", [3, 4, 5])}, inverters)
    cells = {"flop": ("DFF_X1", {"CK": [2], "D": [3], "Q": [4]})}
    for k in range(instances):
        cells[f"at{k}"] = (kind, {"a": [4], "y": [100 + 3 * k + bit for bit in range(3)]})
    top = module({"clk": ("input", [2]), "d": ("input", [3])}, cells)
    return {"leaf": leaf, "top": top}


def loads(modules, library, bit):
    """Return the capacitance in fF on a net of the top, through the ports of its instances."""
    total = 0.0
    for cell in modules["top"]["cells"].values():
        for pin, bits in cell["connections"].items():
            if bit in bits and cell["type"] == "leaf" and pin == "a":
                total += 3 * library.cell("INV_X1").pin("A").capacitance
            elif bit in bits and cell["type"] != "leaf" and pin not in ("Q", "Z"):
                total += library.cell(cell["type"]).pin(pin).capacitance
    return total


@pytest.mark.parametrize("instances", [3, 40, 400, 4000])
def test_no_driver_has_more_than_its_largest_load(library, instances):
    """One level, two or three; every leaf still hangs on the flip-flop through buffers alone."""
    modules = star(instances)
    added = repeaters.insert(modules, "top", library, BUFFER, 7.0)
    cells = modules["top"]["cells"]
    assert (added > 0) == (instances > 11)  # 60.6 fF over 3 x 1.7 fF
    assert added == sum(cell["type"] == "BUF_X4" for cell in cells.values())
    assert loads(modules, library, 4) <= library.cell("DFF_X1").pin("Q").max_capacitance
    driver = {
        cell["connections"]["Z"][0]: cell for cell in cells.values() if "Z" in cell["connections"]
    }
    for bit in driver:
        assert 0 < loads(modules, library, bit) <= library.cell("BUF_X4").pin("Z").max_capacitance
    for name, cell in cells.items():
        if name.startswith("at"):
            bit = cell["connections"]["a"][0]
            while bit != 4:
                bit = driver[bit]["connections"]["A"][0]


def test_a_module_with_many_loads_on_a_port_buffers_them_inside(library):
    """So that whoever is outside drives the buffers; a clock is left alone."""
    flops = {f"f{k}": ("DFF_X1", {"CK": [2], "D": [3], "Q": [10 + k]}) for k in range(200)}
    inner = module({"clk": ("input", [2]), "d": ("input", [3])}, flops)
    rows = {f"row{k}": ("inner", {"clk": [2], "d": [3]}) for k in range(50)}
    modules = {"top": module({"clk": ("input", [2]), "d": ("input", [3])}, rows), "inner": inner}
    added = repeaters.insert(modules, "top", library, BUFFER, 7.0)
    inside = [c for c in modules["inner"]["cells"].values() if c["type"] == "BUF_X4"]
    outside = [c for c in modules["top"]["cells"].values() if c["type"] == "BUF_X4"]
    assert len(inside) == 2  # 200 x 1.14 fF over half of 242.3 fF
    assert outside
    assert added == len(inside) + len(outside)
    assert all(
        c["connections"]["CK"] == [2]
        for c in modules["inner"]["cells"].values()
        if "CK" in c["connections"]
    )


def test_buffers_can_not_share_what_one_pin_takes(library):
    """A single sink above the limit stays where it is: nothing can be grouped."""
    weak = Repeater("BUF_X4", "A", "Z", share=1e-6)
    modules = star(40)
    assert repeaters.insert(modules, "top", library, weak, 0.0) == 0


def test_a_hierarchical_design_is_repeated_and_mixed(tmp_path):
    """Through the whole flow: a mixture is a candidate, and the result is faster with buffers."""
    array = emit(counterarray.Top(24, 24), "counters")
    plain = dataclasses.replace(TARGET, recipes=(AREA, SPEED))
    buffered = dataclasses.replace(plain, repeater=BUFFER)
    before = synthesize(array, plain, hierarchical=True, folder=tmp_path / "plain")
    after = synthesize(array, buffered, hierarchical=True, folder=tmp_path / "buffered")
    assert "BUF_X4" not in before.cells or after.cells["BUF_X4"] > before.cells["BUF_X4"]
    assert after.timing.fmax_mhz > before.timing.fmax_mhz
    assert (tmp_path / "buffered" / "area+speed.v").is_file()
    parts = sum(part.count * part.area_um2 for part in after.parts.values())
    assert after.area_um2 == pytest.approx(parts)


def test_a_mixture_takes_its_largest_module_from_one_recipe(tmp_path):
    for name in ("small", "fast"):
        modules = {"top": {"by": name}, "cell": {"by": name}}
        (tmp_path / f"{name}.json").write_text(json.dumps({"creator": "x", "modules": modules}))
    assert mixtures.write(tmp_path, ["small", "fast"], "fast", "cell") == ["small+fast"]
    mixed = json.loads((tmp_path / "small+fast.json").read_text())
    assert mixed == {"creator": "x", "modules": {"top": {"by": "fast"}, "cell": {"by": "small"}}}
