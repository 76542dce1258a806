"""Options that commands share, and what they stand for."""

from pathlib import Path
from typing import Annotated

import typer

from nomul import registry

Name = Annotated[str, typer.Argument(metavar="BLOCK", help="One of those that `list` names.")]
Preset = Annotated[str | None, typer.Option(help="Named configuration; the first if not given.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change one parameter; may be repeated."),
]
_NETWORKS = ", ".join(registry.able("network"))
Network = Annotated[
    Path | None,
    typer.Option(help=f"Network file of {_NETWORKS}; the preset's network if not given."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Target = Annotated[
    str | None, typer.Option(help="freepdk45 (if not given), generic, ice40, ecp5, xc7.")
]
Liberty = Annotated[
    Path | None, typer.Option(help="Map to the cells of this file, gzipped or not.")
]
Models = Annotated[Path | None, typer.Option(help="Verilog of those cells, for energy.")]
Libraries = Annotated[
    list[Path] | None,
    typer.Option("--liberty", help="Map to the cells of this file, or of several: repeatable."),
]
Defines = Annotated[
    list[str] | None,
    typer.Option("--define", metavar="NAME[=VALUE]", help="What --models wants to be defined."),
]
Period = Annotated[int, typer.Option(metavar="PS", help="Clock period to aim at.")]
Simulator = Annotated[
    str | None, typer.Option(help="icarus or verilator; the one found if not given.")
]
Seed = Annotated[int, typer.Option(help="Of everything random: stimuli, stalls, initial weights.")]
Out = Annotated[
    Path | None, typer.Option(help="Folder for results; build/BLOCK/PRESET if not given.")
]


def with_network(settings: list[str] | None, network: Path | None) -> list[str]:
    """Return the settings with that of a network file."""
    return [*(settings or []), *([f"network={network}"] if network else [])]
