"""Benchmarks of SP-IMC's host side, run by ``make bench``: packing and the model."""

import tempfile
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nomul.golden import sparse, spimc
from nomul.golden.spimc import Config, Tile


@dataclass(frozen=True)
class Packing:
    """Seconds of the processor's and peak memory that packing took, by format."""

    format: str
    weights: int
    seconds: float
    peak_ratio: float  # bytes beside the input, relative to the input

    def __str__(self) -> str:
        return (
            f"{self.format:10} {self.weights:12,} weights {self.seconds:7.2f} s CPU "
            f"{self.peak_ratio:6.1f} times the input"
        )


def matrix(weights: int, sparsity: float, seed: int = 1) -> np.ndarray:
    """Return random int8 columns of 128 rows with 1:4 groups at most, int8[n, 128]."""
    rng = np.random.default_rng(seed)
    groups = weights // 4
    dense = np.zeros((groups, 4), dtype=np.int8)
    used = rng.random(groups) < 4 * (1 - sparsity)
    place = rng.integers(0, 4, groups)
    dense[used, place[used]] = rng.integers(1, 128, int(used.sum()), dtype=np.int8)
    return dense[: weights // 128 * 32].reshape(-1, 128)


def packing(weights: int = 10_000_000, sparsity: float = 0.9) -> list[Packing]:
    """Return how long every format takes for ``weights`` weights, and its peak memory."""
    cfg, columns = Config(), matrix(weights, sparsity)
    results = []
    for name in spimc.FORMATS:
        tile = Tile(format=name, nnz_per_group=1, group=4, run_bits=5, length=128)
        start = time.process_time()
        sparse.pack_columns(columns, cfg, tile)
        seconds = time.process_time() - start
        tracemalloc.start()
        sparse.pack_columns(columns, cfg, tile)
        peak = tracemalloc.get_traced_memory()[1] / columns.nbytes
        tracemalloc.stop()
        results.append(Packing(name, columns.size, seconds, peak))
    return results


def whole_command(rows: int = 2560, columns: int = 3907, sparsity: float = 0.9) -> Packing:
    """Return what ``nomul pack`` takes for a layer: every format surveyed and cut, one written."""
    from nomul.capabilities import spimc as pack

    rng = np.random.default_rng(1)
    w = rng.integers(1, 128, (rows, columns), dtype=np.int8)
    w[rng.random(w.shape, dtype=np.float32) < sparsity] = 0
    with tempfile.TemporaryDirectory() as scratch:
        file, out = Path(scratch) / "w.npy", Path(scratch) / "w.packed.npz"
        np.save(file, w)
        start = time.process_time()
        pack.run(file, Config(), out=out)
        seconds = time.process_time() - start
        tracemalloc.start()
        pack.run(file, Config(), out=out)
        peak = tracemalloc.get_traced_memory()[1] / w.nbytes
        tracemalloc.stop()
    return Packing("nomul pack", w.size, seconds, peak)


def throughput(vectors: int = 20_000) -> float:
    """Return how many multiply-accumulates per second of the processor's the model does."""
    cfg, tile = Config(), Tile(format="nm", x_signed=True, nnz_per_group=1, group=4, length=128)
    rng = np.random.default_rng(1)
    made = spimc.operands(cfg, rng, tile, vectors)
    packed = sparse.pack(made["w"], cfg, tile)
    start = time.process_time()
    spimc.model(cfg, packed, made["x"])
    return vectors * made["w"].size / (time.process_time() - start)


def main() -> None:
    """Print both."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        for result in packing():
            print(result)
        print(whole_command())
        print(f"model      {throughput() / 1e6:12,.0f} million multiply-accumulates per second")


if __name__ == "__main__":
    main()
