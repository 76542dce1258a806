"""What SP-IMC can do besides: pack a layer's weights in its formats.

One file, since every option of its command is about the same packed layer.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nomul import flow, present, registry
from nomul.options import AsJson, Settings

if TYPE_CHECKING:
    from nomul.golden.spimc import Config, Tile
    from nomul.golden.spimc.cost import Cost
    from nomul.golden.spimc.layer import Layer


def pack(
    weights: Annotated[
        Path, typer.Argument(help="File of the weights: .npy, .npz or .safetensors.")
    ],
    layer: Annotated[
        str | None, typer.Option(help="Name of the array in a file that holds several.")
    ] = None,
    form: Annotated[
        str,
        typer.Option("--format", help="Storage format: auto, dense, coo, rl, nm, bitmap, or N:M."),
    ] = "auto",
    preset: Annotated[
        str, typer.Option(help="Configuration of the macro, a preset of spimc.")
    ] = "paper",
    settings: Settings = None,
    act_bits: Annotated[
        int | None,
        typer.Option(help="Bits of an activation; as many as the macro takes if absent."),
    ] = None,
    signed: Annotated[
        bool, typer.Option("--signed", help="Take activations as signed numbers.")
    ] = False,
    transpose: Annotated[
        bool | None,
        typer.Option(
            "--transpose/--as-is",
            help="Take the file's rows as outputs, as safetensors have them, or as inputs.",
        ),
    ] = None,
    balance: Annotated[
        bool,
        typer.Option("--balance", help="Fold a column with too many weights over several columns."),
    ] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Set the smallest weights of each group of N:M to zero first."
        ),
    ] = False,
    goal: Annotated[
        str,
        typer.Option(help="Aim of the format auto: the fewest stored bits, cycles, or writes."),
    ] = "bits",
    export: Annotated[
        str | None,
        typer.Option(
            help="Form in which to write the layer's words for a host as well: hex, c or bin."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File of the packed layer to write, .npz.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Choose a sparse format for a layer's weights, and pack them for the macro spimc."""
    cfg: Any = flow.configure(registry.get("spimc"), preset, settings or ())
    result = run(
        weights,
        cfg,
        layer=layer,
        form=form,
        act_bits=act_bits,
        x_signed=signed,
        transpose=transpose,
        balance=balance,
        prune=prune,
        goal=goal,
        export=export,
        out=out,
    )
    if json:
        present.as_json(result)
        return
    show(result)


def run(
    weights: Path,
    cfg: "Config",
    *,
    layer: str | None = None,
    form: str = "auto",
    act_bits: int | None = None,
    x_signed: bool = False,
    transpose: bool | None = None,
    balance: bool = False,
    prune: bool = False,
    goal: str = "bits",
    export: str | None = None,
    out: Path | None = None,
) -> dict[str, Any]:
    """Pack one layer and return what every format would cost, as plain values.

    Parameters
    ----------
    weights, layer, transpose
        File, array in it, and orientation, as :func:`nomul.golden.spimc.formats.read` takes them.
        Weights that are not integers are quantised to the macro's width.
    form
        ``auto``: what the goal says; a format; or N:M.
    act_bits, x_signed
        Of the activations; the macro's most bits if None.
    balance, prune
        As for :func:`nomul.golden.spimc.layer.plan`.
    goal
        What ``auto`` looks for, one of :data:`GOALS`.
    export
        Also the words of the wire in one of :data:`EXPORTS`, beside the container.
    out
        The container; ``<file>[-<layer>].packed.npz`` in the current folder if None.
    """
    from nomul.golden import sparse
    from nomul.golden.spimc import formats
    from nomul.golden.spimc import layer as spimc_layer
    from nomul.golden.spimc.cost import cost
    from nomul.golden.spimc.pack import container

    if out is not None:
        container(out)
    for name, value, known in (("goal", goal, tuple(GOALS)), ("export", export, EXPORTS)):
        if value is not None and value not in known:
            raise ValueError(f"--{name} must be one of {', '.join(known)}, not {value!r}")
    w = formats.read(weights, layer, transpose)
    quantised, scale = w.dtype.kind == "f", None
    if quantised:
        w, scale = sparse.quantise(w, cfg.weight_bits)
    nnz, colon, group = form.partition(":")
    if prune:
        if not colon:
            raise ValueError(f"--prune needs --format N:M, not {form!r}")
        if not (nnz.isdecimal() and group.isdecimal()):
            raise ValueError(f"--format wants N:M in numbers, not {form!r}")
        w = sparse.prune_groups(w, int(nnz), int(group))
    costs = sparse.survey(w, cfg, act_bits=act_bits)
    rows = [_row(cost, w, cfg, balance) for cost in costs]
    if form == "auto" and goal != "bits":
        form = min((row for row in rows if row["tiles"]), key=GOALS[goal])["format"]
    tile = _chosen(form, costs, cfg, act_bits).replace(x_signed=x_signed)
    try:
        plan = spimc_layer.plan(w, cfg, tile, balance=balance)
    except ValueError as error:
        raise ValueError(str(error).replace("prune=True", "--prune")) from None
    own = next((row for row in rows if row["format"] == tile.format), None)
    if own is None or own["parameters"] != parameters(tile):  # an N:M that is not the cheapest
        own = _row(cost(w, cfg, tile), w, cfg, balance)
        rows.append(own)
    stem = weights.stem + (f"-{layer}" if layer else "")
    path = out or Path(f"{stem}.packed.npz")
    path.parent.mkdir(parents=True, exist_ok=True)
    spimc_layer.save(path, plan, layer or _only(weights))
    exported = _export(plan, path, export) if export else []
    return {
        "weights": str(weights),
        "layer": layer,
        "rows": plan.rows,
        "columns": plan.columns,
        "sparsity": round(float((w == 0).mean()), 4),
        "quantised": quantised,
        "scale": None if scale is None else [float(f"{step:.6g}") for step in scale],
        "formats": rows,
        "chosen": tile.format,
        "parameters": parameters(tile),
        "tiles": len(plan.tiles),
        "file": str(path),
        "exported": [str(file) for file in exported],
        "price": price(rows, own),
    }


