"""Bayesian layers: moments, direct sampling, and the RTL against the model."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import dm
from nomul.golden.dm import Config
from nomul.hw.dm import Top
from nomul.sim.harness import BenchError


@given(
    st.integers(1, 6),
    st.integers(1, 5),
    st.integers(0, 5),
    st.sampled_from(
        [("popcount", 1), ("popcount", 7), ("popcount", 32), ("sign", 4), ("sign", 16)]
    ),
    st.integers(0, 100),
)
def test_memorised_products_give_what_direct_sampling_gives(inputs, outputs, samples, kind, seed):
    cfg = Config(inputs=inputs, outputs=outputs, samples=samples, noise=kind[0], bits=kind[1])
    case = dm.stimuli(cfg, np.random.default_rng(seed))
    y = dm.model(cfg, **case)
    assert y.shape == (samples, len(case["x"]), outputs)
    assert np.array_equal(y, dm.direct(cfg, **case))
    eta = case["x"] @ case["mu"]
    beta = case["x"][None, :, :, None] * case["sigma"]
    drawn = dm.noise(cfg, len(case["x"]))
    assert np.array_equal(y, 2 * eta + (drawn * beta).sum(axis=2))


@pytest.mark.parametrize(("noise", "bits"), [("popcount", 16), ("popcount", 5), ("sign", 16)])
def test_noise_has_its_mean_and_variance(noise, bits):
    """H has mean 0 and variance n / 4, within five standard errors of the sample's."""
    cfg = Config(inputs=20, outputs=20, samples=20, noise=noise, bits=bits)
    h = dm.noise(cfg, 20) / 2
    n, variance = h.size, bits / 4
    fourth = variance**2 if noise == "sign" else 3 * variance**2 - bits / 8
    assert abs(h.mean()) < 5 * np.sqrt(variance / n)
    assert abs(h.var() - variance) < 5 * np.sqrt(max(fourth - variance**2, 1e-12) / n) + 1e-3
    if noise == "sign":
        assert set(np.unique(2 * h)) == {-4, 4}
    neighbours = np.corrcoef(
        h.transpose(1, 3, 0, 2).ravel()[:-1], h.transpose(1, 3, 0, 2).ravel()[1:]
    )
    assert abs(neighbours[0, 1]) < 5 / np.sqrt(n)


def test_moments_are_those_of_the_samples():
    cfg = Config(inputs=12, outputs=3, samples=1000)
    case = dm.stimuli(cfg, np.random.default_rng(4), 2)
    mean, variance = dm.ideal(cfg, **case)
    y = dm.model(cfg, **case) / 2
    assert (np.abs(y.mean(axis=0) - mean) < 5 * np.sqrt(variance / 1000)).all()
    assert (np.abs(y.var(axis=0) / variance - 1) < 5 * np.sqrt(2 / 1000)).all()


def test_vectors_go_on_drawing_where_others_ended():
    cfg = Config()
    case = dm.stimuli(cfg, np.random.default_rng(0))
    later = dm.model(cfg, case["mu"], case["sigma"], case["x"][2:], before=2)
    assert np.array_equal(later, dm.model(cfg, **case)[:, 2:])


def test_results_are_cut():
    cfg = Config(result_bits=6)
    case = dm.stimuli(cfg, np.random.default_rng(0))
    whole = dm.model(cfg.replace(result_bits=0), **case)
    assert np.array_equal(dm.model(cfg, **case), np.clip(whole, -32, 31))


def test_multiplications_per_weight():
    """Of mu, sigma and H: 1.5 times those of direct sampling at T = 1, 0.6 at T = 10."""
    ratio = {t: Config(samples=t).multiplications / (2 * t) for t in (1, 2, 10)}
    assert ratio == {1: 1.5, 2: 1.0, 10: 0.6}
    assert Config(samples=10, method="direct").multiplications == 20


@pytest.mark.needs("icarus")
@pytest.mark.parametrize("method", ["memorised", "direct"])
def test_rtl_equals_model(simulate, method):
    simulate("dm", Config.preset("small", method=method))


@pytest.mark.long
@pytest.mark.needs("icarus")
@pytest.mark.parametrize(
    "values",
    [
        Config.presets["sign"],
        Config.presets["cut"],
        Config.presets["direct"],
        {"inputs": 1, "outputs": 1, "samples": 1, "bits": 1, "method": "direct"},
        {"inputs": 1, "outputs": 3, "samples": 0, "method": "direct"},
        {
            "inputs": 2,
            "outputs": 3,
            "bits": 32,
            "sigma_bits": 16,
            "act_bits": 1,
            "method": "direct",
        },
        {"inputs": 1, "outputs": 1, "samples": 1, "bits": 1, "act_bits": 1, "mu_bits": 1},
        {"inputs": 1, "outputs": 2, "samples": 5, "noise": "sign", "bits": 4},
        {"inputs": 3, "outputs": 2, "samples": 0},
        {"inputs": 2, "outputs": 3, "samples": 2, "bits": 32, "sigma_bits": 16, "result_bits": 20},
    ],
)
def test_rtl_equals_model_at_odd_sizes(simulate, values):
    simulate("dm", Config(**values))


@pytest.mark.needs("icarus")
def test_bench_notices_another_seed(simulate):
    """Mutation: the register begins one number later."""
    cfg = Config.preset("small")
    with pytest.raises(BenchError, match=r"y\["):
        simulate("dm", cfg, top=Top(cfg.replace(seed=2)), tests="samples.*never.*never")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: Config(bits=5, noise="sign"), ValueError, "dm.bits must be 4 or 16 with noise"),
        (lambda: Config(seed=0), ValueError, "dm.seed must be in 1..4294967295, not 0"),
        (lambda: Config(leap=8), ValueError, "dm.leap must be in 16..4096, not 8"),
        (lambda: Config(bits=20, lfsr_width=16), ValueError, "dm.lfsr_width must be in 20..32"),
        (lambda: Config(samples=-1), ValueError, "dm.samples must be in 0..1024, not -1"),
        (lambda: Config(result_bits=1), ValueError, "dm.result_bits must be 0 or 2..63, not 1"),
    ],
)
def test_parameters_are_named(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("sigma", np.full((8, 4), -1), r"sigma\[0, 0\] must be in 0..15, not -1"),
        ("mu", np.full((8, 4), 128), r"mu\[0, 0\] must be in -128..127, not 128"),
        ("mu", np.zeros((4, 8), int), r"mu must be of shape \(8, 4\), not \(4, 8\)"),
        ("x", np.zeros(8, int), r"x must be of shape \(vectors, 8\), not \(8,\)"),
    ],
)
def test_bad_operands_are_named(name, value, message):
    case = dm.stimuli(Config(), np.random.default_rng(0)) | {name: value}
    with pytest.raises(ValueError, match=message):
        dm.model(Config(), **case)


def test_real_numbers_are_refused():
    case = dm.stimuli(Config(), np.random.default_rng(0))
    with pytest.raises(TypeError, match="mu must hold integers, not float64"):
        dm.model(Config(), case["mu"] + 0.5, case["sigma"], case["x"])
