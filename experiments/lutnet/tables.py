"""Tables of docs/lutnet.md: area, tiles, popcounts, and published results beside ours."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from nomul.experiments import tables
from nomul.experiments.captions import caption, captioned
from nomul.experiments.lutnet import (
    density_tables,
    published,
    rivals,
    streamed_tables,
    training_tables,
    unread,
)
from nomul.experiments.lutnet.area import ADDERS, PARTS, parts
from nomul.experiments.lutnet.fronts import FAMILIES, called, family, kind_of, smallest
from nomul.experiments.lutnet.published import Quoted
from nomul.experiments.lutnet.training_tables import TRAIN, networks, percent, select, study
from nomul.golden import compressor, lutnet
from nomul.golden.lutnet import files
from nomul.hw.compressor import Top as Compressor
from nomul.synth.emit import emit
from nomul.synth.map.synthesize import synthesize

Rows = list[dict[str, Any]]

WIDTHS = (64, 256, 1024)


def _area(target: str) -> Rows:
    return [_area_row(name, entry, target) for name, entry in at_equal_accuracy().items()]


def at_equal_accuracy() -> dict[str, tuple[str, lutnet.Network]]:
    """Return networks on digits by name, each with the mean accuracy of its five seeds.

    They are the pruned XNOR network of a density of 10 %, of each other family of T1-area the
    smallest that is no less accurate, and direct layers that are not either.
    """
    measured = tables.load("lutnet", "T1-area").rows
    (plain,) = (r for r in measured if r["network"] == "XNOR" and r["density"] == "10 %")
    rows = [plain, *(smallest(own, plain, measured) for own in FAMILIES if own != (True, False))]
    trained = networks("density")
    cases = {
        (called(kind_of(case)), density_tables.density_of(case["density"])): case
        for case in (line["case"] for line in select(study("density"), seed=1))
    }
    by_name = {}
    for row in filter(None, rows):
        case = cases[row["network"], row["density"]]
        name = f"{FAMILIES[family(row['network'])]}, K = {case['k'] or 1}, {row['density']}"
        by_name[name] = row["accuracy"], trained[files.named(case)]
    network = lutnet.Network.load(TRAIN / "digits-70.npz")
    accuracies = network.about["test"]
    by_name["direct, K = 6"] = percent(sum(accuracies) / len(accuracies)), network
    return by_name


def _area_row(name: str, entry: tuple[str, lutnet.Network], target: str) -> dict[str, Any]:
    accuracy, network = entry
    count, placed = parts(network, target)
    row: dict[str, Any] = {
        "network": name,
        "accuracy, five seeds": accuracy,
        "operators": operators(network),
        "LUTs": count["all"],
        **{f"LUTs, {part}": count[part] for part in PARTS},
    }
    if target == "xc7":
        return row
    if placed is None:
        return row | {"clock MHz": None, "device": "fits none"}
    return row | {"clock MHz": round(placed.fmax_mhz, 1), "device": placed.device}


def operators(network: lutnet.Network) -> int:
    """Return the number of products or tables of a network."""
    return sum(len(layer.idx) for layer in network.layers if hasattr(layer, "idx"))


@caption("Look-up tables of popcounts, compressor tree beside plain addition.")
def adders() -> Rows:
    """Return look-up tables of popcounts, compressor tree beside plain addition."""
    rows = []
    for target, adder in ADDERS.items():
        for width in WIDTHS:
            plus, tree = (_count(width, name, target) for name in ("plus", adder))
            rows.append(
                {
                    "target": target,
                    "bits": width,
                    "LUTs, plus": plus,
                    "LUTs, tree": tree,
                    "tree": adder,
                    "saved %": round(100 * (1 - tree / plus), 1),
                    "LUTs per bit": round(tree / width, 2),
                }
            )
    return rows


def _count(width: int, adder: compressor.Adder, target: str) -> int:
    top = Compressor(compressor.Config(width=width, adder=adder))
    return synthesize(emit(top, "compressor"), target).resources["luts"]


@caption("Published results on JSC from OpenML, quoted.")
def published_openml() -> Rows:
    """Return published results on JSC from OpenML, quoted."""
    return _quoted(published.results("jsc_openml"))


@caption("Published results on JSC from CERNBox, quoted, not comparable with those on OpenML.")
def published_cernbox() -> Rows:
    """Return published results on JSC from CERNBox, quoted, not comparable with those on OpenML."""
    return _quoted(published.results("jsc_cernbox"))


@caption("Published results on MNIST and CIFAR-10, quoted.")
def published_images() -> Rows:
    """Return published results on MNIST and CIFAR-10, quoted."""
    return [
        {"data": data, **row}
        for data, quoted in (
            ("MNIST", published.results("mnist")),
            ("CIFAR-10", published.results("cifar_10")),
        )
        for row in _quoted(quoted)
    ]


def _quoted(results: Iterable[Quoted]) -> Rows:
    return [
        {
            "method": r.method,
            "accuracy %": r.accuracy,
            "LUTs": r.luts,
            "encoder": r.encoder,
            "tool": r.tool,
            "source": r.source,
            "quoted": True,
        }
        for r in results
    ]


@caption("Look-up tables per added bit by target and width, plain addition beside the tree.")
def plot_adders(rows: Rows, figure: Any) -> None:
    """Show look-up tables per added bit by target and width, plain addition beside the tree."""
    axes = figure.subplots()
    place = np.arange(len(rows))
    for shift, name, label in ((-0.2, "LUTs, plus", "plain addition"), (0.2, "LUTs, tree", "tree")):
        axes.bar(place + shift, [r[name] / r["bits"] for r in rows], width=0.4, label=label)
    axes.set_xticks(place, [f"{r['target']}\n{r['bits']}" for r in rows])
    axes.set(xlabel="target, and bits that are added", ylabel="look-up tables per bit")
    axes.legend()


@caption("Look-up tables of networks of about equal accuracy, stacked by part.")
def plot_area(rows: Rows, figure: Any) -> None:
    """Show look-up tables of networks of about equal accuracy, stacked by part."""
    axes = figure.subplots()
    names = [f"{r['network'].replace(', ', chr(10))}\n{r['accuracy, five seeds']}" for r in rows]
    bottom = np.zeros(len(rows))
    # What the mapper merges counts as the operators' where more goes than popcounts take.
    merged = np.array([min(0, r["LUTs, popcount"]) for r in rows])
    for part in PARTS:
        heights = np.array([r[f"LUTs, {part}"] for r in rows])
        heights += merged * ((part == "operators") - (part == "popcount"))
        axes.bar(names, heights, bottom=bottom, label=part)
        bottom += heights
    axes.tick_params(axis="x", labelsize="small")
    axes.set(xlabel="network, and its accuracy", ylabel="look-up tables, xc7")
    axes.legend()


TABLES: dict[str, Callable[..., Rows]] = {
    **density_tables.TABLES,
    **training_tables.TABLES,
    **streamed_tables.TABLES,
    "T2": captioned("Look-up tables on xc7 at about equal accuracy, by part.", _area, "xc7"),
    "T2-ecp5": captioned(
        "Look-up tables and clock on ECP5 at about equal accuracy, by part.", _area, "ecp5"
    ),
    "T2-ice40": captioned(
        "Look-up tables and clock on iCE40 at about equal accuracy, by part.", _area, "ice40"
    ),
    "T7": adders,
    "T9-digits": captioned(
        "Networks of others beside ours on digits: accuracy and look-up tables on xc7.",
        rivals.front,
        rivals.DIGITS,
    ),
    "T9-digits-ecp5": captioned(
        "Some of those networks placed on ECP5: accuracy, look-up tables, clock.",
        rivals.placed,
        rivals.DIGITS,
    ),
    "T9-fashion": captioned(
        "Networks of others beside ours on Fashion-MNIST: accuracy and look-up tables on xc7.",
        rivals.front,
        rivals.FASHION,
    ),
    "T11": unread.rows,
    "T8-jsc-openml": published_openml,
    "T8-jsc-cernbox": published_cernbox,
    "T8-images": published_images,
}

PLOTS: dict[str, Callable[[Rows, Any], None]] = {
    **density_tables.PLOTS,
    **training_tables.PLOTS,
    **streamed_tables.PLOTS,
    "T2": plot_area,
    "T7": plot_adders,
    "T9-digits": captioned(
        "Accuracy on digits against look-up tables: ours, and networks of others.", rivals.plot
    ),
    "T9-fashion": captioned(
        "Accuracy on Fashion-MNIST against look-up tables: ours, and networks of others.",
        rivals.plot,
    ),
}

PAGE = density_tables.PAGE
