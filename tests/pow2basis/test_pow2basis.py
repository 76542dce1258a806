"""Powers of two times bases: codes, ties, decomposition, both datapaths, storage, messages."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import pow2basis
from nomul.golden.pow2basis.codes import level

SEED = st.integers(0, 2**32)


def test_the_nearest_power_is_so_in_linear_distance_and_a_tie_is_the_smaller():
    assert pow2basis.nearest([3, 6, 0.75, 0, 5, 7, 1, 96]).tolist() == [2, 4, 0.5, 0, 4, 8, 1, 64]
    assert pow2basis.nearest([-3, -6.01, -0.75]).tolist() == [-2, -8, -0.5]


@given(st.floats(-200, 200))
def test_levels_are_the_nearest_of_all(value):
    """Of the fifteen that a code can say none is nearer, and none as near is smaller."""
    levels = [0.0, *(sign * 2.0**e for e in range(7) for sign in (1, -1))]
    found = float(level(value))
    assert found in levels
    distance = min(abs(value - other) for other in levels)
    assert abs(value - found) == distance
    assert abs(found) == min(abs(o) for o in levels if abs(value - o) == distance)


@pytest.mark.parametrize("pmin", [-9, 0, 3])
def test_codes_say_what_they_encode(pmin):
    """The code is s * 8 + e with e = 0 for zero, else 2^(e - 1 + pmin)."""
    codes = np.array([0, 1, 2, 7, 9, 15])
    values = np.array([0, 1, 2, 64, -1, -64]) * 2.0**pmin
    assert pow2basis.decode(codes, pmin).tolist() == values.tolist()
    assert pow2basis.encode(values, pmin).tolist() == codes.tolist()


@pytest.mark.parametrize("value", [3, 128, 0.5, np.nan, np.inf])
def test_what_is_no_coefficient_is_refused(value):
    with pytest.raises(ValueError, match=r"ce\[1, 0\] must be 0 or \+-2\^0 .. \+-2\^6, not"):
        pow2basis.encode([[1], [value]])


def test_minus_nothing_is_refused():
    with pytest.raises(ValueError, match=r"codes\[2\] must be in 0\.\.15 and not 8, minus zero"):
        pow2basis.decode([0, 7, 8])
    with pytest.raises(ValueError, match=r"codes\[0\] must be .*, not 16"):
        pow2basis.decode([16])
    with pytest.raises(TypeError, match="codes must be integers, not float64"):
        pow2basis.decode([1.0])


@given(
    inputs=st.integers(1, 13),
    outputs=st.integers(1, 9),
    size=st.integers(1, 5),
    units=st.integers(1, 4),
    signed=st.booleans(),
    seed=SEED,
)
def test_both_datapaths_give_the_model(inputs, outputs, size, units, signed, seed):
    rng = np.random.default_rng(seed)
    cfg = pow2basis.Config(
        inputs=inputs, outputs=outputs, size=size, units=units, act_signed=signed
    )
    made = pow2basis.stimuli(cfg, rng)
    w, x = made["packed"].weights(), made["x"]
    for j, o in itertools.product(range(inputs), range(outputs)):
        terms = (
            int(made["packed"].ce[j // size, o, k]) * int(made["packed"].b[j // size, k, j % size])
            for k in range(size)
        )
        assert w[j, o] == sum(terms)
    for datapath in pow2basis.DATAPATHS:
        other = cfg.replace(datapath=datapath)
        assert np.array_equal(pow2basis.model_by_steps(other, **made), x @ w)
    assert np.array_equal(pow2basis.model(cfg, **made), x @ w)


@given(size=st.integers(1, 4), outputs=st.integers(1, 9), seed=SEED)
def test_projection_is_never_worse_than_powers_of_two(size, outputs, seed):
    rng = np.random.default_rng(seed)
    cfg = pow2basis.Config(inputs=7, outputs=outputs, size=size)
    w = rng.integers(-127, 128, (7, outputs))
    near = pow2basis.project(cfg, w)
    assert ((near - w) ** 2).sum() <= ((level(w) - w) ** 2).sum()
    assert np.abs(near).max(initial=0) <= 128


@given(size=st.integers(1, 4), outputs=st.integers(1, 5), inputs=st.integers(1, 9), seed=SEED)
def test_tiles_at_once_are_what_each_is_by_itself(size, outputs, inputs, seed):
    cfg = pow2basis.Config(inputs=inputs, outputs=outputs, size=size, weight_bits=6)
    tiles = np.random.default_rng(seed).integers(-40, 41, (3, inputs, outputs))
    at_once = pow2basis.project_all(cfg, tiles)
    for tile, found in zip(tiles, at_once, strict=True):
        assert np.array_equal(found, pow2basis.project(cfg, tile))
        assert np.array_equal(pow2basis.compress(cfg, found).weights(), found)


def test_projection_with_a_start_leaves_its_weights_alone():
    rng = np.random.default_rng(1)
    cfg = pow2basis.Config(inputs=20, outputs=9)
    packed = pow2basis.compress(cfg, pow2basis.project(cfg, rng.integers(-90, 91, (20, 9))))
    again = pow2basis.project(cfg, packed.weights(), start=packed)
    assert np.array_equal(again, packed.weights())
    assert pow2basis.compress(cfg, again).ce.tolist() == packed.ce.tolist()


def test_a_start_is_improved_on():
    rng = np.random.default_rng(2)
    cfg = pow2basis.Config(inputs=21, outputs=16)
    w = rng.integers(-90, 91, (21, 16))
    packed = pow2basis.compress(cfg, pow2basis.project(cfg, w))
    moved = np.clip(w + rng.integers(-20, 21, w.shape), -128, 127)
    warm = pow2basis.project(cfg, moved, start=packed)
    assert ((warm - moved) ** 2).sum() < ((packed.weights() - moved) ** 2).sum()


def test_a_product_of_factors_is_found_again():
    """An exact block is left exactly by its own decomposition where it is one of powers of two."""
    cfg = pow2basis.Config(inputs=6, outputs=5)
    w = np.random.default_rng(3).choice([0, 1, -2, 16, -64], (6, 5))
    assert np.array_equal(pow2basis.compress(cfg, w).weights(), w)


def test_decomposition_of_real_blocks():
    """Rows are dropped by norm, the basis is of 8 bits times one scale, and the error is small."""
    rng = np.random.default_rng(4)
    w = rng.normal(size=(192, 3))
    ce, b = pow2basis.decompose(w, rows_kept=100)
    rows = np.flatnonzero((ce != 0).any(axis=1))
    assert len(rows) <= 100
    norms = (w**2).sum(axis=1)
    assert norms[rows].min() >= np.sort(norms)[-100]
    pow2basis.encode(ce)
    units = b / np.abs(b).max() * 127
    assert np.allclose(units, np.rint(units), atol=1e-9)
    kept = np.argsort(-norms)[:100]
    assert ((ce @ b - w)[kept] ** 2).sum() < 0.04 * (w[kept] ** 2).sum()
    with pytest.raises(ValueError, match=r"rows_kept must be in 0\.\.192, not 193"):
        pow2basis.decompose(w, rows_kept=193)


def test_decomposition_of_an_exact_product_by_powers():
    """A block of powers of two, in a basis of one scale, is found without error."""
    w = np.random.default_rng(5).choice([0.0, 0.25, -0.5, 4.0], (40, 3))
    ce, b = pow2basis.decompose(w)
    assert np.allclose(ce @ b, w, atol=1e-12)


def test_a_decomposed_block_is_compressed():
    """The paper's block of integers, and its weights together with it: the transpose of ours."""
    w = np.random.default_rng(9).integers(-90, 91, (7, 3))
    cfg = pow2basis.Config(inputs=3, outputs=7)
    ce, b = pow2basis.decompose(w)
    packed = pow2basis.compress(cfg, (ce, b))
    assert np.array_equal(packed.weights(), (ce @ b).T)
    again = pow2basis.compress(cfg, (ce @ b).T, (ce, b))
    assert np.array_equal(again.ce, packed.ce)


