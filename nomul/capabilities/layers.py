"""Packed layers of SP-IMC: their words for a host, and what it takes to run one."""

import re
import shlex
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nomul.golden.arrays import Ints
    from nomul.golden.spimc import Config
    from nomul.golden.spimc.layer import Layer


def texts(layer: "Layer", path: Path, form: str) -> dict[str, bytes]:
    """Return the words of a layer as files by their names, after that of its container.

    ``form`` is ``hex``, ``bin``, or ``c``: a header, and the program that runs it.
    """
    from nomul.golden.spimc import words

    stem = path.name.removesuffix(".npz").removesuffix(".packed")
    if form == "bin":
        return {f"{stem}.bin": words.binary(layer)}
    if form == "c":
        name = re.sub(r"\W", "_", stem, flags=re.ASCII)
        name = f"layer_{name}" if name[:1].isdigit() else name
        made = {f"{stem}.h": words.c_header(layer, name)}
        made |= {f"{stem}_host.c": host(layer, name, stem)}
        return {file: text.encode() for file, text in made.items()}
    commands, entries = words.hexadecimal(layer)
    return {
        f"{stem}.command.hex": commands.encode(),
        f"{stem}.weight.hex": entries.encode(),
    }


def host(layer: "Layer", name: str, stem: str) -> str:
    """Return ``docs/spimc_host.c`` for a layer whose header is ``<stem>.h``, with names of its own.

    At its head is the command that runs it on a macro of the layer's parameters.
    """
    first = type(layer.cfg).preset(next(iter(layer.cfg.presets))).to_dict()
    own = {n: value for n, value in layer.cfg.to_dict().items() if value != first[n]}
    sets = "".join(f" --set 'spimc.{n}={_text(value)}'" for n, value in own.items())
    text = (resources.files("nomul") / "docs" / "spimc_host.c").read_text()
    text = re.sub(r" \*   nomul pack .*\n", "", text)
    text = text.replace(
        "nomul soc spimc:small --program spimc_host.c",
        f"nomul soc spimc{sets} --program {shlex.quote(f'{stem}_host.c')}",
    )
    text = text.replace('"w.h"', f'"{stem}.h"')
    return re.sub(r"\bW_", f"{name.upper()}_", re.sub(r"\bw_", f"{name}_", text))


def _text(value: Any) -> str:
    """Return a parameter's value as ``--set`` takes it."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def words(weights: Path) -> dict[str, str]:
    """Return the words of a packed layer as text, in hexadecimal and in C."""
    from nomul.golden.spimc import layer as spimc_layer

    layer = spimc_layer.load(weights)
    made = texts(layer, weights, "hex") | texts(layer, weights, "c")
    return {name: content.decode() for name, content in made.items()}


def layer(
    weights: Path, inputs: Path | None, folder: Path | None, seed: int = 1
) -> tuple["Config", Path, dict[str, Any]]:
    """Prepare the run of a packed layer through the Verilog of its macro, compared with W^T x.

    Parameters
    ----------
    weights
        A container that ``nomul pack`` wrote; it says which macro.
    inputs
        ``.npy`` of integers [V, rows], or one vector [rows]; if None the largest activations, the
        least, and random ones.
    folder
        Where results go; build/spimc/layer if None.
    seed
        Of random activations.

    Returns
    -------
    The macro's configuration, the folder, and bench, environment and expected cycles for
    :func:`nomul.flow.simulate`.
    """
    import numpy as np

    from nomul.golden.foreign.archives import array_file
    from nomul.golden.spimc import layer as spimc_layer

    layer = spimc_layer.load(weights)
    x = stimuli(layer, seed) if inputs is None else array_file(inputs)
    x = x[None] if x.ndim == 1 else x
    layer.model(x)  # refuses what does not fit, before anything is built
    folder = folder or Path("build/spimc/layer")
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "x.npy", x)
    environment = {
        "NOMUL_WEIGHTS": str(weights.resolve()),
        "NOMUL_INPUTS": str((folder / "x.npy").resolve()),
    }
    several = any(layer.cfg.passes(placed.packed.tile) > 1 for placed in layer.tiles)
    loads = len(x) if several else 1
    more = {"environment": environment, "expected": layer.cycles * len(x) + layer.beats * loads}
    return layer.cfg, folder, {"bench": "nomul.sim.spimc.layer", **more}


def stimuli(layer: "Layer", seed: int) -> "Ints":
    """Return activations that every tile takes, int64[4, rows]: greatest, least, and random."""
    import numpy as np

    lows, highs = [], []
    for placed in layer.tiles:
        tile = placed.packed.tile
        lows.append(-(1 << tile.act_bits - 1) if tile.x_signed else 0)
        highs.append((1 << tile.act_bits - tile.x_signed) - 1)
    low, high = max(lows), min(highs)
    random = np.random.default_rng(seed).integers(low, high + 1, (2, layer.rows))
    ends = np.repeat([[high], [low]], layer.rows, axis=1)
    return np.concatenate([ends, random]).astype(np.int64)
