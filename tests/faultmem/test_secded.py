"""SECDED: one wrong bit is corrected and two are noticed, wherever they are."""

import itertools

import numpy as np
import pytest

from nomul.golden.faultmem import secded


@pytest.mark.parametrize(("bits", "extra"), [(1, 3), (4, 4), (8, 5), (11, 5), (16, 6), (32, 7)])
def test_check_bits_are_those_of_the_extended_hamming_code(bits, extra):
    assert secded.check_bits(bits) == extra


@pytest.mark.parametrize("bits", [1, 4, 8, 16, 32])
def test_one_error_is_corrected_and_two_are_noticed(bits):
    words = np.random.default_rng(bits).integers(0, 1 << bits, 5)
    code, size = secded.encode(words, bits), bits + secded.check_bits(bits)
    clean = secded.decode(code, bits)
    assert clean.word.tolist() == words.tolist()
    assert not clean.double.any()
    for bit in range(size):
        one = secded.decode(code ^ (1 << bit), bits)
        assert one.word.tolist() == words.tolist()
        assert not one.double.any()
    for first, second in itertools.combinations(range(size), 2):
        two = secded.decode(code ^ (1 << first) ^ (1 << second), bits)
        assert two.double.all()


def test_code_words_differ_in_four_bits_at_least():
    code = secded.encode(np.arange(256), 8)
    distance = np.bitwise_count((code[:, None] ^ code).astype(np.uint64))
    assert distance[~np.eye(256, dtype=bool)].min() == 4
