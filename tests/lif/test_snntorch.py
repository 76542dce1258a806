"""snnTorch as the judge of its own reset rules, spike by spike."""

import numpy as np
import pytest

from nomul.golden.lif import Layer, response

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'nomul[train]'")
snntorch = pytest.importorskip("snntorch", reason="needs snnTorch: pip install snntorch")

# Our name, and what snnTorch 1.0 calls it.
RULES = {
    "subtract": {"reset_mechanism": "subtract"},
    "zero": {"reset_mechanism": "zero"},
    "subtract_now": {"reset_mechanism": "subtract", "reset_delay": False},
    "zero_now": {"reset_mechanism": "zero", "reset_delay": False},
    "none": {"reset_mechanism": "none"},
}


def judge(cfg: Layer, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the trains and potentials [T, N] of snnTorch's Leaky, in float64."""
    beta = torch.tensor(cfg.beta, dtype=torch.float64)
    theta = torch.tensor(float(cfg.threshold), dtype=torch.float64)
    cell = snntorch.Leaky(beta=beta, threshold=theta, **RULES[cfg.reset])
    memory = torch.zeros(1, cfg.neurons, dtype=torch.float64)
    trains, potentials = [], []
    for row in torch.tensor(current, dtype=torch.float64):
        spikes, memory = cell(row[None], memory)
        trains.append(spikes[0].detach().numpy())
        potentials.append(memory[0].detach().numpy())
    return np.array(trains).astype(np.int64), np.array(potentials)


def random_layer(reset: str, leak: int, seed: int) -> tuple[Layer, np.ndarray]:
    """Return a random layer and the currents that random weights and spikes make."""
    rng = np.random.default_rng(seed)
    cfg = Layer(inputs=30, neurons=20, weight_bits=8, state_bits=30, fraction=12, leak=leak,
                threshold=int(rng.integers(60, 300)), reset=reset)  # fmt: skip
    w = rng.integers(-60, 90, (30, 20))
    return cfg, response.currents(w, rng.integers(0, 2, (400, 30)))


@pytest.mark.parametrize("reset", RULES)
def test_without_a_leak_trains_are_equal(reset):
    """All sums are integers then, in floating point too."""
    cfg, current = random_layer(reset, 0, 1)
    expected, potentials = judge(cfg, current // 8)
    out, v = response.run(cfg, current // 8)[0]
    assert np.array_equal(out, expected)
    assert np.array_equal(v / (1 << cfg.fraction), potentials)
    assert 0 < out.mean() <= 1


@pytest.mark.parametrize("reset", RULES)
@pytest.mark.parametrize("leak", [2, 4, 5])
def test_short_runs_are_exact_where_no_bit_is_lost(reset, leak):
    """With K T fraction bits nothing is rounded here, and with K T < 53 nothing there."""
    steps = 16 // leak
    cfg, current = random_layer(reset, leak, leak)
    cfg = cfg.replace(fraction=16, state_bits=32)
    out, v = response.run(cfg, current[:steps])[0]
    expected, potentials = judge(cfg, current[:steps])
    assert np.array_equal(out, expected)
    assert np.array_equal(v / (1 << 16), potentials)


@pytest.mark.parametrize("reset", RULES)
@pytest.mark.parametrize("leak", [2, 4])
def test_long_runs_are_equal_until_a_potential_comes_close(reset, leak):
    """Within 2^(K - F + 1) of the threshold a train may differ; until then none does."""
    compared = 0
    for seed in range(4):
        cfg, current = random_layer(reset, leak, 10 + seed)
        expected, potentials = judge(cfg, current)
        out = response.run(cfg, current)[0].out
        margin, theta = 2.0 ** (leak - cfg.fraction + 1), float(cfg.threshold)
        close = np.abs(potentials - theta) < margin
        # A spike that resets at once is decided on the sum before, less theta after a residue.
        sums = cfg.beta * np.concatenate([potentials[:1] * 0, potentials[:-1]]) + current
        close |= (np.abs(sums - theta) < margin) | (np.abs(sums - 2 * theta) < margin)
        for neuron in range(cfg.neurons):
            places = np.flatnonzero(close[:, neuron])
            until = int(places[0]) if len(places) else len(current)
            assert np.array_equal(out[:until, neuron], expected[:until, neuron])
            compared += until
    print(f"{reset}, K = {leak}: {compared} of {4 * 400 * 20} steps compared")
    assert compared > 4 * 400 * 20 // 3


def test_the_judge_can_tell_rules_apart():
    """Mutation: the rule of one mode against the trains of another."""
    cfg, current = random_layer("subtract", 4, 1)
    expected, _ = judge(cfg, current)
    other = response.run(cfg.replace(reset="subtract_now"), current)[0].out
    assert not np.array_equal(other, expected)
