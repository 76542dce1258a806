"""FP16 multiplier: the model against numpy and exact fractions, and the RTL against the model."""

import re
from fractions import Fraction

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import fp16mul
from nomul.golden.fp16mul import Config, corners, model, stimuli
from nomul.hw.fp16mul import UNDERFLOW, Flush, Top
from nomul.hw.fp16mul.product import multiply
from nomul.sim.harness import BenchError

IEEE, FTZ = Config(mode="ieee"), Config(mode="ftz")
PATTERNS = np.arange(1 << 16, dtype=np.uint16)


def product_by_numpy(a, b):
    """Multiply as numpy's float16 does; every NaN becomes the one that the model returns."""
    with np.errstate(all="ignore"):
        product = a.view(np.float16) * b.view(np.float16)
    return np.where(np.isnan(product), 0x7E00, product.view(np.uint16)).astype(np.uint16)


def product_by_fractions(a: int, b: int) -> int:
    """Multiply and flush, with exact fractions, as the definition words it."""
    (sign_a, fields_a), (sign_b, fields_b) = divmod(a, 0x8000), divmod(b, 0x8000)
    sign = (sign_a ^ sign_b) << 15
    fields_a, fields_b = (0 if f < 0x400 else f for f in (fields_a, fields_b))
    if max(fields_a, fields_b) > 0x7C00 or {0, 0x7C00} <= {fields_a, fields_b}:
        return 0x7E00
    if 0x7C00 in (fields_a, fields_b):
        return sign | 0x7C00
    if 0 in (fields_a, fields_b):
        return sign
    value = Fraction(1)
    for fields in (fields_a, fields_b):
        exponent, fraction = divmod(fields, 1024)
        value *= Fraction(1024 + fraction, 1024) * Fraction(2) ** (exponent - 15)
    exponent = 0
    while value >= 2:
        value, exponent = value / 2, exponent + 1
    while value < 1:
        value, exponent = value * 2, exponent - 1
    digits = round(value * 1024)  # Python rounds halves to even
    if digits == 2048:
        digits, exponent = 1024, exponent + 1
    if exponent < -14:
        return sign
    if exponent > 15:
        return sign | 0x7C00
    return sign | (exponent + 15) << 10 | digits - 1024


@pytest.mark.parametrize("start", range(0, 1 << 16, 1 << 13))
def test_every_pattern_times_every_corner_equals_numpy(start):
    a, b = PATTERNS[start : start + (1 << 13), None], corners()[None]
    assert np.array_equal(model(IEEE, a, b), product_by_numpy(a, b))


@pytest.mark.parametrize("mode", ["ieee", "ftz"])
def test_stimuli_hold_every_corner_pair_and_are_of_every_kind(mode):
    cfg = Config(mode=mode)
    a, b = stimuli(cfg, np.random.default_rng(1), 20_000).values()
    assert len(a) == len(b) >= 20_000
    assert len(set(zip(a[:4096].tolist(), b[:4096].tolist(), strict=True))) == 64 * 64
    magnitude = model(cfg, a, b) & 0x7FFF
    subnormal = (magnitude > 0) & (magnitude < 0x400)
    for kind in (magnitude == 0, magnitude == 0x400, magnitude == 0x7BFF, magnitude == 0x7C00):
        assert kind.sum() > 10
    assert (magnitude == 0x7E00).sum() > 1000
    assert subnormal.sum() > 2000 if mode == "ieee" else not subnormal.any()


def test_random_pairs_equal_numpy():
    a, b = stimuli(IEEE, np.random.default_rng(2), 500_000).values()
    assert np.array_equal(model(IEEE, a, b), product_by_numpy(a, b))


@pytest.mark.long
def test_every_pair_of_magnitudes_equals_numpy():
    """All 2**30: signs are tested elsewhere, and the product commutes."""
    for low in range(0, 1 << 15, 64):
        a, b = PATTERNS[low : low + 64, None], PATTERNS[None, low : 1 << 15]
        assert np.array_equal(model(IEEE, a, b), product_by_numpy(a, b))


def test_flush_to_zero_equals_exact_fractions():
    a, b = stimuli(FTZ, np.random.default_rng(3), 20_000).values()
    expected = [product_by_fractions(*pair) for pair in zip(a.tolist(), b.tolist(), strict=True)]
    assert np.array_equal(model(FTZ, a, b), expected)


