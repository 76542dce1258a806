"""Permuted diagonals: the paper's formula, nearest matrices by brute force, steps, messages."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import permdiag

SIZES = {"k": st.integers(1, 17), "c": st.integers(1, 11), "p": st.integers(1, 6)}


def drawn(k, c, p, rng, **more):
    """Return a configuration of these sizes, with natural shifts or any."""
    cfg = permdiag.Config(inputs=k, outputs=c, p=p, **more)
    if rng.random() < 0.5:
        return cfg
    blocks = cfg.block_rows * cfg.block_columns
    return cfg.replace(k=tuple(int(s) for s in rng.integers(0, p, blocks)))


@given(**SIZES, seed=st.integers(0, 2**32))
def test_weights_follow_the_papers_formula(k, c, p, seed):
    """w_ij = q[l p + c] where (c + k_l) mod p = d, and zero elsewhere, written out."""
    rng = np.random.default_rng(seed)
    cfg = drawn(k, c, p, rng)
    packed = permdiag.stimuli(cfg, rng)["packed"]
    w, q, across = packed.weights(), packed.q, -(-k // p)
    assert q.shape == (-(-c // p) * across * p,)
    for i, j in itertools.product(range(c), range(k)):
        block = i // p * across + j // p
        shift = block % p if cfg.k == "natural" else cfg.k[block]
        expected = q[block * p + i % p] if (i % p + shift) % p == j % p else 0
        assert w[j, i] == expected


@given(
    **SIZES,
    units=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    kind=st.sampled_from(permdiag.PRODUCTS),
    seed=st.integers(0, 2**32),
)
def test_steps_give_the_model(k, c, p, units, kind, seed):
    rng = np.random.default_rng(seed)
    cfg = drawn(k, c, p, rng, pes=units[0], muls=units[1], product=kind, act_bits=5)
    made = permdiag.stimuli(cfg, rng)
    y = permdiag.model(cfg, **made)
    assert np.array_equal(y, made["x"] @ made["packed"].weights())
    assert np.array_equal(permdiag.model_by_inputs(cfg, **made), y)
    assert cfg.outputs // cfg.y_lanes <= cfg.chunks


def test_rows_that_inputs_meet():
    """By hand: 5 inputs, 4 rows, blocks of 3, shifts 0, 1 above and 2, 0 below."""
    cfg = permdiag.Config(inputs=5, outputs=4, p=3)
    assert permdiag.shifts(cfg).tolist() == [[0, 1], [2, 0]]
    met = [[0, -1], [1, -1], [2, 3], [2, 3], [0, -1]]
    assert permdiag.indices(cfg).tolist() == met


@given(**SIZES, seed=st.integers(0, 2**32))
def test_every_input_and_every_row_meet_equally_many(k, c, p, seed):
    """Perfect balance: no input has more weights than another, up to what is padding."""
    cfg = drawn(k, c, p, np.random.default_rng(seed))
    rows = permdiag.indices(cfg)
    assert rows.shape == (k, -(-c // p))
    if c % p == 0:
        assert (rows >= 0).all()
        assert (np.diff(rows, axis=1) > 0).all()
    if k % p == c % p == 0:
        assert (np.bincount(rows.reshape(-1), minlength=c) == k // p).all()


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (2, 3)])
def test_projection_is_the_nearest_by_brute_force(shape):
    """Of all matrices on the diagonals with weights of two bits none is nearer."""
    rng = np.random.default_rng(1)
    for p in (1, 2, 3):
        cfg = permdiag.Config(inputs=shape[0], outputs=shape[1], p=p, weight_bits=2)
        for _ in range(4):
            w = rng.integers(-4, 5, shape)
            near = permdiag.project(cfg, w)
            cost = ((near - w) ** 2).sum()
            on = np.zeros(shape, dtype=bool)
            for j, rows in enumerate(permdiag.indices(cfg)):
                on[j, rows[rows >= 0]] = True
            least = min(
                ((np.array(chosen) - w[on]) ** 2).sum() + (w[~on] ** 2).sum()
                for chosen in itertools.product(range(-2, 2), repeat=int(on.sum()))
            )
            assert cost == least
            assert not near[~on].any()
            assert np.array_equal(permdiag.project(cfg, near), near)


def test_powers_of_two_are_the_nearest():
    """By brute force over all values; a tie goes to the smaller one; nothing else is taken."""
    cfg = permdiag.Config(inputs=1, outputs=1, p=1, product="pow2")
    levels = sorted([0, *(s << e for e in range(7) for s in (-1, 1))], key=abs)
    for value in range(-130, 131):
        near = permdiag.project(cfg, [[value]])
        assert near[0, 0] == min(levels, key=lambda level: abs(value - level))
        assert permdiag.compress(cfg, near).weights()[0, 0] == near[0, 0]
    assert cfg.stored_bits == 4
    with pytest.raises(ValueError, match=r"w\[0, 0\] must be 0 or plus or minus a power .*, not 5"):
        permdiag.compress(cfg, [[5]])


@pytest.mark.parametrize("shape", [(4, 4), (5, 4), (3, 5)])
def test_the_best_shifts_by_brute_force(shape):
    """No choice of all blocks' shifts keeps more energy, and the least best one is taken."""
    rng = np.random.default_rng(2)
    cfg = permdiag.Config(inputs=shape[0], outputs=shape[1], p=2)
    blocks = cfg.block_rows * cfg.block_columns
    for _ in range(3):
        w = rng.integers(-9, 10, shape)
        found, near = permdiag.best(cfg, w)
        energies = {
            k: int((permdiag.project(cfg.replace(k=k), w) ** 2).sum())
            for k in itertools.product(range(2), repeat=blocks)
        }
        assert energies[found.k] == max(energies.values()) == (near**2).sum()
        permdiag.compress(found, near)
    assert permdiag.best(cfg, np.zeros(shape, dtype=int))[0].k == (0,) * blocks


