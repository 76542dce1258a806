"""Writes at low energy: what is held, and what is paid for."""

import numpy as np

from nomul.experiments.faultmem import tables

OLD, NEW = (np.random.default_rng(k).integers(0, 256, 500).astype(np.uint8) for k in range(2))


def test_writes_that_never_fail_hold_what_was_written():
    for codes, bits in ((False, 8), (True, 13)):
        held, changed = tables.written(OLD, NEW, np.full(bits, 12.0), 1, codes)
        assert held.tolist() == NEW.tolist()
        assert changed[:8].sum() == np.bitwise_count(OLD ^ NEW).sum()


def test_a_bit_without_energy_keeps_its_old_value():
    held, _ = tables.written(OLD, NEW, np.array([0.0] + [12.0] * 7), 1)
    assert ((held ^ OLD) & 1 == 0).all()
    assert ((held ^ NEW) & 0xFE == 0).all()


def test_codes_correct_what_would_be_wrong():
    wrong = [
        (tables.written(OLD, NEW, np.full(bits, 2.0), 3, codes)[0] != NEW).sum()
        for codes, bits in ((False, 8), (True, 13))
    ]
    assert wrong[0] > 10
    assert wrong[1] < wrong[0] / 5
