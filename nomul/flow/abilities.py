"""What only some blocks can do, asked of any: a block that declares no such capability says so."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul import registry
from nomul.flow import steps
from nomul.flow.results import Trial
from nomul.registry import Block
from nomul.runs import folders

if TYPE_CHECKING:
    from nomul.golden.config import Config
    from nomul.synth.emit import Emitted


def test_set(
    block: Block,
    cfg: "Config",
    name: str,
    folder: Path,
    images: int | None,
    target: str | None,
) -> Trial:
    """Write a test set where a bench finds it, and return what it takes to run and to judge it.

    With ``images`` it is the first so many of the set; ``target`` is the column of classes of a
    file.

    Raises
    ------
    ValueError
        The block is not a network, there is no such data set, it does not fit the network, or no
        image is asked for.
    """
    if images is not None and images < 1:
        raise ValueError(f"images must be at least 1, not {images}")
    function = block.capability("test_set")
    if function is None:
        raise ValueError(f"only {_names('test_set')} runs on a data set, not {block.name}")
    prepared: Trial = function(cfg, name, folder, images, target)
    return prepared


def layer(
    block: Block, weights: Path | None, inputs: Path | None, folder: Path | None = None
) -> tuple["Config", Path, dict[str, Any]]:
    """Prepare the run of a packed layer through the block's Verilog.

    Returns the configuration that the layer is packed for, the folder, and bench and environment
    for :func:`nomul.flow.simulate`.

    Raises
    ------
    ValueError
        The block has no packed layers, half of what makes a run is missing, or the inputs do not
        fit the layer.
    """
    function = block.capability("layer")
    if function is None or weights is None or inputs is None:
        raise ValueError(f"--weights and --inputs go together, and are for {_names('layer')} only")
    prepared: tuple[Config, Path, dict[str, Any]] = function(weights, inputs, folder)
    return prepared


def emit_layer(
    block: Block,
    weights: Path,
    inputs: Path | None = None,
    *,
    axi: bool = False,
    reset: Any = None,
    seed: int = 1,
) -> "Emitted":
    """Return the hardware that a packed layer is for, its words, and a testbench of that layer.

    Parameters
    ----------
    block, weights
        The block, and the container of the layer.
    inputs
        Activations of the testbench, ``.npy``; large, small and random ones if None.
    axi, reset
        As for :func:`nomul.flow.emit`.
    seed
        Of random activations.

    Raises
    ------
    BenchError
        The hardware does not give what the layer's model says.
    ValueError
        The block has no packed layers, or the inputs do not fit this one.
    """
    words = block.capability("words")
    if words is None:
        raise ValueError(f"--weights is for {_names('words')} only, not {block.name}")
    run = block.capability("layer")
    assert run is not None
    with folders.scratch() as folder:
        cfg, _, options = run(weights, inputs, folder, seed)
        about = {name: options[name] for name in ("bench", "environment")}
        emitted = steps.emit(block, cfg, axi=axi, reset=reset)
        emitted = steps.add_testbench(block, cfg, emitted, count=None, seed=seed, **about)
    return dataclasses.replace(emitted, files=emitted.files | words(weights))


def verify(block: Block, form: str, ops: Sequence[str], folder: Path, rows: int) -> list[Any]:
    """Compare a block's model with another library on all operand pairs, and return the records.

    Raises
    ------
    ValueError
        The block has no exhaustive check, or format, operation or number of rows is not one.
    """
    function = block.capability("verify")
    if function is None:
        raise ValueError(
            f"verify has no exhaustive check of {block.name!r}; it has {_names('verify')}"
        )
    return list(function(form, ops, folder, rows))


def _names(capability: str) -> str:
    return ", ".join(registry.able(capability))
