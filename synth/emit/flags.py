"""Flags and counters that a testbench compares at its end, besides what the streams carry.

No word says what they are, and some depend on when words came: a testbench runs on the design
first, without pauses and with them, and compares what is the same in both.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nomul.runs import folders, programs
from nomul.synth import yosys
from nomul.synth.emit import vectors


@dataclass(frozen=True)
class Flag:
    """An output that belongs to no stream: where it is seen, and what it is at the end.

    ``value`` is None where it is not compared.
    """

    name: str
    wire: str
    width: int
    value: int | None = None


def of(plain: Mapping[str, Any], axi: Mapping[str, Any] | None) -> list[Flag]:
    """Return the flags and counters of a block, from its manifest without AXI.

    Behind AXI they are registers, and seen inside.
    """
    ports = {port["name"]: port for port in plain["ports"]}
    outputs = [n for n in vectors.status(dict(plain)) if ports[n]["direction"] == "output"]
    return [
        Flag(name, name if axi is None else f"dut.block.{name}", ports[name]["width"])
        for name in outputs
    ]


def settled(
    flags: Sequence[Flag], top: str, files: Mapping[str, str], end: Mapping[str, int] | None
) -> list[Flag]:
    """Return the flags with what they are at the end, where pauses do not change that.

    Parameters
    ----------
    flags
        From :func:`of`.
    top, files
        The design and its testbench, as Verilog and vectors by file name.
    end
        What the block's bench left them at, if it was recorded to its end. A flag that differs is
        not compared.

    Raises
    ------
    ToolError
        The testbench does not pass on its own design.
    """
    if not flags or not shutil.which("iverilog"):
        return list(flags)
    with folders.scratch() as folder:
        for name, text in files.items():
            (folder / name).write_text(text)
        verilog = [name for name in files if name.endswith(".v")]
        build = ["iverilog", "-g2005", "-s", f"{top}_tb", "-o", "tb", *verilog]
        if (built := programs.run(build, folder)).returncode:
            raise yosys.ToolError(f"the testbench of {top} does not build: {built.stderr.strip()}")
        calm, paused = (_run(folder, top, more) for more in ([], ["+stall"]))
    same = {name: value for name, value in calm.items() if paused.get(name) == value}
    if end is not None:
        same = {name: value for name, value in same.items() if end.get(name) == value}
    return [replace(flag, value=same.get(flag.name)) for flag in flags]


def _run(folder: Path, top: str, more: list[str]) -> dict[str, int]:
    """Return the known flags at the end of a run."""
    command = ["vvp", "-n", "tb", "+flags", *more]
    out = programs.run(command, folder).stdout
    if "PASS: " not in out:
        last = (out.splitlines() or ["nothing"])[-1]
        raise yosys.ToolError(f"the testbench of {top} says of its own design: {last}")
    return {m[1]: int(m[2], 16) for m in re.finditer(r"^flag (\w+) ([0-9a-f]+)$", out, re.M)}
