"""Calibration of Bayesian networks on digits, drawn by popcount, sign, normals or dropout."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from nomul.experiments.captions import caption
from nomul.experiments.dm.hardware import hardware
from nomul.experiments.tables import Rows
from nomul.golden import bitplanes, dm
from nomul.golden.arrays import Floats, Ints
from nomul.golden.dm import Config

if TYPE_CHECKING:
    from nomul.train.dm import Gaussian

SEEDS, SAMPLES, DROPOUT = 3, (1, 10, 30), 0.2
ACT, MU_BITS, SIGMA_BITS = 127, 8, 5  # activations 0..127; widths of means and deviations

Sampler = Callable[["Gaussian", Floats, int, int], Floats]


def drawn(noise: dm.Noise) -> Sampler:
    """Return a sampler of a layer as the block computes it, widths and all."""

    def sample(layer: "Gaussian", x: Floats, samples: int, seed: int) -> Floats:
        # One unit for means and deviations: W = unit (mu + sigma H), H of deviation sqrt(n) / 2.
        cfg = Config(
            inputs=layer.mu.shape[0],
            outputs=layer.mu.shape[1],
            samples=samples,
            noise=noise,
            seed=seed,
            mu_bits=MU_BITS,
            sigma_bits=SIGMA_BITS,
        )
        unit = np.abs(layer.mu).max() / ((1 << (MU_BITS - 1)) - 1)
        mu = np.round(layer.mu / unit).astype(np.int64)
        most = (1 << SIGMA_BITS) - 1
        sigma = np.round(layer.sigma / unit / (cfg.bits**0.5 / 2)).astype(np.int64).clip(0, most)
        scale = max(float(x.max()), 1e-9) / ACT
        codes = np.round(x / scale).astype(np.int64)
        return dm.model(cfg, mu, sigma, codes) * (unit * scale / 2) + layer.bias

    return sample


def normal(layer: "Gaussian", x: Floats, samples: int, seed: int) -> Floats:
    """Draw a layer's samples with normal numbers, in float64: what the block approximates."""
    rng = np.random.default_rng(seed)
    weights = layer.mu + layer.sigma * rng.standard_normal((samples, *layer.mu.shape))
    return np.einsum("vk,tkc->tvc", x, weights) + layer.bias


def means(layer: "Gaussian", x: Floats, samples: int, seed: int) -> Floats:
    """Return the product with the means, as often as samples are asked for."""
    return np.repeat((x @ layer.mu + layer.bias)[None], samples, axis=0)


def planes(layer: "Gaussian", x: Floats, samples: int, seed: int) -> Floats:
    """Return the product with the means, of 8 bits, as `bitplanes` computes it, like `means`."""
    unit = np.abs(layer.mu).max() / ((1 << (MU_BITS - 1)) - 1)
    scale = max(float(x.max()), 1e-9) / ACT
    cfg = bitplanes.Config(inputs=layer.mu.shape[0], outputs=layer.mu.shape[1])
    packed = bitplanes.compress(cfg, np.round(layer.mu / unit).astype(np.int64))
    y = bitplanes.model(cfg, packed, np.round(x / scale).astype(np.int64)) * (unit * scale)
    return np.repeat((y + layer.bias)[None], samples, axis=0)


def ensemble(
    layers: list["Gaussian"], x: Floats, samples: int, sampler: Sampler, seed: int, drop: float = 0
) -> Floats:
    """Return the mean of the samples' probabilities, float64[V, 10]."""
    rng = np.random.default_rng(seed)
    first, second = layers
    hidden = np.maximum(sampler(first, x, samples, seed), 0)
    if drop:
        hidden = hidden * (rng.random(hidden.shape) >= drop) / (1 - drop)
    flat = hidden.reshape(-1, hidden.shape[-1])
    logits = sampler(second, flat, 1, seed + 100)[0]
    logits -= logits.max(axis=1, keepdims=True)
    odds = np.exp(logits)
    odds /= odds.sum(axis=1, keepdims=True)
    mean: Floats = odds.reshape(samples, len(x), -1).mean(axis=0)
    return mean


def calibration_error(odds: Floats, labels: Ints, bins: int = 15) -> float:
    """Return the expected calibration error: accuracy against confidence, in equal bins."""
    sure, right = odds.max(axis=1), odds.argmax(axis=1) == labels
    which = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [abs(right[which == b].mean() - sure[which == b].mean()) * (which == b).mean()
            for b in range(bins) if (which == b).any()]  # fmt: skip
    return float(sum(gaps))


def separation(inside: Floats, outside: Floats) -> float:
    """Return the area under the ROC curve of the entropy: ``outside`` told from ``inside``."""
    a, b = (-(p * np.log(p + 1e-12)).sum(axis=1) for p in (inside, outside))
    less = (a[:, None] < b).mean() + 0.5 * (a[:, None] == b).mean()
    return float(less)


@caption("Bayesian networks on digits: accuracy, calibration, digits told from scrambled ones.")
def calibration() -> Rows:
    """Return accuracy, calibration error and separation of ways to draw, over three networks."""
    from nomul.train import digits
    from nomul.train import dm as trained

    data = digits.load()
    scrambled = np.random.default_rng(0).permuted(data.x_test, axis=1)
    nets = [trained.bayesian(data, seed) for seed in range(1, SEEDS + 1)]
    dropped = [trained.dropout(data, seed, DROPOUT) for seed in range(1, SEEDS + 1)]
    ways: list[tuple[str, list[Any], Sampler, float, tuple[int, ...]]] = [
        ("means alone", nets, means, 0, (1,)),
        ("normal numbers, float64", nets, normal, 0, SAMPLES),
        ("popcount of 16 bits", nets, drawn("popcount"), 0, SAMPLES),
        ("sign, +-2", nets, drawn("sign"), 0, SAMPLES),
        ("dropout of hidden neurons, float64", dropped, means, DROPOUT, SAMPLES),
        ("dropout of hidden neurons, bit planes", dropped, planes, DROPOUT, SAMPLES),
    ]
    rows: Rows = []
    for name, networks, sampler, drop, counts in ways:
        for samples in counts:
            found = []
            for seed, layers in enumerate(networks, 1):
                odds, other = (
                    ensemble(layers, x, samples, sampler, seed, drop)
                    for x in (data.x_test, scrambled)
                )
                found.append(
                    (
                        (odds.argmax(axis=1) == data.labels_test).mean(),
                        calibration_error(odds, data.labels_test),
                        separation(odds, other),
                    )
                )
            accuracy, error, area = np.mean(found, axis=0)
            rows.append(
                {
                    "drawn by": name,
                    "T": samples,
                    "accuracy": f"{100 * accuracy:.1f} %",
                    "calibration error": round(float(error), 3),
                    "AUROC, scrambled": round(float(area), 3),
                }
            )
    return rows


TABLES = {"T1": calibration, "T2": hardware}
