"""Table T4 of docs/essop.md: accuracy of networks trained with ESSOP in the loop.

The runs take PyTorch and minutes to hours, so they are a command of their own, `nomul train essop`,
and their record is committed; these tables are computed from the record.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.experiments.captions import caption

Rows = list[dict[str, Any]]

RECORDS = Path(__file__).parents[1] / "baseline"
EXACT = "fp32"


def record(network: str) -> dict[str, Any]:
    """Return the committed record of a network's runs.

    Its ``runs`` have ``source``, ``stream_bits``, ``seed`` and ``accuracy`` on the test set, a
    fraction; source ``fp32`` means exact gradients.
    """
    content: dict[str, Any] = json.loads((RECORDS / f"training-essop-{network}.json").read_text())
    return content


@caption("Accuracy of a three-layer network on digits against source and stream length.")
def mlp() -> Rows:
    """Return accuracy of a three-layer network on digits against source and stream length."""
    return summary(record("mlp")["runs"])


@caption("Accuracy of a convolutional network on Fashion-MNIST against source and BL.")
def convnet() -> Rows:
    """Return accuracy of a convolutional network on Fashion-MNIST against source and BL."""
    return summary(record("convnet")["runs"])


def summary(runs: Rows) -> Rows:
    """Return one row per setting: mean and standard deviation over its seeds, in percent.

    A seed sets initial weights and order of the images for exact and stochastic gradients alike, so
    ``difference`` is the mean of differences between runs that share both, and its spread is
    theirs.
    """
    accuracy = {
        (run["source"], run["stream_bits"], run["seed"]): 100 * run["accuracy"] for run in runs
    }
    rows = []
    for source, length in dict.fromkeys(key[:2] for key in accuracy):
        seeds = [key[2] for key in accuracy if key[:2] == (source, length)]
        values = np.array([accuracy[source, length, seed] for seed in seeds])
        paired = values - np.array([accuracy[EXACT, 0, seed] for seed in seeds])
        exact = source == EXACT
        rows.append(
            {
                "source": source,
                "BL": None if exact else length,
                "seeds": len(seeds),
                "accuracy": round(float(values.mean()), 2),
                "spread": _deviation(values),
                "difference": None if exact else round(float(paired.mean()), 2),
                "spread of it": None if exact else _deviation(paired),
            }
        )
    return rows


def _deviation(values: NDArray[np.float64]) -> float | None:
    """Return the standard deviation of a sample, rounded; None of a single value."""
    return round(float(values.std(ddof=1)), 2) if len(values) > 1 else None


def by_source(rows: Rows) -> Rows:
    """Return a row per source and a column per stream length: mean and spread, as text."""
    lengths = sorted({row["BL"] for row in rows if row["BL"]})
    shown: dict[tuple[str, int | None], str] = {
        (row["source"], row["BL"]): f"{row['accuracy']:.1f} ± {row['spread']:.1f}" for row in rows
    }
    exact = shown[EXACT, None]
    sources = dict.fromkeys(row["source"] for row in rows if row["BL"])
    heads = [{"source": "FP32, exact gradients"} | {f"BL {n}": exact for n in lengths}]
    return heads + [
        {"source": f"`{source}`"} | {f"BL {n}": shown[source, n] for n in lengths}
        for source in sources
    ]


@caption("Accuracy on digits against BL, a line per source with its spread, FP32 as a band.")
def plot_mlp(rows: Rows, figure: Any) -> None:
    """Draw accuracy on digits against BL, a line per source with its spread, FP32 as a band."""
    _plot(rows, figure, "digits, three-layer network", 80)


@caption("Accuracy on Fashion-MNIST against BL, a line per source with spread, FP32 as a band.")
def plot_convnet(rows: Rows, figure: Any) -> None:
    """Draw accuracy on Fashion-MNIST against BL, a line per source with spread, FP32 as a band."""
    _plot(rows, figure, "Fashion-MNIST, convolutional network", None)


def _plot(rows: Rows, figure: Any, title: str, lowest: float | None) -> None:
    plot = figure.subplots()
    exact = next(row for row in rows if row["source"] == EXACT)
    low, high = (exact["accuracy"] + sign * exact["spread"] for sign in (-1, 1))
    plot.axhspan(low, high, color="0.85", lw=0)
    plot.axhline(exact["accuracy"], color="0.5", lw=1, label="FP32, mean and spread")
    sources = list(dict.fromkeys(row["source"] for row in rows if row["BL"]))
    for index, source in enumerate(sources):
        group = [row for row in rows if row["source"] == source]
        shift = 2 ** (0.06 * (index - (len(sources) - 1) / 2))  # apart, so that bars can be read
        plot.errorbar(
            [row["BL"] * shift for row in group],
            [row["accuracy"] for row in group],
            [row["spread"] for row in group],
            marker="o",
            ms=4,
            lw=1,
            capsize=2,
            label=source,
        )
    lengths = sorted({row["BL"] for row in rows if row["BL"]})
    plot.set_xscale("log", base=2)
    plot.set_xticks(lengths, [str(length) for length in lengths])
    plot.set_xlabel("stream length BL (bits)")
    plot.set_ylabel("test accuracy (%)")
    if lowest is not None:
        plot.set_ylim(lowest, 100)
    plot.set_title(title, fontsize=10)
    plot.legend(fontsize=8, ncols=2)


TABLES = {"T4": mlp, "T4-convnet": convnet}
PLOTS = {"T4": plot_mlp, "T4-convnet": plot_convnet}
PAGE = {"T4": by_source, "T4-convnet": by_source}
