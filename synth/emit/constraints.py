"""Files beside the Verilog: timing constraints, and the FuseSoC core that lists them all."""

import json
from collections.abc import Sequence
from typing import Any

from nomul.version import __version__


def sdc(manifest: dict[str, Any], period_ps: int) -> str:
    """Return the design's constraints as SDC, for synthesis and timing analysis of it alone.

    A clock; inputs that arrive with its edge and outputs that are due at the next, as in
    :mod:`nomul.synth.map.timing`; and no path from a reset that does not wait for the clock.
    """
    clock, reset = manifest["clock"], manifest["reset"]
    lines = [
        *_clock(clock, period_ps),
        f"set inputs [list]\nforeach port [all_inputs] {{\n"
        f'  if {{[get_property $port full_name] ne "{clock}"}} {{ lappend inputs $port }}\n}}',
        f"set_input_delay 0 -clock {clock} $inputs",
        f"set_output_delay 0 -clock {clock} [all_outputs]",
        *_reset(reset),
    ]
    return "\n".join([f"# {manifest['name']}: emitted by nomul {manifest['nomul']}.", *lines, ""])


def xdc(manifest: dict[str, Any], period_ps: int) -> str:
    """Return the design's constraints as XDC, for Vivado out of context.

    A design around it has a clock of its own, and leaves this file out.
    """
    lines = [*_clock(manifest["clock"], period_ps), *_reset(manifest["reset"])]
    return "\n".join([f"# {manifest['name']}: emitted by nomul {manifest['nomul']}.", *lines, ""])


def _clock(clock: str, period_ps: int) -> list[str]:
    return [f"create_clock -name {clock} -period {period_ps / 1000:g} [get_ports {clock}]"]


def _reset(reset: dict[str, Any]) -> list[str]:
    """Return what releases an asynchronous reset from timing; a synchronous one is an input."""
    if reset["kind"] == "synchronous":
        return []
    return [f"set_false_path -from [get_ports {reset['name']}]"]


def core(manifest: dict[str, Any], files: Sequence[str] = ()) -> str:
    """Return the FuseSoC core file (CAPI2).

    Targets: ``default``; ``lint`` with Verilator; ``sim`` with Icarus, if there is a testbench;
    ``synth`` for Vivado, with the constraints.

    Parameters
    ----------
    files
        What there is beside the design: a testbench and its vectors, which a simulator reads from
        where it runs, and models of black boxes, which are for simulation and the linter only.
    """
    name = manifest["name"]
    testbench = [file for file in files if file.startswith(f"{name}_tb")]
    models = [file for file in files if file.endswith(".v") and file not in testbench]
    lines = [
        "CAPI=2:",
        f"name: nomul:blocks:{name}:{__version__}",
        f"description: {json.dumps(manifest['summary'])}",
        "filesets:",
        "  rtl:",
        f"    files: [{name}.v]",
        "    file_type: verilogSource",
        "  constraints:",
        f"    files: [{name}.xdc: {{file_type: xdc}}]",
    ]
    checked = "[rtl]"
    if models:
        checked = "[rtl, models]"
        lines += ["  models:", f"    files: [{', '.join(models)}]", "    file_type: verilogSource"]
    targets = [
        "targets:",
        "  default: &default",
        "    filesets: [rtl]",
        f"    toplevel: {name}",
        "  lint:",
        "    <<: *default",
        f"    filesets: {checked}",
        "    default_tool: verilator",
        "    tools: {verilator: {mode: lint-only, verilator_options: [-Wall]}}",
        "  synth:",
        "    <<: *default",
        "    filesets: [rtl, constraints]",
        "    default_tool: vivado",
    ]
    if testbench:
        lines += ["  bench:", "    files:"]
        for file in testbench:
            about = "verilogSource" if file.endswith(".v") else f"user, copyto: {file}"
            lines.append(f"      - {file}: {{file_type: {about}}}")
        together = f"{checked.removesuffix(']')}, bench]"
        targets += ["  sim:", f"    filesets: {together}", f"    toplevel: {name}_tb"]
        targets += ["    default_tool: icarus"]
    return "\n".join([*lines, *targets, ""])
