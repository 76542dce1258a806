"""Entries of tables that no sample reads: what may change, and what may not."""

import numpy as np
import pytest

pytest.importorskip("torch")

from nomul.experiments.lutnet import unread
from nomul.golden import lutnet


def test_an_input_goes_where_the_entries_in_use_do_not_need_it():
    """x0 xor x1 of which only the addresses 00 and 01 occur is x0."""
    table, needed = np.array([0, 1, 1, 0], dtype=bool), np.array([1, 1, 0, 0], dtype=bool)
    assert unread.reduced(table, needed).tolist() == [False, True, False, True]
    assert unread.reduced(table, np.ones(4, dtype=bool)).tolist() == table.tolist()


def test_entries_in_use_stay_and_inputs_do_not_grow():
    rng = np.random.default_rng(1)
    gone = 0
    for _ in range(50):
        table, needed = rng.random(64) < 0.5, rng.random(64) < 0.2
        other = unread.reduced(table, needed)
        assert (other[needed] == table[needed]).all()
        sizes = [
            len(lutnet.support(sum(1 << int(a) for a in np.flatnonzero(t)), 6))
            for t in (table, other)
        ]
        assert sizes[1] <= sizes[0]
        gone += sizes[0] - sizes[1]
    assert gone > 50


def test_training_images_keep_their_class_where_free_entries_are_not_read():
    network = lutnet.Config.preset("digits-xc7").load()
    x = np.random.default_rng(2).integers(0, 16, (40, 64))
    counts = unread.reads(network, x)
    assert (counts.sum(axis=1) == 40).all()
    other = unread.freed(network, x, 0)
    assert (lutnet.model(other, x) == lutnet.model(network, x)).all()
    assert other.layers[1].tt != network.layers[1].tt
