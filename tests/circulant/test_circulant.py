"""Circulant blocks: the definition, exact transforms, nearest matrices by brute force, messages."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import circulant
from nomul.golden.circulant import fermat, fft

SEED = st.integers(0, 2**32)


@given(inputs=st.integers(1, 17), outputs=st.integers(1, 11), k=st.integers(1, 6), seed=SEED)
def test_blocks_follow_the_definition(inputs, outputs, k, seed):
    """y_i = sum_j v[(i - j) mod k] x_j within a block, blocks summed, written out."""
    rng = np.random.default_rng(seed)
    cfg = circulant.Config(inputs=inputs, outputs=outputs, k=k)
    made = circulant.stimuli(cfg, rng)
    y, x, v = circulant.model(cfg, **made), made["x"], made["packed"].values
    for vector, sums in zip(x, y, strict=True):
        for i in range(outputs):
            terms = (int(v[j // k, i // k, (i - j) % k]) * int(vector[j]) for j in range(inputs))
            assert sums[i] == sum(terms)


@given(
    inputs=st.integers(1, 17),
    outputs=st.integers(1, 11),
    k=st.sampled_from([1, 2, 4, 8]),
    units=st.integers(1, 4),
    signed=st.booleans(),
    seed=SEED,
)
def test_rotation_and_transform_give_the_model(inputs, outputs, k, units, signed, seed):
    rng = np.random.default_rng(seed)
    sizes = {"inputs": inputs, "outputs": outputs, "k": k, "units": units, "act_signed": signed}
    direct = circulant.Config(**sizes)
    made = circulant.stimuli(direct, rng)
    y = made["x"] @ made["packed"].weights()
    assert np.array_equal(circulant.model(direct, **made), y)
    assert np.array_equal(circulant.model_by_steps(direct, **made), y)
    by_transform = direct.replace(engine="ntt")
    packed = circulant.compress(by_transform, made["packed"].weights())
    assert np.array_equal(circulant.model_by_steps(by_transform, packed, made["x"]), y)


@pytest.mark.parametrize(("k", "b"), [(2, 4), (8, 4), (16, 8), (8, 16), (32, 16), (64, 32)])
def test_transforms_are_exact(k, b):
    """Inverse of each other, turn convolution into products, and two is a root of unity."""
    rng, modulus = np.random.default_rng(1), (1 << b) + 1
    unit = pow(2, fermat.root(k, b), modulus)
    assert pow(unit, k, modulus) == 1
    assert pow(unit, k // 2, modulus) == modulus - 1
    x, v = rng.integers(0, modulus, (2, k))
    assert np.array_equal(fermat.transform(fermat.transform(x, b), b, inverse=True), x)
    points = fermat.times(fermat.transform(x, b), fermat.transform(v, b), b)
    circular = [sum(int(v[(i - j) % k]) * int(x[j]) for j in range(k)) % modulus for i in range(k)]
    assert fermat.transform(points, b, inverse=True).tolist() == circular


@pytest.mark.parametrize("b", [1, 2, 4])
def test_codes_compute_with_residues_exhaustively(b):
    modulus = (1 << b) + 1
    for x in range(modulus):
        code = fermat.encode(x, b)
        assert (fermat.decode(code, b) - x) % modulus == 0
        for turn in range(2 * b):
            assert fermat.rotate(code, turn, b) == fermat.encode(x << turn, b)
        for y in range(modulus):
            assert fermat.add(code, fermat.encode(y, b), b) == fermat.encode(x + y, b)
            assert fermat.times(x, y, b) == x * y % modulus


def test_large_residues_multiply_exactly():
    top = 1 << 32
    for x, y in itertools.product((top, top - 1, 12345, 0), repeat=2):
        assert fermat.times(x, y, 32) == x * y % (top + 1)


def test_projection_is_the_nearest_by_brute_force():
    """Of all matrices of circulant blocks with weights of two bits none is nearer."""
    rng = np.random.default_rng(2)
    for inputs, outputs, k in ((2, 2, 2), (3, 2, 2), (3, 3, 3), (2, 4, 3)):
        cfg = circulant.Config(inputs=inputs, outputs=outputs, k=k, weight_bits=2)
        shape = (cfg.block_columns, cfg.block_rows, k)
        shown = np.zeros(shape, dtype=bool)
        shown[circulant.places(cfg)] = True
        for _ in range(3):
            w = rng.integers(-4, 5, (inputs, outputs))
            cost = ((circulant.project(cfg, w) - w) ** 2).sum()
            values = np.zeros(shape, dtype=np.int64)
            least = cost
            for choice in itertools.product(range(-2, 2), repeat=int(shown.sum())):
                values[shown] = choice
                least = min(least, ((circulant.spread(cfg, values) - w) ** 2).sum())
            assert cost == least


def test_means_are_rounded_half_to_even():
    cfg = circulant.Config(inputs=2, outputs=2, k=2)
    assert circulant.project(cfg, [[1, 0], [5, 2]]).tolist() == [[2, 2], [2, 2]]
    assert circulant.project(cfg, [[2, 0], [-5, 3]]).tolist() == [[2, -2], [-2, 2]]
    assert circulant.project(cfg, [[900, 0], [0, 0]]).tolist() == [[127, 0], [0, 127]]
    huge = [[1 << 62, 5], [7, 6 - (1 << 62)]]
    assert circulant.project(cfg, huge).tolist() == [[3, 6], [6, 3]]


def test_storage_is_a_kth_and_of_points_wider():
    cfg = circulant.Config(inputs=32, outputs=16, k=8)
    packed = circulant.compress(cfg, np.zeros((32, 16), dtype=int))
    assert packed.bits == 32 * 16 * 8 // 8
    points = circulant.compress(cfg.replace(engine="ntt"), np.zeros((32, 16), dtype=int))
    assert points.bits == 32 * 16 * 33 // 8


def test_a_weight_off_its_diagonal_is_named():
    cfg = circulant.Config(inputs=4, outputs=4, k=2)
    w = circulant.project(cfg, np.arange(16).reshape(4, 4))
    w[3, 2] += 8
    message = r"w\[2, 3\] must equal the rest of its block's diagonal, whose mean is 16, not 12"
    with pytest.raises(ValueError, match=message):
        circulant.compress(cfg, w)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"k": 3}, "circulant.k must be a power of two that divides 64, not 3"),
        ({"k": 128}, "circulant.k must be a power of two that divides 64, not 128"),
        ({"modulus_log2": 12}, "circulant.modulus_log2 must be 4, 8, 16 or 32, not 12"),
        ({"modulus_log2": 16}, "sums of up to 131072, which must be below .*, not 16"),
        ({"product": "bitserial"}, "circulant.product must be multiplier with engine ntt"),
        ({"inputs": 65536, "act_bits": 9}, "sums of up to 2147483648, which must be below"),
    ],
)
def test_transforms_that_cannot_be_are_refused(more, message):
    with pytest.raises(ValueError, match=message):
        circulant.Config(**({"inputs": 8, "outputs": 8, "k": 8, "engine": "ntt"} | more))


def test_signed_int8_fills_the_modulus_of_32_bits():
    """Sums of k products of 128 x 128 stay below 2^31 up to 16,383 blocks of 8."""
    sizes = {"outputs": 8, "k": 8, "engine": "ntt", "weight_bits": 8}
    assert 16383 * 8 * 128 * 128 < 1 << 31 <= 16384 * 8 * 128 * 128
    circulant.Config(inputs=65536, **sizes)
    with pytest.raises(ValueError, match="sums of up to 4286578688"):
        circulant.Config(inputs=65536, act_bits=9, act_signed=False, **sizes)


def test_a_fixed_point_fft_is_wrong_in_the_last_bits():
    """16 points of 16 bits: nearly every sum of an int8 product, by at most 0.2 % of full scale."""
    rng = np.random.default_rng(3)
    v, x = rng.integers(-128, 128, (2, 500, 16))
    index = (np.arange(16)[:, None] - np.arange(16)) % 16
    exact = np.einsum("nij,nj->ni", v[:, index], x)
    error = np.abs(np.rint(fft.convolved(v, x, 16)) - exact)
    assert (error > 0).mean() > 0.9
    assert error.max() < 0.002 * 16 * 128 * 128
    fine = fft.convolved(v, x, 40)
    assert np.array_equal(np.rint(fine), exact)


def test_a_corner_counts_alone_for_the_means_of_its_blocks():
    """Zeros beside a layer's last weights do not make these smaller."""
    rng = np.random.default_rng(1)
    cfg = circulant.Config(inputs=8, outputs=8, k=4)
    part = np.tile(rng.integers(-100, 101, (1, 1)), (6, 3))
    whole = circulant.complete(cfg, part)
    circulant.compress(cfg, whole)
    assert np.array_equal(whole[:6, :3], part)
    full = rng.integers(-100, 101, (8, 8))
    assert np.array_equal(circulant.complete(cfg, full), circulant.project(cfg, full))


def test_weights_of_one_number_are_one_stored_value():
    """As many numbers as stored values, and projected weights of one number are equal."""
    rng = np.random.default_rng(5)
    cfg = circulant.Config(inputs=7, outputs=6, k=3)
    numbers, near = circulant.shares(cfg), circulant.project(cfg, rng.integers(-99, 100, (7, 6)))
    assert numbers.max() + 1 == cfg.block_columns * cfg.block_rows * cfg.k
    for number in np.unique(numbers):
        assert len(np.unique(near[numbers == number])) == 1
    assert np.array_equal(numbers[:3, :3], [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
