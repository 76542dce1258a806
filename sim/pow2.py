"""Bench of the power-of-two operand scaler."""

import cocotb
import numpy as np

from nomul.golden import pow2
from nomul.golden.pow2 import Config
from nomul.sim import harness
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal

MEASURED = "magnitudes_equal_the_model/source=never/sink=never"
OPERATION = "transfer"


def layouts(cfg: Config) -> tuple[Layout, Layout]:
    """Return the bit order of an element and of a result."""
    element = (("value", cfg.bits, 1), ("last", 1, 1))
    result = (
        ("magnitude", cfg.width, 1),
        ("sign", 1, 1),
        ("exponent", cfg.exponent_bits, 1),
        ("last", 1, 1),
    )
    return Layout(element), Layout(result)


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def magnitudes_equal_the_model(dut, source, sink):
    """Every vector of the golden ones, one after the other, under all stalls."""
    cfg = Config.from_json(harness.config_text())
    element, result = layouts(cfg)
    bench = Bench(dut)
    vectors = pow2.vectors(cfg, bench.numpy_rng)
    ends = np.concatenate([np.arange(len(v)) == len(v) - 1 for v in vectors])
    v = bench.source("v", element.pack(value=np.concatenate(vectors), last=ends), source)
    m = bench.sink("m", sink)
    await bench.reset()
    got = result.unpack(await bench.receive(m, len(ends)))
    starts = np.cumsum([0] + [len(vector) for vector in vectors])
    models = [
        pow2.model(cfg, vector[None], start)
        for vector, start in zip(vectors, starts[:-1], strict=True)
    ]
    lengths = [len(vector) for vector in vectors]
    assert_equal(got["magnitude"], np.concatenate([r.magnitude[0] for r in models]), "magnitude")
    assert_equal(got["sign"], np.concatenate([r.sign[0] for r in models]), "sign")
    exponent = np.repeat([r.exponent[0] for r in models], lengths)
    assert_equal(got["exponent"], exponent, "exponent")
    assert_equal(got["last"], ends, "last")
    if source == sink == "never":
        assert_equal(m.cycles[-1] - v.sent[0] + 1, cfg.cycles(len(ends)), "cycles")
        assert_equal(m.cycles[0] - v.sent[lengths[0] - 1], cfg.latency, "latency")


@cocotb.test()
async def cuts_a_vector_that_is_too_long(dut):
    """Elements beyond the longest vector are another vector; none is lost."""
    cfg = Config.from_json(harness.config_text())
    element, result = layouts(cfg)
    bench = Bench(dut)
    values = bench.numpy_rng.integers(-100, 100, cfg.length + 1) << np.arange(cfg.length + 1) % 3
    values = np.clip(values, -(1 << (cfg.bits - 1)), (1 << (cfg.bits - 1)) - 1)
    ends = np.arange(len(values)) == len(values) - 1
    bench.source("v", element.pack(value=values, last=ends))
    m = bench.sink("m")
    await bench.reset()
    got = result.unpack(await bench.receive(m, len(values)))
    first = pow2.model(cfg, values[None, : cfg.length])
    rest = pow2.model(cfg, values[None, cfg.length :], cfg.length)
    expected = np.concatenate([first.magnitude[0], rest.magnitude[0]])
    assert_equal(got["magnitude"], expected, "magnitude")
    assert_equal(np.flatnonzero(got["last"]), [cfg.length - 1, len(values) - 1], "last")
