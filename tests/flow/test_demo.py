"""The demo: real operands, exact bookkeeping, and the whole of it once."""

import numpy as np
import pytest

from nomul import demo
from nomul.golden import essop


@pytest.fixture(scope="module")
def training():
    return demo.Training(seed=1)


@pytest.fixture
def cfg():
    return essop.Config.preset("paper")


def test_operands_are_real(training, cfg):
    assert training.activations.shape == (demo.BATCH, cfg.rows)
    assert training.gradients.shape == (demo.BATCH, cfg.cols)
    assert training.activations.min() == 0.0
    operands = demo.encode(cfg, training.activations, training.gradients)
    scale = np.exp2(operands["e_x"].astype(float) - cfg.width)[:, None]
    error = training.activations - operands["x"] * scale
    assert (error >= 0).all()
    assert (error < scale).all()


def test_an_exact_update_is_no_error(training):
    exact = training.activations[:, :, None] * training.gradients[:, None, :]
    assert set(demo.accuracy(exact, training.activations, training.gradients).values()) == {0.0}
    losses = training.results(exact.mean(axis=0).T)
    assert losses["loss after the ESSOP step"] == pytest.approx(losses["loss after the exact step"])
    assert losses["loss after the exact step"] < losses["loss before the step"]


def test_errors_are_relative(training):
    exact = training.activations[:, :, None] * training.gradients[:, None, :]
    errors = demo.accuracy(exact * 1.5, training.activations, training.gradients)
    assert list(errors.values()) == pytest.approx([0.5, 0.5])
