"""Whether mapped cells still do what the design did: its testbench runs on both, side by side."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nomul.runs import folders, programs
from nomul.synth import yosys
from nomul.synth.check import ecp5_models
from nomul.synth.emit import Emitted
from nomul.synth.map.targets import Fpga, StandardCells, Target

# Of one simulation.
LONGEST_S = 3600


class NetlistError(yosys.ToolError):
    """A mapped netlist gave a wrong answer, or none."""


@dataclass(frozen=True)
class Checked:
    """Answers compared, and cycles without pauses and with pauses at random."""

    words: int
    cycles: int
    cycles_with_pauses: int


def check(emitted: Emitted, netlist: Path, target: Target, folder: Path) -> Checked:
    """Run a design's testbench on what it was mapped to, without pauses and with them.

    The design runs beside it, and after reset no bit of any output may differ in any cycle; one
    that a register without reset leaves unknown in the cells may be anything.

    Parameters
    ----------
    emitted
        The design with its testbench, from :func:`nomul.flow.add_testbench`.
    netlist
        What :func:`nomul.synth.map.synthesize.synthesize` mapped it to.
    target
        Whose cells. Their models are the library's own, or Yosys' for an FPGA; a Liberty file
        without models is read for the functions it states.
    folder
        Where the simulation stays.

    Raises
    ------
    NetlistError
        An answer is wrong, or does not come.
    FileNotFoundError
        Icarus is not installed.
    """
    if not shutil.which("iverilog"):
        raise FileNotFoundError("a netlist is checked in Icarus; try: apt-get install iverilog")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in emitted.files.items():
        (folder / name).write_text(text)
    bench = [name for name in emitted.files if name.endswith(".v")]
    top, (mapped, *models) = emitted.name, runnable(netlist, target, emitted.name, folder)
    (folder / "cells.v").write_text(_renamed(mapped.read_text()))
    design = re.sub(rf"^module {top}\b", f"module {top}_design", emitted.verilog, flags=re.M)
    (folder / "beside.v").write_text(_beside(emitted.manifest) + design)
    files = [
        *bench,
        "beside.v",
        "cells.v",
        *(path.relative_to(folder).as_posix() for path in models),
    ]
    command = ["iverilog", "-g2005", "-s", f"{top}_tb", "-o", "netcheck", *files]
    built = programs.run(command, folder)
    if built.returncode:
        # For instance a hard block of an FPGA that Yosys has no model of.
        raise NetlistError(f"the netlist does not build: {built.stderr.splitlines()[0]}")
    runs = [_verdict(folder, arguments) for arguments in ((), ("+stall",))]
    return Checked(words=runs[0][0], cycles=runs[0][1], cycles_with_pauses=runs[1][1])


def _renamed(netlist: str) -> str:
    """Return a netlist whose modules end in ``_cells``, so that they are not the design's."""
    names = re.findall(r"^module (\w+)", netlist, flags=re.M)
    return re.sub(rf"\b({'|'.join(names)})\b", r"\1_cells", netlist)


def _beside(manifest: dict[str, Any]) -> str:
    """Return a module with the cells' outputs that compares them with the design's."""
    name, clock, reset = manifest["name"], manifest["clock"], manifest["reset"]
    running = f"{reset['name']} === 1'b{int(reset['active'] == 'low')}"
    heads, cells, design, compare = [], [], [], []
    for port in manifest["ports"]:
        pin, bits = port["name"], f"[{port['width'] - 1}:0]"
        heads.append(f"{port['direction']} {bits} {pin}")
        cells.append(f".{pin}({pin})")
        other = f"{pin}_design" if port["direction"] == "output" else pin
        design.append(f".{pin}({other})")
        if port["direction"] == "output":
            compare.append(f"""\
  wire {bits} {other};
  always @(negedge {clock}) if ({running} && (|({pin} ^ {other})) === 1'b1) begin
    $display("FAIL: {pin} of the cells is %h, not %h", {pin}, {other});
    $finish;
  end
""")
    for pin in (clock, reset["name"]):
        heads.append(f"input {pin}")
        cells.append(f".{pin}({pin})")
        design.append(f".{pin}({pin})")
    return (
        f"module {name}({', '.join(heads)});\n{''.join(compare)}"
        f"  {name}_cells mapped({', '.join(cells)});\n"
        f"  {name}_design source({', '.join(design)});\nendmodule\n"
    )


