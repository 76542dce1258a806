"""Outer product by FP16 multipliers: exact operands, IEEE products, the RTL against the model."""

import numpy as np
import pytest

from nomul.golden import essop, fp16outer
from nomul.golden.fp16outer import Config
from nomul.hw.fp16outer import Top
from nomul.sim.harness import BenchError


@pytest.mark.parametrize("preset", Config.presets)
def test_rtl_equals_model(simulate, preset):
    simulate("fp16outer", Config.preset(preset))


@pytest.mark.parametrize("values", [{"width": 10, "rows": 5}, {"width": 2, "source": "lfsr"}])
def test_rtl_equals_model_for_other_widths(simulate, values):
    simulate("fp16outer", Config(**({"rows": 2, "cols": 3} | values)))


@pytest.mark.parametrize("width", [2, 8, 10])
def test_operands_are_exact(width):
    """Every magnitude up to full scale is a binary16 number; what is above saturates."""
    cfg = Config(width=width)
    magnitude = np.arange((1 << width) + 3)
    value = fp16outer.encoded(cfg, magnitude).view(np.float16).astype(np.float64)
    assert np.array_equal(value, np.minimum(magnitude, 1 << width) * 2.0 ** (1 - width))


@pytest.mark.parametrize("width", [8, 10])
def test_products_are_those_of_half_precision(width):
    """Every pair of magnitudes against numpy's float16; ten bits have subnormal products."""
    each = np.arange((1 << width) + 1)[None]
    zero = np.zeros_like(each)
    cfg = Config(rows=each.size, cols=each.size, width=width)
    y = fp16outer.values(fp16outer.model(cfg, each, zero, each, zero))[0]
    half = (each[0] * 2.0 ** (1 - width)).astype(np.float16)
    assert np.array_equal(y, (half[:, None] * half).astype(np.float64))
    assert (y[y > 0].min() < 2.0**-14) == (width == 10)
    flushed = fp16outer.model(cfg.replace(mode="ftz"), each, zero, each, zero)
    assert np.array_equal(fp16outer.values(flushed)[0], np.where(y < 2.0**-14, 0, y))


def test_its_unit_is_that_of_four_bits():
    """What leaves is x d to 11 bits, in units of 2**(e_x + e_d - 2) as the exponent port says."""
    rng = np.random.default_rng(1)
    cfg = Config(rows=6, cols=7)
    x, d = rng.normal(size=(20, 6)), rng.normal(size=(20, 7))
    (x_int, sx, e_x), (d_int, sd, e_d) = (essop.quantise(v, cfg.width) for v in (x, d))
    y = fp16outer.values(fp16outer.model(cfg, x_int, sx, d_int, sd))
    got = np.ldexp(y, essop.unit_exponent(cfg, e_x, e_d)[:, None, None])
    sides = [
        np.ldexp(v * (1.0 - 2 * s), (e - cfg.width)[:, None])
        for v, s, e in ((x_int, sx, e_x), (d_int, sd, e_d))
    ]
    exact = sides[0][:, :, None] * sides[1][:, None, :]
    assert got == pytest.approx(exact, rel=2**-11)


def test_bench_notices_the_other_underflow(simulate):
    """Mutation: the hardware flushes what the model keeps."""
    cfg = Config(rows=3, cols=3, width=10)
    with pytest.raises(BenchError, match=r"y\[\d+, \d+\] is "):
        simulate("fp16outer", cfg, top=Top(cfg.replace(mode="ftz")), tests="never.*never")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mode": "flush"}, "fp16outer.mode must be one of ieee, ftz, not 'flush'"),
        ({"width": 11}, "fp16outer.width must be in 2..10, not 11"),
        ({"rows": 0}, "fp16outer.rows must be in 1..4096, not 0"),
        (
            {"source": "dice"},
            "fp16outer.source must be one of lfsr, lfsr_shared, vdc_xor",
        ),
        ({"source": "lfsr", "lfsr_width": 8}, "fp16outer.lfsr_width must be more than width = 8"),
    ],
)
def test_bad_parameters_are_named(values, message):
    with pytest.raises(ValueError, match=r"fp16outer\.") as caught:
        Config(**values)
    assert message in str(caught.value)
