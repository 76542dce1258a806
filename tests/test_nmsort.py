"""N:M sorter: the model against its definition, and the RTL against the model."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import nmsort
from nomul.golden.nmsort import Config
from nomul.hw.nmsort import Top
from nomul.sim.harness import BenchError


def by_definition(w: list[int], keep: int) -> tuple[list[int], list[int]]:
    """Return what stays: those that fewer than N others beat, by size or by coming first."""
    beaten = [
        sum((abs(v), -j) > (abs(w[i]), -i) for j, v in enumerate(w) if j != i)
        for i in range(len(w))
    ]
    index = [i for i, others in enumerate(beaten) if others < keep]
    return [w[i] for i in index], index


@given(st.data(), st.integers(1, 12), st.integers(2, 9))
def test_model_follows_the_definition(data, group, bits):
    keep = data.draw(st.integers(1, group))
    most = 1 << (bits - 1)
    w = data.draw(st.lists(st.integers(-most, most - 1), min_size=group, max_size=group))
    kept = nmsort.model(Config(keep=keep, group=group, weight_bits=bits), w)
    assert (kept.value.tolist(), kept.place.tolist()) == by_definition(w, keep)


def test_the_least_weight_is_the_largest_magnitude_and_the_first_of_equals_stays():
    cfg = Config(keep=2, group=4)
    kept = nmsort.model(cfg, np.array([[127, 5, -128, 127], [3, -3, 3, -3]], dtype=np.int8))
    assert kept.value.tolist() == [[127, -128], [3, -3]]
    assert kept.place.tolist() == [[0, 2], [0, 1]]


@pytest.mark.parametrize("preset", Config.presets)
def test_model_is_the_ideal_pruning_without_its_zeros(preset):
    cfg = Config.preset(preset)
    w = nmsort.stimuli(cfg, np.random.default_rng(2))["w"]
    kept = nmsort.model(cfg, w)
    spread = np.zeros(w.shape)
    np.put_along_axis(spread, kept.place, kept.value, axis=-1)
    assert np.array_equal(spread, nmsort.ideal(cfg, w))
    assert (np.diff(kept.place, axis=-1) > 0).all()


def test_all_of_a_group_stay_where_n_is_m():
    cfg = Config(keep=3, group=3)
    w = np.arange(24).reshape(2, 4, 3)
    kept = nmsort.model(cfg, w)
    assert np.array_equal(kept.value, w)
    assert np.array_equal(kept.place, np.broadcast_to([0, 1, 2], w.shape))


def test_rtl_equals_model(simulate):
    simulate("nmsort", Config.preset("2of4"))


@pytest.mark.long
@pytest.mark.parametrize("preset", ["2of8", "1of8"])
def test_rtl_equals_model_at_the_other_presets(simulate, preset):
    simulate("nmsort", Config.preset(preset))


@pytest.mark.parametrize(
    ("keep", "group", "weight_bits"),
    [
        (1, 1, 2),
        pytest.param(5, 5, 3, marks=pytest.mark.long),
        pytest.param(3, 7, 32, marks=pytest.mark.long),
        pytest.param(7, 64, 5, marks=pytest.mark.long),
    ],
)
def test_rtl_equals_model_at_odd_sizes(simulate, keep, group, weight_bits):
    simulate("nmsort", Config(keep=keep, group=group, weight_bits=weight_bits))


def test_bench_notices_that_the_last_of_equals_stays(simulate):
    """Mutation: a weight also displaces one of its own magnitude."""

    class Eager(Top):
        def _displaces(self, arriving, held):
            return arriving >= held

    cfg = Config.preset("2of4")
    with pytest.raises(BenchError, match=r"(value|index)\["):
        simulate("nmsort", cfg, top=Eager(cfg), tests="survivors.*never.*never")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: Config(keep=5), ValueError, "nmsort.keep must be in 1..4, not 5"),
        (lambda: Config(group=0), ValueError, "nmsort.group must be in 1..256, not 0"),
        (lambda: Config(keep="2"), TypeError, "nmsort.keep must be an integer, not '2' (str)"),
        (lambda: Config(weight_bits=1), ValueError, "nmsort.weight_bits must be in 2..32, not 1"),
        (
            lambda: nmsort.model(Config(), [1, 2, 3]),
            ValueError,
            "w must end in groups of 4, not be of shape [3]",
        ),
        (
            lambda: nmsort.model(Config(), [1, 2, 3, 128]),
            ValueError,
            "w must be in -128..127, not 128",
        ),
        (
            lambda: nmsort.model(Config(), [1, 2, 3, 0.5]),
            TypeError,
            "w must hold integers, not float64",
        ),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()
