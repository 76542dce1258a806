"""What the training unit can do besides: learn digits, in Verilog, while one looks on."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nomul import present
from nomul.options import AsJson, Seed, Settings


def train(
    preset: Annotated[
        str, typer.Option(help="Configuration of the training unit, by name.")
    ] = "digits",
    settings: Settings = None,
    in_rtl: Annotated[
        bool,
        typer.Option("--in-rtl", help="Learn in the simulated Verilog, beside the model."),
    ] = False,
    epochs: Annotated[int, typer.Option(min=1, help="Number of passes over the images.")] = 4,
    images: Annotated[
        int, typer.Option(min=1, max=1437, help="Number of images to learn from.")
    ] = 1437,
    out: Annotated[
        Path, typer.Option(help="Folder of the network, and of the state to go on from.")
    ] = Path("build/sgd/train"),
    seed: Seed = 1,
    json: AsJson = False,
) -> None:
    """Let a network learn digits in hardware, an image at a time, and save it.

    What is interrupted goes on when the same command is given again.
    """
    from nomul import registry
    from nomul.capabilities import sgd_learning as learning
    from nomul.flow import steps

    block = registry.get("sgd")
    cfg: Any = steps.configure(block, preset, settings or ())
    job = learning.Job(cfg, epochs, images, seed, in_rtl)
    begun = learning.begun(job, out)
    if begun:
        present.note(f"going on after step {begun:,} of {job.steps:,}")
    try:
        with present.learning(job.steps, begun) as show:
            progress = learning.run(job, out, show)
    except KeyboardInterrupt:
        present.note(f"stopped after step {learning.begun(job, out):,}; the same command goes on")
        raise typer.Exit(130) from None
    result = learning.results(job, progress, out)
    present.as_json(result) if json else present.pairs("", result)
