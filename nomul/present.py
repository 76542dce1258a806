"""How the command line puts things: JSON for programs, tables for people, one line for errors."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from nomul import registry
from nomul.flow.figures import number as number

ROWS_SHOWN = 60  # more of them are for a file, not for a terminal


def console(*, stderr: bool = False) -> Console:
    """Return a console; where it is no terminal, lines may be wide, since nobody sees them wrap."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 140
    # Names and paths are printed as they are, with their brackets and colons.
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def as_json(value: Any) -> None:
    """Print one JSON document, and nothing else."""
    print(json.dumps(value, indent=2))


def line(text: str) -> None:
    """Print one line as it is."""
    console().print(text, markup=False, soft_wrap=True)


def error(message: str, notes: Sequence[str] = ()) -> None:
    """Print one red line on standard error, and below it what there is to say of it at length."""
    text = f"nomul: {' '.join(message.split())}"
    console(stderr=True).print(text, style="red", markup=False, soft_wrap=True)
    for note in notes:
        console(stderr=True).print(note, markup=False, soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table; numbers stand to the right."""
    rows = [list(row) for row in rows]
    shown = Table(box=None, pad_edge=False, show_header=any(columns))
    for index, column in enumerate(columns):
        numeric = all(isinstance(row[index], int | float) for row in rows)
        shown.add_column(column, justify="right" if numeric else "left", header_style="dim")
    for row in rows:
        shown.add_row(*(number(cell) for cell in row))
    if title:
        console().print(title, style="bold", markup=False)
    console().print(shown)


def cell(value: Any) -> Any:
    """Return a value as a table shows it: nothing for None."""
    return "" if value is None else value


def markdown_table(text: str) -> None:
    """Print a table that is written in Markdown."""
    head, _, *body = (
        [cell.strip() for cell in row.strip().strip("|").split("|")] for row in text.splitlines()
    )
    table("", head, body)


def pairs(title: str, values: Mapping[str, Any]) -> None:
    """Print names and values."""
    table(title, ("", ""), [(name, number(value)) for name, value in values.items()])


def swept(result: Any, files: Sequence[Path], json: bool) -> None:
    """Print what a sweep found: its rows, what it skipped and what failed, and its files."""
    rows = [point.row() for point in result.points]
    if json:
        skipped = [{**s.values, "reason": s.reason} for s in result.skipped]
        counts = {"computed": result.computed, "failed": len(result.failed)}
        written = [str(path) for path in files]
        about = {"block": result.block, "stopped": result.stopped, **counts, "files": written}
        as_json({**about, "points": rows, "skipped": skipped})
        return
    hidden = {"failure", "verilog_sha256", "clock_tool"}
    whole = [row for row in rows if not row["failure"]]
    names = [n for n in (whole or rows)[0] if n not in hidden and not n.endswith("_s")]
    if len(whole) <= ROWS_SHOWN:
        table("", names, [[row.get(n) for n in names] for row in whole])
    for point in () if result.stopped else result.failed:
        line(f"failed: {_assigned(point.values)}: {point.error}")
    for entry in result.skipped:
        line(f"skipped: {_assigned(entry.values)}: {entry.reason}")
    stored = len(whole) - result.computed
    line(
        f"{len(rows)} points: {result.computed} computed, {stored} known before, "
        f"{len(result.failed)} not done; {len(result.skipped)} combinations skipped"
    )
    if result.stopped:
        line("stopped; the same command goes on from here")
    for path in files:
        line(str(path))


def _assigned(values: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items()) or "the preset"


def note(text: str) -> None:
    """Print one line on standard error, for whoever waits."""
    console(stderr=True).print(text, markup=False, soft_wrap=True)


@contextmanager
def stopped(text: str) -> Iterator[None]:
    """Say what to do where Ctrl-C stops the work within."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"stopped: {text}")
        raise


@contextmanager
def working(text: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error what is under way, at which stage, and for how long.

    Gives a function that prints a line above that, such as a result as soon as it is there. Advice
    of the work itself is printed so too. Where there is no terminal only such lines are shown.
    """
    from nomul.runs import progress

    shown = console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    hidden = not shown.is_terminal
    with Progress(*columns, console=shown, transient=True, disable=hidden) as bar:
        task = bar.add_task(text, total=None)

        def hear(said: str, keep: bool) -> None:
            if keep:
                bar.console.print(said, markup=False, soft_wrap=True)
            else:
                bar.update(task, description=f"{text}: {said}")

        with progress.heard(hear):
            yield lambda said: hear(said, True)


@contextmanager
def steps() -> Iterator[Callable[[str], AbstractContextManager[None]]]:
    """Show the steps of long work on standard error, each with its time.

    Gives a function that opens one step by its description.
    """
    from nomul.runs import progress

    description = TextColumn("{task.description}", markup=False)
    columns = SpinnerColumn(finished_text="[green]ok[/]"), description, TimeElapsedColumn()
    with Progress(*columns, console=console(stderr=True)) as bar:

        @contextmanager
        def step(text: str) -> Iterator[None]:
            task = bar.add_task(text, total=1)

            def hear(said: str, keep: bool) -> None:
                if not keep:
                    bar.update(task, description=f"{text}: {said}")

            with progress.heard(hear):
                yield
            bar.update(task, completed=1, description=text)

        yield step


@contextmanager
def learning(total: int, done: int) -> Iterator[Callable[[int, str], None]]:
    """Show a training on standard error: a bar of steps, and a text that changes.

    Gives the function that takes the number of steps done, and the text.
    """
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}")
    times = TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(*columns, *times, console=console(stderr=True)) as progress:
        task = progress.add_task("", total=total, completed=done)
        yield lambda steps, text: progress.update(task, completed=steps, description=text)


@contextmanager
def counting(text: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on standard error; gives the function that counts one piece of work as done."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    times = TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(*columns, *times, console=console(stderr=True)) as progress:
        task = progress.add_task(text, total=total)
        yield lambda: progress.advance(task)


def parameter_notes(kind: type) -> dict[str, str]:
    """Return what a class's numpydoc ``Parameters`` say about each, inherited ones included."""
    from docstring_parser import DocstringStyle, parse

    notes: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        text = base.__dict__.get("__doc__") or ""
        for entry in parse(text, DocstringStyle.NUMPYDOC).params:
            if entry.args[0] == "param":
                said = " ".join((entry.description or "").split())
                plain = re.sub(r"(:\w+:)?`+([^`]+)`+", r"\2", said)
                notes |= dict.fromkeys([n.strip() for n in entry.arg_name.split(",")], plain)
    return notes


def usage(error: typer.TyperException) -> str:
    """Return a usage error's message with the alternatives, where there is a choice."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if context is None:
        return message
    if message.startswith("No such command"):
        wrong = message.partition(".")[0]
        return f"{wrong}; there are {', '.join(context.command.commands)}"
    if message.startswith("No such option"):
        names = [n for parameter in context.command.params for n in parameter.opts if "--" in n]
        return f"{message.partition(' (')[0]}; {context.info_name} has {', '.join(names)}"
    if message.startswith("Missing argument 'BLOCK'"):
        return f"{message} One of {', '.join(registry.blocks())}"
    return message