def prove(emitted: Emitted, netlist: Path, target: Target, folder: Path) -> None:
    """Prove that a flat netlist does what its design does, from any state: for small designs.

    Registers are paired by their names, and what lies between them is compared by Yosys' SAT
    solver, up to four cycles deep. Not finding a proof does not mean that there is a difference.

    Parameters
    ----------
    emitted, netlist, target, folder
        As for :func:`check`; no testbench is needed.

    Raises
    ------
    YosysError
        There is no proof.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "design.il").write_text(emitted.rtlil)
    top = emitted.name
    if isinstance(target, StandardCells):
        # Silicon has no initial state.
        cells, initial = [_functions(target, folder)], "setattr -unset init w:*"
    else:
        cells, initial = _yosys_models(target, folder), "opt_clean"
    staged = folders.stage(netlist, folder, "mapped_cells.v")
    flat = ["proc -norom", "flatten", "memory", initial, "opt_clean"]
    commands = [
        *("read_rtlil design.il", f"hierarchy -top {top}", *flat, "design -stash gold"),
        *(*cells, f"read_verilog -icells {staged}", f"hierarchy -top {top}", *flat),
        *("design -stash gate", f"design -copy-from gold -as gold {top}"),
        f"design -copy-from gate -as gate {top}",
        *("equiv_make gold gate both", "hierarchy -top both", "clean -purge", "equiv_struct"),
        *("equiv_simple -undef", "equiv_induct -undef -seq 4", "equiv_status -assert"),
    ]
    yosys.run(commands, folder, harmless=["."])


def _verdict(folder: Path, arguments: Sequence[str]) -> tuple[int, int]:
    try:
        done = programs.run(["vvp", "-n", "netcheck", *arguments], folder, timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        # A wrong gate can close a loop that never settles.
        raise NetlistError(f"the netlist comes to no end in {LONGEST_S} s; see {folder}") from None
    lines = done.stdout.splitlines()
    match = re.match(r"PASS: (\d+) words .* in (\d+) cycles", lines[-1] if lines else "")
    if not match:
        first = next((line for line in lines if not line.startswith("WARNING")), done.stderr)
        raise NetlistError(f"the netlist is wrong: {first}; see {folder}")
    return int(match[1]), int(match[2])


def runnable(netlist: Path, target: Target, top: str, folder: Path) -> list[Path]:
    """Return Verilog files that simulate a netlist, models of its cells included."""
    if isinstance(target, StandardCells):
        try:
            models = target.models_text()
        except FileNotFoundError:
            models = ""
        if models:
            (folder / "models.v").write_text(models)
            return [netlist, folder / "models.v"]
    work = folder / "linked"
    work.mkdir(parents=True, exist_ok=True)
    if isinstance(target, StandardCells):
        cells = [_functions(target, work)]
    else:
        cells = _yosys_models(target, work)
    commands = [
        *cells,
        f"read_verilog -icells {folders.stage(netlist, work, 'mapped_cells.v')}",
        f"hierarchy -top {top}",
        "proc -norom",
        "flatten",
        "opt_clean",
        "memory_collect",
        "write_verilog -noattr linked.v",
    ]
    # Models state more than Yosys reads, and it says so.
    yosys.run(commands, work, harmless=["."])
    linked = work / "linked.v"
    if target.name != "ecp5":
        return [linked]
    more = linked.with_name("ecp5.v")
    more.write_text(ecp5_models.models())
    return [linked, more]


def _functions(target: StandardCells, folder: Path) -> str:
    """Return the command that reads what a Liberty file says of its cells."""
    return f"read_liberty -ignore_miss_func {target.stage(folder)}"


def _yosys_models(target: Target, folder: Path) -> list[str]:
    """Return the commands that read Yosys' models of a target's cells; gates need none."""
    if not isinstance(target, Fpga):
        return []
    # Deferred, cells that are not used cost nothing; but those of which only the ports are known
    # lose their names, and ECP5's are needed.
    defer = "" if target.name == "ecp5" else "-defer"
    models = target.models()
    (folder / "share").unlink(missing_ok=True)
    (folder / "share").symlink_to(models.parent)  # models include what is beside them
    return [f"read_verilog {defer} -D NO_INCLUDES share/{models.name}"]
