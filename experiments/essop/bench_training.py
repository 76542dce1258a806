"""How much longer training takes with ESSOP in the loop, run by ``make bench``."""

import time

from nomul.train.essop import data as essop_data
from nomul.train.essop import sweep
from nomul.train.essop.sweep import Point

LIMIT = 20  # times the time of exact gradients that emulation may take at BL 16
REPEATS = 3


def seconds(source: str, stream_bits: int, data: essop_data.Split) -> float:
    """Return the processor time of one training of the MLP, the least of a few, on one core."""
    best = float("inf")
    for _ in range(REPEATS):
        start = time.process_time()
        sweep.train(Point("mlp", source, stream_bits, 0, len(data.x)), data)
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Print the times, and fail if BL 16 takes longer than it may."""
    data = essop_data.load("mlp")
    exact = seconds("fp32", 0, data)
    print(f"MLP on digits, {sweep.RECIPES['mlp'].epochs} epochs, one core")
    print(f"  exact gradients    {exact:6.2f} s")
    for source in ("lfsr", "vdc_xor", "sobol_xor"):
        taken = seconds(source, 16, data)
        print(f"  {source:<9} at BL 16 {taken:6.2f} s, {taken / exact:4.1f} times")
        if taken > LIMIT * exact:
            raise SystemExit(f"{source} takes more than {LIMIT} times the time of FP32")


if __name__ == "__main__":
    main()
