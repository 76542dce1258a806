"""Writes at low energy: what is held, and what is paid for."""

import numpy as np
import pytest

from nomul.experiments.faultmem import sparse, training
from nomul.experiments.faultmem.schemes import SCHEMES, Scheme, Writer, decades, weights_of
from nomul.golden import sgd
from nomul.golden.faultmem import secded
from nomul.golden.spimc import layer as spimc_layer

OLD, NEW = (np.random.default_rng(k).integers(0, 256, 500) for k in range(2))
EVEN, GRADED, CHECKED = SCHEMES


def written(scheme, power, seed=1):
    writer = Writer(scheme, weights_of(8), power, OLD, seed)
    writer.write(NEW)
    return writer


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
def test_writes_that_never_fail_hold_what_was_written(scheme):
    writer = written(scheme, 12.0)
    assert writer.words.tolist() == NEW.tolist()
    assert writer.changed[:8].sum() == np.bitwise_count(OLD ^ NEW).sum()
    before = writer.energy
    writer.write(NEW)
    assert writer.energy == before  # nothing changes, nothing is paid for


def test_a_bit_without_energy_keeps_its_old_value():
    """The lowest bit, worth seven doublings less: 10^0."""
    held = written(Scheme("steep", rise=12 / 7), 12.0).words
    assert ((held ^ OLD) & 1 == 0).all()
    assert ((held ^ NEW) & 0xF8 == 0).all()


def test_codes_correct_what_would_be_wrong():
    wrong = [(written(scheme, 2.0, 3).words != NEW).sum() for scheme in (EVEN, CHECKED)]
    assert wrong[0] > 10
    assert wrong[1] < wrong[0] / 5


def test_energy_is_that_of_the_bits_that_change():
    changed = np.bitwise_count(OLD ^ NEW).sum()
    assert written(EVEN, 3.0).energy == pytest.approx(changed * 3 / decades())
    coded = np.bitwise_count(secded.encode(OLD, 8) ^ secded.encode(NEW, 8)).sum()
    assert written(CHECKED, 3.0).energy == pytest.approx(coded * 3 / decades())
    assert written(GRADED, 3.0).energy < written(EVEN, 3.0).energy


def test_entries_of_spimc_are_words_and_back():
    w = np.random.default_rng(2).integers(-128, 128, (70, 20))
    plan = spimc_layer.plan(w, sparse.MACRO, sparse.TILE, prune=True)
    tiles = [placed.packed for placed in plan.tiles]
    again = list(sparse.with_entries(tiles, sparse.entries(tiles)))
    for placed, packed in zip(plan.tiles, again, strict=True):
        part = plan.weights()[placed.row :][: sparse.MACRO.length(packed.tile), placed.owner]
        assert np.array_equal(sparse.weights(packed)[:, : len(placed.owner)], part)


def test_an_entry_out_of_order_counts_as_nothing():
    w = np.array([[0], [5], [0], [7]])
    packed = spimc_layer.plan(w, sparse.MACRO, sparse.TILE).tiles[0].packed
    words = sparse.entries([packed])
    words[1] = (words[1] & 0xFF) | words[0] >> 8 << 8  # the index of the first, again
    (held,) = sparse.with_entries([packed], words)
    assert sparse.weights(held)[:, 0].tolist() == [0, 5, 0, 0]


def test_weights_of_a_training_are_words_and_back():
    cfg = sgd.Config(sizes=(5, 4, 3))
    rng = np.random.default_rng(0)
    shapes = [(5, 4), (4, 3)]
    state = sgd.begin(cfg, [rng.integers(-128, 128, shape) for shape in shapes])
    state = state._replace(residues=[rng.integers(-8, 8, shape) for shape in shapes])
    words = training.words(cfg, state)
    assert (words >= 0).all()
    assert (words < 1 << 12).all()
    again = training.with_words(cfg, state, words)
    for name in ("weights", "residues"):
        for a, b in zip(getattr(state, name), getattr(again, name), strict=True):
            assert np.array_equal(a, b)
