"""Tables and plot of SONIC: a trained network on it, and what its electronic part costs."""

import json
import tempfile
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

from nomul import registry
from nomul.experiments.captions import caption
from nomul.experiments.sonic import area
from nomul.golden import sonic
from nomul.golden.sonic import Config, Result
from nomul.golden.sonic import devices as device
from nomul.golden.sonic import network as sonic_network
from nomul.golden.sonic import sweep as sonic_sweep
from nomul.golden.sonic.network import Layer
from nomul.train import fashion

Rows = list[dict[str, Any]]

NAMES = ("conv1", "conv2", "fc1", "fc2")
FRAMES = 20  # of a sweep
COUNTERS = ("passes", "rounds", "active", "gated", "pad", "saturations")


def trained(levels: int = 16) -> list[Layer]:
    """Return the packaged network of 16 or of 64 levels."""
    with as_file(files("nomul.train.sonic") / f"{levels}.npz") as path:
        return sonic_network.load(path)


def pictures(count: int | None = None) -> tuple[Any, Any]:
    """Return the first test images of Fashion-MNIST as the network takes them, and their labels."""
    test = fashion.load("test")
    return test.images[:count].astype(np.int64)[:, None] << 7, test.labels[:count]


@caption("The accuracy on all 10,000 test images before and after pruning and clustering.")
def accuracy() -> Rows:
    """Return the accuracy on all 10,000 test images before and after pruning and clustering."""
    report = json.loads((files("nomul.train.sonic") / "report.json").read_text())
    images, labels = pictures()
    rows = []

    def row(network: str, weights: int, real: float, integer: float | None) -> None:
        whole = None if integer is None else round(100 * integer, 2)
        named = {"floating point, %": round(100 * real, 2), "as the hardware has it, %": whole}
        rows.append({"network": network, "weights": weights} | named)

    row("dense", report["parameters"], report["dense"], None)
    row("pruned", report["left"], report["pruned"], None)
    for levels in (64, 16):
        layers = trained(levels)
        left = sum(int((layer.levels[layer.codes] != 0).sum()) for layer in layers)
        right = sonic_network.accuracy(Config(), layers, images, labels)
        label = f"pruned, {levels} levels with zero"
        row(label, left, report["clustered"][str(levels)], right)
    return rows


@caption("What every layer does for a test image, counted in the Verilog of 10 + 2 units.")
def layers(conv_units: int = 10, fc_units: int = 2) -> Rows:
    """Return what every layer does for a test image, counted in the Verilog of 10 + 2 units.

    Lanes are those of the paper preset, and so is every count but rounds and cycles; fewer units
    simulate sooner.
    """
    from nomul import flow

    cfg = Config.preset("paper", conv_units=conv_units, fc_units=fc_units)
    network = trained()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        np.savez(folder / "images.npz", images=pictures(1)[0])
        sonic_network.save(folder / "network.npz", network)
        files_of = {"NOMUL_NETWORK": "network.npz", "NOMUL_STIMULI": "images.npz"}
        report = flow.simulate(
            registry.get("sonic"),
            cfg,
            folder,
            bench="nomul.sim.sonic.network",
            environment={name: str(folder / file) for name, file in files_of.items()},
        )
    rows = []
    for name, layer, counted in zip(NAMES, network, report.records["layers"], strict=True):
        counts: dict[str, Any] = {counter: int(counted[counter]) for counter in COUNTERS}
        result = Result(np.zeros(0, dtype=np.int64), **counts, kind=layer.kind)
        time, energy = sonic.device(cfg, result)
        rows.append(
            {
                "layer": name,
                "weights": layer.codes.size,
                "zero, %": round(100 * layer.sparsity, 1),
                **{counter: counts[counter] for counter in COUNTERS[:5]},
                "cycles": int(counted["cycles"]),
                "photonic time, us": round(time * 1e6, 2),
                "energy, uJ": round(energy * 1e6, 2),
                "saved by gating, %": round(100 * device.gating_saves(cfg, result), 1),
            }
        )
    return rows


