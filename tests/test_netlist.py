"""The mapped netlist does what the model says, so that no area figure stands for wrong logic."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nomul import flow, registry
from nomul.sim import cells
from nomul.synth import targets
from nomul.synth.synthesize import synthesize

# What maps and simulates in seconds runs in CI, the other blocks with `long`.
QUICK = ("pow2", "lfsr", "popcount", "skid")

pytestmark = pytest.mark.skipif(
    not shutil.which("iverilog"), reason="needs Icarus: apt-get install iverilog"
)


def run(name: str, netlist: Path, models: list[Path], folder: Path) -> str:
    """Return the verdict of a block's testbench on a netlist."""
    block = registry.get(name)
    cfg = flow.configure(block)
    emitted = flow.add_testbench(block, cfg, flow.emit(block, cfg), count=400)
    for file, text in emitted.files.items():
        (folder / file).write_text(text)
    command = ["iverilog", "-g2005", "-s", f"{name}_tb", "-o", "tb", f"{name}_tb.v"]
    models = [*models, *cells.write(netlist)]
    subprocess.run([*command, str(netlist), *map(str, models)], cwd=folder, check=True)
    done = subprocess.run(["vvp", "-n", "tb"], cwd=folder, capture_output=True, text=True)
    return [line for line in done.stdout.splitlines() if line.startswith(("PASS", "FAIL"))][-1]


@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.long) for n in registry.BLOCKS],
)
def test_the_mapped_netlist_equals_the_model(tmp_path, name):
    block = registry.get(name)
    emitted = flow.emit(block, flow.configure(block))
    result = synthesize(emitted, "freepdk45", folder=tmp_path / "mapped")
    models = [targets.FreePdk45().models()]
    assert run(name, result.netlist, models, tmp_path).startswith("PASS: ")


def test_a_wrong_netlist_is_found(tmp_path):
    """A gate of the shift register becomes its dual."""
    block = registry.get("lfsr")
    emitted = flow.emit(block, flow.configure(block))
    netlist = synthesize(emitted, "freepdk45", folder=tmp_path / "mapped").netlist
    text = netlist.read_text()
    broken = re.sub(r"\b(NAND|NOR|AND|OR)2_X1\b", lambda m: _OTHER[m[1]] + "2_X1", text, count=1)
    assert broken != text
    netlist.write_text(broken)
    models = [targets.FreePdk45().models()]
    assert run("lfsr", netlist, models, tmp_path).startswith("FAIL: ")


_OTHER = {"NAND": "NOR", "NOR": "NAND", "AND": "OR", "OR": "AND"}
