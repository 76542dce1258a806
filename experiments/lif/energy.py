"""Energy of an image on standard cells: spikes, bit planes of an INT8 network, and tables."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import nomul
from nomul import flow, registry
from nomul.experiments.captions import caption
from nomul.experiments.on_cells import on_cells
from nomul.golden import lif, lutnet, network
from nomul.golden.lif import files
from nomul.synth.emit import emit
from nomul.synth.energy.power import Energy
from nomul.synth.map.recipes import BALANCED
from nomul.synth.map.stdcells import FreePdk45
from nomul.train import data, digits

IMAGES = 6
PERIOD_PS = 2000
LANES = 8

# The INT8 network, and the tile of bit planes that its layers of 64 inputs go through, eight
# neurons at a time.
INT8 = "digits-mlp-int8"
PLANES = {
    "inputs": 64,
    "outputs": LANES,
    "lanes": LANES,
    "act_planes": 8,
    "act_signed": False,
    "weight_planes": 8,
    "encodings": ("and",),
    "rounding": False,
    "checks": False,
}
# Modules that hold a tile's weights, which the networks of spikes and of tables have wired.
STORE = {"bitplanes_store", "bitplanes_loader"}

Row = dict[str, Any]


@caption("Energy of an image of digits on FreePDK45 at 500 MHz, by kind of network.")
def rows() -> list[Row]:
    """Return energy of an image of digits on FreePDK45, by kind of network, at 500 MHz.

    The last column is modelled: the mean rate of the inputs at which the spiking network, at its
    energy per cycle, would take as much. None where its steps take more without any spike.
    """
    samples = data.load("digits")
    spikes = files.load(lif.trained()["digits-32"])
    spiking = lif.predict(spikes, samples.x_test).label
    tables = lutnet.Config.preset("digits-hx1k")
    looked_up = lutnet.predict(tables.load(), tables.codes(samples.x_test))
    with _stimuli(samples.x_test[:IMAGES]) as folder:
        area, spent = _measured("lif", folder, preset="digits-32")
        images = spent.operations / spikes.steps
        what = "spikes, 64-32-10, T = 8, weights wired"
        right = _share(spiking == samples.labels_test)
        found = [_row(what, right, area, spent, images) | {"equal at a rate of": None}]
        per_cycle = spent.per_cycle_fj
        area, spent = _measured("lutnet", folder, preset="digits-hx1k")
        what = "binary tables, 300, one image per cycle"
        right = _share(looked_up == samples.labels_test)
        others = [_row(what, right, area, spent, spent.operations)]
    for row in planes() + others:
        rate = _even(row["pJ per image"] * 1000 / per_cycle, spikes)
        found.append(row | {"equal at a rate of": rate})
    return found


def planes() -> list[Row]:
    """Return energy of the INT8 network on bit planes, with and without what holds its weights.

    Measured on the first eight neurons of both layers of 64 inputs, with their weights and the
    activations of the images. A product of the last layer, of 32 inputs, counts as one of the layer
    before. The tile's own time, without reloading it.
    """
    net, known = network.example(INT8), digits.load()
    codes = np.rint(known.x_test / net.input_scale + net.input_zero).astype(np.int64)
    right = _share(network.model(net, codes).argmax(axis=1) == known.labels_test)
    values = network.trace(net, codes[:IMAGES])
    dense = [(n, layer.w) for n, layer in enumerate(net.layers) if isinstance(layer, network.Dense)]
    sizes = [w.size for _, w in dense]
    block, cells = registry.get("bitplanes"), FreePdk45(recipes=(BALANCED,))
    cfg, spent = block.config().from_dict(PLANES), list[Energy]()
    emitted = emit(block.top(cfg), block.name)
    with on_cells(emitted, cells, PERIOD_PS, hierarchical=True) as design:
        mapped, operands = design.mapped, design.folder / "operands.npz"
        for number, w in dense[:2]:
            np.savez(operands, w=w[:, : cfg.outputs], x=values[number])
            given = {"NOMUL_STIMULI": str(operands)}
            spent.append(design.spend(flow.workload(block, cfg), environment=given))
    assert mapped.area_um2 is not None
    store = sum(part.area_um2 or 0.0 for n, part in mapped.parts.items() if n in STORE)
    products = (sizes[0], sum(sizes[1:]))
    whole = [_scaled(one, n) for one, n in zip(spent, products, strict=True)]
    logic = [_scaled(one, n, without=STORE) for one, n in zip(spent, products, strict=True)]
    named = "INT8 on bit planes, 64-64-32-10"
    return [
        _summed(f"{named}, weights in flip-flops", right, mapped.area_um2, whole),
        _summed(f"{named}, without them", right, mapped.area_um2 - store, logic),
    ]


def _scaled(spent: Energy, products: int, without: set[str] | None = None) -> np.ndarray:
    """Return energy, of it that of the clock, and cycles of so many products, in fJ."""
    leak = spent.cycles * spent.period_ps * 1e-6
    parts = [split for name, split in spent.parts.items() if name not in (without or set())]
    energy = sum(split.dynamic + split.leakage_nw * leak for split in parts)
    clock = sum(split.clock for split in parts)
    return np.array([energy, clock, spent.cycles]) * products / spent.operations


def _summed(what: str, right: str, area_um2: float, layers: list[np.ndarray]) -> Row:
    energy, clock, cycles = np.sum(layers, axis=0).tolist()
    return _named(what, right, area_um2, cycles, energy, clock / energy)


@contextlib.contextmanager
def _stimuli(x: np.ndarray) -> Iterator[Path]:
    """Let benches run on given inputs instead of their own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stimuli.npz"
        np.savez(path, x=x)
        os.environ["NOMUL_STIMULI"] = str(path)
        try:
            yield Path(folder)
        finally:
            del os.environ["NOMUL_STIMULI"]


def _measured(block: str, folder: Path, preset: str) -> tuple[float, Energy]:
    """Map a preset, and return its area and what its bench takes."""
    mapped = nomul.design(block, preset).synthesize(
        "freepdk45", folder / block, period_ps=PERIOD_PS
    )
    assert mapped.row.area_um2 is not None
    return mapped.row.area_um2, mapped.energy().value


def _share(right: np.ndarray) -> str:
    return f"{100 * right.mean():.1f} %"


def _even(cycles: float, spikes: lif.Network) -> float | None:
    """Return the mean input rate at which the first layer takes so many cycles for an image."""
    first = spikes.layers[0].replace(lanes=LANES)
    left = cycles - spikes.steps * first.latency
    rate = left / (first.interval * first.inputs * spikes.steps)
    return round(rate, 3) if rate > 0 else None


def _row(what: str, right: str, area_um2: float, spent: Energy, images: float) -> Row:
    cycles, energy = spent.cycles / images, spent.total_fj / images
    return _named(what, right, area_um2, cycles, energy, spent.split.clock / spent.total_fj)


def _named(
    what: str, right: str, area_um2: float, cycles: float, energy_fj: float, clock: float
) -> Row:
    return {
        "network": what,
        "accuracy": right,
        "um2": round(area_um2),
        "cycles per image": round(cycles),
        "pJ per image": round(energy_fj / 1000, 1),
        "of it clock": f"{100 * clock:.0f} %",
    }
