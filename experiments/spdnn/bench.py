"""Edges per second of the golden model, run by ``make bench``, beside scipy.sparse.

Both run 120 layers of 1,024 neurons on one core, scipy in float64 and twice: with images as a
sparse matrix, as the challenge's reference code has them, and as a dense one, which is faster.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden import spdnn

LAYERS, IMAGES, SEED = 120, 4096, 0
LEAST = 5.0  # times the edges per processor second of scipy's faster way

Array = NDArray[Any]


def network(layers: int = LAYERS, seed: int = SEED) -> list[spdnn.Layer]:
    """Return layers whose maps, after the first, are random."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(64), 16)
    first = np.arange(1024) % 64
    return spdnn.generate(layers, [first, *(rng.permutation(classes) for _ in range(layers // 6))])


def images(count: int = IMAGES, seed: int = SEED) -> Array:
    """Return binary images, bool[count, 1024], of which about four in five stay active."""
    rng = np.random.default_rng(seed)
    return rng.random((count, 1024)) < rng.uniform(0.2, 0.6, (count, 1))


def sparse(weights: list[Any], y0: Array) -> Array:
    """Return the last activations by products of sparse matrices."""
    from scipy import sparse as scipy_sparse

    y = scipy_sparse.csr_matrix(y0.astype(np.float64))
    for weight in weights:
        y = y @ weight
        y.data = np.clip(y.data - 0.3, 0, 32)
        y.eliminate_zeros()
    dense: Array = y.toarray()
    return dense


def dense(weights: list[Any], y0: Array) -> Array:
    """Return the last activations by products of a sparse and a dense matrix."""
    y = np.ascontiguousarray(y0.T, dtype=np.float64)
    for weight in weights:
        y = weight @ y
        y -= 0.3
        np.clip(y, 0, 32, out=y)
    return y.T


def seconds(call: Callable[[], Any]) -> float:
    """Return the least processor time of three runs."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return min(taken)


def measure() -> dict[str, float]:
    """Return edges per processor second of each way, after they agree on the active images."""
    from scipy import sparse as scipy_sparse

    layers, y0 = network(), images()
    weights = [
        scipy_sparse.csr_matrix((layer.weight / 16, (layer.row, layer.column)), (1024, 1024))
        for layer in layers
    ]
    turned = [scipy_sparse.csr_matrix(weight.T) for weight in weights]
    codes = y0.astype(np.int64) << 16
    ways: dict[str, Callable[[], Array]] = {
        "golden model": lambda: spdnn.model(layers, codes),
        "scipy, images sparse": lambda: sparse(weights, y0),
        "scipy, images dense": lambda: dense(turned, y0),
    }
    want = spdnn.categories(ways["scipy, images dense"]())
    for name, way in ways.items():
        if not np.array_equal(spdnn.categories(way()), want):
            raise RuntimeError(f"{name} has other active images")
    edges = sum(len(layer.row) for layer in layers) * len(y0)
    return {name: edges / seconds(way) for name, way in ways.items()}


def main() -> None:
    """Print edges per second, and fail below the promise."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        rates = measure()
    print(f"{LAYERS} layers of 1,024 neurons, {IMAGES} images, edges per second of one core:")
    for name, rate in rates.items():
        print(f"  {name:22} {rate / 1e9:6.2f} G")
    times = rates["golden model"] / max(rates[name] for name in rates if name != "golden model")
    print(f"  golden model / scipy's faster way: {times:.1f} (promised: {LEAST:.0f})")
    if times < LEAST:
        raise SystemExit(f"the golden model is {times:.1f} times as fast, not {LEAST:.0f}")


if __name__ == "__main__":
    main()