def test_storage_loses_against_four_bits():
    """192 x 3 of the paper: 4.125 bits per weight without rows dropped, and a bitmap more with."""
    cfg = pow2basis.Config(inputs=3, outputs=192, units=1, skip=False)
    w = np.random.default_rng(6).integers(-90, 91, (3, 192))
    assert pow2basis.compress(cfg, pow2basis.project(cfg, w)).bits / w.size == 4.125
    skipping = cfg.replace(skip=True)
    half = pow2basis.compress(skipping, pow2basis.project(skipping, w, rows_kept=96))
    assert half.bits == 72 + 96 * 12 + 192
    assert half.beats == 1 + 96


@pytest.mark.parametrize("products", pow2basis.PRODUCTS)
@pytest.mark.parametrize("datapath", pow2basis.DATAPATHS)
def test_cycles_of_a_full_tile_are_those_of_the_formula(products, datapath):
    cfg = pow2basis.Config(
        inputs=10, outputs=9, units=2, products=products, datapath=datapath, skip=False
    )
    packed = pow2basis.stimuli(cfg, np.random.default_rng(7))["packed"]
    x = np.zeros((5, 10), dtype=np.int64)
    assert pow2basis.cycles(cfg, packed, x) == cfg.cycles(5)
    assert cfg.cycles(3) - cfg.cycles(2) == cfg.interval
    dropped = pow2basis.compress(cfg.replace(skip=True), (packed.ce * 0, packed.b))
    assert pow2basis.cycles(dropped.cfg, dropped, x) < cfg.cycles(5)


