"""The training unit in binary16: its sums, a step worked by hand, the adder, and the Verilog."""

from fractions import Fraction

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from nomul.capabilities import sgd_learning as learning
from nomul.golden import fp16mul, sgd
from nomul.golden.sgd import Config
from nomul.golden.sgd.config import HALF
from nomul.golden.sgd.numbers import Update
from nomul.hw.sgd import Top
from nomul.hw.sgd.floats import added
from nomul.sim.harness import BenchError

TESTS = 9

CFG = Config.preset("fp16")
FLUSHING = fp16mul.Config(mode="ftz")


def signed(patterns):
    """Return patterns as the signed integers that the unit keeps."""
    return np.asarray(patterns).astype(np.uint16).view(np.int16).astype(np.int64)


def one_sum(a, w):
    """Return the unit's sum of products of two vectors of patterns."""
    return int(sgd.numbers(CFG).sums(CFG, signed(a), signed(w)[:, None], np.zeros(1))[0])


def exactly(a, b):
    """Return the sum of two finite patterns as a pattern, by fractions: nearest, ties to even."""
    values = []
    for pattern in (a, b):
        exponent, fraction = pattern >> 10 & 31, pattern & 1023
        size = Fraction(1024 + fraction, 1 << 10) * Fraction(2) ** (exponent - 15)
        values.append((-1) ** (pattern >> 15) * (size if exponent else 0))
    total = sum(values)
    if total == 0:
        both = a >> 15 & b >> 15 if values == [0, 0] else 0
        return both << 15
    sign, total = (total < 0) << 15, abs(total)
    exponent = 15
    while total >= 2:
        total, exponent = total / 2, exponent + 1
    while total < 1:
        total, exponent = total * 2, exponent - 1
    magnitude = (exponent << 10) + round(total * 1024) - 1024  # Python rounds half to even
    return sign | (0 if exponent < 1 else min(magnitude, 31 << 10))


def test_products_are_those_of_the_multiplier_that_flushes():
    """Sums of one product against fp16mul, of 4,000 patterns and more with all corners."""
    a = fp16mul.stimuli(FLUSHING, np.random.default_rng(1), 4000)["a"]
    w = fp16mul.corners()
    products = fp16mul.model(FLUSHING, a[:, None], w)
    got = sgd.numbers(CFG).sums(CFG, signed(a)[:, None], signed(w)[None], np.zeros(1))
    # A sum begins with plus zero, to which minus zero adds nothing.
    assert np.array_equal(got, signed(np.where(products == 0x8000, 0, products)))


@given(st.integers(0, 0xFFFF), st.integers(-3 << 10, 3 << 10), st.booleans())
def test_sums_are_rounded_once(a, near, other_sign):
    """Two numbers, often of near exponents, each multiplied by one."""
    b = min(max((a & 0x7FFF) + near, 0), 0x7FFF) | (a & 0x8000 ^ (other_sign << 15))
    if a >> 10 & 31 == 31 or b >> 10 & 31 == 31:
        return
    got = one_sum([a, b], [0x3C00, 0x3C00]) & 0xFFFF
    expected = exactly(a, b)
    assert got == (expected if expected != 0x8000 or one_sum([a], [0x3C00]) else 0)


def test_infinities_and_what_is_no_number():
    one, infinite, nan = 0x3C00, 0x7C00, 0x7E00
    assert one_sum([infinite, one], [one, one]) == infinite
    assert one_sum([infinite, infinite | 0x8000], [one, one]) == nan
    assert one_sum([infinite], [0]) == nan
    assert one_sum([0x7BFF, 0x7BFF], [one, one]) == infinite


def test_a_step_worked_by_hand():
    """2-2-1 at h 1, all numbers exact: 1.5 and 2 in, target 1."""
    cfg = CFG.replace(sizes=(2, 2, 1), rate_log2=1)
    encode, decode = (getattr(sgd.numbers(cfg), name) for name in ("encode", "decode"))
    weights = [[[1.0, -2.0], [0.5, 0.25]], [[2.0], [4.0]]]
    after = sgd.step(
        cfg, [encode(cfg, w) for w in weights], encode(cfg, [1.5, 2.0]), encode(cfg, [1.0])
    )
    # 1.5 + 1 = 2.5; -3 + 0.5 = -2.5, off; 2 * 2.5 = 5. 5 - 1 = 4; back 2 * 4 = 8 and 0.
    assert [decode(cfg, z).tolist() for z in after.z] == [[2.5, -2.5], [5.0]]
    assert [decode(cfg, g).tolist() for g in after.g] == [[8.0, 0.0], [4.0]]
    # 1 - 1.5 * 8 / 2 = -5, 0.5 - 2 * 8 / 2 = -7.5; 2 - 2.5 * 4 / 2 = -3.
    first, second = (decode(cfg, w).tolist() for w in after.weights)
    assert first == [[-5.0, -2.0], [-7.5, 0.25]]
    assert second == [[-3.0], [4.0]]


