"""The command line, put together from this folder's commands and those that blocks bring."""

import os
import signal
import sys
import warnings
from collections.abc import Callable, Container
from pathlib import Path
from typing import Annotated

import typer

import nomul
from nomul import present, registry
from nomul.cli import blocks, compare, importing, measure, numbers, papers, soc, verify
from nomul.options import AsJson, Out, Seed

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Neural-network hardware without multiplier arrays: Verilog, models, measured numbers.",
)


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Neural-network hardware without multiplier arrays: Verilog, models, measured numbers."""
    if version:
        print(nomul.__version__)
    elif context.invoked_subcommand is None:
        print(context.get_help())


def doctor(json: AsJson = False) -> None:
    """Say which tools are here, at which version, and what each command still needs."""
    from nomul import doctor

    versions = doctor.versions()
    lacking = doctor.lacking(versions)
    if json:
        present.as_json({"tools": versions, "missing": lacking})
        return
    rows = [
        (t.name, t.purpose, versions[t.name] or f"missing: {t.install}")
        for t in doctor.TOOLS.values()
    ]
    present.table("", ("tool", "for", "version"), [("python", "", versions["python"]), *rows])
    state = [(command, ", ".join(names) or "ready") for command, names in lacking.items()]
    present.line("")
    present.table("", ("command of nomul", "ready, or what is missing"), state)


def demo(out: Out = None, seed: Seed = 1, json: AsJson = False) -> None:
    """Compute one training step's weight update in ESSOP hardware, on real data, and measure it."""
    from nomul import demo

    result = demo.run(out or Path("build/demo"), seed)
    if json:
        present.as_json(result)
        return
    demo.show(result)


def brought(taken: Container[str]) -> dict[str, Callable[..., None]]:
    """Return the commands that blocks bring by their words: `pack`, `train lutnet`.

    One of another package that does not load, or whose words are ``taken``, is a fault of its
    block, and the other commands are still there.
    """
    commands = {words: registry.load(where) for words, where in registry.commands().items()}
    every = registry.blocks()
    for block in [block for block in every.values() if not block.own]:
        for words, where in block.commands.items():
            try:
                if words in taken or words in commands:
                    raise ValueError(f"there is a command {words!r} already")
                commands[words] = registry.load(where)
            except Exception as error:  # of a stranger's code
                every.faults[block.name] = registry.fault(where, error)
    return commands


_FIRST: dict[str, Callable[..., None]] = {
    "list": blocks.list_blocks,
    "show": blocks.show,
    "emit": blocks.emit,
    "sim": blocks.sim,
    "synth": measure.synth,
    "layout": measure.layout,
    "pnr": measure.pnr,
    "claim": papers.claim,
    "cite": papers.cite,
    "report": numbers.report,
    "sweep": measure.sweep,
    "soc": soc.soc,
    "compare": compare.compare,
}
_LAST: dict[str, Callable[..., None]] = {
    "import": importing.import_network,
    "new": blocks.new,
    "doctor": doctor,
    "verify": verify.verify,
    "demo": demo,
}
BROUGHT = brought({*_FIRST, *_LAST, "train"})
_ONE_WORD = {words: command for words, command in BROUGHT.items() if " " not in words}
COMMANDS = {**_FIRST, **_ONE_WORD, **_LAST}
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)

training = typer.Typer(help="Train networks for the hardware, or with it in the loop.")
for _words, _command in BROUGHT.items():
    _first, _, _second = _words.partition(" ")
    if _second:
        training.command(_second)(_command)
app.add_typer(training, name="train")


def main() -> None:
    """Run the command line; an error is one line, and 2 (misuse) or 1 (failure) the exit code.

    With ``NOMUL_DEBUG`` in the environment an error shows its traceback instead.
    """
    from nomul.sim.harness import BenchError
    from nomul.synth.yosys import ToolError

    misuse: tuple[type[Exception], ...] = (TypeError, ValueError)
    failure: tuple[type[Exception], ...] = (BenchError, ToolError, ImportError, OSError)
    fault: tuple[type[Exception], ...] = (Exception,)
    if os.environ.get("NOMUL_DEBUG"):
        misuse = failure = fault = ()
    for name in ("SIGTERM", "SIGHUP"):
        if signal.getsignal(getattr(signal, name)) == signal.SIG_DFL:
            signal.signal(getattr(signal, name), _end)
    # A component that an error kept from being built is no second message.
    warnings.filterwarnings("ignore", message=".* created but never used")
    try:
        sys.exit(app(standalone_mode=False, prog_name="nomul"))
    except typer.TyperException as error:
        present.error(present.usage(error))
        sys.exit(error.exit_code)
    except Ended as error:
        sys.exit(128 + error.args[0])
    except typer.Abort as error:
        if isinstance(error.__cause__, EOFError):  # of a file, since nomul asks no questions
            present.error(f"a file ends too early: {error.__cause__}")
            sys.exit(2)
        sys.exit(130)
    except misuse as error:
        present.error(str(error), _notes(error))
        sys.exit(2)
    except failure as error:
        hint = _install(error) if isinstance(error, ImportError) else ""
        present.error(f"{_said(error)}{hint}", _notes(error))
        sys.exit(1)
    except fault as error:
        what = f"{type(error).__name__}: {error}"
        present.error(f"{what} (unexpected: NOMUL_DEBUG=1 shows where)", _notes(error))
        sys.exit(1)


class Ended(BaseException):
    """A signal asked this process to end; nobody below may take it for an error of his own."""


def _end(number: int, frame: object) -> None:
    """End in order on a signal, so that temporary folders and workers go too."""
    raise Ended(number)


def _said(error: Exception) -> str:
    """Return what an error says; one of the system begins with its file, as all others do."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _install(error: ImportError) -> str:
    """Return how to get what could not be imported."""
    from nomul import tools

    package = {"serial": "pyserial", "sklearn": "scikit-learn"}.get(error.name or "", error.name)
    if "pip install" in str(error):
        return ""
    if package in tools.TOOLS:
        return f"; try: {tools.TOOLS[package].install}"
    for extra, names in tools.BESIDE.items():
        if package in names:
            return f"; try: pip install 'nomul[{extra}]'"
    return "; see nomul doctor"


def _notes(error: Exception) -> list[str]:
    return list(getattr(error, "__notes__", ()))
