"""What a source's products err by: single products, their mean, and their projection."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nomul.experiments.captions import caption
from nomul.golden import bitstream, essop
from nomul.golden.arrays import Floats, Ints
from nomul.golden.bitstream import Side

Rows = list[dict[str, Any]]

LENGTHS = (1, 2, 4, 8, 16, 32, 64)
VECTORS = 1000


def network_pairs(
    n_vectors: int = 1500, rows: int = 32, cols: int = 32, width: int = 8
) -> dict[str, Ints]:
    """Return what errors are measured on: rectified normal x, Laplace d, quantised."""
    rng = np.random.default_rng(1)
    x, sx, _ = essop.quantise(np.maximum(rng.normal(size=(n_vectors, rows)), 0), width)
    d, sd, _ = essop.quantise(rng.laplace(size=(n_vectors, cols)), width)
    return {"x": x, "sx": sx, "d": d, "sd": sd}


def signed(pairs: dict[str, Ints], width: int = 8) -> tuple[Floats, Floats]:
    """Return the operands as numbers in -1 .. 1."""
    x, d = (pairs[s.vector] * (1 - 2 * pairs[s.signs]) / 2**width for s in Side)
    return x, d


def errors(pairs: dict[str, Ints], products: Floats) -> dict[str, float]:
    """Return how products found, float64[V, M, N], differ from the exact ones.

    Returns
    -------
    dict
        ``relative RMSE``, pooled: sqrt(sum (y - t)^2 / sum t^2). ``bias %``: of the sum of
        magnitudes. ``projected noise``: relative RMSE of x^T Y d, a vector's projection onto its
        own gradient, in which errors that all cells share add up.
    """
    x, d = signed(pairs)
    exact = x[:, :, None] * d[:, None, :]
    along = np.einsum("vm,vmn,vn->v", x, products, d)
    wanted = (x**2).sum(axis=1) * (d**2).sum(axis=1)
    return {
        "relative RMSE": round(rms(products - exact, exact), 3),
        "bias %": round(100 * float((products * np.sign(exact)).sum() / abs(exact).sum() - 1), 1),
        "projected noise": round(rms(along - wanted, wanted), 3),
    }


def rms(error: Floats, wanted: Floats) -> float:
    """Return the pooled relative root mean square of errors, sqrt(sum e^2 / sum wanted^2)."""
    return float(np.sqrt((error**2).sum() / (wanted**2).sum()))


@caption("Error, bias and projected noise of every source and share over the stream length.")
def of_sources() -> Rows:
    """Return error, bias and projected noise of every source and share over the stream length."""
    pairs = network_pairs(VECTORS)
    rows = []
    for source in bitstream.SOURCES:
        for share in bitstream.SHARES:
            if share == "lane" and source in ("vdc", "sobol"):
                continue  # these have no register to give to a lane
            for length in LENGTHS:
                options: dict[str, Any] = {"source": source, "share": share, "stream_bits": length}
                cfg = essop.Config(rows=32, cols=32, **options)
                rows.append(_row(source, share, length, errors(pairs, products(cfg, pairs))))
    for length in LENGTHS:
        rows.append(_row("ideal", "independent", length, errors(pairs, _ideal(pairs, length))))
    for levels, length in ((2, 4), (4, 8), (8, 16), (16, 32), (32, 64)):
        cfg = essop.Config(rows=32, cols=32, stream_bits=length, row_levels=levels)
        found = errors(pairs, products(cfg, pairs))
        rows.append(_row("vdc_xor, R = BL / 2", "pair", length, found))
    return rows


def products(cfg: essop.Config, pairs: dict[str, Ints]) -> Floats:
    """Return the unit's products float64[V, M, N], of operands in -1 .. 1."""
    x, sx, d, sd = (pairs[name] for name in ("x", "sx", "d", "sd"))
    return essop.model(cfg, x, sx, d, sd) / cfg.stream_bits


def _row(source: str, share: str, length: int, figures: dict[str, float]) -> dict[str, Any]:
    return {"source": source, "share": share, "BL": length, **figures}


def _ideal(pairs: dict[str, Ints], length: int) -> Floats:
    cfg = essop.Config(rows=32, cols=32, stream_bits=length)
    r, s = bitstream.ideal(cfg, np.random.default_rng(2), len(pairs["x"]))
    a, b = (r < pairs["x"][:, None]).astype(np.float32), (s < pairs["d"][:, None])
    counts = np.einsum("vnm,vnk->vmk", a, b.astype(np.float32), optimize=True)
    sign = (1 - 2 * pairs["sx"])[:, :, None] * (1 - 2 * pairs["sd"])[:, None, :]
    return np.asarray(counts * sign / length, dtype=np.float64)


def shown(rows: Rows) -> Rows:
    """Return one line per source and share, at BL 8, 16, 32: RMSE, bias, noise."""
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = (row["source"], row["share"])
        line = lines.setdefault(key, {"source": key[0], "share": key[1]})
        if row["BL"] in (8, 16, 32):
            for name in ("relative RMSE", "bias %", "projected noise"):
                line[f"{name}, BL {row['BL']}"] = row[name]
    first = list(next(iter(lines.values())))
    order = sorted(first[2:], key=lambda name: name.split(",")[0])
    return [{n: line[n] for n in [*first[:2], *order]} for line in lines.values()]


@caption("Relative error and projected noise of each source against the stream length.")
def draw(rows: Rows, figure: Any) -> None:
    """Draw relative error and projected noise of each source against the stream length."""
    for axes, column in zip(
        figure.subplots(1, 2, sharex=True), ("relative RMSE", "projected noise"), strict=True
    ):
        for source in (*bitstream.SOURCES, "ideal"):
            line = [
                r for r in rows if r["source"] == source and r["share"] in ("pair", "independent")
            ]
            x, y = ([row[name] for row in line] for name in ("BL", column))
            axes.plot(x, y, marker="o", markersize=3, label=source)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlabel("bits per stream")
        axes.set_ylabel(f"{column} of a product" if column == "relative RMSE" else column)
        axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


TABLES: dict[str, Callable[[], Rows]] = {"T2": of_sources}
PLOTS: dict[str, Callable[[Rows, Any], None]] = {"T2": draw}
PAGE: dict[str, Callable[[Rows], Rows]] = {"T2": shown}
