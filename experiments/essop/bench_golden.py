"""Benchmark of ESSOP's golden model, run by ``make bench``: products per second on one core."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from nomul.golden import bitstream, essop
from nomul.golden.arrays import Ints


def bit_by_bit(cfg: essop.Config, pairs: dict[str, Ints]) -> Ints:
    """Return the model's answer the straightforward way: one comparison and AND per bit."""
    r, s = essop.bits(cfg, len(pairs["x"]))
    count = np.zeros((len(pairs["x"]), cfg.rows, cfg.cols), dtype=np.int64)
    for n in range(cfg.stream_bits):
        a, b = r[:, n, None] < pairs["x"], s[:, n, None] < pairs["d"]
        count += a[:, :, None] & b[:, None, :]
    sign = (1 - 2 * pairs["sx"])[:, :, None] * (1 - 2 * pairs["sd"])[:, None, :]
    return count * sign


def rate(run: Callable[[], Ints], repeats: int) -> tuple[float, Ints]:
    """Return millions of products per second of the best of some runs, and the products."""
    best, answer = np.inf, run()
    for _ in range(repeats):
        start = time.perf_counter()
        answer = run()
        best = min(best, time.perf_counter() - start)
    return answer.size / best / 1e6, answer


def main(n_vectors: int = 20_000, repeats: int = 3) -> None:
    """Print the rate of model and loop on the same pairs, the best of some runs of each."""
    from threadpoolctl import threadpool_limits

    print("golden model       source      BL   M products/s   bit by bit   times")
    with threadpool_limits(1):
        for source in bitstream.SOURCES:
            for stream_bits in (16, 64):
                cfg = essop.Config(stream_bits=stream_bits, source=source)
                pairs = essop.stimuli(cfg, np.random.default_rng(1), n_vectors)
                operands: dict[str, Any] = {name: pairs[name] for name in ("x", "sx", "d", "sd")}
                fast, answer = rate(partial(essop.model, cfg, **operands), repeats)
                slow, expected = rate(partial(bit_by_bit, cfg, pairs), repeats)
                if not np.array_equal(answer, expected):
                    raise AssertionError(f"model and loop differ for {cfg}")
                print(
                    f"essop 16 x 16      {source:11} {stream_bits:2} {fast:14.0f}"
                    f" {slow:12.0f} {fast / slow:7.1f}"
                )


if __name__ == "__main__":
    main()
