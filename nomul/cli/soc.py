"""The command that puts blocks on one bus."""

from pathlib import Path
from typing import Annotated

import typer

from nomul import flow, present
from nomul.options import AsJson, Seed, Simulator, changes


def soc(
    blocks: Annotated[
        list[str],
        typer.Argument(
            metavar="BLOCK...", help="Blocks, each BLOCK, BLOCK:PRESET or NAME=BLOCK:PRESET."
        ),
    ],
    settings: Annotated[
        list[str] | None,
        changes("Change one parameter of one block; may be repeated.", "NAME.PARAMETER=VALUE"),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the design.")] = "soc",
    sim: Annotated[
        bool,
        typer.Option(
            "--sim", help="Run a program on the bus in a simulator, and compare what it reads."
        ),
    ] = False,
    program: Annotated[
        Path | None,
        typer.Option(
            help="Run this program, C source or executable, on the registers in a simulator."
        ),
    ] = None,
    simulator: Simulator = None,
    seed: Seed = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder for results; build/NAME if not given.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Put blocks behind one AXI4-Lite bus: Verilog, register map, C header and Python driver."""
    members = flow.members(blocks, settings or ())
    emitted = flow.emit_soc(members, name)
    folder = out or Path("build") / name
    paths = emitted.write(folder)
    compared = None
    if sim:
        with present.working(f"running a program on {name}"):
            report = flow.simulate_soc(members, emitted, folder, seed=seed, simulator=simulator)
        compared = report.compared
    if program is not None:
        # What the program prints is the output of this command.
        if json or sim:
            raise ValueError("--program cannot be used with --json or --sim")
        report = flow.run_program(emitted, program, folder, simulator=simulator)
        present.note(f"{program.name}: {report.compared:,} transfers on the bus")
        return
    registers = emitted.manifest["registers"]
    if json:
        found = {} if compared is None else {"compared": compared}
        present.as_json({"files": [str(path) for path in paths], **found, **emitted.manifest})
        return
    rows = [(f"{r['address']:#06x}", r["name"], r["access"], r["about"]) for r in registers]
    present.table("", ("address", "register", "access", "meaning"), rows)
    for path in paths:
        present.line(str(path))
    if compared is not None:
        present.line(f"{name}: {compared:,} values read over the bus equal those of the blocks")
