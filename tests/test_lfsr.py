"""LFSR: primitive polynomials, leap-forward, and the RTL against the model."""

import math
import re

import numpy as np
import pytest

from nomul.golden import lfsr
from nomul.sim.harness import BenchError


def prime_factors(number: int) -> list[int]:
    """Return the distinct prime factors, by trial division."""
    factors, candidate = [], 2
    while candidate * candidate <= number:
        if number % candidate == 0:
            factors.append(candidate)
            while number % candidate == 0:
                number //= candidate
        candidate += 1
    return factors + [number] * (number > 1)


def order_is_full(width: int, taps: tuple[int, ...]) -> bool:
    """Whether the step has order 2**width - 1: the identity there, and at no proper divisor."""
    step, period = lfsr.step_matrix(width, taps), (1 << width) - 1
    one = lfsr.identity(width)
    return step**period == one and all(step ** (period // p) != one for p in prime_factors(period))


@pytest.mark.parametrize("width", range(3, 33))
def test_both_polynomials_are_primitive_and_differ(width):
    assert order_is_full(width, lfsr.TAPS[width])
    assert order_is_full(width, lfsr.second_taps(width))
    # Width 3 and 4 have exactly two primitive polynomials, the reciprocals of each other.
    assert lfsr.second_taps(width) != lfsr.TAPS[width]


@pytest.mark.parametrize("width", range(3, 17))
def test_period_is_full(width):
    period = (1 << width) - 1
    states = lfsr.sequence(width, lfsr.TAPS[width], 1, period + 1)
    assert sorted(states[:-1]) == list(range(1, period + 1))
    assert states[-1] == 1


def test_a_polynomial_that_is_not_primitive_fails_the_order_test():
    assert not order_is_full(4, (4, 2))


def test_sequence_follows_the_definition():
    """The register, stepped as the definition words it."""
    width, taps, state = 16, lfsr.TAPS[16], 0xACE1
    states = lfsr.sequence(width, taps, state, 1000)
    for got in states:
        assert got == state
        feedback = sum(state >> (t - 1) & 1 for t in taps) % 2
        state = ((state << 1) | feedback) % (1 << width)


@pytest.mark.parametrize("leap", [1, 2, 7, 8, 16, 31])
def test_leap_takes_every_nth_state(leap):
    plain = lfsr.sequence(12, lfsr.TAPS[12], 0x5A5, 100 * leap)
    assert np.array_equal(lfsr.sequence(12, lfsr.TAPS[12], 0x5A5, 100, leap), plain[::leap])


def test_model_continues_where_it_stopped():
    cfg = lfsr.Config(leap=8)
    assert np.array_equal(lfsr.model(cfg, 20, before=30), lfsr.model(cfg, 50)[30:])


def test_mean_of_a_period_is_the_ideal_one():
    cfg = lfsr.Config(width=10, seed=1)
    states = lfsr.model(cfg, 1023) / 1024
    assert math.isclose(states.mean(), lfsr.ideal(cfg, 1)[0], rel_tol=1e-12)


@pytest.mark.parametrize("preset", lfsr.Config.presets)
def test_rtl_equals_model(simulate, preset):
    simulate("lfsr", lfsr.Config.preset(preset))


def test_bench_notices_a_wrong_seed(simulate):
    """Mutation: the hardware starts one state late."""
    cfg = lfsr.Config.preset("leap")
    late = cfg.replace(seed=int(lfsr.model(cfg, 2)[1]))
    from nomul.hw.lfsr import Top

    with pytest.raises(BenchError, match=r"state\[0\] is 0x"):
        simulate("lfsr", cfg, top=Top(late), tests="never")


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"width": 2}, ValueError, "lfsr.width must be in 3..32, not 2"),
        ({"width": "8"}, TypeError, "lfsr.width must be an integer, not '8' (str)"),
        ({"seed": 0}, ValueError, "lfsr.seed must be in 1..65535, not 0"),
        ({"taps": (15, 3)}, ValueError, "lfsr.taps must be distinct, in 1..16 and include 16"),
        ({"widht": 8}, TypeError, "lfsr has no parameter 'widht'; it has width, taps, seed, leap"),
    ],
)
def test_bad_parameters_are_named(values, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        lfsr.Config.from_dict(values)
