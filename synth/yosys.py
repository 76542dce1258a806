"""Yosys in a child process: runs a script, and takes warnings that are bugs for errors."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from nomul.runs import folders, programs, progress

# The child reads its script from a file, because a pass that aborts takes the process with it.
_CHILD = "from pyosys import libyosys as ys; ys.run_pass('tee -q -o yosys.log script yosys.ys')"


class ToolError(RuntimeError):
    """A tool stopped, or said that something is wrong with the design."""


class YosysError(ToolError):
    """Yosys stopped, or warned of something that is a bug in the design."""


def run(
    commands: Sequence[str], folder: Path, *, harmless: Sequence[str] = (), warned: str = ""
) -> str:
    """Run Yosys commands with ``folder`` as working directory, and return its log.

    Parameters
    ----------
    commands
        One pass each; file names in them are relative to ``folder``.
    folder
        Working directory, created if absent. ``yosys.ys`` and ``yosys.log`` stay there.
    harmless
        Regular expressions of warnings that are expected. Any other warning is an error.
    warned
        Regular expression of passes by the names in their headings, whose warnings are shown and
        stop nothing; empty for none.

    Raises
    ------
    YosysError
        With the failing command's message, or the first unexpected warning.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "yosys.ys").write_text("\n".join(commands) + "\n")
    log_file = folder / "yosys.log"
    log_file.unlink(missing_ok=True)
    with folders.plain(folder) as work:  # ABC is called through a shell
        child = programs.python(_CHILD, [], work, lambda: progress.stage(_stage(work)))
    log = log_file.read_text(errors="replace") if log_file.exists() else ""
    if child.returncode:
        lines = (log + child.stdout + child.stderr).splitlines()
        code = f"exit code {child.returncode}"
        errors = [line for line in lines if "ERROR" in line] or [code, *lines[-3:]]
        # An error of `check` only counts the problems, and the warnings before it name them.
        warnings = [line.strip() for line in lines if is_warning(line)][:3]
        raise YosysError(f"yosys stopped in {folder}: {' '.join(errors + warnings)}")
    shown = False
    for line in log.splitlines():
        if heading := re.match(r"\d+(\.\d+)*\. Executing (.*)", line):
            shown = bool(warned) and re.match(warned, heading[2]) is not None
        if not is_warning(line) or any(re.search(pattern, line) for pattern in harmless):
            continue
        if not shown:
            raise YosysError(f"yosys warned in {folder}: {line.strip()}")
        logging.getLogger(__name__).warning("Yosys: %s", line.strip())
    return log


def _stage(folder: Path) -> str:
    """Return what a run of Yosys is at: the recipe, the pass and the module."""
    recipes = re.findall(r"^recipe (\S+)$", progress.tail(folder / "yosys.log", 1 << 22), re.M)
    end = progress.tail(folder / "yosys.log")
    passes = re.findall(r"^\d+(?:\.\d+)*\. Executing (\S+)", end, re.M)
    modules = re.findall(r"^(?:Extracting|Optimizing) .*module .*?\\?([\w$]+)['`.\s]*", end, re.M)
    said = [f"recipe {recipes[-1]}"] if recipes else ["reading and simplifying"]
    said += [f"Yosys {passes[-1].lower()}"] if passes else []
    return ", ".join(said + ([f"module {modules[-1]}"] if modules else []))


def is_warning(line: str) -> bool:
    """Whether a line of the log is a warning, with or without a source position before it."""
    return re.match(r"(\S+:\d+(\.\d+-\d+\.\d+)?: )?Warning: ", line) is not None


def share() -> Path:
    """Return the folder of the files that Yosys brings, such as models of cells."""
    from importlib.util import find_spec

    spec = find_spec("pyosys")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "share"


def version() -> str:
    """Return the version of the Yosys that runs here."""
    from importlib.metadata import version as installed

    return installed("pyosys")
