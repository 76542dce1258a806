"""Tables of docs/lutnet.md about streamed networks: accuracy, look-up tables, cycles, clock."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nomul.experiments import labels, tables
from nomul.experiments.captions import caption
from nomul.experiments.lutnet.area import ADDERS, mapped
from nomul.experiments.lutnet.training_tables import TRAIN, kept, number, percent
from nomul.golden import lutnet
from nomul.hw.lutnet import Top
from nomul.synth.emit import Emitted, emit
from nomul.synth.map.synthesize import synthesize

Rows = list[dict[str, Any]]

# Cycles in which votes are counted: what the first rows of the next image take, or a part of it.
COUNT_CYCLES = {28: 64, 8: 15}

# What is placed: network, target, device.
PLACED = (
    ("digits-streamed", "ice40", "up5k"),
    ("digits-streamed", "ecp5", "85k"),
)


def networks() -> dict[str, lutnet.Network]:
    """Return the committed streamed networks by name, the smallest file first."""
    paths = sorted(TRAIN.glob("streamed-*.npz"), key=lambda path: path.stat().st_size)
    digits = lutnet.Config(network="digits-streamed").load()
    return {"digits-streamed": digits} | {path.stem: lutnet.Network.load(path) for path in paths}


def configured(network: lutnet.Network, path: Path, target: str) -> lutnet.Config:
    """Return a network's hardware, which is written to a file: votes are counted in parts."""
    network.save(path)
    first = network.layers[0]
    assert isinstance(first, lutnet.Kernels)
    counted = any(isinstance(layer, lutnet.GroupSum) for layer in network.layers)
    cycles = COUNT_CYCLES[first.width] if counted else 1
    return lutnet.Config(
        network=str(path), adder=ADDERS[target], registers="end", count_cycles=cycles
    )


def design(network: lutnet.Network, target: str) -> tuple[lutnet.Config, Emitted]:
    """Return the hardware of a network with the adders of a target, and its Verilog."""
    with tempfile.TemporaryDirectory() as folder:
        cfg = configured(network, Path(folder) / "net.npz", target)
        return cfg, emit(Top(cfg), "lutnet")


def measured(network: lutnet.Network) -> dict[str, int]:
    """Return what a network takes on xc7: its front alone, its tables, and all of it."""
    front = lutnet.Network(network.layers[:2], network.inputs, network.input_bits)
    alone = synthesize(design(front, "xc7")[1], "xc7").resources
    cfg, emitted = design(network, "xc7")
    whole = synthesize(emitted, "xc7").resources
    direct = sum(len(x.tt) for x in network.layers if isinstance(x, lutnet.DirectLut))
    return {
        "front": alone["luts"],
        "tables": direct,
        "rest": whole["luts"] - alone["luts"] - direct,
        "LUTs": whole["luts"],
        "flip-flops": whole["ffs"],
        "cycles an image": cfg.interval,
        "latency": cfg.latency,
    }


@caption("Streamed networks: accuracy, look-up tables on xc7, all counted, and cycles.")
def streamed() -> Rows:
    """Return streamed networks: accuracy, look-up tables on xc7, all counted, and cycles."""
    rows = []
    for name, network in networks().items():
        kernels, windows = network.layers[:2]
        assert isinstance(kernels, lutnet.Kernels)
        assert isinstance(windows, lutnet.Windows)
        row = {
            "network": name,
            "test accuracy": percent(network.about["test"][0]),
            "kernels": len(kernels.tt),
            "bits": len(windows.kernel),
        }
        rows.append(row | kept("streamed", network, measured))
    return rows


@caption("Test accuracy on Fashion-MNIST against look-up tables: streamed above whole vectors.")
def plot_streamed(rows: Rows, figure: Any) -> None:
    """Draw test accuracy on Fashion-MNIST against tables: streamed above whole vectors."""
    axes = figure.subplots()
    vectors = tables.load("lutnet", "T1-pareto").rows
    own = [row for row in rows if row["network"].startswith("streamed")]
    points, colours = [], []
    for lines, size, style, text in (
        (vectors, "LUTs, no argmax", "o-", "whole vectors, all but argmax"),
        (own, "LUTs", "D-", "streamed, one pixel per cycle, all"),
    ):
        places = [(row[size], number(row["test accuracy"])) for row in lines]
        (line,) = axes.plot(*zip(*places, strict=True), style, label=text)
        points += [(x, y, row["network"]) for (x, y), row in zip(places, lines, strict=True)]
        colours += [line.get_color()] * len(places)
    axes.set_xscale("log")
    axes.set_xlabel("look-up tables, xc7")
    axes.set_ylabel("test accuracy, %")
    axes.margins(0.12)
    axes.legend(loc="lower right")
    labels.label(axes, points, colours)


@caption("Streamed networks placed and routed, seed 1: cells, clock and images per second.")
def placed() -> Rows:
    """Return streamed networks placed and routed with seed 1: cells, clock, images per second."""
    rows = []
    found = networks()
    for name, target, device in PLACED:
        cfg, emitted = design(found[name], target)
        with mapped(emitted, target) as (whole, place):
            result = place(device=device)
        rows.append(
            {
                "network": name,
                "test accuracy": percent(found[name].about["test"][0]),
                "device": device,
                "LUTs": whole.resources["luts"],
                "flip-flops": whole.resources["ffs"],
                "MHz": round(result.fmax_mhz, 1),
                "cycles an image": cfg.interval,
                "images per second": int(result.fmax_mhz * 1e6 / cfg.interval),
            }
        )
    return rows


TABLES: dict[str, Callable[[], Rows]] = {"T10-streamed": streamed, "T10-placed": placed}

PLOTS: dict[str, Callable[[Rows, Any], None]] = {"T10-streamed": plot_streamed}
