"""Patterns of dropout: the distribution's closed form, what stays, and 100,000 draws."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import lfsr, pattern
from nomul.golden.pattern import Config
from nomul.hw.pattern import Top
from nomul.sim.harness import BenchError

DRAWS = 100_000


@given(st.integers(2, 40), st.floats(0.001, 0.999))
def test_distribution_has_its_mean_and_its_form(d, share):
    p = share * (d - 1) / d
    k = pattern.distribution(p, d)
    dropped = np.arange(d) / np.arange(1, d + 1)
    assert math.isclose(k.sum(), 1, rel_tol=1e-12)
    assert math.isclose(k @ dropped, p, rel_tol=1e-9)
    # log K is a straight line over (k - 1) / k, where K is not too small to have a logarithm.
    seen = k > 1e-200
    if seen.sum() > 2:
        slopes = np.diff(np.log(k[seen])) / np.diff(dropped[seen])
        assert np.allclose(slopes, slopes[0], rtol=1e-6, atol=1e-9)


def test_two_periods_have_a_distribution_by_hand():
    assert np.allclose(pattern.distribution(0.2, 2), [0.6, 0.4])
    assert pattern.distribution(0, 3).tolist() == [1, 0, 0]


@given(st.integers(2, 64), st.floats(0, 1, exclude_max=True))
def test_thresholds_rise_to_all_words(most, share):
    ends = Config(most=most, rate=share * (most - 1) / most * 0.999999).thresholds
    assert ends[-1] == 65536
    assert (np.diff(ends, prepend=0) >= 0).all()


@given(st.integers(1, 20), st.integers(0, 50), st.data())
def test_kept_rows_follow_the_definition(dp, n, data):
    b = data.draw(st.integers(0, dp - 1))
    rows = pattern.keep(dp, b, n)
    assert rows.tolist() == [i for i in range(n) if (i - b) % dp == 0]
    assert len(rows) == max(0, math.ceil((n - b) / dp))


def test_tiles_are_dropped_as_rows_are():
    stays = pattern.keep_tiles(3, 1, 40, 70)
    assert stays.shape == (40, 70)
    corners = stays[::32, ::32].astype(int).tolist()
    assert corners == [[0, 1, 0], [0, 1, 0]]
    assert stays.sum() == 32 * 32 + 8 * 32


def test_model_takes_words_as_it_says():
    cfg = Config(most=3, rate=0.6, seed=0x1234567)
    taken = iter((lfsr.sequence(32, lfsr.TAPS[32], cfg.seed, 200, 16) & 0xFFFF).tolist())
    ends = cfg.thresholds.tolist()
    for dp, b in pattern.model(cfg, 40).tolist():
        word = next(taken)
        assert dp == next(k for k in (1, 2, 3) if word < ends[k - 1])
        if dp > 1:
            tried = next(taken)
            while tried % (2 if dp == 2 else 4) >= dp:
                tried = next(taken)
            assert b == tried % (2 if dp == 2 else 4)
        else:
            assert b == 0


@pytest.mark.parametrize("preset", Config.presets)
def test_draws_have_the_closed_form(preset):
    """Each period and each offset within 4.5 standard deviations, of 100,000 draws."""
    cfg = Config.preset(preset)
    draws = pattern.model(cfg, DRAWS)
    k = pattern.distribution(cfg.rate, cfg.most)
    for dp in range(1, cfg.most + 1):
        of_period = draws[draws[:, 0] == dp, 1]
        deviation = math.sqrt(DRAWS * k[dp - 1] * (1 - k[dp - 1]))
        assert abs(len(of_period) - DRAWS * k[dp - 1]) < 4.5 * deviation
        offsets = np.bincount(of_period, minlength=dp)
        assert len(offsets) == dp
        deviation = math.sqrt(len(of_period) / dp * (1 - 1 / dp))
        assert (abs(offsets - len(of_period) / dp) <= 4.5 * deviation).all()


def test_rows_are_dropped_at_the_rate():
    """Every row by itself: the offset is uniform, so none is favoured."""
    cfg = Config(rows=24)
    draws = pattern.model(cfg, 20_000)
    kept = np.zeros(cfg.rows)
    for dp, b in draws.tolist():
        kept[pattern.keep(dp, b, cfg.rows)] += 1
    deviation = math.sqrt(0.25 / len(draws))
    assert (abs(1 - kept / len(draws) - pattern.ideal(cfg, cfg.rows)) < 4.5 * deviation).all()


def test_stimuli_are_what_the_model_takes():
    cfg = Config()
    draws = pattern.model(cfg, **pattern.stimuli(cfg, np.random.default_rng(1)))
    assert np.array_equal(draws, pattern.model(cfg, len(draws)))
    assert 200 <= len(draws) < 300


@pytest.mark.parametrize("preset", Config.presets)
@pytest.mark.needs("icarus")
def test_rtl_equals_model(simulate, preset):
    assert simulate("pattern", Config.preset(preset)).tests == 3


@pytest.mark.long
@pytest.mark.needs("icarus")
@pytest.mark.parametrize(
    "values",
    [
        {"rows": 1, "most": 64, "rate": 0.9},
        {"rows": 3, "most": 2, "rate": 0.25},
        {"rate": 0.0},
        {"rows": 5, "most": 7, "rate": 0.8, "seed": 1},
    ],
)
def test_rtl_equals_model_at_the_corners(simulate, values):
    simulate("pattern", Config(**values))


@pytest.mark.needs("icarus")
def test_bench_notices_offsets_that_are_not_rejected(simulate, monkeypatch):
    """Mutation: a word is masked by one bit less than its period needs."""
    real = Top._mask
    monkeypatch.setattr(Top, "_mask", lambda self, period: real(self, period) >> 1)
    cfg = Config.preset("half")
    with pytest.raises(BenchError, match=r"row\["):
        simulate("pattern", cfg, top=Top(cfg), tests="never")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: Config(most=1), ValueError, "pattern.most must be in 2..64, not 1"),
        (
            lambda: Config(rate=0.875),
            ValueError,
            "pattern.rate must be at least 0 and less than 7/8, not 0.875",
        ),
        (lambda: Config(rate=math.nan), ValueError, "less than 7/8, not nan"),
        (lambda: Config(rate="half"), TypeError, "pattern.rate must be a number, not 'half'"),
        (lambda: Config(seed=0), ValueError, "pattern.seed must be in 1..4294967295, not 0"),
        (lambda: pattern.keep(3, 3, 9), ValueError, "b must be in 0..2, not 3"),
        (lambda: pattern.distribution(-0.1, 4), ValueError, "rate must be at least 0"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()
