"""What ESSOP can do besides: train networks with stochastic weight gradients."""

from pathlib import Path
from typing import Annotated

import typer

from nomul import present
from nomul.options import AsJson


def train(
    network: Annotated[
        str, typer.Option(help="Network to train: mlp, convnet or resnet32.")
    ] = "mlp",
    data: Annotated[Path | None, typer.Option(help="Folder of the data set.")] = None,
    images: Annotated[
        int | None, typer.Option(min=1, help="Number of images to train on; all if absent.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Number of runs per setting, each with another seed.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File of the results, one run per line; finished runs are not repeated."),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(help="File to write all runs to at the end, as one JSON document."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Train with stochastic weight gradients, every source and stream length; resumes by itself."""
    from nomul.experiments.essop import training
    from nomul.train.essop import data as essop_data
    from nomul.train.essop import sweep

    sweep.recipe(network)
    split = essop_data.load(network, data, images)
    todo = list(sweep.points(network, len(split.x), seeds))
    file = out or Path("build", "train", f"essop-{network}.jsonl")
    with present.counting(f"training {network}", len(todo)) as advance:
        runs = sweep.sweep(todo, split, file, advance)
    if record is not None:
        given = {"--network": network, "--images": images, "--seeds": seeds}
        words = [f"{name} {value}" for name, value in given.items() if value is not None]
        sweep.record(network, runs, record, f"nomul train essop {' '.join(words)}")
    rows = training.summary(runs)
    if json:
        present.as_json(rows)
        return
    present.table("", list(rows[0]), [list(row.values()) for row in rows])