# What `auto` may look for, as the order of the formats' lines.
GOALS: dict[str, Callable[[dict[str, Any]], tuple[float, float]]] = {
    "bits": lambda row: (row["bits"], row["cycles"]),
    "cycles": lambda row: (row["cycles"], row["bits"]),
    "writes": lambda row: (row["rewritten"], row["bits"]),
}

EXPORTS = ("hex", "c", "bin")


def price(rows: list[dict[str, Any]], own: dict[str, Any]) -> str:
    """Return a sentence about what the chosen format's line costs that another's would not.

    Empty where no other format is better by any goal, or the chosen one does not fit.
    """
    fitting, parts = [row for row in rows if row["tiles"]], []
    if own not in fitting:
        return ""
    for goal, order in GOALS.items():
        best, name = min(fitting, key=order), "rewritten" if goal == "writes" else goal
        if best[name] < own[name]:
            parts.append(
                f"{best['format']} takes {best[name]:,} {WORDS[goal]} in place of {own[name]:,}"
                f"{'' if goal == 'bits' else _bits(best, own)} (--goal {goal})"
            )
    return "; ".join(parts)


def _bits(best: dict[str, Any], own: dict[str, Any]) -> str:
    """Return how many bits a line has beside another, as the end of a sentence."""
    more = best["bits"] - own["bits"]
    if not more:
        return ""
    if not own["bits"]:  # a layer without a weight takes none in some formats
        return f", with {more:,} bits more"
    return f", with {abs(more) / own['bits']:.0%} {'more' if more > 0 else 'fewer'} bits"


WORDS = {"bits": "bits", "cycles": "cycles a vector", "writes": "writes a vector"}


def _export(layer: "Layer", path: Path, form: str) -> list[Path]:
    """Write the words of a layer beside its container, and return the files."""
    from nomul.capabilities import layers

    written = {path.with_name(n): text for n, text in layers.texts(layer, path, form).items()}
    for file, content in written.items():
        file.write_bytes(content)
    return list(written)


def _only(weights: Path) -> str:
    """Return the name of a file's only array, or of the file where arrays have no names."""
    from nomul.golden.spimc import formats

    return weights.stem if weights.suffix == ".npy" else formats.layers(weights)[0]


def parameters(tile: "Tile") -> str:
    """Return a format's own parameters as text."""
    if tile.format == "nm":
        return f"{tile.nnz_per_group}:{tile.group}"
    return f"{tile.run_bits} bits" if tile.format == "rl" else ""


def _chosen(form: str, costs: list["Cost"], cfg: "Config", act_bits: int | None) -> "Tile":
    """Return the tile that a format's name stands for; ``auto`` is the first of the costs."""
    from nomul.golden.spimc import Tile

    nnz, colon, group = form.partition(":")
    if colon:
        if not (nnz.isdigit() and group.isdigit()):
            raise ValueError(f"--format wants N:M in numbers, not {form!r}")
        bits = cfg.act_bits if act_bits is None else act_bits
        return Tile(format="nm", nnz_per_group=int(nnz), group=int(group), act_bits=bits)
    known = {cost.tile.format: cost.tile for cost in costs}
    if form == "auto":
        return costs[0].tile
    if form not in known:
        raise ValueError(f"--format must be auto, N:M or one of {', '.join(known)}, not {form!r}")
    return known[form]


def _row(cost: "Cost", w: Any, cfg: "Config", balance: bool) -> dict[str, Any]:
    """Return one format's line; tiles, beats and cycles are of the layer as it would be cut."""
    from nomul.golden.spimc import layer as spimc_layer

    values: dict[str, Any] = {
        "format": cost.tile.format,
        "parameters": parameters(cost.tile),
        "bits": cost.bits,
        "ratio": round(cost.ratio, 4),
        "fullest": cost.slots,
        "utilisation": round(cost.utilisation, 4),
        "tiles": None,
        "beats": None,
        "cycles": None,
        "rewritten": None,
    }
    try:
        plan = spimc_layer.plan(w, cfg, cost.tile, balance=balance)
    except ValueError:  # not even one group fits the slots
        return values
    found = {"tiles": len(plan.tiles), "beats": plan.beats, "cycles": plan.cycles}
    return {**values, **found, "rewritten": plan.rewritten}


def show(result: dict[str, Any]) -> None:
    """Print what :func:`run` found."""
    present.line(
        f"{result['rows']} inputs, {result['columns']} outputs, {result['sparsity']:.1%} zeros"
        + (", quantised here" if result["quantised"] else "")
    )
    if result["scale"]:
        low, high = min(result["scale"]), max(result["scale"])
        steps = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        present.line(f"a sum is the file's divided by its column's scale, {steps} (all by --json)")
    rows = [
        ["-" if value is None else value for value in row.values()] for row in result["formats"]
    ]
    present.table("", list(result["formats"][0]), rows)
    chosen = f"{result['chosen']} {result['parameters']}".strip()
    tiles = f"{result['tiles']} tile{'s' if result['tiles'] != 1 else ''}"
    present.line(f"{result['file']}: {chosen}, {tiles}")
    for file in result["exported"]:
        present.line(file)
    if result["price"]:
        present.line(result["price"])
