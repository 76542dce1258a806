"""Energy of an image on standard cells: spikes, bit planes of an INT8 network, and tables."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import nomul
from nomul.experiments.captions import caption
from nomul.golden import lif, lutnet
from nomul.golden.lif import files
from nomul.train import data

IMAGES = 6
PERIOD_PS = 2000
LANES = 8

# The tile of bit planes that a layer of 64 inputs goes through, eight neurons at a time.
PLANES = {
    "inputs": 64,
    "outputs": LANES,
    "lanes": LANES,
    "act_planes": 8,
    "act_signed": False,
    "weight_planes": 6,
    "encodings": ("and",),
    "checks": False,
}


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


@caption("Energy of an image of digits on FreePDK45 at 500 MHz, by kind of network.")
def rows() -> list[dict[str, Any]]:
    """Return energy of an image of digits on FreePDK45, by kind of network, at 500 MHz."""
    digits = data.load("digits")
    network = files.load(lif.trained()["digits-32"])
    spiking = lif.predict(network, digits.x_test).label
    tables = lutnet.Config.preset("digits-hx1k")
    looked_up = lutnet.predict(tables.load(), tables.codes(digits.x_test))
    found = []
    with _stimuli(digits.x_test[:IMAGES]) as folder:
        mapped = _mapped("lif", folder, preset="digits-32")
        spent = mapped.energy()
        found.append(
            _row("spikes, 64-32-10, T = 8, weights wired", _accuracy(spiking, digits), mapped,
                 spent, spent.per_operation_fj * network.steps, spent.cycles / spent.operations
                 * network.steps)
        )  # fmt: skip
        mapped = _mapped("lutnet", folder, preset="digits-hx1k")
        spent = mapped.energy()
        found.append(
            _row("binary tables, 300, one image per cycle", _accuracy(looked_up, digits), mapped,
                 spent, spent.per_operation_fj, spent.cycles / spent.operations)
        )  # fmt: skip
    return found


def _accuracy(labels: np.ndarray, samples: data.Data) -> str:
    return f"{100 * (labels == samples.labels_test).mean():.1f} %"


@caption("Energy of an image of digits with INT8 activations on bit planes, FreePDK45.")
def planes() -> list[dict[str, Any]]:
    """Return energy of INT8 on bit planes for as many products as an image of digits takes."""
    network = files.load(lif.trained()["digits-32"])
    with tempfile.TemporaryDirectory() as scratch:
        mapped = _mapped("bitplanes", Path(scratch), **PLANES)
        spent = mapped.energy()
    # As many products as the network has weights; the tile's own time, without reloading it.
    products = sum(w.size for w in network.weights)
    what = "INT8 on bit planes, 64-32-10, weights in flip-flops"
    cycles = spent.cycles / spent.operations * products
    energy_fj = spent.per_operation_fj * products
    return [_row(what, "not trained", mapped, spent, energy_fj, cycles)]


def _mapped(block: str, folder: Path, **changes: Any) -> Any:
    return nomul.design(block, **changes).synthesize(
        "freepdk45", folder / block, period_ps=PERIOD_PS
    )


def _row(
    what: str, accuracy: str, mapped: Any, spent: Any, energy_fj: float, cycles: float
) -> dict[str, Any]:
    return {
        "network": what,
        "accuracy": accuracy,
        "um2": round(mapped.row.area_um2),
        "cycles per image": round(cycles),
        "pJ per image": round(energy_fj / 1000, 1),
        "of it clock": f"{100 * spent.split.clock / spent.total_fj:.0f} %",
    }