def test_what_rounds_on_the_way_is_near_the_ideal():
    """64-8-4: an error of 2^-11 a product and a sum, 65 of them at most in a row."""
    cfg = CFG.replace(sizes=(64, 8, 4))
    drawn = sgd.stimuli(cfg, np.random.default_rng(3))
    weights, x, target = drawn["weights"], drawn["x"][0], drawn["target"][0]
    after = sgd.step(cfg, weights, x, target)
    _, z, _ = sgd.ideal(cfg, weights, x, target)
    decode = sgd.numbers(cfg).decode
    size = np.abs(decode(cfg, x)) @ np.abs(decode(cfg, weights[0]))
    assert (np.abs(decode(cfg, after.z[0]) - z[0]) <= 65 * 2.0**-11 * size).all()


def test_counts_say_which_updates_changed_nothing():
    cfg = CFG.replace(sizes=(2, 1), rate_log2=0)
    number = sgd.numbers(cfg)
    weights = number.encode(cfg, [[1.0], [1.0]]), np.zeros((2, 1), dtype=np.int64)
    vectors = number.encode(cfg, [2.0**-12, 2.0**-10]), number.encode(cfg, [1.0])
    after, _, counts = number.update(cfg, weights, Update(1, *vectors, np.zeros(1), 0))
    assert number.decode(cfg, after).tolist() == [[1.0], [1 - 2.0**-10]]
    assert counts == (2, 1)


@pytest.mark.parametrize(("name", "value"), [("bits", 8), ("update", "essop"), ("residue", 4)])
def test_what_binary16_does_not_have_is_refused(name, value):
    with pytest.raises(ValueError, match=rf"sgd.{name} must be .* where numbers is 'fp16', not"):
        Config(numbers="fp16", **{**HALF, name: value})


def test_the_adder_is_that_of_the_model():
    """All corners but a few by themselves, and pairs whose exponents are at most 14 apart."""
    rng = np.random.default_rng(4)
    corners = fp16mul.corners()[::3]
    n = 1500
    exponents = rng.integers(1, 31, n)
    others = np.clip(exponents + rng.integers(-14, 15, n), 1, 30)
    others[: n // 3] = exponents[: n // 3]
    low = rng.integers(0, 1 << 10, (2, n)) | rng.integers(0, 2, (2, n)) << 15
    a = np.concatenate([np.repeat(corners, len(corners)), exponents << 10 | low[0]])
    b = np.concatenate([np.tile(corners, len(corners)), others << 10 | low[1]])
    expected = sgd.numbers(CFG).difference(CFG, signed(a), signed(b ^ 0x8000)) & 0xFFFF
    m, left, right, total = Module(), Signal(16), Signal(16), Signal(16)
    m.d.comb += total.eq(added(m, left, right))
    got = []

    async def bench(ctx):
        for one, other in zip(a, b, strict=True):
            ctx.set(left, int(one))
            ctx.set(right, int(other))
            got.append(ctx.get(total))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    assert np.array_equal(got, expected)


@pytest.mark.needs("icarus")
def test_rtl_equals_model(simulate):
    simulate("sgd", CFG, tests="steps.*random.*random|cycles|reset")


@pytest.mark.long
@pytest.mark.needs("icarus")
@pytest.mark.parametrize(
    "values", [{}, {"sizes": (9, 8, 7, 3), "pes": 3}, {"sizes": (1, 1), "pes": 1, "rate_log2": 16}]
)
def test_rtl_equals_model_in_other_sizes(simulate, values):
    assert simulate("sgd", CFG.replace(**values)).tests == TESTS


@pytest.mark.needs("icarus")
def test_bench_notices_another_rate(simulate, monkeypatch):
    """Mutation: the operand of an update is scaled by half the rate."""
    from nomul.hw.sgd import floats

    monkeypatch.setattr(
        "nomul.hw.sgd.numbers.scaled", lambda value, shift: floats.scaled(value, shift + 1)
    )
    with pytest.raises(BenchError, match=r"weights, step 0\["):
        simulate("sgd", CFG, top=Top(CFG), tests="steps.*never.*never")


@pytest.mark.long
def test_it_learns_digits_in_verilog(tmp_path):
    """Sixty images in a row, weights compared after each; in the model 93 % after two epochs."""
    cfg = CFG.replace(sizes=(64, 32, 10), pes=8)
    done = learning.run(learning.Job(cfg, 1, 60), tmp_path)
    assert (done.compared, done.outputs) == (60, 600)
    alone = learning.run(learning.Job(cfg, 2, in_rtl=False), tmp_path / "model")
    assert alone.accuracies[-1] >= 0.93
