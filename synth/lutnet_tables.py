"""Tables of docs/lutnet.md: area, tiles, popcounts, and published results beside ours."""

from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from nomul.golden import compressor, lutnet
from nomul.golden.lutnet_examples import tables as random_tables
from nomul.hw.compressor import Top as Compressor
from nomul.hw.lutnet import Top
from nomul.synth import lutnet_published, lutnet_training_tables
from nomul.synth.emit import emit
from nomul.synth.lutnet_area import ADDERS, PARTS, Area
from nomul.synth.lutnet_area import measure as measure_area
from nomul.synth.lutnet_published import Quoted
from nomul.synth.synthesize import synthesize

Rows = list[dict[str, Any]]

# Networks on digits of about the same accuracy, from the one with most tables on.
EQUAL = ("digits-xnor", "digits-lutnet", "digits-direct")

WIDTHS = (64, 256, 1024)

# K and P of the tiled arrays, and their tiles TM x TN.
TILED = (
    *(((4, 1), tiles) for tiles in ((1, 1), (1, 2), (2, 2), (4, 4))),
    *((shape, (2, 2)) for shape in ((2, 1), (6, 1))),
)


def area_xc7() -> Rows:
    """Return look-up tables on xc7 at about equal accuracy, by part."""
    return _area("xc7")


def area_ecp5() -> Rows:
    """Return look-up tables and clock on ECP5 at about equal accuracy, by part."""
    return _area("ecp5")


def area_ice40() -> Rows:
    """Return look-up tables and clock on iCE40 at about equal accuracy, by part."""
    return _area("ice40")


def _area(target: str) -> Rows:
    rows = []
    for name in EQUAL:
        network = lutnet.Config(network=name).load()
        found = measure_area(network, target, clock=target != "xc7")
        rows.append(_area_row(network, found))
    return rows


def _area_row(network: lutnet.Network, found: Area) -> dict[str, Any]:
    row = {
        "network": network.about["what"],
        "test accuracy %": network.about["accuracy"],
        "operators": operators(network),
        "LUTs": found.total,
        **{f"LUTs, {part}": luts for part, luts in found.parts.items()},
        "control": found.control,
    }
    if found.clock_mhz is not None:
        row |= {"clock MHz": found.clock_mhz, "device": found.device}
    return row


def operators(network: lutnet.Network) -> int:
    """Return the number of products or tables of a network."""
    return sum(len(layer.idx) for layer in network.layers if hasattr(layer, "idx"))


def tiled() -> Rows:
    """Return look-up tables, cycles and memory bits of tiled layers on xc7."""
    return [_tiled_row(k, p, *tiles) for (k, p), tiles in TILED]


def _tiled_row(k: int, p: int, tile_m: int, tile_n: int) -> dict[str, Any]:
    layer = tiled_layer(k, p, tile_m, tile_n)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.npz"
        lutnet.Network([layer], layer.n_in).save(path)
        cfg = lutnet.Config(network=str(path))
        luts = synthesize(emit(Top(cfg), "lutnet"), "xc7").resources["luts"]
    return {
        "K": k,
        "P": p,
        "TM x TN": f"{tile_m} x {tile_n}",
        "physical tables": len(layer.idx),
        "LUTs": luts,
        "cycles per vector": cfg.interval,
        "memory bits": layer.weight.size * p,
    }


def tiled_layer(
    k: int, p: int, tile_m: int, tile_n: int, n_in: int = 64, n_out: int = 8, fan_in: int = 8
) -> lutnet.LutNetTiled:
    """Return a layer of random tables whose neurons add ``fan_in`` of them, over all tiles."""
    rng = np.random.default_rng(1)
    neurons, each = n_out // tile_m, fan_in // tile_n
    n_ops = neurons * each
    return lutnet.LutNetTiled(
        k=k,
        p=p,
        n_in=n_in,
        n_out=n_out,
        tile_m=tile_m,
        tile_n=tile_n,
        idx=rng.integers(0, n_in // tile_n, (n_ops, k - p)),
        tt=random_tables(rng, n_ops, k),
        out=np.repeat(np.arange(neurons), each),
        weight=rng.integers(0, 1 << p, (tile_m * tile_n, n_ops)),
        theta=np.full(n_out, fan_in // 2),
    )


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


def _count(width: int, adder: str, target: str) -> int:
    top = Compressor(compressor.Config(width=width, adder=adder))
    return synthesize(emit(top, "compressor"), target).resources["luts"]


def published_openml() -> Rows:
    """Return published results on JSC from OpenML, quoted."""
    return _quoted(lutnet_published.JSC_OPENML)


def published_cernbox() -> Rows:
    """Return published results on JSC from CERNBox, quoted, not comparable with those on OpenML."""
    return _quoted(lutnet_published.JSC_CERNBOX)


def published_images() -> Rows:
    """Return published results on MNIST and CIFAR-10, quoted."""
    return [
        {"data": data, **row}
        for data, quoted in (
            ("MNIST", lutnet_published.MNIST),
            ("CIFAR-10", lutnet_published.CIFAR_10),
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


def plot_adders(rows: Rows, figure: Any) -> None:
    """Show look-up tables per added bit by target and width, plain addition beside the tree."""
    axes = figure.subplots()
    place = np.arange(len(rows))
    for shift, name, label in ((-0.2, "LUTs, plus", "plain addition"), (0.2, "LUTs, tree", "tree")):
        axes.bar(place + shift, [r[name] / r["bits"] for r in rows], width=0.4, label=label)
    axes.set_xticks(place, [f"{r['target']}\n{r['bits']}" for r in rows])
    axes.set_ylabel("look-up tables per bit")
    axes.legend()


def plot_tiled(rows: Rows, figure: Any) -> None:
    """Show look-up tables against cycles per vector, one point per (K, P) and tiling."""
    axes = figure.subplots()
    for row in rows:
        axes.plot(row["cycles per vector"], row["LUTs"], "o", color="C0")
        label = f"({row['K']}, {row['P']}) {row['TM x TN']}"
        place = (row["cycles per vector"], row["LUTs"])
        axes.annotate(label, place, (6, 0), textcoords="offset points", fontsize=8, va="center")
    axes.margins(x=0.2)
    axes.set_xlabel("cycles per vector")
    axes.set_ylabel("look-up tables")
    axes.set_ylim(bottom=0)


def plot_area(rows: Rows, figure: Any) -> None:
    """Show look-up tables of networks of about equal accuracy, stacked by part."""
    axes = figure.subplots()
    names = [f"{r['network']}\n{r['test accuracy %']} %" for r in rows]
    bottom = np.zeros(len(rows))
    for part in PARTS:
        heights = np.array([r[f"LUTs, {part}"] for r in rows])
        axes.bar(names, heights, bottom=bottom, label=part)
        bottom += heights
    axes.set_ylabel("look-up tables, xc7")
    axes.legend()


TABLES: dict[str, Callable[..., Rows]] = {
    **lutnet_training_tables.TABLES,
    "T2": area_xc7,
    "T2-ecp5": area_ecp5,
    "T2-ice40": area_ice40,
    "T3": tiled,
    "T7": adders,
    "T8-jsc-openml": published_openml,
    "T8-jsc-cernbox": published_cernbox,
    "T8-images": published_images,
}

PLOTS: dict[str, Callable[[Rows, Any], None]] = {
    **getattr(lutnet_training_tables, "PLOTS", {}),
    "T2": plot_area,
    "T3": plot_tiled,
    "T7": plot_adders,
}
