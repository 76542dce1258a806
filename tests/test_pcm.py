"""Phase-change cells: means and variances of what is read, against their closed forms."""

import re

import numpy as np
import pytest

from nomul.golden import pcm, residue

BANK = residue.Config(levels=(-8, 7))
N = 40_000


@pytest.mark.parametrize("level", [-8, 0, 5])
@pytest.mark.parametrize("seconds", [0, 1, 3600, 1e7])
def test_the_mean_read_is_the_closed_form(level, seconds):
    """Within five standard errors of 40,000 cells."""
    cells = pcm.Cells(drift=0.06, spread=0.02)
    got = pcm.read(BANK, cells, np.full(N, level), seconds, np.random.default_rng(1))
    error = got.std() / np.sqrt(N)
    assert abs(got.mean() - pcm.mean(cells, level, seconds)) <= 5 * error


def test_noise_of_writing_and_of_reading_add_up():
    cells = pcm.Cells(programming=0.3, reading=0.4)
    got = pcm.read(BANK, cells, np.zeros(N, dtype=int), 1, np.random.default_rng(2))
    # The standard error of a standard deviation is 0.5 / sqrt(2 N).
    assert abs(got.std() - 0.5) <= 5 * 0.5 / np.sqrt(2 * N)


def test_cells_without_noise_decay_by_the_power_of_time():
    cells = pcm.Cells(programming=0, spread=0, reading=0, drift=0.5, first=2.0)
    got = pcm.read(BANK, cells, [4, -4, 0], 8.0, np.random.default_rng(3))
    assert got.tolist() == [2.0, -2.0, 0.0]
    assert pcm.read(BANK, cells, [4], 0.5, np.random.default_rng(3)).tolist() == [4.0]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: pcm.Cells(drift=-1), ValueError, "pcm.drift must be a number at least 0, not -1"),
        (lambda: pcm.Cells(first=0), ValueError, "pcm.first must be a number above 0, not 0"),
        (lambda: read([0.5]), TypeError, "upper must hold integers, not float64"),
        (lambda: read([8]), ValueError, "upper must be in -8..7, not 8"),
        (lambda: read([1], np.nan), ValueError, "seconds must be a number of at least 0, not nan"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()


def read(levels, seconds=1.0):
    return pcm.read(BANK, pcm.Cells(), levels, seconds, np.random.default_rng(0))
