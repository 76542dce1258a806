"""The training sweep: its points, its resumption, and that it learns."""

import json

import pytest

pytest.importorskip("torch", reason="install the extra: pip install nomul[train]")

from nomul.train import essop_sweep
from nomul.train.essop_sweep import Point


@pytest.fixture(scope="module")
def digits():
    return essop_sweep.load("mlp")


def test_sweep_covers_every_source_and_length():
    todo = list(essop_sweep.points("mlp", 1437))
    assert len(todo) == len(set(todo)) == 5 * (1 + 6 * 6)
    assert len(list(essop_sweep.points("convnet", 100))) == 3 * (1 + 3 * 3)
    assert todo[0] == Point("mlp", "fp32", 0, 0, 1437)


def test_stochastic_gradients_learn_nearly_as_well(digits):
    """One seed, sixteen bits: above 90 %, and within five points of exact gradients."""
    exact = essop_sweep.train(Point("mlp", "fp32", 0, 0, 1437), digits)
    stochastic = essop_sweep.train(Point("mlp", "vdc_xor", 16, 0, 1437), digits)
    assert stochastic["accuracy"] > 0.9
    assert abs(exact["accuracy"] - stochastic["accuracy"]) < 0.05


def test_sweep_goes_on_where_it_was_killed(digits, tmp_path, monkeypatch):
    trained = []

    def fake(point, data):
        trained.append(point)
        return {**point.__dict__, "accuracy": 0.5, "loss": 1.0, "seconds": 0.1}

    monkeypatch.setattr(essop_sweep, "train", fake)
    file = tmp_path / "runs.jsonl"
    todo = list(essop_sweep.points("mlp", 1437, seeds=1))
    essop_sweep.sweep(todo[:5], digits, file)
    with file.open("a") as stream:
        stream.write('{"network": "mlp", "sour')  # a line that a kill cut off
    rows = essop_sweep.sweep(todo, digits, file)
    assert trained == todo
    assert [row["source"] for row in rows] == [point.source for point in todo]
    assert len(essop_sweep.finished(file)) == len(todo)


def test_summary_gives_mean_and_spread_over_seeds():
    point = Point("mlp", "vdc", 4, 0, 10).__dict__
    rows = [
        {**point, "seed": seed, "accuracy": accuracy, "loss": 0.0, "seconds": 1.0}
        for seed, accuracy in enumerate((0.9, 0.8, 0.7))
    ]
    (row,) = essop_sweep.summary(rows)
    assert (row["accuracy"], row["spread"], row["seeds"]) == (
        pytest.approx(80.0),
        pytest.approx(10.0),
        3,
    )


def test_same_seed_same_network(digits):
    point = Point("mlp", "lfsr", 2, 3, 1437)
    runs = [essop_sweep.train(point, digits, epochs=1) for _ in range(2)]
    for run in runs:
        run.pop("seconds")
    assert json.dumps(runs[0]) == json.dumps(runs[1])


def test_missing_data_says_what_to_install(tmp_path):
    with pytest.raises(FileNotFoundError, match="apt-get install dataset-fashion-mnist"):
        essop_sweep.load("convnet", tmp_path)
    with pytest.raises(FileNotFoundError, match="--data"):
        essop_sweep.load("resnet32")
    with pytest.raises(ValueError, match="there is no network 'vgg'; there are mlp, convnet"):
        list(essop_sweep.points("vgg", 1))
