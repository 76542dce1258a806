"""Benchmark of the bit-packed executor, run by ``make bench``: operations per second of a core."""

import time

import numpy as np

from nomul.golden import sotfp


def rate(cfg: sotfp.Config, op: str, n: int, repeats: int) -> float:
    """Return millions of operations per second of CPU time, packing and unpacking included."""
    kind = np.dtype(f"u{-(-cfg.width // 8)}")
    a, b = np.random.default_rng(1).integers(0, 1 << cfg.width, (2, n)).astype(kind)
    best = np.inf
    for _ in range(repeats + 1):
        start = time.process_time()
        sotfp.model(cfg, op, a, b)
        best = min(best, time.process_time() - start)
    return n / best / 1e6


def main(n: int = 1 << 21, repeats: int = 3) -> None:
    """Print the rate per preset and operation, the best of some runs of each."""
    from threadpoolctl import threadpool_limits

    print("array executor   op    steps   M operations/s")
    with threadpool_limits(1):
        for preset in sotfp.Config.presets:
            cfg = sotfp.Config.preset(preset)
            for op in sotfp.OPS:
                steps = sotfp.program(cfg, op).steps
                print(f"sotfp {preset:10} {op} {steps:8,} {rate(cfg, op, n, repeats):16.1f}")


if __name__ == "__main__":
    main()
