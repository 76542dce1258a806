"""Outer product by integer multipliers: exact moments, and the RTL against the model."""

import numpy as np
import pytest

from nomul.golden import essop, intouter
from nomul.golden.intouter import Config
from nomul.hw.intouter import Top
from nomul.sim.harness import BenchError


@pytest.mark.parametrize("preset", Config.presets)
def test_rtl_equals_model(simulate, preset):
    simulate("intouter", Config.preset(preset))


@pytest.mark.parametrize(
    "values", [{"bits": 9, "width": 4}, {"bits": 5, "share": "rotate", "source": "vdc_xor"}]
)
def test_rtl_equals_model_for_other_widths(simulate, values):
    simulate("intouter", Config(rows=2, cols=3, **values))


def test_bench_notices_the_wrong_rounding(simulate):
    """Mutation: the hardware rounds to nearest where the model rounds at random."""
    cfg = Config.preset("int4")
    with pytest.raises(BenchError, match=r"y\[\d+, \d+\] is "):
        simulate("intouter", cfg, top=Top(cfg.replace(rounding="nearest")), tests="never.*never")


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_rounding_is_unbiased_over_all_words(bits):
    """The mean over all 2**W words is X levels / 2**W, exactly, for every X up to full scale."""
    cfg = Config(bits=bits)
    operand = np.arange(257)
    q = intouter.rounded(cfg, operand[:, None], np.arange(256))
    assert np.array_equal(q.sum(axis=1), operand * cfg.levels)
    assert q.max() == cfg.levels


def test_two_bits_are_a_stream_of_one_bit():
    """Rounded to one magnitude bit, the product is an AND of two random bits: ESSOP at BL = 1.

    Both draw a one with probability X / 2**W: one for the words below X, the other for the X
    highest.
    """
    words = np.arange(256)
    for x in (0, 1, 100, 255, 256):
        q = intouter.rounded(Config(bits=2), np.full(256, x), words)
        assert np.array_equal(q, (255 - words < x).astype(int))


def test_error_shrinks_fourfold_with_two_more_bits():
    """The pooled error of INTk, on the operands of ESSOP's table, against its closed form.

    Rounding adds f (1 - f) to the second moment of an operand in levels, f its fraction, so over
    uniform independent words E[(q_x q_d - t)^2] = (x^2 + f_x (1 - f_x)) (d^2 + ...) - x^2 d^2.
    """
    rng = np.random.default_rng(1)
    x, sx, _ = essop.quantise(np.maximum(rng.normal(size=(4000, 8)), 0), 8)
    d, sd, _ = essop.quantise(rng.laplace(size=(4000, 8)), 8)
    for bits in (3, 4):
        cfg = Config(rows=8, cols=8, bits=bits, lfsr_width=31)
        y = intouter.model(cfg, x, sx, d, sd)
        left, right = x * cfg.levels / 256, d * cfg.levels / 256
        exact = (left * (1 - 2 * sx))[:, :, None] * (right * (1 - 2 * sd))[:, None, :]
        spread = [(v % 1) * (1 - v % 1) for v in (left, right)]
        moment = (left**2 + spread[0])[:, :, None] * (right**2 + spread[1])[:, None, :]
        expected = (moment - exact**2).sum()
        assert ((y - exact) ** 2).sum() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bits": 1}, "intouter.bits must be in 2..9, not 1"),
        ({"rounding": "up"}, "intouter.rounding must be one of stochastic, nearest, not 'up'"),
        ({"accumulate": 1}, "intouter.accumulate must be in 2..48, not 1"),
        ({"lfsr_width": 8}, "intouter.lfsr_width must be more than width = 8 for source 'lfsr'"),
    ],
)
def test_bad_parameters_are_named(values, message):
    with pytest.raises(ValueError, match=r"intouter\.") as caught:
        Config(**values)
    assert message in str(caught.value)