@caption("Power over active lanes: steep for a CONV unit, flat for an FC unit; layers as crosses.")
def gating(rows: Rows, figure: Any) -> None:
    """Draw power over active lanes: steep for a CONV unit, flat for an FC unit; layers as crosses.

    The gated side of a CONV unit has 16-bit converters, that of an FC unit 6-bit ones.
    """
    cfg, devices = Config.preset("paper"), device.load()
    axes = figure.subplots()
    for kind, colour in {"fc": "tab:blue", "conv": "tab:orange"}.items():
        lanes = cfg.lanes(kind)
        full = device.unit_mw(devices, kind, lanes)
        power = [device.unit_mw(devices, kind, a, lanes - a) / full for a in range(lanes + 1)]
        label = f"{kind.upper()} unit, {lanes} lanes, {full:.1f} mW at full activity"
        marker = "o" if lanes < 10 else ""
        shares = [100 * a / lanes for a in range(lanes + 1)]
        axes.plot(shares, [100 * p for p in power], color=colour, marker=marker, label=label)
    for number, row in enumerate(rows):
        share = 100 * row["active"] / (row["active"] + row["gated"])
        left = 100 - row["saved by gating, %"]
        place = (5, -12) if number % 2 == 0 else (-30, 6)
        axes.plot(share, left, "x", color="black")
        axes.annotate(row["layer"], (share, left), textcoords="offset points", xytext=place)
    axes.set_xlabel("active lanes, % of those that hold an element")
    axes.set_ylabel("power, % of that without gating")
    axes.set_ylim(0, 105)
    axes.legend(loc="lower right", frameon=False)


@caption("The accuracy on 2,000 images with operands of the bits that crosstalk leaves.")
def crosstalk(count: int = 2000) -> Rows:
    """Return the accuracy on 2,000 images with operands of the bits that crosstalk leaves."""
    images, labels = pictures(count)
    rows = []
    for n, m in ((5, 50), (5, 25), (5, 15), (15, 15), (5, 5)):
        cfg = device.limited(Config(conv_lanes=n, fc_lanes=m))
        bits = {"bits, CONV": cfg.conv_resolution, "bits, FC": cfg.fc_resolution}
        named: dict[str, Any] = {"n": n, "m": m, **bits}
        for levels in (16, 64):
            right = sonic_network.accuracy(cfg, trained(levels), images, labels)
            named[f"{levels} levels, %"] = round(100 * right, 2)
        rows.append(named)
    return rows


@caption("The trade-off of lanes and units, by our definitions, best frames per joule first.")
def sweep(count: int = FRAMES) -> Rows:
    """Return the trade-off of lanes and units, by our definitions, best frames per joule first."""
    images, _ = pictures(count)
    return [
        {
            "n": p.conv_lanes,
            "m": p.fc_lanes,
            "N": p.conv_units,
            "K": p.fc_units,
            "rounds": p.rounds,
            "active lanes, %": round(100 * p.active_share),
            "FPS": round(p.fps),
            "full power, W": round(p.full_power_w, 1),
            "FPS/W": round(p.fps_per_watt),
            "FPS/W at full power": round(p.fps_per_watt_full),
            "pJ/bit": round(p.energy_per_bit_j * 1e12, 1),
        }
        for p in sonic_sweep.sweep(trained(), images)
    ]


def metrics(cfg: Config) -> dict[str, Any]:
    """Return what a sweep may compare: power, crosstalk, and a frame of the trained network.

    ``network`` says what was counted, or why nothing was: the images are not installed, or the
    network needs other widths. See ``nomul.golden.sonic.sweep.DEFINITIONS``.
    """
    devices = device.load()
    figures: dict[str, Any] = {
        "full_power_w": round(device.full_mw(cfg, devices) * 1e-3, 3),
        "conv_crosstalk_bits": round(min(device.crosstalk_bits(cfg.conv_lanes), 16), 2),
        "fc_crosstalk_bits": round(min(device.crosstalk_bits(cfg.fc_lanes), 16), 2),
    }
    try:
        images, _ = pictures(FRAMES)
        _, results = sonic_network.run(cfg, trained(), images)
    except (FileNotFoundError, ValueError) as reason:
        return figures | {"network": str(reason)}
    p = sonic_sweep.point(cfg, results, FRAMES, devices)
    return figures | {
        "network": f"Fashion-MNIST, {FRAMES} images",
        "rounds": p.rounds,
        "active_share": round(p.active_share, 4),
        "fps": round(p.fps, 1),
        "fps_per_watt": round(p.fps_per_watt, 1),
        "fps_per_watt_full": round(p.fps_per_watt_full, 1),
        "pj_per_bit": round(p.energy_per_bit_j * 1e12, 3),
    }


TABLES = {
    "T1": accuracy,
    "T2": layers,
    "T3": crosstalk,
    "T4": sweep,
    "T5": area.area,
    "T6": area.placed,
    "T7": area.energy,
    "T8": area.compactors,
}
PLOTS = {"T2": gating}
PAGE = {"T4": lambda rows: [row for row in rows if row["N"] == 5 * row["K"]]}