def test_bad_factors_are_named():
    cfg = pow2basis.Config(inputs=3, outputs=2)
    ce, b = np.ones((1, 2, 3), dtype=int), np.eye(3, dtype=int)[None]
    with pytest.raises(ValueError, match=r"ce\[0, 1, 2\] must be 0 or .*, not 3"):
        pow2basis.compress(cfg, (np.where(np.arange(6).reshape(1, 2, 3) == 5, 3, ce), b))
    with pytest.raises(ValueError, match=r"b\[0, 1, 1\] must be in -128..127, not 200"):
        pow2basis.compress(cfg, (ce, np.where(np.arange(9).reshape(1, 3, 3) == 4, 200, b)))
    with pytest.raises(ValueError, match=r"w\[0, 0\] must be in -128\.\.127, not 6400"):
        pow2basis.compress(cfg, (64 * ce, 100 * b))
    with pytest.raises(ValueError, match=r"ce must be of shape \[1, 2, 3\], not \[2, 3\]"):
        pow2basis.compress(cfg, (ce[0], b))
    with pytest.raises(ValueError, match=r"w\[1, 0\] must be 1, not 2: .* of the factors"):
        pow2basis.compress(cfg, np.array([[1, 1], [2, 1], [1, 1]]), (ce, b))
    with pytest.raises(TypeError, match="b must be integers, not float64"):
        pow2basis.compress(cfg, (ce, b * 0.5))


def test_what_cannot_be_decomposed_is_named():
    w = np.ones((4, 3))
    w[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"pow2basis: w\[2, 1\] must be finite, not nan"):
        pow2basis.decompose(w)
    with pytest.raises(ValueError, match=r"pow2basis: values\[1\] must be finite, not inf"):
        pow2basis.nearest([1, np.inf])
    with pytest.raises(TypeError, match=r"rows_kept must be an integer, not 1\.5"):
        pow2basis.decompose(np.ones((4, 3)), rows_kept=1.5)
    cfg = pow2basis.Config(inputs=6, outputs=5)
    with pytest.raises(ValueError, match=r"rows_kept must be in 0\.\.5, not 6"):
        pow2basis.project(cfg, np.ones((6, 5), dtype=int), rows_kept=6)
    other = cfg.replace(inputs=3)
    start = pow2basis.stimuli(other, np.random.default_rng(1))["packed"]
    with pytest.raises(ValueError, match=r"start must be a tile of 6 x 5 .*, not 3 x 5"):
        pow2basis.project(cfg, np.ones((6, 5), dtype=int), start=start)


@pytest.mark.parametrize("size", [3, 1 << 40])
def test_the_basis_of_integers_has_its_bits(size):
    """Of integers that eight bits hold, and of ones that coefficients and basis cannot reach."""
    ce, b = pow2basis.decompose(np.full((4, 3), size))
    assert np.abs(b).max() <= 127
    assert np.array_equal(ce @ b, np.full((4, 3), size)) == (size == 3)


def test_weights_without_factors_are_named():
    cfg = pow2basis.Config(inputs=6, outputs=5)
    w = np.random.default_rng(8).integers(-90, 91, (6, 5))
    with pytest.raises(ValueError, match=r"w\[\d, \d\] must be -?\d+, .*; give the factors"):
        pow2basis.compress(cfg, w)
