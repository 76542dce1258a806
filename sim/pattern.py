"""Bench of row patterns."""

import cocotb
import numpy as np

from nomul.golden.pattern import Config, keep, model, stimuli
from nomul.sim.stream import STALLS, Bench, Layout, Sink, assert_equal, under_test

MEASURED = "rows_equal_the_model/sink=never"
OPERATION = "transfer"

FRAMES = 40


def expected(cfg: Config, n: int) -> dict[str, np.ndarray]:
    """Return the fields of all words of ``n`` frames."""
    words = []
    for dp, b in model(cfg, n).tolist():
        rows = keep(dp, b, cfg.rows).tolist()
        words += [(row, 0, row == rows[-1]) for row in rows] or [(b, 1, 1)]
    row, empty, last = np.array(words, dtype=np.int64).T
    return {"row": row & (1 << cfg.row_bits) - 1, "empty": empty, "last": last}


async def compare(cfg: Config, bench: Bench, o: Sink, wanted: dict[str, np.ndarray]) -> None:
    """Receive all words, and compare them."""
    count = len(wanted["row"])
    await bench.until(lambda: len(o.received) >= count)
    fields = Layout((("row", cfg.row_bits, 1), ("empty", 1, 1), ("last", 1, 1)))
    got = fields.unpack(o.received[:count])
    for name, values in wanted.items():
        assert_equal(got[name], values, name)


@cocotb.test()
@cocotb.parametrize(sink=STALLS)
async def rows_equal_the_model(dut, sink):
    """Every row of every frame, empty frames too, and the cycles that they take."""
    cfg, bench = under_test(dut, Config)
    n = min(FRAMES, stimuli(cfg, bench.numpy_rng)["n"])
    wanted = expected(cfg, n)
    o = bench.sink("o", sink)
    await bench.reset()
    await compare(cfg, bench, o, wanted)
    if sink == "never":
        assert_equal(o.cycles[len(wanted["row"]) - 1] + 1, cfg.cycles(n), "cycles")


@cocotb.test()
async def begins_anew_after_a_reset_in_the_middle(dut):
    """Reset inside a frame: the first frame follows."""
    cfg, bench = under_test(dut, Config)
    o = bench.sink("o", "random")
    await bench.reset()
    await bench.until(lambda: len(o.received) >= 3)
    await bench.restart()
    await compare(cfg, bench, o, expected(cfg, 5))
