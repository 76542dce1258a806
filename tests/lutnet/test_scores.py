"""Scores that are added and compared in tables: plans against plain sums, and hardware."""

import itertools

import numpy as np
import pytest

from nomul.golden import lutnet
from nomul.golden.lutnet import scores
from nomul.hw.lutnet import scores as hardware
from nomul.sim.harness import BenchError

HEIGHTS = [(1,), (2,), (5,), (10,), (15,), (24,), (40,), (100,), (5, 2, 2), (0, 3, 4), (8, 2, 2)]


def added(steps, columns, form):
    """Return the bits of a score in a form, as the plan's counters make them of columns of bits."""
    left = [list(column) for column in columns] + [[] for _ in form]
    for step in steps:
        taken = [left[step.column + i].pop(0) for i, n in enumerate(step.taken) for _ in range(n)]
        address = sum(bit << k for k, bit in enumerate(taken))
        for i, table in enumerate(step.tables):
            left[step.column + i].append(table >> address & 1)
    assert not any(left[len(form) :])
    return [[*c, *[0] * (n - len(c))] for c, n in zip(left, form, strict=False)]


@pytest.mark.parametrize("heights", HEIGHTS)
def test_a_plan_adds_every_bit_once(heights):
    rng = np.random.default_rng(1)
    assert scores.plan(heights, scores.chosen([heights])) is not None
    for form in scores.forms([heights]):
        steps = scores.plan(heights, form)
        for density in (0, 0.2, 0.5, 0.8, 1) if steps is not None else ():
            columns = [(rng.random(n) < density).astype(int).tolist() for n in heights]
            bits = added(steps, columns, form)
            assert [len(c) for c in bits] == list(form)
            total = sum(sum(column) << weight for weight, column in enumerate(columns))
            assert sum(sum(column) << weight for weight, column in enumerate(bits)) == total


def test_ten_votes_take_six_tables_and_never_become_binary():
    form = scores.chosen([(10,)] * 5)
    assert form == (1, 1, 2)
    assert sum(step.digits for step in scores.plan((10,), form)) == 6


@pytest.mark.parametrize("form", [(1,), (1, 1, 2), (1, 1, 1, 2), (1, 1, 1, 1), (1, 1, 1, 1, 1)])
@pytest.mark.parametrize("negative", [False, True])
def test_groups_of_bits_compare_as_the_numbers_do(form, negative):
    weights = [1 << column for column, n in enumerate(form) for _ in range(n)]
    weights[-1] *= -1 if negative else 1
    chunks = scores.chunks(form)
    assert [place for chunk in chunks for place, _ in chunk] == list(range(len(weights)))
    for a, b in itertools.product(itertools.product((0, 1), repeat=len(weights)), repeat=2):
        answer = []
        for number, chunk in enumerate(chunks):
            places = [place for place, _ in chunk]
            inputs = [side[p] for side in (a, b) for p in places] + answer
            assert len(inputs) <= scores.WIDTH
            table = scores.larger(chunk, number == 0, negative and number == len(chunks) - 1)
            answer = [table >> sum(v << k for k, v in enumerate(inputs)) & 1]
        value_a, value_b = (sum(w * v for w, v in zip(weights, s, strict=True)) for s in (a, b))
        assert answer == [int(value_b > value_a)]


def test_dwn_shape_takes_110_look_up_tables():
    """Fifty tables, popcounts, argmax and the stream's control."""
    from nomul.experiments.lutnet.area import luts

    assert luts(lutnet.Config(network="dwn").load()) <= 110


@pytest.mark.parametrize("network", ["dwn", "numbers"])
def test_scores_and_argmax_in_one_equal_the_model(simulate, network):
    cfg = lutnet.Config(network=network, registers="end")
    assert simulate("lutnet", cfg, tests="equal_the_model.*random.*random").tests == 1


def test_bench_notices_a_comparator_that_prefers_the_second_of_equals(simulate, monkeypatch):
    """Mutation: ties go to the higher index."""

    def above(m, a, b, form, signed_top=False):
        return ~right(m, b, a, form, signed_top)

    right = hardware.above
    monkeypatch.setattr("nomul.hw.lutnet.scores.above", above)
    with pytest.raises(BenchError, match=r"y\["):
        simulate("lutnet", lutnet.Config(network="numbers", registers="end"), tests="never.*never")
