"""The mapped netlist does what the model says, so that no area figure stands for wrong logic."""

import dataclasses
import functools
import re
from pathlib import Path

import pytest

from nomul import flow, registry
from nomul.synth.check import netcheck
from nomul.synth.emit import Emitted
from nomul.synth.energy.netlist import identifier
from nomul.synth.map import targets
from nomul.synth.map.synthesize import synthesize
from nomul.synth.yosys import YosysError

# What maps and simulates in seconds runs in CI, the other blocks with `long`.
QUICK = ("lfsr", "skid", "popcount", "pow2", "codebook", "bitstream", "compressor", "intouter")

pytestmark = pytest.mark.needs("icarus")


@functools.cache
def with_testbench(name: str) -> Emitted:
    """Return a block's first preset, and the testbench of 400 recorded transfers."""
    block = registry.get(name)
    cfg = flow.configure(block)
    return flow.add_testbench(block, cfg, flow.emit(block, cfg), count=400)


def check(emitted: Emitted, target: str, folder: Path, **options: bool) -> netcheck.Checked:
    """Map a design, and run its testbench on the netlist."""
    result = synthesize(emitted, target, folder=folder / target, **options)
    assert result.netlist is not None
    return netcheck.check(emitted, result.netlist, targets.get(target), folder / target)


@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.long) for n in registry.BLOCKS],
)
def test_the_mapped_netlist_equals_the_model(tmp_path, name):
    """On standard cells and on ECP5, without pauses and with them, mapped as its row is."""
    emitted = with_testbench(name)
    first = next(iter(registry.get(name).config().presets))
    hierarchical = first in registry.get(name).hierarchical
    for target in ("freepdk45", "ecp5"):
        checked = check(emitted, target, tmp_path, hierarchical=hierarchical)
        assert checked.words >= 30
        assert checked.cycles < checked.cycles_with_pauses


@pytest.mark.parametrize(
    "target", [pytest.param("freepdk45", marks=pytest.mark.long), "ecp5", "ice40", "generic"]
)
def test_a_netlist_with_hierarchy_equals_the_model(tmp_path, target):
    """As arrays are measured; internal gates are read by what they are."""
    assert check(with_testbench("intouter"), target, tmp_path, hierarchical=True).words >= 40


def test_a_liberty_file_says_what_its_cells_do(tmp_path):
    """Without the library's Verilog, the functions of its Liberty file are the models."""
    emitted, cells = with_testbench("lfsr"), targets.FreePdk45()
    mine = targets.get("mine", liberty=cells.library())
    mapped = synthesize(emitted, mine, folder=tmp_path / "mapped")
    assert mapped.netlist is not None
    assert netcheck.check(emitted, mapped.netlist, mine, tmp_path).words == 300


def dual(text: str) -> str:
    """Make the first gate of two inputs its dual."""
    other = {"NAND": "NOR", "NOR": "NAND", "AND": "OR", "OR": "AND"}
    return re.sub(r"\b(NAND|NOR|AND|OR)2_X1\b", lambda m: other[m[1]] + "2_X1", text, count=1)


def flip(text: str) -> str:
    """Invert what the first look-up table says."""
    return re.sub(
        r"\.INIT\(16'h([0-9a-f]{4})\)",
        lambda m: f".INIT(16'h{int(m[1], 16) ^ 0xFFFF:04x})",
        text,
        count=1,
    )


PROVED = [
    *((name, "freepdk45") for name in ("lfsr", "skid", "popcount", "bitstream")),
    *((name, "ecp5") for name in ("lfsr", "skid", "popcount")),
]


@pytest.mark.parametrize(("name", "target"), PROVED)
def test_small_netlists_are_proved_equal(tmp_path, name, target):
    """From any state, whatever comes; and one wrong gate has no proof."""
    block = registry.get(name)
    emitted = flow.emit(block, flow.configure(block))
    netlist = synthesize(emitted, target, folder=tmp_path).netlist
    assert netlist is not None
    netcheck.prove(emitted, netlist, targets.get(target), tmp_path / "proof")
    netlist.write_text((dual if target == "freepdk45" else flip)(netlist.read_text()))
    with pytest.raises(YosysError, match="unproven"):
        netcheck.prove(emitted, netlist, targets.get(target), tmp_path / "proof")


@pytest.mark.parametrize(
    ("name", "target", "spoil"),
    [
        ("lfsr", "freepdk45", dual),
        ("popcount", "freepdk45", dual),
        ("lfsr", "ecp5", flip),
        ("popcount", "ecp5", flip),
    ],
)
def test_a_wrong_netlist_is_found(tmp_path, name, target, spoil):
    emitted = with_testbench(name)
    netlist = synthesize(emitted, target, folder=tmp_path / "mapped").netlist
    assert netlist is not None
    text = netlist.read_text()
    netlist.write_text(spoil(text))
    assert netlist.read_text() != text
    with pytest.raises(netcheck.NetlistError, match="the netlist is wrong: "):
        netcheck.check(emitted, netlist, targets.get(target), tmp_path)


def test_a_netlist_that_says_nothing_is_wrong(tmp_path):
    """Nothing compared is a failure, not a success."""
    emitted = with_testbench("lfsr")
    silent = {n: t for n, t in emitted.files.items() if n.endswith(".v")}
    emitted = dataclasses.replace(
        emitted, files={n: t.replace("$display", "$write") for n, t in silent.items()}
    )
    with pytest.raises(netcheck.NetlistError):
        check(emitted, "generic", tmp_path)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("n12", "n12"), ("end", "\\end "), ("a[0]", "\\a[0] "), ("\\$signal", "\\$signal ")],
)
def test_names_are_spelled_as_verilog_wants_them(name, spelled):
    assert identifier(name) == spelled


def test_a_wrong_counter_is_found(tmp_path):
    """No vector tells of flags and counters; the design beside the netlist does."""
    emitted = with_testbench("intouter")
    netlist = synthesize(emitted, "freepdk45", folder=tmp_path / "mapped").netlist
    assert netlist is not None
    right = netlist.read_text()
    netlist.write_text(re.sub(r"\.D\(\w+\),(\s*\.Q\(gated\[3\]\))", r".D(1'b1),\1", right))
    assert netlist.read_text() != right
    with pytest.raises(netcheck.NetlistError, match="FAIL: gated of the cells is"):
        netcheck.check(emitted, netlist, targets.get("freepdk45"), tmp_path)