def test_cycles_follow_the_activations_that_are_not_zero():
    """With blocks of eight: one step for each of them, and the same fill whatever they are."""
    rng = np.random.default_rng(6)
    cfg = permdiag.Config(inputs=64, outputs=32, p=8, pes=1, muls=2, lanes=64)
    packed = permdiag.stimuli(cfg, rng)["packed"]
    for left in (1, 5, 17, 40, 64):
        x = np.zeros((3, 64), dtype=int)
        for vector in x:
            vector[rng.permutation(64)[:left]] = rng.integers(1, 100, left)
        fill = cfg.latency + cfg.y_beats
        assert permdiag.cycles(cfg, packed, x) == 3 * left * cfg.steps + fill


@pytest.mark.parametrize("shape", [(4, 4), (5, 4), (3, 5)])
@pytest.mark.parametrize("kind", ["multiplier", "pow2"])
def test_loaded_shifts_are_a_tiles_own_and_the_nearest(shape, kind):
    """By brute force over all shifts; what was projected is held with these, and idempotent."""
    rng = np.random.default_rng(4)
    sizes = {"inputs": shape[0], "outputs": shape[1], "p": 2, "weight_bits": 4, "product": kind}
    cfg = permdiag.Config(**sizes, k="loaded")
    blocks = cfg.block_rows * cfg.block_columns
    for _ in range(3):
        w = rng.integers(-12, 13, shape)
        near = permdiag.project(cfg, w)
        costs = [
            ((permdiag.project(cfg.replace(k=k), w) - w) ** 2).sum()
            for k in itertools.product(range(2), repeat=blocks)
        ]
        assert ((near - w) ** 2).sum() == min(costs)
        assert np.array_equal(permdiag.project(cfg, near), near)
        packed = permdiag.compress(cfg, near)
        assert np.array_equal(packed.weights(), near)
        assert packed.beats == cfg.depth == cfg.steps * (cfg.inputs + cfg.block_columns)
        assert packed.bits == packed.values.size * cfg.stored_bits + blocks


def test_a_block_of_two_diagonals_is_refused_where_shifts_are_loaded():
    cfg = permdiag.Config(inputs=4, outputs=2, p=2, k="loaded")
    w = np.array([[1, 0], [0, 2], [0, 9], [4, 0]])
    assert permdiag.compress(cfg, w).shifts.tolist() == [[0, 1]]
    w[1, 0] = 1
    with pytest.raises(ValueError, match=r"w\[1, 0\] must be 0 off the block's diagonal, not 1"):
        permdiag.compress(cfg, w)
    with pytest.raises(ValueError, match="k is loaded: shifts are a tile's"):
        permdiag.indices(cfg)


@given(**SIZES, kind=st.sampled_from(permdiag.PRODUCTS), seed=st.integers(0, 2**32))
def test_steps_give_the_model_with_loaded_shifts(k, c, p, kind, seed):
    rng = np.random.default_rng(seed)
    cfg = permdiag.Config(inputs=k, outputs=c, p=p, k="loaded", pes=1, product=kind, act_bits=5)
    made = permdiag.stimuli(cfg, rng)
    assert np.array_equal(permdiag.model_by_inputs(cfg, **made), permdiag.model(cfg, **made))


