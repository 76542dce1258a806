"""The neuron: against exact rationals, its rules written out, and the table of reset rules."""

import re
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import lif
from nomul.golden.lif import Layer, example, response


def rationals(cfg: Layer, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return trains and potentials [T, N] of exact arithmetic, potentials in units of a bit."""
    beta = 1 - sum(Fraction(1, 1 << k) for k in cfg.shifts)
    scaled = np.array([[Fraction(int(i)) for i in row] for row in current], dtype=object)
    start = np.array([Fraction(0)] * cfg.neurons, dtype=object)
    out, potentials = response.exact(cfg, scaled, start, beta)
    return out.astype(np.int64), potentials * (1 << cfg.fraction)


@pytest.mark.parametrize("rounding", lif.ROUNDINGS)
def test_rounding_follows_its_definition(rounding):
    for u in range(-40, 41):
        for shift in (0, 1, 2, 3):
            exact = Fraction(u, 1 << shift)
            expected = exact.__floor__() if rounding == "floor" else round(exact)
            assert lif.shifted(rounding, u, shift) == expected


@pytest.mark.parametrize("leak", [0, 3, (2, 4), (1, 1)])
def test_beta_is_what_the_leak_leaves(leak):
    cfg = Layer(leak=leak, threshold=500)
    u = 1 << 12
    assert lif.leaked(cfg, u) == cfg.beta * u


LEAKS = [(3, "floor"), (3, "rne"), ((2, 4), "rne"), (0, "floor")]
CASES = [(reset, *leak) for reset in lif.RESETS[:-1] for leak in LEAKS]
CASES += [("spiker22", 3, "floor"), ("spiker22", 0, "floor")]


@pytest.mark.parametrize(("reset", "leak", "rounding"), CASES)
def test_potentials_stay_within_the_bound_of_exact_ones(reset, leak, rounding):
    """While the spikes agree; and trains are equal as long as exact potentials keep the margin."""
    extra = {"reset_value": 12, "inhibit": -9} if reset == "spiker22" else {}
    cfg = Layer(neurons=4, state_bits=24, fraction=9, leak=leak, threshold=40, reset=reset,
                rounding=rounding, **extra)  # fmt: skip
    rng = np.random.default_rng(3)
    current = rng.integers(-20, 45, (120, 4))
    (out, v), saturated = response.run(cfg, current)
    exact_out, exact_v = rationals(cfg, current)
    assert saturated == 0
    bound, theta = lif.error_bound(cfg), 40 << cfg.fraction
    compared = 0
    for neuron in range(4):
        for t in range(len(current)):
            margin = float(exact_v[t, neuron]) - theta
            before = exact_out[:t] if reset == "spiker22" else exact_out[:t, neuron]
            own = out[:t] if reset == "spiker22" else out[:t, neuron]
            if not np.array_equal(before, own):
                break
            if reset not in ("subtract_now", "zero_now") and out[t, neuron] != exact_out[t, neuron]:
                assert abs(margin) <= bound or reset == "spiker22"
                break
            error = float(v[t, neuron] - exact_v[t, neuron])
            if out[t, neuron] == exact_out[t, neuron]:
                assert abs(error) <= bound
                if rounding == "floor":
                    assert 0 <= error < bound or error == bound == 0
                compared += 1
    assert compared > 200


def test_more_fraction_bits_agree_longer():
    """The first step whose spike differs from exact arithmetic moves out with F."""
    current = np.random.default_rng(5).integers(-20, 60, (400, 1))
    places = []
    for fraction in (0, 2, 4, 8):
        cfg = Layer(neurons=1, state_bits=24, fraction=fraction, leak=5, threshold=100)
        out = response.run(cfg, current)[0].out
        differ = np.flatnonzero(out[:, 0] != rationals(cfg, current)[0][:, 0])
        places.append(int(differ[0]) if len(differ) else len(current))
    assert places[0] < places[-1]
    assert places == sorted(places)


def transcription(current: np.ndarray, inhibit: int, theta: int, reset_value: int, shift: int):
    """Return trains and potentials of Spiker's rules, neuron by neuron, in plain Python."""
    count = current.shape[1]
    v, spiked, trains, potentials = [0] * count, [False] * count, [], []
    for row in current.tolist():
        spikes = [x > theta for x in v]
        following = []
        for k in range(count):
            x = reset_value if spikes[k] else v[k]
            x -= x >> shift
            x += row[k]
            x += inhibit * sum(spiked[j] for j in range(count) if j != k)
            following.append(max(-32768, min(32767, x)))
        v, spiked = following, spikes
        trains.append(spikes)
        potentials.append(v)
    return np.array(trains, dtype=np.int64), np.array(potentials)


def test_spiker22_equals_its_rules_written_out():
    with pytest.warns(UserWarning, match=r"lif.leak 10 does nothing to potentials of 0\.\.1023"):
        cfg = Layer(neurons=6, **lif.SPIKER22)
    current = np.random.default_rng(2).integers(-30, 60, (300, 6))
    out, v = response.run(cfg, current)[0]
    expected, potentials = transcription(current, -120, 104, 40, 10)
    assert np.array_equal(out, expected)
    assert np.array_equal(v, potentials)
    assert 20 < out.sum() < out.size


def test_a_leak_that_acts_below_the_threshold_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Layer(leak=4, threshold=40)
        Layer(leak=0, threshold=1)


def test_reset_rules_give_different_trains():
    """Same weights, same input: what the table of the page shows."""
    trains = example.modes()
    totals = [int(train.sum()) for train in trains.values()]
    assert len(set(totals)) >= 5, totals
    # A reset that comes a step later but before the leak leaves the same as one at once.
    assert np.array_equal(trains["zero"], trains["zero_now"])
    assert np.array_equal(trains["zero"][:-1], trains["spiker22"][1:])
    assert np.array_equal(trains["subtract_beta"], trains["subtract_now"])
    assert not np.array_equal(trains["subtract"], trains["subtract_now"])


def test_a_residue_above_the_threshold_stays_without_spiking():
    cfg = Layer(leak=0, threshold=10, fraction=0, reset="subtract_now", state_bits=12)
    out, v = lif.membrane(cfg, [35, 0, 0, 3])
    assert out.tolist() == [1, 1, 0, 0]
    assert v.tolist() == [25, 15, 15, 18]


def test_saturation_is_of_the_finished_sum_and_counted():
    cfg = Layer(inputs=3, neurons=1, weight_bits=8, state_bits=8, fraction=1, threshold=60, leak=0,
                reset="none")  # fmt: skip
    w = np.array([[100], [-60], [-100]])
    # 100 - 60 passes through 200 bits on the way and is 80 of at most 127 at the end.
    spikes = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 1]])
    out, v = lif.model(cfg, w, spikes)
    assert v[:, 0].tolist() == [80, 127, -73, -128]
    assert out[:, 0].tolist() == [0, 1, 0, 0]
    assert lif.count(cfg, w, spikes) == lif.Counts(6, 6, 2, 1)


