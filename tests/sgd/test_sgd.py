"""The step of the training unit: worked by hand, against closed forms, residues and streams."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nomul.golden import essop, residue, sgd
from nomul.golden.sgd import Config
from nomul.golden.sgd.stimuli import initial
from nomul.golden.sgd.update import apply, shifts

PLAIN = {"residue": None, "rounding": "floor"}


def test_a_step_worked_by_hand():
    """4-3-2 at F 4 and h 1: sums shift by 4, updates by 5, all rounded down."""
    cfg = Config(sizes=(4, 3, 2), bits=8, fraction=4, rate_log2=1, **PLAIN)
    first = [[10, 9, 8], [9, -11, 8], [11, -6, -8], [-11, 7, 11]]
    second = [[3, 3], [7, -12], [8, 10]]
    after = sgd.step(cfg, [first, second], x=[2, 16, 14, 4], target=[16, 0])
    # 20 + 144 + 154 - 44 = 274, / 16 = 17; 18 - 176 - 84 + 28 = -214, / 16 = -14 below;
    # 16 + 128 - 112 + 44 = 76, / 16 = 4. Then 17 and 4: 51 + 32 = 83, / 16 = 5; 51 + 40, also 5.
    assert [z.tolist() for z in after.z] == [[17, -14, 4], [5, 5]]
    # 5 - 16 and 5 - 0. Back: (3 * -11 + 3 * 5) / 16 = -2; the second is off; (-88 + 50) / 16 = -3.
    assert [g.tolist() for g in after.g] == [[-2, 0, -3], [-11, 5]]
    # 10 - floor(2 * -2 / 32) = 11, 8 - floor(2 * -3 / 32) = 9; 3 - floor(17 * -11 / 32) = 9.
    assert after.weights[0].tolist() == [[11, 9, 9], [10, -11, 10], [12, -6, -6], [-10, 7, 12]]
    assert after.weights[1].tolist() == [[9, 1], [7, -12], [10, 10]]


def naive(cfg, weights, x, target):
    """Return weights, z and g after a step without residue, one number at a time."""
    low, high = -(1 << (cfg.bits - 1)), (1 << (cfg.bits - 1)) - 1

    def cut(value):
        return max(low, min(high, value))

    def divided(value, shift):
        whole, rest = value >> shift, value % (1 << shift)
        if cfg.rounding == "zero":
            return whole + (value < 0 and rest > 0)
        if cfg.rounding == "rne" and shift:
            half = 1 << (shift - 1)
            return whole + (rest > half or (rest == half and whole % 2))
        return whole

    a, z = [[int(v) for v in x]], []
    for w in weights:
        rows, columns = w.shape
        total = [sum(int(w[i, o]) * a[-1][i] for i in range(rows)) for o in range(columns)]
        z.append([cut(divided(value, cfg.fraction)) for value in total])
        a.append([max(0, value) for value in z[-1]])
    g = [[cut(value - int(t)) for value, t in zip(z[-1], target, strict=True)]]
    for w, below in zip(weights[:0:-1], z[-2::-1], strict=True):
        total = [sum(int(w[i, o]) * d for o, d in enumerate(g[0])) for i in range(len(w))]
        back = [cut(divided(value, cfg.fraction)) for value in total]
        g.insert(0, [value if sign > 0 else 0 for value, sign in zip(back, below, strict=True)])
    after = [
        [
            [
                cut(int(w[i, o]) - divided(a[k][i] * g[k][o], cfg.fraction + cfg.rate_log2))
                for o in range(w.shape[1])
            ]
            for i in range(w.shape[0])
        ]
        for k, w in enumerate(weights)
    ]
    return after, z, g


@settings(max_examples=60)
@given(
    st.integers(0, 1 << 32),
    st.lists(st.integers(1, 6), min_size=2, max_size=4),
    st.sampled_from(("floor", "zero", "rne")),
    st.integers(2, 10),
    st.integers(0, 9),
    st.integers(0, 6),
)
def test_a_step_is_its_definition(seed, sizes, rounding, bits, fraction, rate):
    cfg = Config(
        sizes=tuple(sizes),
        bits=bits,
        fraction=min(fraction, bits - 1),
        rate_log2=rate,
        serial=1,
        rounding=rounding,
        residue=None,
    )
    drawn = sgd.stimuli(cfg, np.random.default_rng(seed), 3)
    for x, target in zip(drawn["x"], drawn["target"], strict=True):
        after = sgd.step(cfg, drawn["weights"], x, target)
        weights, z, g = naive(cfg, drawn["weights"], x, target)
        for got, expected in ((after.weights, weights), (after.z, z), (after.g, g)):
            assert [part.tolist() for part in got] == [list(part) for part in expected]


@given(st.integers(0, 1 << 32), st.integers(1, 12), st.integers(1, 4))
def test_one_layer_is_within_half_a_unit_of_the_ideal(seed, inputs, outputs):
    cfg = Config(sizes=(inputs, outputs), bits=16, serial=16, fraction=8, residue=None)
    rng = np.random.default_rng(seed)
    w = rng.integers(-300, 300, (inputs, outputs))
    x, target = rng.integers(-256, 257, inputs), rng.integers(-256, 257, outputs)
    after = sgd.step(cfg, [w], x, target)
    weights, z, g = sgd.ideal(cfg, [w], x, target)
    assert abs(after.z[0] - z[0]).max() <= 0.5
    assert abs(after.g[0] - g[0]).max() <= 0.5
    carried = np.abs(x)[:, None] * 0.5 / 2 ** (cfg.fraction + cfg.rate_log2)
    assert (abs(after.weights[0] - weights[0]) <= 0.5 + carried).all()


def test_rounding_down_biases_every_update():
    """Products of all pairs of 4 bits, divided by 16: floor loses 0.41 on average, rne nothing."""
    codes = np.arange(-8, 8)
    products = codes[:, None] * codes[None, :]
    lost = {
        rounding: float(
            (sgd.rounded(Config(rounding=rounding), products, 4) - products / 16).mean()
        )
        for rounding in ("floor", "zero", "rne")
    }
    assert round(lost["floor"], 2) == -0.41
    assert abs(lost["rne"]) < 0.02
    assert abs(lost["zero"]) < 0.02


def test_stochastic_rounding_has_the_right_mean():
    """Over all words of 16 bits but 0 the sum is the value, to the last unit."""
    cfg = Config(rounding="stochastic")
    words = np.arange(1 << 16)
    for value in (-1000, -3, 0, 5, 777):
        assert sgd.rounded(cfg, np.full(1 << 16, value), 6, words).sum() * 64 == value << 16


def test_random_words_go_on_from_step_to_step():
    cfg = Config(rounding="stochastic")
    both = sgd.rounding_words(cfg, 0), sgd.rounding_words(cfg, 1)
    assert not np.array_equal(*both)
    whole = len(both[0])
    judged = sgd.rounding_words(cfg, 0, inferences=1)
    skipped = sum(cfg.sizes[1:])
    assert np.array_equal(judged[: whole - skipped], both[0][skipped:])


@pytest.mark.parametrize("rounding", ["floor", "rne"])
def test_weights_are_the_levels_of_a_residue(rounding):
    """Steps with a residue do what the bank of residues does with the same updates, negative."""
    cfg = Config(sizes=(5, 4), rounding=rounding, residue=4, fraction=6, rate_log2=2)
    rng = np.random.default_rng(2)
    state = sgd.begin(cfg, initial(cfg, rng))
    first, q = state.weights[0], []
    for _ in range(40):
        x, target = rng.integers(-128, 128, 5), rng.integers(-128, 128, 4)
        state, _, g, _ = sgd.advance(cfg, state, x, target)
        q.append(-sgd.rounded(cfg, x[:, None] * g[0][None, :], cfg.shift))
    bank = residue.Config(low_bits=4, levels=(-128, 127))
    upper, acc, lost = residue.model(bank, np.array(q), first)
    assert np.array_equal(state.weights[0], upper)
    assert np.array_equal(state.residues[0], acc)
    assert lost.any()


def test_a_stochastic_update_is_that_of_the_outer_product_unit():
    cfg = Config(sizes=(6, 5), update="essop", stream_bits=8)
    a, g = np.array([3, -20, 0, 64, 17, 1]), np.array([-5, 6, 0, 1, -2])
    by_a, by_g = shifts(cfg, a, g)
    assert (by_a, by_g) == (0, 4)  # 64 has all of 7 bits, 6 has three
    unit = essop.Config(rows=6, cols=5, width=7, stream_bits=8, seeds=(cfg.seed, 1))
    operands = [abs(a)[None] << by_a, (a < 0)[None], abs(g)[None] << by_g, (g < 0)[None]]
    counts = essop.model(unit, *operands, 9)[0]
    assert np.array_equal(sgd.outer(cfg, 1, a, g, 9), counts << (14 - 3 - 4))


def test_stochastic_products_have_the_right_mean():
    """Within five standard errors of a g over 1,500 pairs of vectors."""
    cfg = Config(sizes=(6, 5), update="essop", stream_bits=8)
    rng = np.random.default_rng(4)
    a, g = rng.integers(-128, 128, 6), rng.integers(-60, 60, 5)
    drawn = np.array([sgd.outer(cfg, 1, a, g, pair) for pair in range(1500)])
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (abs(drawn.mean(axis=0) - np.outer(a, g)) <= 5 * error + 1e-9).all()


@given(st.lists(st.integers(1, 40), min_size=2, max_size=4), st.integers(1, 9), st.integers(1, 8))
def test_cycles_are_the_sums_over_layers(sizes, pes, serial):
    cfg = Config(sizes=tuple(sizes), pes=pes, serial=serial)
    beat = -(-8 // serial)
    pairs = list(itertools.pairwise(sizes))
    forward = sum(-(-n // pes) * before * beat for before, n in pairs)
    backward = sum(-(-before // pes) * n * beat for before, n in pairs[1:])
    assert sgd.cycles(cfg) == {"forward": forward, "backward": backward, "update": forward}
    assert cfg.interval == sizes[0] + sizes[-1] + sum(sgd.shares(cfg))


def test_training_costs_twice_what_inference_does():
    """No gradient goes into the inputs, so a step of 784-100-10 is not three products but two."""
    cycles = sgd.cycles(Config(sizes=(784, 100, 10), pes=32))
    assert round(sum(cycles.values()) / cycles["forward"], 2) == 2.01


def test_counts_say_what_rounding_took():
    cfg = Config(sizes=(2, 2), residue=None, fraction=4, rate_log2=2)
    w = np.zeros((2, 2), dtype=np.int64)
    _, _, counts = apply(cfg, w, w, np.array([[0, 31], [-33, 32]]))
    assert counts == (3, 2)  # 32 / 64 is a tie, to the even 0


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: Config(sizes=(3,)),
            ValueError,
            "sgd.sizes must be two numbers or more in 1..4096",
        ),
        (lambda: Config(bits=1), ValueError, "sgd.bits must be in 2..16, not 1"),
        (lambda: Config(fraction=8), ValueError, "sgd.fraction must be in 0..7, not 8"),
        (lambda: Config(serial=9), ValueError, "sgd.serial must be in 1..8, not 9"),
        (lambda: Config(rounding="up"), ValueError, "sgd.rounding must be one of floor, zero, rne"),
        (
            lambda: Config(residue=11),
            ValueError,
            "residue must be at most fraction + rate_log2 = 10",
        ),
        (
            lambda: Config(update="essop", stream_bits=256),
            ValueError,
            "sgd.stream_bits must be at most 2^(bits - 1) = 128, not 256",
        ),
        (
            lambda: Config(stream_bits=12),
            ValueError,
            "stream_bits must be a power of two in 1..256",
        ),
        (
            lambda: sgd.step(Config(sizes=(2, 1)), [[[1], [2]]], [1, 2], [1, 2]),
            ValueError,
            "target must be of shape [1], not [2]",
        ),
        (
            lambda: sgd.step(Config(sizes=(2, 1)), [[[1], [200]]], [1, 2], [1]),
            ValueError,
            "weights[0] must be in -128..127 for 8 bits, not 200",
        ),
        (
            lambda: sgd.step(Config(sizes=(2, 1)), [[[1], [2]]], [1, 0.5], [1]),
            TypeError,
            "x must hold integers, not float64",
        ),
        (
            lambda: sgd.begin(Config(sizes=(2, 1)), []),
            ValueError,
            "weights must be of 1 layers, not of 0",
        ),
        (lambda: sgd.targets(Config(), [3]), ValueError, "labels must be in 0..2, not 3"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()
