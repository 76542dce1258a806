"""Residues: invariant and closed forms of both carry rules, and the RTL against the model."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import residue
from nomul.golden.residue import Config
from nomul.hw.residue import Top
from nomul.sim.harness import BenchError

RULES = ("twos", "trunc")
UPDATES = st.lists(st.lists(st.integers(-3000, 3000), min_size=3, max_size=3), max_size=30)


@given(UPDATES, st.integers(2, 9), st.integers(-6, 0), st.integers(1, 5), st.sampled_from(RULES))
def test_nothing_is_lost_unseen(q, low_bits, low, high, rule):
    """The invariant: levels, residues and lost carries are together the sum of all updates."""
    cfg = Config(low_bits=low_bits, levels=(low, high), carry=rule)
    updates = np.array(q, dtype=np.int64).reshape(-1, 3)
    after = residue.model(cfg, updates, [low, 0, high])
    moved = after.upper - [low, 0, high] + after.lost
    assert np.array_equal(moved * cfg.unit + after.acc, updates.sum(axis=0))
    assert (after.upper >= low).all()
    assert (after.upper <= high).all()
    assert (after.acc >= -(1 << (low_bits - 1)) + (rule == "trunc")).all()
    assert (after.acc < 1 << (low_bits - 1)).all()


@given(st.lists(st.integers(-50, 50), min_size=1), st.integers(2, 8))
def test_twos_is_the_running_sum_rounded(q, low_bits):
    """Without rails the level is floor(sum / 2^L + 1/2), whatever the order of the updates."""
    cfg = Config(low_bits=low_bits, levels=(-30000, 30000))
    after = residue.history(cfg, q)
    total = np.cumsum(q)
    assert np.array_equal(after.upper, np.floor(total / cfg.unit + 0.5))
    assert np.array_equal(after.acc, total - after.upper * cfg.unit)


@given(st.lists(st.integers(-50, 50), min_size=1), st.integers(2, 8), st.sampled_from(RULES))
def test_levels_are_less_than_one_from_the_ideal(q, low_bits, rule):
    cfg = Config(low_bits=low_bits, levels=(-30000, 30000), carry=rule)
    after = residue.model(cfg, q)
    assert residue.ideal(cfg, q) == after.upper + after.acc / cfg.unit
    assert abs(residue.ideal(cfg, q) - after.upper) <= (0.5 if rule == "twos" else 1 - 1e-9)


def test_trunc_keeps_the_sign_of_what_has_not_overflowed():
    cfg = Config(low_bits=3, carry="trunc")
    after = residue.history(cfg, [3, 3, -4, -4, -3])
    assert after.acc.tolist() == [3, 2, -2, -2, -1]
    assert after.upper.tolist() == [0, 1, 1, 0, -1]


def test_lost_carries_have_the_sign_of_their_rail_and_leave_the_residue():
    cfg = Config(low_bits=3, levels=(-1, 1))
    after = residue.model(cfg, [[4, -4]] * 6)
    assert after.upper.tolist() == [1, -1]
    assert after.lost.tolist() == [2, -2]
    assert after.acc.tolist() == [0, 0]


def test_counts_follow_their_definition():
    """From +3 to +4 carries: 011 becomes 100 as -4, three bits; then one step at the rail."""
    cfg = Config(low_bits=3, levels=(-1, 1))
    assert residue.counts(cfg, [3, 1, 8]) == (2 + 3 + 0, 1, 1)


def test_twos_writes_levels_more_often_than_trunc_where_updates_are_small():
    """A residue that has just carried is at the far end of its range, so it carries back."""
    q = np.random.default_rng(3).integers(-8, 9, (4000, 50))
    writes = {
        rule: residue.counts(Config(carry=rule, levels=(-3000, 3000)), q).pulses for rule in RULES
    }
    assert writes["twos"] > 4 * writes["trunc"]


@pytest.mark.parametrize("preset", ["twos", "trunc"])
def test_rtl_equals_model(simulate, preset):
    simulate("residue", Config.preset(preset))


@pytest.mark.long
@pytest.mark.parametrize(
    "values",
    [
        Config.presets["small"],
        {"low_bits": 2, "levels": (0, 1), "words": 1},
        {"low_bits": 2, "levels": (-1, 0), "words": 3, "carry": "trunc"},
        {"low_bits": 16, "levels": (-32768, 32767), "words": 5},
    ],
)
def test_rtl_equals_model_at_odd_sizes(simulate, values):
    simulate("residue", Config(**values))


def test_bench_notices_a_write_that_is_not_forwarded(simulate):
    """Mutation: a weight that is being written is read as it was before."""

    class Stale(Top):
        def _forwards(self, write):
            return write.en & 0

    cfg = Config.preset("twos")
    with pytest.raises(BenchError, match=r"(upper|acc)\["):
        simulate("residue", cfg, top=Stale(cfg), tests="weights.*never.*never")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: Config(low_bits=1), ValueError, "residue.low_bits must be in 2..16, not 1"),
        (lambda: Config(levels=(1, 7)), ValueError, "residue.levels must be two of -32768..32767"),
        (lambda: Config(levels=(0, 0)), ValueError, "residue.levels must be two of -32768..32767"),
        (lambda: Config(levels=(0,)), ValueError, "residue.levels must have 2 entries, not (0,)"),
        (lambda: Config(carry="up"), ValueError, "residue.carry must be one of twos, trunc, not"),
        (lambda: Config(words=0), ValueError, "residue.words must be in 1..65536, not 0"),
        (lambda: residue.model(Config(), 3), ValueError, "q must have an axis of updates"),
        (lambda: residue.model(Config(), [0.5]), TypeError, "q must hold integers, not float64"),
        (
            lambda: residue.model(Config(), [1], 9),
            ValueError,
            "start must be in -8..7, not 9",
        ),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()