def test_membrane_is_a_layer_of_one():
    cfg = Layer(threshold=tuple(range(40, 48)))
    w = np.ones((16, 8), dtype=np.int64)
    spikes = np.random.default_rng(1).integers(0, 2, (50, 16))
    layer = lif.model(cfg, w, spikes)
    one = lif.membrane(cfg, spikes.sum(axis=1))
    assert np.array_equal(layer.out[:, 0], one.out)
    assert np.array_equal(layer.v[:, 0], one.v)


@given(st.integers(1, 8), st.integers(2, 6), st.sampled_from(lif.RESETS[:-1]), st.integers(0, 99))
def test_runs_side_by_side_equal_runs_alone(neurons, leak, reset, seed):
    cfg = Layer(inputs=5, neurons=neurons, leak=leak, reset=reset, threshold=20)
    rng = np.random.default_rng(seed)
    w, spikes = rng.integers(-32, 32, (5, neurons)), rng.integers(0, 2, (3, 9, 5))
    together = lif.model(cfg, w, spikes)
    for k in range(3):
        assert np.array_equal(together.out[k], lif.model(cfg, w, spikes[k]).out)


def test_ideal_is_near_the_model_with_many_fraction_bits():
    cfg = Layer(state_bits=30, fraction=16, threshold=90, leak=4)
    stimuli = {"w": np.random.default_rng(1).integers(-20, 32, (16, 8)),
               "spikes": np.random.default_rng(2).integers(0, 2, (40, 16))}  # fmt: skip
    out, v = lif.ideal(cfg, **stimuli)
    got = lif.model(cfg, **stimuli)
    assert np.array_equal(got.out, out)
    assert np.abs(got.v / (1 << 16) - v).max() < 2**4 / 2**16


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"leak": 14}, ValueError, "lif.leak must be in 0..13, less than state_bits, not 14"),
        ({"leak": (0, 3)}, ValueError, "lif.leak must be in 1..13"),
        ({"leak": (1, 2, 3)}, ValueError, "lif.leak must be one shift or two, not (1, 2, 3)"),
        ({"leak": 0.9}, TypeError, "lif.leak must be an integer, not 0.9 (float)"),
        ({"threshold": 0}, ValueError, "lif.threshold must be in 1..511"),
        ({"threshold": (40, 50)}, ValueError, "lif.threshold must be one integer or 8, one per"),
        ({"threshold": 512}, ValueError, "lif.threshold must be in 1..511"),
        ({"reset": "hard"}, ValueError, "lif.reset must be one of subtract, subtract_beta, zero"),
        ({"inhibit": -3}, ValueError, "lif.inhibit must be 0 for reset 'subtract'"),
        ({"refractory": 2}, TypeError, "lif has no parameter 'refractory'; it has"),
        ({"rounding": "ceil"}, ValueError, "lif.rounding must be one of floor, rne, not 'ceil'"),
        ({"fraction": 13}, ValueError, "lif.fraction must be in 0..12, not 13"),
        ({"reset": "spiker22", "rounding": "rne"}, ValueError, "lif.rounding must be floor for"),
    ],
)
def test_bad_parameters_are_named(values, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        Layer.from_dict(values)


@pytest.mark.parametrize(
    ("w", "spikes", "message"),
    [
        (
            np.full((16, 8), 32),
            np.zeros((1, 16), int),
            "lif.w must be in -32..31, not 32 at [0, 0]",
        ),
        (np.zeros((8, 16), int), np.zeros((1, 16), int), "lif.w must be of shape [16, 8], not"),
        (np.zeros((16, 8)), np.zeros((1, 16), int), "lif.w must be integers, not float64"),
        (np.zeros((16, 8), int), np.full((1, 16), 2), "lif.spikes must be 0 or 1, not 2"),
        (np.zeros((16, 8), int), np.zeros((1, 15), int), "lif.spikes must be of shape [T, 16]"),
        (np.zeros((16, 8), int), np.zeros((1, 16)), "lif.spikes must be 0 or 1, not float64"),
        (None, np.zeros((1, 16), int), "lif.w is missing"),
    ],
)
def test_bad_input_is_named(w, spikes, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        lif.model(lif.Config(), w, spikes)