def test_a_tile_that_the_array_does_not_hold_is_refused():
    """Weights between powers of two, and shifts that are not the array's own."""
    cfg = permdiag.Config(inputs=4, outputs=4, p=2, product="pow2")
    values, natural = np.full((4, 2), 4), permdiag.shifts(cfg)
    assert permdiag.Packed(cfg, values, natural).weights().max() == 4
    values[2, 1] = 3
    with pytest.raises(
        ValueError, match=r"values\[2, 1\] must be 0 or plus .* power of two, not 3"
    ):
        permdiag.Packed(cfg, values, natural)
    with pytest.raises(ValueError, match=r"shifts\[0, 1\] must be that of the array, not 0"):
        permdiag.Packed(cfg, values // 4 * 4, natural * 0)


def test_the_best_shifts_find_a_permuted_diagonal_again():
    rng = np.random.default_rng(3)
    cfg = permdiag.Config(inputs=15, outputs=10, p=5, k=(3, 1, 4, 0, 2, 2))
    w = permdiag.project(cfg, rng.integers(1, 100, (15, 10)))
    found, near = permdiag.best(cfg.replace(k="natural"), w)
    assert found == cfg
    assert np.array_equal(near, w)


def test_storage_needs_no_index():
    """An eighth of the weights; three bits more per block where shifts are stored."""
    cfg = permdiag.Config(inputs=64, outputs=32, p=8)
    assert permdiag.stimuli(cfg, np.random.default_rng(4))["packed"].bits == 64 * 32 * 8 // 8
    found, near = permdiag.best(cfg, np.ones((64, 32), dtype=int))
    assert permdiag.compress(found, near).bits == 64 * 32 * 8 // 8 + 8 * 4 * 3


def test_cycles_are_those_of_inputs_that_are_not_zero():
    """nnz(x) ceil((m / p) / (pes muls)), times the bits of an activation bit by bit, and fill."""
    cfg = permdiag.Config(inputs=32, outputs=40, p=4, pes=2, muls=2, lanes=32)
    assert cfg.steps == 3
    packed = permdiag.stimuli(cfg, np.random.default_rng(5))["packed"]
    fill = cfg.latency + cfg.y_beats
    for count in (1, 7, 32):
        x = (np.arange(32) < count).astype(int)[None]
        assert permdiag.cycles(cfg, packed, x) == 3 * count + fill
        serial = cfg.replace(product="bitserial", act_bits=6)
        assert permdiag.cycles(serial, packed, x) == 3 * 6 * count + fill
    assert permdiag.cycles(cfg, packed, np.ones((5, 32), dtype=int)) == cfg.cycles(5)
    # A beat of zeros takes a cycle.
    narrow = cfg.replace(lanes=8)
    assert permdiag.work(narrow, np.zeros((1, 32), dtype=int)).tolist() == [4]
    assert permdiag.work(narrow, np.eye(1, 32, dtype=int)).tolist() == [3 + 3]


def test_all_zero_activations_give_zeros():
    cfg = permdiag.Config.preset("small")
    packed = permdiag.stimuli(cfg, np.random.default_rng(6))["packed"]
    assert not permdiag.model(cfg, packed, np.zeros((2, 10), dtype=int)).any()


def test_a_weight_off_the_diagonals_is_named():
    cfg = permdiag.Config(inputs=6, outputs=6, p=3)
    w = permdiag.project(cfg, np.ones((6, 6), dtype=int))
    w[4, 2] = 5
    assert 2 not in permdiag.indices(cfg)[4]
    with pytest.raises(ValueError, match=r"permdiag: w\[4, 2\] must be 0 off the diag.*, not 5"):
        permdiag.compress(cfg, w)
    with pytest.raises(ValueError, match=r"w must be of shape \[6, 6\], not \[6, 5\]"):
        permdiag.project(cfg, w[:, :5])
    with pytest.raises(TypeError, match="w must be integers, not float64"):
        permdiag.best(cfg, w / 2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"p": 0}, r"permdiag.p must be in 1\.\.4096, not 0"),
        ({"k": "random"}, "permdiag.k must be one of natural, loaded, not 'random'"),
        (
            {"inputs": 4, "outputs": 8, "k": [0]},
            r"k must be natural, loaded, or 2 shifts in 0\.\.3",
        ),
        (
            {"inputs": 4, "outputs": 8, "k": [0, 4]},
            r"k must be natural, loaded, or 2 .* not \(0, 4\)",
        ),
        ({"inputs": 4, "outputs": 4, "k": [-1]}, r"k must be natural, loaded, or 1 .* not \(-1,\)"),
        ({"product": "booth"}, "permdiag.product must be one of multiplier, bitserial, pow2"),
        ({"product": "pow2", "weight_bits": 1}, r"permdiag.weight_bits must be in 2\.\.17, not 1"),
        ({"inputs": 65536, "act_bits": 32, "weight_bits": 17}, "such that sums of 65 bits fit 62"),
        ({"inputs": 1, "outputs": 4096, "act_bits": 32}, "large enough for a beat of sums"),
    ],
)
def test_bad_parameters_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        permdiag.Config.from_dict(values)


def test_a_shift_that_is_no_integer_is_refused():
    with pytest.raises(TypeError, match=r"permdiag\.k must be an integer, not 0\.5"):
        permdiag.Config(inputs=4, outputs=4, k=(0.5,))
