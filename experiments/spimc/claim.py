"""The claim of SP-IMC's paper for a layer of one's own size: storage and entries written."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nomul.experiments import papers
from nomul.experiments.claims import Claim
from nomul.golden import sparse, spimc
from nomul.golden.spimc import layer as spimc_layer

# What `--set` may say of the layer; everything else is of the macro.
LAYER = {"inputs": 784, "outputs": 256, "zeros": 0.9}


def configured(settings: Sequence[str]) -> tuple[spimc.Config, int, int, float]:
    """Return the macro, and inputs, outputs and share of zeros of the layer.

    Raises
    ------
    TypeError, ValueError
        There is no such parameter, or a value is refused.
    """
    layer: dict[str, Any] = dict(LAYER)
    macro: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise ValueError(f"--set wants name=value, not {setting!r}")
        if name in layer:
            layer[name] = _number(name, text, float if name == "zeros" else int)
        else:
            macro[name] = spimc.Config.parse(name, text)
    for name in ("inputs", "outputs"):
        if not 1 <= layer[name] <= 16_384:
            raise ValueError(f"the layer's {name} must be in 1..16384, not {layer[name]}")
    if not 0 <= layer["zeros"] < 1:
        raise ValueError(f"the layer's zeros must be from 0 to below 1, not {layer['zeros']}")
    return spimc.Config(**macro), layer["inputs"], layer["outputs"], layer["zeros"]


def _number(name: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"the layer's {name} must be a number, not {text!r}") from None


def measure(settings: Sequence[str] = (), tell: Callable[[str], None] = lambda _: None) -> Claim:
    """Return storage and entries written of a layer with random zeros, in every format.

    Parameters
    ----------
    settings
        ``name=value`` each: ``inputs``, ``outputs`` and ``zeros`` of the layer, a share, or
        parameters of :class:`nomul.golden.spimc.Config`.
    tell
        Called with a line for whoever waits.

    Raises
    ------
    TypeError, ValueError
        As :func:`configured`.
    """
    cfg, inputs, outputs, zeros = configured(settings)
    tell(f"packing a layer of {inputs} x {outputs} in every format")
    rng = np.random.default_rng(1)
    values = rng.integers(1, 1 << (cfg.weight_bits - 1), (inputs, outputs))
    w = values * (rng.random(values.shape) >= zeros)
    rows = []
    for cost in sparse.survey(w, cfg):
        try:
            layer = spimc_layer.plan(w, cfg, cost.tile)
        except ValueError:  # a window of this format does not fit the slots
            continue
        rows.append(
            {
                "format": cost.tile.format,
                "bits": cost.bits,
                "storage, dense 1": round(cost.ratio, 3),
                "tiles": len(layer.tiles),
                "entries written": layer.rewritten,
                "cycles": layer.cycles,
            }
        )
    return Claim(
        "spimc",
        f"a layer of {inputs} x {outputs} with {100 * zeros:g} % random zeros, on a macro of "
        f"{cfg.window} rows, {cfg.columns} columns, {cfg.slots} slots",
        claims=_claims(rows),
        rows=rows,
        notes=["Counted by the models, which the Verilog equals; seed 1 of the zeros' places."],
    )


def _claims(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the paper's two claims, of the format that stores the fewest bits."""
    quoted = papers.quoted("spimc")
    dense = next((row for row in rows if row["format"] == "dense"), None)
    sparse = [row for row in rows if row["format"] != "dense"]
    claims = []
    for what, column, figure in (
        ("storage density", "bits", quoted["storage_density"]),
        ("entries written per inference", "entries written", quoted["entries_written"]),
    ):
        row = {"claim": what, "paper (quoted)": figure, "ours": "no other format", "met": "no"}
        if dense and sparse:
            best = min(sparse, key=lambda row: row[column])
            row |= {"met": "yes" if best[column] < dense[column] else "no"}
            row["ours"] = f"none: the layer fits the macro ({best['format']})"
            if best[column]:
                row["ours"] = f"{dense[column] / best[column]:.2f} times ({best['format']})"
        claims.append(row | {"compared with": "dense storage of the same layer"})
    return claims
