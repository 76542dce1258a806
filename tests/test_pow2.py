"""Power-of-two operand scaler: closed forms, and the RTL against the model."""

import numpy as np
import pytest

from nomul.golden import essop, pow2
from nomul.golden.pow2 import Config
from nomul.hw.pow2 import Top
from nomul.sim.harness import BenchError


@pytest.mark.parametrize("preset", Config.presets)
def test_rtl_equals_model(simulate, preset):
    simulate("pow2", Config.preset(preset))


@pytest.mark.parametrize(
    "values",
    [
        {"bits": 4, "width": 8, "length": 5},
        {"bits": 32, "width": 16, "length": 2, "rounding": "stochastic"},
        {"bits": 9, "width": 1, "length": 3, "rounding": "stochastic"},
    ],
)
def test_rtl_equals_model_for_other_widths(simulate, values):
    simulate("pow2", Config(**values))


def test_bench_notices_the_wrong_rounding(simulate):
    """Mutation: the hardware rounds down where the model rounds stochastically."""
    cfg = Config.preset("stochastic")
    with pytest.raises(BenchError, match=r"magnitude\[\d+\] is 0x"):
        simulate("pow2", cfg, top=Top(cfg.replace(rounding="floor")), tests="equal.*never.*never")


def test_equals_the_real_valued_quantiser():
    """On integers, the scaler and the model's own block quantisation agree."""
    cfg = Config()
    for vector in pow2.vectors(cfg, np.random.default_rng(5)):
        scaled = pow2.model(cfg, vector[None])
        magnitude, sign, exponent = essop.quantise(vector[None], cfg.width)
        full = magnitude == 1 << cfg.width
        assert np.array_equal(scaled.magnitude, np.where(full, (1 << cfg.width) - 1, magnitude))
        assert np.array_equal(scaled.exponent, exponent)
        assert np.array_equal(scaled.sign * (magnitude > 0), sign)


def test_floor_is_within_one_unit_of_the_ideal():
    cfg = Config()
    rng = np.random.default_rng(6)
    v = rng.integers(-(1 << 15), 1 << 15, (200, 10)) >> rng.integers(0, 15, (200, 1))
    scaled = pow2.model(cfg, v)
    error = pow2.ideal(v) - scaled.magnitude * (1 - 2 * scaled.sign) / 256
    assert (abs(error) < 1 / 256).all()


def test_stochastic_truncation_is_unbiased():
    """The mean over many elements meets the ideal within four standard errors."""
    cfg = Config(length=4096, rounding="stochastic")
    v = np.full((20, 4096), 0x2A57)
    scaled = pow2.model(cfg, v)
    fraction = pow2.ideal(v)[0, 0] * 256
    spread = np.sqrt((fraction % 1) * (1 - fraction % 1) / v.size)
    assert abs(scaled.magnitude.mean() - fraction) < 4 * spread


def test_zero_vector_has_exponent_zero():
    scaled = pow2.model(Config(), np.zeros((1, 4), dtype=int))
    assert scaled.exponent.tolist() == [0]
    assert not scaled.magnitude.any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Config(bits=1), "pow2.bits must be in 2..32, not 1"),
        (lambda: Config(rounding="nearest"), "pow2.rounding must be one of floor, stochastic"),
        (lambda: pow2.model(Config(), [[1 << 15]]), "v must hold integers of 16 bits"),
        (lambda: pow2.model(Config(), [[0] * 65]), r"v must be of shape \[V, 1..64\], not"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
