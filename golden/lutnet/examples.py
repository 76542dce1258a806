"""Small random networks of every kind, for benches, presets and tests: same seed, same network."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nomul.golden.lutnet.heads import Argmax, GroupSum, LutNetTiled, TableNeuron, Thermometer
from nomul.golden.lutnet.layers import DirectLut, LutLayer, Xnor
from nomul.golden.lutnet.stream import Kernels, Windows


def tables(rng: np.random.Generator, n: int, k: int) -> list[int]:
    """Return ``n`` random tables of 2**k bits."""
    size = max(1, (1 << k) // 8)
    mask = (1 << (1 << k)) - 1
    return [int.from_bytes(rng.bytes(size), "little") & mask for _ in range(n)]


def sums(
    rng: np.random.Generator,
    per_neuron: int,
    n_out: int,
    *,
    alpha: tuple[int, ...] = (1,),
    levels_out: int = 1,
) -> dict[str, Any]:
    """Return the summing fields of a layer with ``per_neuron`` operators per neuron and level."""
    level = np.tile(np.repeat(np.arange(len(alpha)), per_neuron), n_out)
    most = per_neuron * sum(alpha)
    columns = {0: 0, 1: 1, 2: 3}[levels_out]
    spread = rng.integers(most // 4, 3 * most // 4 + 1, (n_out, columns))
    return {
        "out": np.repeat(np.arange(n_out), per_neuron * len(alpha)),
        "n_out": n_out,
        "alpha": alpha,
        "theta": spread,
        "flip": rng.integers(0, 2, n_out),
        "level": level,
    }


def unrolled(rng: np.random.Generator) -> dict[str, Any]:
    """Thermometer, LUTNet layers with K = 4 and 6, scores, argmax."""
    level = rng.integers(1, 8, 24)
    a, b, c = sums(rng, 9, 12), sums(rng, 7, 10), sums(rng, 6, 4, levels_out=0)
    return {
        "inputs": 12,
        "input_bits": 3,
        "layers": [
            Thermometer(feature=np.arange(24) % 12, threshold=level),
            LutLayer(k=4, idx=rng.integers(0, 24, (108, 4)), tt=tables(rng, 108, 4), **a),
            LutLayer(k=6, idx=rng.integers(0, 12, (70, 6)), tt=tables(rng, 70, 6), **b),
            LutLayer(k=3, idx=rng.integers(0, 10, (24, 3)), tt=tables(rng, 24, 3), **c),
            Argmax(),
        ],
    }


def residual(rng: np.random.Generator) -> dict[str, Any]:
    """Two residual levels through a binary and a LUTNet layer; the sums leave, with biases."""
    a = sums(rng, 8, 6, levels_out=2)
    b = sums(rng, 5, 8, alpha=(3, 1), levels_out=2)
    c = sums(rng, 4, 3, alpha=(5, 2), levels_out=0) | {"bias": rng.integers(-20, 20, 3)}
    level = b["level"]
    own = rng.integers(0, 6, len(level)) + 6 * level
    idx = np.stack([own, *rng.integers(0, 12, (4, len(level)))], axis=1)
    last = rng.integers(0, 8, len(c["level"])) + 8 * c["level"]
    return {
        "inputs": 20,
        "layers": [
            Xnor(idx=rng.integers(0, 20, 48), weight=rng.integers(0, 2, 48), **a),
            LutLayer(k=5, idx=idx, tt=tables(rng, len(idx), 5), **b),
            Xnor(idx=last, weight=rng.integers(0, 2, len(last)), **c),
        ],
    }


def tiled(rng: np.random.Generator) -> dict[str, Any]:
    """Tiles: a (4, 1) layer in 2 x 3 of them, then a (3, 2) layer in 1 x 2 whose sums leave."""

    def layer(
        k: int, p: int, n_in: int, n_out: int, tm: int, tn: int, levels_out: int
    ) -> LutNetTiled:
        fields = sums(rng, 6, n_out // tm, levels_out=levels_out)
        n_ops = len(fields["out"])
        theta = rng.integers(3 * tn, 5 * tn, (n_out, 1 if levels_out else 0))
        return LutNetTiled(
            k=k,
            p=p,
            n_in=n_in,
            n_out=n_out,
            tile_m=tm,
            tile_n=tn,
            idx=rng.integers(0, n_in // tn, (n_ops, k - p)),
            tt=tables(rng, n_ops, k),
            out=fields["out"],
            weight=rng.integers(0, 1 << p, (tm * tn, n_ops)),
            theta=theta,
            flip=rng.integers(0, 2, n_out),
        )

    return {
        "inputs": 18,
        "layers": [layer(4, 1, 18, 8, 2, 3, 1), layer(3, 2, 8, 5, 1, 2, 0), Argmax()],
    }


def direct(rng: np.random.Generator) -> dict[str, Any]:
    """Two direct layers, K = 6 and 4, group sums, argmax with ties."""
    return {
        "inputs": 30,
        "layers": [
            DirectLut(k=6, idx=rng.integers(0, 30, (40, 6)), tt=tables(rng, 40, 6)),
            DirectLut(k=4, idx=rng.integers(0, 40, (35, 4)), tt=tables(rng, 35, 4)),
            GroupSum(groups=5),
            Argmax(),
        ],
    }


def dwn(rng: np.random.Generator) -> dict[str, Any]:
    """Fifty tables on 3,200 thermometer bits, five groups: the shape of a small DWN on jets."""
    idx = np.stack([rng.permutation(3200)[:6] for _ in range(50)])
    return {
        "inputs": 3200,
        "layers": [
            DirectLut(k=6, idx=idx, tt=tables(rng, 50, 6)),
            GroupSum(groups=5),
            Argmax(),
        ],
    }


def numbers(rng: np.random.Generator) -> dict[str, Any]:
    """Direct layer, scores of weighted tables and single wires, unequally many, and argmax."""
    out = np.repeat(np.arange(6), [9, 7, 9, 6, 8, 3])
    level = np.concatenate([np.arange(n) % 3 for n in (9, 7, 9, 6, 8, 3)])
    last = with_copies(rng, len(out))
    return {
        "inputs": 24,
        "layers": [
            DirectLut(k=6, idx=rng.integers(0, 24, (30, 6)), tt=tables(rng, 30, 6)),
            LutLayer(k=6, out=out, n_out=6, alpha=(1, 2, 4), level=level, **last),
            Argmax(),
        ],
    }


def with_copies(rng: np.random.Generator, n: int) -> dict[str, Any]:
    """Return wires and tables, every third of which copies a single wire."""
    idx, tt = rng.integers(0, 30, (n, 6)), tables(rng, n, 6)
    copy = sum(1 << a for a in range(64) if a & 1)
    return {"idx": idx, "tt": [copy if i % 3 == 2 else t for i, t in enumerate(tt)]}


def table(rng: np.random.Generator) -> dict[str, Any]:
    """Table neurons: edges that are summed and clipped, then one table per neuron; signed out."""
    edges = np.array([(i, m) for m in range(5) for i in range(6) if (i + m) % 3])
    return {
        "inputs": 6,
        "input_bits": 3,
        "layers": [
            TableNeuron(
                in_bits=3,
                idx=edges[:, :1],
                table=rng.integers(-9, 10, (len(edges), 8)),
                out=edges[:, 1],
                n_out=5,
                low=-8,
                high=7,
                offset=8,
            ),
            TableNeuron(
                in_bits=4,
                idx=rng.integers(0, 5, (4, 2)),
                table=rng.integers(0, 4, (4, 256)),
                out=np.arange(4),
                n_out=4,
                low=0,
                high=3,
            ),
            TableNeuron(
                in_bits=2,
                idx=np.tile(np.arange(4), 3)[:, None],
                table=rng.integers(-9, 10, (12, 4)),
                out=np.repeat(np.arange(3), 4),
                n_out=3,
                low=-16,
                high=15,
            ),
        ],
    }


def streamed(rng: np.random.Generator) -> dict[str, Any]:
    """Images of 6 x 7, kernels that see to all sides, windows of windows and of bits, a head."""
    n, height, width = 6, 6, 7
    dy = rng.integers(-3, 1, (n, 3))
    dx = np.where(dy < 0, rng.integers(-2, 4, (n, 3)), rng.integers(-3, 1, (n, 3)))
    dy[0], dx[0] = 0, 0
    size, stride = np.array([1, 2, 4, 3, 3, 4]), np.array([1, 1, 2, 3, 1, 1])
    grid = np.repeat(np.arange(len(size)), 16)
    edge, step = size[grid], stride[grid]
    bits = len(grid)
    return {
        "inputs": height * width,
        "input_bits": 4,
        "layers": [
            Kernels(
                height=height,
                width=width,
                k=3,
                dy=dy,
                dx=dx,
                level=rng.integers(1, 16, (n, 3)),
                tt=[0b10101010, *tables(rng, n - 1, 3)],
            ),
            Windows(
                height=height,
                width=width,
                size=size,
                stride=stride,
                kernel=rng.integers(0, n, bits),
                grid=grid,
                row=rng.integers(0, (height - edge) // step + 1),
                column=rng.integers(0, (width - edge) // step + 1),
                threshold=rng.integers(1, edge * edge + 1),
            ),
            DirectLut(k=6, idx=rng.integers(0, bits, (60, 6)), tt=tables(rng, 60, 6)),
            GroupSum(groups=5),
            Argmax(),
        ],
    }


KINDS: dict[str, Callable[[np.random.Generator], dict[str, Any]]] = {
    "unrolled": unrolled,
    "residual": residual,
    "tiled": tiled,
    "direct": direct,
    "dwn": dwn,
    "numbers": numbers,
    "table": table,
    "streamed": streamed,
}
