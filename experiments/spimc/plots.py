"""Plots of SP-IMC's tables; see :mod:`nomul.experiments.tables`."""

from collections.abc import Callable
from typing import Any

from nomul.experiments.captions import caption

Rows = list[dict[str, Any]]


@caption("Bits relative to dense against sparsity: bitmap lowest to 0.7, run length beyond.")
def storage(rows: Rows, figure: Any) -> None:
    """Draw bits relative to dense against sparsity: bitmap lowest to 0.7, run length beyond."""
    axes = figure.subplots(1, 2, sharey=True)
    for axis, bits in zip(axes, (4, 8), strict=True):
        chosen = [row for row in rows if row["weight_bits"] == bits]
        sparsity = [row["sparsity"] for row in chosen]
        for name in ("coo", "rl", "bitmap", "dense"):
            axis.plot(sparsity, [row[name] for row in chosen], label=name, marker=".")
        axis.set(title=f"{bits}-bit weights", xlabel="sparsity", ylim=(0, 1.4))
    axes[0].set_ylabel("bits relative to dense")
    axes[0].legend()


@caption("Bits relative to dense of each format, for every pruning of a real layer.")
def pruned_storage(rows: Rows, figure: Any) -> None:
    """Draw bits relative to dense of each format, for every pruning of a real layer."""
    axes = figure.subplots(1, 2, sharey=True)
    for axis, bits in zip(axes, (4, 8), strict=True):
        chosen = [row for row in rows if row["weight_bits"] == bits]
        for name in ("coo", "rl", "nm", "bitmap"):
            values = [row[name] for row in chosen]
            axis.plot([row["pattern"] for row in chosen], values, label=name, marker="o", ls="")
        axis.set(title=f"{bits}-bit weights", ylim=(0, 2), xlabel="zeros in %, or N:M")
        axis.tick_params(axis="x", rotation=60)
    axes[0].set_ylabel("bits relative to dense")
    axes[0].legend()


@caption("Counted cycles against the number of lanes: COO falls with them, run length does not.")
def cycles(rows: Rows, figure: Any) -> None:
    """Draw counted cycles against the number of lanes: COO falls with them, run length does not."""
    axis = figure.subplots()
    for store, style in (("ff", "-"), ("rowserial", ":")):
        chosen = [row for row in rows if row["store"] == store]
        for number, name in enumerate(("dense", "coo", "rl", "nm")):
            axis.plot(
                [row["lanes"] for row in chosen],
                [row[name] for row in chosen],
                style,
                color=f"C{number}",
                marker=".",
                label=name if store == "ff" else None,
            )
    axis.set_xscale("log", base=2)
    axis.set(yscale="log", xlabel="lanes B", ylabel="cycles of a product")
    axis.set_title("solid: flip-flops; dotted: one slot per cycle")
    axis.legend()


@caption("The logic of a slot against cycles per plane: COO's falls as its cycles rise.")
def selects(rows: Rows, figure: Any) -> None:
    """Draw the logic of a slot against cycles per plane: COO's falls as its cycles rise."""
    axes = figure.subplots(1, 2)
    coo = [row for row in rows if row["slot"].startswith("coo")]
    steps = [128 // int(row["slot"].partition("=")[2]) for row in coo]
    others = {"dense": 4, "1:4": 1, "2:8": 1, "4:16": 1, "rl": 128}
    units = (("slot logic um2", "um2 in FreePDK45"), ("ecp5 slot luts", "LUT4 of ECP5"))
    for axis, (name, unit) in zip(axes, units, strict=True):
        axis.plot(steps, [row[name] for row in coo], marker="o", label="coo, B = 128 to 1")
        for row in rows:
            if row["slot"] in others:
                axis.plot(others[row["slot"]], row[name], "s", label=row["slot"])
        axis.set(xscale="log", yscale="log", xlabel="cycles per bit plane, 128 rows")
        axis.set_ylabel(f"logic of a slot, {unit}")
    axes[1].legend()


@caption("Entries written per inference for every pruning and format: fewer than dense.")
def rewrites(rows: Rows, figure: Any) -> None:
    """Draw entries written per inference for every pruning and format: fewer than dense."""
    axis = figure.subplots()
    patterns = list(dict.fromkeys(row["pattern"] for row in rows))
    (dense,) = (row["beats"] for row in rows if row["format"] == "dense")
    axis.axhline(dense, color="grey", label="dense")
    # Side by side, since some formats write about as much and would hide each other.
    for shift, (name, marker) in zip(
        (-0.24, -0.08, 0.08, 0.24),
        (("coo", "o"), ("rl", "s"), ("nm", "^"), ("bitmap", "D")),
        strict=True,
    ):
        chosen = [row for row in rows if row["format"] == name]
        places = [patterns.index(row["pattern"]) + shift for row in chosen]
        axis.plot(places, [row["beats"] for row in chosen], marker=marker, ls="", label=name)
    axis.set_xticks(range(len(patterns)), patterns)
    axis.set(yscale="log", ylabel="entries written per inference")
    axis.set_xlabel("pruning of the layer: zeros in %, or N:M")
    axis.legend()


@caption("The share of used slots before and after folding: a gain that ends at 95 % zeros.")
def balance(rows: Rows, figure: Any) -> None:
    """Draw the share of used slots before and after folding: a gain that ends at 95 % zeros."""
    axis = figure.subplots()
    patterns = [row["pattern"] for row in rows]
    for shift, name in ((-0.2, "slots in use"), (0.2, "slots in use, balanced")):
        axis.bar(
            [place + shift for place in range(len(rows))],
            [row[name] for row in rows],
            width=0.4,
            label=name,
        )
    axis.set_xticks(range(len(rows)), [f"{pattern} %" for pattern in patterns])
    axis.set(xlabel="zeros of the layer", ylabel="share of slots")
    axis.legend()


@caption("Energy per inference as bars, of loading and computing, for every macro.")
def energy(rows: Rows, figure: Any) -> None:
    """Draw energy per inference as bars, of loading and computing, for every macro."""
    axis = figure.subplots()
    below, above = ([row[name] for row in rows] for name in ("load pJ", "compute pJ"))
    labels = [
        f"{row['format']} B={row['lanes']}, {row['zeros']}"
        + (", all five" if row["macro"] == "all five" else "")
        for row in rows
    ]
    axis.barh(range(len(rows)), below, label="loading")
    axis.barh(range(len(rows)), above, left=below, label="computing")
    axis.set_yticks(range(len(rows)), labels)
    axis.invert_yaxis()
    axis.set(xlabel="pJ per inference", ylabel="format, lanes and zeros")
    axis.legend()


@caption("The range of sparsities in which a bitmap is densest: wider, the wider the weights.")
def bitmaps(rows: Rows, figure: Any) -> None:
    """Draw the range of sparsities in which a bitmap is densest: wider, the wider the weights."""
    axis = figure.subplots()
    widths = [row["weight_bits"] for row in rows]
    low, high = ([row[name] for row in rows] for name in ("dense up to", "run length from"))
    axis.fill_betweenx(widths, low, high, alpha=0.3, label="bitmap, closed forms")
    for name in ("measured from", "measured to"):
        axis.plot([row[name] for row in rows], widths, "o", color="C0")
    axis.set(xlim=(0, 1), xlabel="sparsity", ylabel="bits of a weight")
    axis.legend()


PLOTS: dict[str, Callable[[Rows, Any], None]] = {
    "T1": storage,
    "T1-pruned": pruned_storage,
    "T2": cycles,
    "T3": selects,
    "T4": rewrites,
    "T5": balance,
    "T6": energy,
    "T7": bitmaps,
}
