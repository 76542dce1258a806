"""Options that commands share, and what they stand for."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nomul import registry


def changes(help: str, metavar: str = "NAME=VALUE") -> Any:
    """Return the option ``--set``, which may be repeated, of a command."""
    return typer.Option("--set", metavar=metavar, help=help)


Name = Annotated[
    str, typer.Argument(metavar="BLOCK", help="Name of a block; `nomul list` lists them.")
]
Preset = Annotated[
    str | None, typer.Option(help="Configuration by name; the block's first one if not given.")
]
Settings = Annotated[
    list[str] | None, changes("Change one parameter of the preset; may be repeated.")
]
_NETWORKS = ", ".join(registry.able("network"))
Network = Annotated[
    Path | None,
    typer.Option(
        help=f"Network of {_NETWORKS}: a file, or one that comes with the block; the preset's if "
        "not given."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
Target = Annotated[
    str | None,
    typer.Option(help="Target: freepdk45 (if not given), generic, ice40, ecp5, gowin or xc7."),
]
Liberty = Annotated[
    Path | None,
    typer.Option(
        help="Liberty file, gzipped or not, whose cells to map to, instead of a --target."
    ),
]
Models = Annotated[
    Path | None, typer.Option(help="Verilog models of the cells of --liberty, which energy needs.")
]
Libraries = Annotated[
    list[Path] | None,
    typer.Option(
        "--liberty", help="Liberty file whose cells to map to; repeat it for a library of several."
    ),
]
Defines = Annotated[
    list[str] | None,
    typer.Option(
        "--define", metavar="NAME[=VALUE]", help="Macro that the Verilog of --models needs."
    ),
]
Period = Annotated[int, typer.Option(metavar="PS", help="Clock period to aim at, in picoseconds.")]
Simulator = Annotated[
    str | None,
    typer.Option(
        help="Simulator: icarus, verilator, or auto, which begins in Icarus and changes to "
        "Verilator where that takes long; the one that is installed if not given."
    ),
]
Seed = Annotated[
    int, typer.Option(min=0, help="Seed of all random choices: stimuli, stalls, initial weights.")
]
Out = Annotated[
    Path | None, typer.Option(help="Folder for results; build/BLOCK/PRESET if not given.")
]
Images = Annotated[
    int | None, typer.Option(help="Number of images of --data; the whole set if absent.")
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        help="Inputs, .npy, that choose the scales of a network of real numbers, and that "
        "tables of sums are fitted to."
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Address of a dask scheduler, tcp://host:port; this machine if not given.",
    ),
]


def with_network(settings: list[str] | None, network: Path | None) -> list[str]:
    """Return the settings with that of a network file."""
    return [*(settings or []), *([f"network={network}"] if network else [])]
