"""What the command line brings for spiking networks: training, and a test set through the RTL."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from nomul.capabilities.lif import test_set as prepare
from nomul.cli import app
from nomul.golden import lif
from nomul.golden.lif import files
from nomul.sim.harness import BenchError
from nomul.train import data


def test_a_test_set_is_judged_by_the_models_labels(tmp_path):
    digits, cfg = data.load("digits"), lif.Config.preset("digits-32")
    trial = prepare(cfg, "digits", tmp_path, 9, None)
    with np.load(trial.environment["NOMUL_STIMULI"]) as file:
        assert np.array_equal(file["x"], digits.x_test[:9])
    labels = lif.predict(cfg.load(), digits.x_test[:9]).label
    np.save(trial.environment["NOMUL_ANSWERS"], labels)
    assert trial.judge()["samples"] == 9
    np.save(trial.environment["NOMUL_ANSWERS"], (labels + 1) % 10)
    with pytest.raises(BenchError, match="the simulated Verilog and the model give other classes"):
        trial.judge()


def test_a_test_set_that_does_not_fit_is_refused(tmp_path):
    x = np.zeros((4, 9), dtype=np.int64)
    arrays = {"x": x, "labels": x[:, 0], "x_test": x, "labels_test": x[:, 0]}
    np.savez(tmp_path / "own.npz", **arrays)
    cfg = lif.Config.preset("digits-32")
    with pytest.raises(ValueError, match="has 9 pixels, and the network takes 64"):
        prepare(cfg, str(tmp_path / "own.npz"), tmp_path, None, None)
    with pytest.raises(ValueError, match="--target is not for lif"):
        prepare(cfg, "digits", tmp_path, None, "label")


def test_a_network_is_trained_from_the_command_line(tmp_path):
    pytest.importorskip("torch", reason="needs PyTorch: pip install 'nomul[train]'")
    out = tmp_path / "net.npz"
    words = [
        "train",
        "lif",
        "--epochs",
        "1",
        "--hidden",
        "12",
        "--steps",
        "4",
        "--reset",
        "zero_now",
    ]
    done = CliRunner().invoke(app, [*words, "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    assert 0 <= json.loads(done.stdout)["accuracy, test"] <= 1
    network = files.load(out)
    assert (network.layers[0].neurons, network.layers[0].reset, network.steps) == (
        12,
        "zero_now",
        4,
    )
