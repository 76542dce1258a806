"""Whole numbers that golden models are given: what would come back negative is refused."""

import numpy as np
import pytest

from nomul.golden import codebook, dense, nmsort, residue
from nomul.golden.arrays import int64

LARGEST = 2**64 - 1


def test_what_fits_is_kept_and_what_would_wrap_is_named():
    assert int64("x", np.array([2**63 - 1], dtype=np.uint64)).tolist() == [2**63 - 1]
    assert int64("x", np.zeros(0, dtype=np.uint64)).size == 0
    with pytest.raises(ValueError, match=f"x must fit 64 bits signed, not {LARGEST}"):
        int64("x", np.array([0, LARGEST], dtype=np.uint64))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: dense.compress(dense.Config(inputs=2, outputs=1), x),
        lambda x: dense.model(
            dense.Config(inputs=1), dense.compress(dense.Config(inputs=1), x[:1, [0] * 16] * 0), x
        ),
        lambda x: residue.model(residue.Config(), x),
        lambda x: codebook.integers("x", x),
        lambda x: nmsort.model(nmsort.Config(keep=1, group=2), x.ravel()),
    ],
)
def test_models_take_no_number_for_minus_one(call):
    with pytest.raises(ValueError, match=str(LARGEST)):
        call(np.array([[LARGEST], [1]], dtype=np.uint64))
