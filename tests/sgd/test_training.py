"""Digits learned by the Verilog: equal to the model, interrupted, resumed, saved."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from nomul.capabilities import readers, sgd_verilog
from nomul.capabilities import sgd_learning as learning
from nomul.cli import app
from nomul.golden import network, sgd
from nomul.golden.sgd import Config
from nomul.sim import compiled
from nomul.sim.harness import BenchError
from nomul.train import digits

FAST = {"sizes": (64, 8, 10), "pes": 8, "serial": 8}


class Stop(Exception):
    """Stands for Ctrl-C."""


def stop_at(step):
    """Return a progress line that ends the training after so many steps."""

    def show(steps, _text):
        if steps == step:
            raise Stop

    return show


def test_it_learns_in_verilog_goes_on_after_a_stop_and_ends_where_the_model_does(tmp_path):
    job = learning.Job(Config(**FAST), epochs=1, images=260)
    with pytest.raises(Stop):
        learning.run(job, tmp_path, stop_at(150))
    assert learning.begun(job, tmp_path) == 150
    done = learning.run(job, tmp_path)
    assert (done.state.steps, done.outputs, done.compared) == (260, 2600, 150 + 50 + 1)
    alone = learning.run(learning.Job(job.cfg, 1, 260, in_rtl=False), tmp_path / "model")
    assert all(map(np.array_equal, done.state.weights, alone.state.weights))
    assert done.losses == alone.losses
    assert np.mean(done.losses[-50:]) < np.mean(done.losses[:50])


@pytest.mark.long
@pytest.mark.parametrize("changes", [{"update": "essop"}, {"rounding": "stochastic"}])
def test_random_words_go_on_after_a_stop(changes, tmp_path):
    job = learning.Job(Config(**FAST, **changes), epochs=1, images=120)
    with pytest.raises(Stop):
        learning.run(job, tmp_path, stop_at(57))
    done = learning.run(job, tmp_path)
    alone = learning.run(learning.Job(job.cfg, 1, 120, in_rtl=False), tmp_path / "model")
    assert all(map(np.array_equal, done.state.weights, alone.state.weights))


@pytest.mark.long
@pytest.mark.parametrize(
    ("changes", "least"),
    [({}, 0.93), ({"update": "essop"}, 0.92), ({"update": "essop", "stream_bits": 16}, 0.92)],
)
def test_the_weights_of_the_verilog_reach_their_accuracy(changes, least, tmp_path):
    """Means of three seeds after two epochs of all images."""
    cfg = Config.preset("digits", serial=8, **changes)
    reached = [
        learning.run(learning.Job(cfg, 2, seed=seed), tmp_path / str(seed)).accuracies[-1]
        for seed in (1, 2, 3)
    ]
    assert np.mean(reached) >= least


@pytest.mark.long
def test_the_comparison_notices_another_rounding(tmp_path, monkeypatch):
    """Mutation: the Verilog rounds down, the model to the nearest."""
    real = Config(**FAST)
    real_rtl = sgd_verilog.rtl

    def other(cfg, state, folder):
        return real_rtl(cfg.replace(rounding="floor"), state, folder)

    monkeypatch.setattr(sgd_verilog, "rtl", other)
    with pytest.raises(sgd_verilog.MismatchError, match=r"step \d+: (weight|residue|outputs)"):
        learning.run(learning.Job(real, 1, 50), tmp_path)


def test_the_command_trains_saves_and_goes_on(tmp_path):
    def command(epochs):
        words = ["train", "sgd", "--set", "sizes=64,8,10", "--images", "300", "--epochs", epochs]
        done = CliRunner().invoke(app, [*words, "--out", str(tmp_path), "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    assert command("1")["steps"] == 300
    result = command("2")
    assert result["steps"] == 600
    net = network.load(tmp_path / "network.npz")
    data = digits.load(1)
    share = float((network.model(net, net.encode(data.x_test)) == data.labels_test).mean())
    assert f"{share:.1%}" == result["right after each epoch"].split(", ")[-1]
    assert readers.load(tmp_path / "network.npz").reader.kind == "matrix"


@pytest.mark.parametrize("rounding", ["floor", "rne"])
def test_a_saved_network_has_the_classes_of_the_unit(rounding):
    cfg = Config(sizes=(64, 9, 10), rounding=rounding)
    rng = np.random.default_rng(5)
    weights = [rng.integers(-128, 128, shape) for shape in ((64, 9), (9, 10))]
    x = rng.integers(0, 65, (500, 64))
    net = sgd.network(cfg, weights)
    assert np.array_equal(network.model(net, x), sgd.classes(cfg, weights, x))


def test_what_a_network_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="cannot round toward zero"):
        sgd.network(Config(rounding="zero"), [])
    with pytest.raises(ValueError, match=r"at most 8 bits, and sgd.bits is 9"):
        sgd.network(Config(bits=9), [])


def test_a_rate_that_rounds_every_update_away_is_said(tmp_path):
    cfg = Config(sizes=(64, 4, 10), bits=4, fraction=2, rate_log2=10, serial=4, residue=None)
    job = learning.Job(cfg, 1, 20, in_rtl=False)
    with pytest.warns(UserWarning, match=r"sgd.rate_log2 10 rounds all [\d,]+ updates to 0"):
        learning.run(job, tmp_path)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="sizes must begin with 64 and end with 10"):
        learning.Job(Config())
    with pytest.raises(ValueError, match=r"images must be in 1..1437, not 0"):
        learning.Job(Config(**FAST), images=0)
    with pytest.raises(ValueError, match="payloads must have at most 64 bits, not 65"):
        compiled.build("", "x", (65, 1), None)


def test_a_program_that_hangs_is_an_error(tmp_path):
    """A program that ends without answers: its pipes say so."""
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\nexit 2\n")
    path.chmod(0o755)
    with compiled.Program(path) as running, pytest.raises(BenchError, match="nothing moved for"):
        running.exchange([1], 1)
