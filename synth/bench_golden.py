"""Benchmark of ESSOP's golden model, run by ``make bench``: products per second on one core."""

import time

import numpy as np
from threadpoolctl import threadpool_limits

from nomul.golden import bitstream, essop


def bit_by_bit(cfg: essop.Config, pairs: dict[str, essop.Ints]) -> essop.Ints:
    """Return the model's answer the straightforward way: one comparison and AND per bit."""
    r, s = essop.bits(cfg, len(pairs["x"]))
    count = np.zeros((len(pairs["x"]), cfg.rows, cfg.cols), dtype=np.int64)
    for n in range(cfg.stream_bits):
        a, b = r[:, n, None] < pairs["x"], s[:, n, None] < pairs["d"]
        count += a[:, :, None] & b[:, None, :]
    sign = (1 - 2 * pairs["sx"])[:, :, None] * (1 - 2 * pairs["sd"])[:, None, :]
    return count * sign


def main(n_vectors: int = 20_000, repeats: int = 3) -> None:
    """Print the rate of model and loop on the same pairs, the best of some runs of each."""
    print("golden model       source      BL   M products/s   bit by bit   times")
    with threadpool_limits(1):
        for source in bitstream.SOURCES:
            for stream_bits in (16, 64):
                cfg = essop.Config(stream_bits=stream_bits, source=source)
                pairs = essop.stimuli(cfg, np.random.default_rng(1), n_vectors)
                operands = {name: pairs[name] for name in ("x", "sx", "d", "sd")}
                rates, answers = [], []
                for run in (
                    lambda cfg=cfg, operands=operands: essop.model(cfg, **operands),
                    lambda cfg=cfg, pairs=pairs: bit_by_bit(cfg, pairs),
                ):
                    best = np.inf
                    for _ in range(repeats):
                        start = time.perf_counter()
                        answer = run()
                        best = min(best, time.perf_counter() - start)
                    answers.append(answer)
                    rates.append(answer.size / best / 1e6)
                if not np.array_equal(*answers):
                    raise AssertionError(f"model and loop differ for {cfg}")
                print(
                    f"essop 16 x 16      {source:11} {stream_bits:2} {rates[0]:14.0f}"
                    f" {rates[1]:12.0f} {rates[0] / rates[1]:7.1f}"
                )


if __name__ == "__main__":
    main()
