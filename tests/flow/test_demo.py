"""The demo: real operands, exact bookkeeping, and the whole of it once."""

import numpy as np
import pytest

from nomul import demo
from nomul.experiments import tables
from nomul.golden import plane


@pytest.fixture(scope="module")
def training():
    return demo.Training(seed=1)


@pytest.fixture
def cfg():
    return plane.Config.preset(demo.PRESET)


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


def test_the_claim_is_met_by_the_plane_and_not_by_the_serial_array():
    """With the committed figures in the place of those that a demo measures."""
    rows = {row["unit"]: row for row in tables.load("essop", "T1").rows if row["BL"] != 0}
    costs = [
        {"area_um2": r["um2"], "fj": r["fJ"]} for r in (rows["ESSOP prefix"], rows["FP16 IEEE"])
    ]
    fp16, ours, integers, serial = demo.units(*costs)
    assert (fp16["area saved %"], fp16["paper's 93.7 %"]) == (0, None)
    assert (ours["paper's 93.7 %"], ours["paper's 82.2 %"]) == (True, True)
    assert integers["paper's 93.7 %"] is True
    assert serial["paper's 93.7 %"] is False
    assert serial["area saved %"] < 0
    assert serial["paper's 82.2 %"] is None


def test_what_is_shown_says_where_the_claim_is_not_met(capsys):
    unit = {"um2": 1.0, "fJ": None, "area saved %": 2.0, "paper's 93.7 %": False}
    units = [{"unit": name, **unit} for name in ("FP16", "plane", "INT4", "serial")]
    units[1] = units[1] | {"paper's 93.7 %": True}
    hardware = dict.fromkeys(("pairs", "products", "cycles", "compared"), 1)
    demo.show({"hardware": hardware, "units": units, "update": {}, "network": {}})
    out = capsys.readouterr().out
    assert "plane: the paper's claim is met" in out
    assert "serial: the paper's claim is NOT met" in out
