"""Benchmark of look-up-table networks, run by ``make bench``: emission, and look-ups per second."""

import os
import tempfile
from pathlib import Path

import numpy as np

from nomul.golden import lutnet
from nomul.golden.lutnet.examples import tables
from nomul.hw.lutnet import Top
from nomul.synth.emit import emit

TABLES, SAMPLES = 10_000, 20_000

# What is promised of one core.
MOST_SECONDS, LEAST_LOOK_UPS = 20.0, 1e9


def network(n_tables: int = TABLES, inputs: int = 784) -> lutnet.Network:
    """Return two direct layers of six-input tables, group sums and an argmax."""
    rng, half = np.random.default_rng(1), n_tables // 2
    layers = [
        lutnet.DirectLut(k=6, idx=rng.integers(0, before, (half, 6)), tt=tables(rng, half, 6))
        for before in (inputs, half)
    ]
    return lutnet.Network([*layers, lutnet.GroupSum(groups=10), lutnet.Argmax()], inputs)


def processor_seconds() -> float:
    """Return the processor time of this process and its children: a busy machine does not count."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def emission(net: lutnet.Network) -> float:
    """Return the processor seconds that emission takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.npz"
        net.save(path)
        start = processor_seconds()
        emit(Top(lutnet.Config(network=str(path))), "lutnet")
        return processor_seconds() - start


def look_ups(net: lutnet.Network, samples: int = SAMPLES) -> float:
    """Return the look-ups per processor second of the golden model, the best of three runs."""
    x = np.random.default_rng(2).integers(0, 2, (samples, net.inputs))
    best = 0.0
    for _ in range(3):
        start = processor_seconds()
        lutnet.model(net, x)
        best = max(best, samples * net.n_tables / (processor_seconds() - start))
    return best


def main() -> None:
    """Print both, and whether they keep what is promised."""
    net = network()
    seconds, rate = emission(net), look_ups(net)
    print(
        f"lutnet: {net.n_tables:,} tables emitted in {seconds:.1f} processor seconds "
        f"(at most {MOST_SECONDS})"
    )
    print(
        f"lutnet: {rate / 1e6:,.0f} million look-ups per processor second "
        f"(at least {LEAST_LOOK_UPS / 1e6:,.0f})"
    )
    if seconds > MOST_SECONDS or rate < LEAST_LOOK_UPS:
        raise SystemExit("lutnet is slower than promised")


if __name__ == "__main__":
    main()
