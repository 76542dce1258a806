"""A small network with samples, and measurements without tools."""

import numpy as np
import pytest

from nomul.experiments.compare import hardware, rows
from nomul.experiments.compare.subject import Samples, Subject
from nomul.golden import network


@pytest.fixture
def subject():
    """Return a network of a convolution with groups, and of a dense layer, with samples."""
    rng = np.random.default_rng(1)
    net = network.Network(
        [
            network.Conv2d(
                rng.integers(-100, 101, (4, 1, 3, 3)), stride=(2, 1), padding=(1, 0, 0, 1), groups=2
            ),
            network.Requant([300] * 4, [0] * 4, shift=14, low=0, high=255),
            network.Flatten(),
            network.Dense(rng.integers(-100, 101, (48, 3))),
        ],
        input_shape=(2, 6, 5),
        input_scale=1 / 255,
    )
    x = rng.random((12, 2, 6, 5))
    labels = network.model(net, net.encode(x)).argmax(axis=1)
    return Subject("little", net, Samples("noise", x, labels))


@pytest.fixture
def measured(monkeypatch):
    """Let every job be measured at once, and return the list of what was asked for."""
    asked = []

    def spread(task, jobs, scheduler, workers, note):
        for key, job in jobs.items():
            asked.append(job)
            each = {"load_fj": 1000.0, "vector_fj": 500.0, "unknown": 0.0}
            found = {"area_um2": 100.0, "sequential_um2": 40.0, "period_ps": 2000.0}
            yield key, found | {"energies": [each for _ in job.parts]}, ""

    monkeypatch.setattr(rows.cluster, "spread", spread)
    monkeypatch.setattr(hardware, "provenance", lambda target: {"tools": "none"})
    return asked