def test_flush_to_zero_differs_from_ieee_only_below_the_smallest_normal_number():
    a, b = PATTERNS[:, None], corners()[None, 8:33]
    ieee, ftz = model(IEEE, a, b), model(FTZ, a, b)
    small = ((a & 0x7FFF) < 0x400) | ((b & 0x7FFF) < 0x400) | ((ieee & 0x7FFF) <= 0x400)
    assert np.array_equal(ieee[~small], ftz[~small])


def test_underflow_is_decided_after_rounding():
    """2**-14 (1 - 2**-20) rounds to 2**-14; 2**-14 (1 - 2**-11) has 11 bits and stays below."""
    a, b = 0x0401, 0x3BFE  # 2**-14 (1 + 2**-10) and 1 - 2**-10
    assert fp16mul.ideal(a, b) == 2.0**-14 * (1 - 2.0**-20)
    assert model(FTZ, a, b) == 0x0400
    assert model(FTZ, 0x0400, 0x3BFF) == 0x0000


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_products_commute_and_signs_multiply(a, b):
    for cfg in (IEEE, FTZ):
        product = int(model(cfg, a, b))
        assert product == model(cfg, b, a)
        if product != 0x7E00:
            assert product ^ 0x8000 == model(cfg, a ^ 0x8000, b)


def test_error_is_at_most_half_an_ulp_of_the_exact_product():
    a, b = stimuli(IEEE, np.random.default_rng(4), 50_000).values()
    exact, got = fp16mul.ideal(a, b), fp16mul.decode(model(IEEE, a, b))
    finite = np.isfinite(got) & np.isfinite(exact)
    _, exponent = np.frexp(exact[finite])
    ulp = np.ldexp(1.0, np.maximum(exponent - 11, -24))
    assert (np.abs(got[finite] - exact[finite]) <= ulp / 2).all()


@pytest.mark.parametrize("preset", Config.presets)
def test_rtl_equals_model(simulate, preset):
    report = simulate("fp16mul", Config.preset(preset))
    assert report.records["pairs"] >= 20_000


def test_bench_notices_the_other_underflow(simulate):
    """Mutation: the hardware flushes to zero where the model does not."""
    with pytest.raises(BenchError, match=r"product\[\d+\] is 0x0, expected 0x"):
        simulate("fp16mul", IEEE, top=Top(FTZ), tests="equal.*never.*never")


def test_bench_notices_a_flipped_bit(simulate, monkeypatch):
    """Mutation: the lowest bit of every product is inverted."""

    class Inverted(Flush):
        def pack(self, m, rounded):
            return super().pack(m, rounded) ^ 1

    monkeypatch.setitem(UNDERFLOW, "ftz", Inverted())
    with pytest.raises(BenchError, match=r"product\[0\] is 0x1, expected 0x0"):
        simulate("fp16mul", FTZ, tests="equal.*never.*never")


@pytest.mark.parametrize(
    ("width_a", "width_b"), [(5, 5), (6, 3), (2, 7), (4, 1), (5, 4), (3, 6), (4, 2)]
)
def test_integer_product_is_exact(width_a, width_b):
    """All pairs, in Amaranth's own simulator."""
    m, a, b = Module(), Signal(width_a), Signal(width_b)
    product = multiply(m, a, b)

    async def bench(ctx):
        for x in range(1 << width_a):
            for y in range(1 << width_b):
                ctx.set(a, x)
                ctx.set(b, y)
                assert ctx.get(product) == x * y

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: Config(mode="fast"),
            ValueError,
            "fp16mul.mode must be one of ieee, ftz, not 'fast'",
        ),
        (lambda: Config(mode=1), TypeError, "fp16mul.mode must be text, not 1 (int)"),
        (
            lambda: Config.preset("bf16"),
            ValueError,
            "fp16mul has no preset 'bf16'; it has ieee, ftz",
        ),
        (
            lambda: model(IEEE, np.float16(1.5), 0x3C00),
            TypeError,
            "fp16mul.a must be bit patterns, integers, not float16",
        ),
        (
            lambda: model(IEEE, 0x3C00, [0, 65536]),
            ValueError,
            "fp16mul.b must be in 0..65535, not 0..65536",
        ),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()
