"""How time grows with size is fitted over all sizes, and of several tries the quickest counts."""

from itertools import count

import pytest

from nomul.experiments import bench_scale
from nomul.experiments.bench_scale import Scale, fits, fitted


def taken(block: str, step: str, size: int, seconds: float) -> Scale:
    """Return a measurement of which only size and time matter."""
    return Scale(block, step, size, seconds, peak_mb=1, text=1, modules=1)


def test_powers_are_recovered_and_large_arrays_left_out() -> None:
    """2 size^1.5 is 1.5 with or without a far larger array; two sizes have no exponent."""
    rows = [taken("essop", "emission", size, 2 * size**1.5) for size in (64, 128, 256)]
    slow = taken("essop", "emission", 1024, 1e9)
    few = [taken("spimc", "area", size, size) for size in (64, 128)]
    tables = [taken("lutnet", "simulation", size, size**0.5) for size in (1000, 4000, 8000)]
    found = fitted([*rows, slow, *few, *tables], most=256)
    assert found == {
        ("essop", "emission"): pytest.approx(1.5),
        ("lutnet", "simulation"): pytest.approx(0.5),
    }
    assert "| essop | emission | 1.50 |" in fits([*rows, slow])


def test_the_quickest_try_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of tries that took 3, 2, 1 seconds the last is kept, and of one try the first."""
    seconds = count(3, -1)
    monkeypatch.setattr(
        bench_scale, "_once", lambda block, step, size: taken(block, step, size, next(seconds))
    )
    assert bench_scale.apart("essop", "emission", 64, tries=3).cpu_s == 1
    assert bench_scale.apart("essop", "emission", 64).cpu_s == 0
