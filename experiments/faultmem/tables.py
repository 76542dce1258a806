"""Accuracy of a network whose weights were written at low energy: uniform, graded, or corrected."""

import dataclasses
import tomllib
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.experiments.captions import caption
from nomul.experiments.tables import Rows
from nomul.golden import faultmem, network
from nomul.golden.faultmem import Config, secded
from nomul.golden.network import Dense, Layer, Network

NETWORK, BITS, SEEDS, RESOLUTION = "digits-mlp-int8", 8, 5, 30
# Chance of a failure, as a power of ten, of a byte's highest bit.
DECADES = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
# The worth of a bit doubles and its error's square quadruples from one to the next, so the least
# energy for an expected square error has chances that fall by four.
STEP = 2 * np.log10(2)

Array = NDArray[Any]


def decades() -> float:
    """Return the power of ten by which a write fails at the nominal energy, a model's constant."""
    text = resources.files("nomul.golden.faultmem").joinpath("device.toml").read_text()
    return float(tomllib.loads(text)["write"]["decades"])


def written(
    old: Array, new: Array, powers: Array, seed: int, codes: bool = False
) -> tuple[Array, Array]:
    """Return bytes after a write, and how many of each bit had to change.

    Parameters
    ----------
    old, new
        Bytes uint8[n].
    powers
        Chance of a failure of each bit written, 10^-power, float[bits].
    seed
        Of the random numbers.
    codes
        Whether check bits are written too and correct what is read.
    """
    before, after = old.astype(np.int64), new.astype(np.int64)
    if codes:
        before, after = secded.encode(before, BITS), secded.encode(after, BITS)
    bits = len(powers)
    most = (1 << RESOLUTION) - 1  # a bit without energy keeps its old value all but always
    chances = tuple(min(int(p), most) for p in np.round(2.0**RESOLUTION * 10.0**-powers))
    size = {"words": len(new), "bits": bits, "resolution": RESOLUTION}
    cfg = Config(**size, seed=seed, p01=chances, p10=chances)
    held = faultmem.model(cfg, np.arange(len(new)), after, before).memory
    changed = (((before ^ after)[:, None] >> np.arange(bits)) & 1).sum(axis=0)
    return (secded.decode(held, BITS).word if codes else held), changed


def _schemes() -> dict[str, tuple[int, float, bool]]:
    """Return bits, rise of the power per bit, and whether check bits correct, by name."""
    return {
        "one energy for all bits": (BITS, 0.0, False),
        "more energy for higher bits": (BITS, float(STEP), False),
        "one energy, SECDED": (BITS + secded.check_bits(BITS), 0.0, True),
    }


@caption("Accuracy and write energy of the digits MLP, INT8, by how its weights are written.")
def inference() -> Rows:
    """Return accuracy and, by a model, energy for each scheme and chance of a failure."""
    from nomul.train import digits

    net, samples = network.example(NETWORK), digits.load()
    weights = [layer.w for layer in net.layers if isinstance(layer, Dense)]
    new = np.concatenate([w.ravel() for w in weights]).astype(np.int8).view(np.uint8)
    codes = net.encode(samples.x_test)
    nominal = decades()
    rows: Rows = [_row("exact", 0.0, 1.0, [_accuracy(net, codes, samples.labels_test)])]
    for name, (bits, rise, check) in _schemes().items():
        for power in DECADES:
            powers = np.maximum(power - rise * np.arange(bits)[::-1], 0.0)
            right, spent = [], []
            for seed in range(1, SEEDS + 1):
                old = np.random.default_rng(seed).permutation(new)
                got, changed = written(old, new, powers, seed, check)
                plain = int(np.bitwise_count(old ^ new).sum())
                spent.append(float((changed * powers / nominal).sum()) / plain)
                right.append(_accuracy(_with(net, got), codes, samples.labels_test))
            rows.append(_row(name, power, float(np.mean(spent)), right))
    return rows


def _row(name: str, power: float, energy: float, right: list[float]) -> dict[str, Any]:
    return {
        "written with": name,
        "highest bit fails": "never" if name == "exact" else f"10^-{power:g}",
        "write energy": round(energy, 3),
        "accuracy": f"{100 * np.mean(right):.1f} %",
        "worst of five": f"{100 * min(right):.1f} %",
    }


def _with(net: Network, held: Array) -> Network:
    """Return the network with weights from bytes."""
    signed, at = held.astype(np.uint8).view(np.int8).astype(np.int64), 0
    layers: list[Layer] = []
    for layer in net.layers:
        if isinstance(layer, Dense):
            size = layer.w.size
            layers.append(Dense(w=signed[at : at + size].reshape(layer.w.shape)))
            at += size
        else:
            layers.append(layer)
    return dataclasses.replace(net, layers=layers)


def _accuracy(net: Network, codes: Array, labels: Array) -> float:
    answers = network.model(net, codes)
    labels_given = answers if answers.ndim == 1 else answers.argmax(axis=1)
    return float((labels_given == labels).mean())


@caption("Accuracy against write energy: three curves, of which graded energies lie leftmost.")
def curves(rows: Rows, figure: Any) -> None:
    """Draw accuracy against energy, one curve per scheme, every mark with its chance."""
    axes = figure.subplots()
    exact = float(rows[0]["accuracy"].split()[0])
    axes.axhline(exact, color="grey", linewidth=0.8, label="exact")
    for name, below in zip(_schemes(), (-16, 6, -26), strict=True):
        mine = [row for row in rows if row["written with"] == name]
        x = [row["write energy"] for row in mine]
        y = [float(row["accuracy"].split()[0]) for row in mine]
        (line,) = axes.plot(x, y, "o-", label=name, markersize=4)
        for row, at, value in zip(mine, x, y, strict=True):
            axes.annotate(
                row["highest bit fails"],
                (at, value),
                textcoords="offset points",
                xytext=(3, below),
                fontsize=6,
                color=line.get_color(),
            )
    axes.set_xlabel("write energy, of the nominal without check bits (modelled)")
    axes.set_ylabel("accuracy on 360 digits, %")
    axes.set_ylim(top=103)
    axes.legend()


TABLES = {"T1": inference}
PLOTS = {"T1": curves}
