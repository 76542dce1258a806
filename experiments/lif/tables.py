"""Tables of docs/lif.md: what spikes save, what a network takes on FPGAs, energy per image."""

import tempfile
from pathlib import Path
from typing import Any

from nomul import flow, registry
from nomul.experiments.captions import caption
from nomul.experiments.lif import choice, energy
from nomul.golden import lif
from nomul.golden.lif import Config, Network, files
from nomul.train import data
from nomul.train.data import Data

Rows = list[dict[str, Any]]

# Networks that come with nomul, and the data that they were trained on.
NETWORKS = {"digits-32": "digits", "digits": "digits", "fashion-mnist": "fashion-mnist"}

INT8 = 8  # planes of an activation

# A 784-128-10 with its weights on the chip: in block RAM that the bitstream fills, or in the large
# memories of the UP5K, which it cannot fill and a port does.
PLACED = {
    "ecp5": ("25k", {"network": "fashion-mnist", "lanes": 8}),
    "ice40": (
        "up5k",
        {"network": "fashion-mnist", "lanes": 8, "weights": "large", "counter_bits": 0},
    ),
}


@caption("Additions of spiking networks beside those of INT8 activations, per test image.")
def additions() -> Rows:
    """Return additions of spiking networks beside those of INT8 activations, per test image."""
    return [_row(name, source) for name, source in NETWORKS.items()]


def _row(name: str, source: str) -> dict[str, Any]:
    network, samples = files.load(lif.trained()[name]), data.load(source)
    right = lif.predict(network, samples.x_test).label == samples.labels_test
    x = samples.x_test[:1000]
    counts = lif.counts(network, network.spikes(x))
    added = sum(one.additions for one in counts) / len(x)
    weights = sum(w.size for w in network.weights)
    sizes = [network.inputs, *(layer.neurons for layer in network.layers)]
    rates = [one.events / (len(x) * network.steps * k.inputs)
             for one, k in zip(counts, network.layers, strict=True)]  # fmt: skip
    return {
        "network": "-".join(map(str, sizes)),
        "data": source,
        "accuracy": f"{100 * right.mean():.1f} %",
        "T": network.steps,
        "rate, input": round(rates[0], 3),
        "rate, hidden": round(rates[1], 3),
        "additions": round(added),
        "of INT8 by planes": INT8 * weights,
        "share": round(added / (INT8 * weights), 2),
        "equal at a rate of": round(INT8 / network.steps, 2),
        "multiplications of INT8": weights,
    }


def cycles(network: Network, lanes: int, samples: Data, images: int = 1000) -> float:
    """Return the mean cycles that the slowest layer takes for an image, by the formula."""
    counts = lif.counts(network, network.spikes(samples.x_test[:images]))
    layers = [layer.replace(lanes=lanes) for layer in network.layers]
    count = min(images, len(samples.x_test))
    return max(
        (one.events * layer.interval + count * network.steps * layer.latency) / count
        for one, layer in zip(counts, layers, strict=True)
    )


@caption("What a 784-128-10 takes on FPGAs with its weights inside, placed and routed.")
def placed() -> Rows:
    """Return what a 784-128-10 takes on FPGAs with its weights inside, placed and routed."""
    samples, rows = data.load("fashion-mnist"), []
    for target, (device, values) in PLACED.items():
        cfg = Config.from_dict(values)
        with tempfile.TemporaryDirectory() as folder:
            block = registry.get("lif")
            found = flow.place(block, cfg, Path(folder), target, device=device, seeds=(1,))
        taken = cycles(cfg.load(), cfg.lanes, samples)
        rows.append(
            {
                "target": target,
                "device": found.device,
                "lanes": cfg.lanes,
                "weights": "loaded" if cfg.loads else "in the bitstream",
                "MHz": round(found.fmax_mhz, 1),
                "cycles per image": round(taken),
                "us per image": round(taken / found.fmax_mhz),
                "sites": ", ".join(f"{n} {kind}" for kind, n in _shown(found.utilisation)),
            }
        )
    return rows


def _shown(sites: dict[str, int]) -> list[tuple[str, int]]:
    """Return how many sites logic, registers and memories take; pins and clocks are left out."""
    kinds = ("TRELLIS_COMB", "TRELLIS_FF", "TRELLIS_RAMW", "DP16KD", "MULT18X18D", "ICESTORM_LC",
             "ICESTORM_RAM", "ICESTORM_SPRAM", "ICESTORM_DSP")  # fmt: skip
    return [(kind, sites[kind]) for kind in kinds if sites.get(kind)]


TABLES = {"T1": additions, "T2": placed, "T3": energy.rows, "T5": choice.rows}
