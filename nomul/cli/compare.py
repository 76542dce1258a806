"""The command that lays one network over every datapath."""

from pathlib import Path
from typing import Annotated

import typer

from nomul import present
from nomul.options import AsJson, Scheduler, changes

SHOWN = (
    "array",
    "size",
    "weights",
    "accuracy, %",
    "fine-tuned, %",
    "bits per weight",
    "load beats",
    "cycles",
    "clock, MHz",
    "us",
    "um2",
    "LUT",
    "FF",
    "DSP",
    "pJ",
    "area x us",
    "pJ x us",
    "memory, um2 (modelled)",
    "memory, pJ (modelled)",
)


def compare(
    network: Annotated[
        str,
        typer.Argument(metavar="NETWORK", help="Network of integers or ONNX, or one of nomul's."),
    ],
    data: Annotated[
        str, typer.Option(help="Samples: digits, fashion-mnist, or a file, all of it for test.")
    ],
    column: Annotated[
        str | None, typer.Option(help="Column of a file that holds the classes.")
    ] = None,
    training: Annotated[
        str | None,
        typer.Option(
            "--train", metavar="FILE", help="File of samples for calibration and fine-tuning."
        ),
    ] = None,
    member: Annotated[
        list[str] | None,
        typer.Option(help="Member, or block with networks of its own; repeated; all if absent."),
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(help="Size of the arrays: small (if absent), medium, large; may be repeated."),
    ] = None,
    target: Annotated[str, typer.Option(help="Map arrays to freepdk45 or to ecp5.")] = "freepdk45",
    settings: Annotated[
        list[str] | None,
        changes("Change a member's parameter; repeated.", "MEMBER.NAME=VALUE"),
    ] = None,
    finetune: Annotated[
        bool,
        typer.Option("--finetune", help="Train the network under what each member can hold."),
    ] = False,
    regime: Annotated[
        str | None, typer.Option("--for", help="Judge by latency, area, energy or storage.")
    ] = None,
    within: Annotated[
        float, typer.Option(min=0, help="Points of accuracy that a winner may lose.")
    ] = 1.0,
    period: Annotated[
        int, typer.Option(metavar="PS", min=1, help="Clock period to aim at, in picoseconds.")
    ] = 2000,
    scheduler: Scheduler = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of processes here; one per core if absent.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder; build/compare/NETWORK if not given.")
    ] = None,
    store: Annotated[
        Path, typer.Option(help="Folder of finished rows, which are never measured twice.")
    ] = Path("build/compare/store"),
    json: AsJson = False,
) -> None:
    """Lay a network over every datapath: which one pays for it, and what for; resumes."""
    from nomul.experiments.compare import page, regimes, rows, subject

    if regime is not None and regime not in regimes.REGIMES:
        raise ValueError(f"--for must be one of {', '.join(regimes.REGIMES)}, not {regime!r}")
    with present.working("reading network and samples"):
        chosen = subject.load(network, data, column, training)
    found = rows.compare(
        chosen,
        members=member or (),
        sizes=size or ("small",),
        target=target,
        period_ps=period,
        changes=_changes(settings or []),
        finetune=finetune,
        store=store,
        scheduler=scheduler,
        workers=workers,
        note=present.note,
        progress=lambda total: present.counting("comparing", total),
    )
    made = page.write(found, out or Path("build", "compare", chosen.name), within, regime)
    _show(found, made, within, regime, json)
    if found.stopped:
        raise typer.Exit(130)
    raise typer.Exit(1 if any(entry.failed for entry in found.entries) else 0)


def _changes(settings: list[str]) -> dict[str, dict[str, str]]:
    changes: dict[str, dict[str, str]] = {}
    for text in settings:
        name, dot, rest = text.partition(".")
        field, equals, value = rest.partition("=")
        if not dot or not equals:
            raise ValueError(f"--set wants MEMBER.NAME=VALUE, not {text!r}")
        changes.setdefault(name, {})[field] = value
    return changes


def _show(found: object, files: list[Path], within: float, regime: str | None, json: bool) -> None:
    from nomul.experiments.compare import page, regimes
    from nomul.experiments.compare.entries import Comparison

    assert isinstance(found, Comparison)
    rows = found.rows()
    judged = page.verdicts(rows, within, regime)
    if json:
        about = {"network": found.network, "data": found.data, "stopped": found.stopped}
        winners = {one.regime: one.text for one in judged}
        present.as_json(
            {**about, "rows": rows, "winners": winners, "files": [str(path) for path in files]}
        )
        return
    whole = [row for row in rows if not row["cannot"]]
    names = [n for n in SHOWN if any(row[n] not in (None, "") for row in whole)]
    if whole:
        present.table(
            f"{found.network}, {found.data}", names, [[r[n] for n in names] for r in whole]
        )
    for row in rows:
        if row["cannot"]:
            present.line(f"{regimes.name(row)}: {row['cannot']}")
    for layer, reason in found.dropped.items():
        present.line(f"no array holds {layer}, which is left out: {reason}")
    for one in judged if regime is None else judged[:1]:
        present.line(f"for {one.regime}: {one.text}")
    # All regimes leave out the same rows.
    if judged and (text := regimes.not_ranked(judged[0], within)):
        present.line(text)
    if found.stopped:
        present.line("stopped; the same command goes on from here")
    for path in files:
        present.line(str(path))
