"""The training sweep: its points, its resumption, and that it learns."""

import gzip
import json
import pickle
from dataclasses import asdict

import numpy as np
import pytest

from nomul.experiments import tables
from nomul.experiments.essop import training

torch = pytest.importorskip("torch", reason="install the extra: pip install nomul[train]")

from nomul.train.essop import data as essop_data  # noqa: E402
from nomul.train.essop import sweep  # noqa: E402
from nomul.train.essop.sweep import Point  # noqa: E402


@pytest.fixture(scope="module")
def digits():
    return essop_data.load("mlp")


def test_sweep_covers_every_source_and_length():
    todo = list(sweep.points("mlp", 1437))
    assert len(todo) == len(set(todo)) == 5 * (1 + 6 * 6)
    assert len(list(sweep.points("convnet", 100))) == 3 * (1 + 3 * 3)
    assert todo[0] == Point("mlp", "fp32", 0, 0, 1437)


def test_stochastic_gradients_learn_nearly_as_well(digits):
    """One seed, sixteen bits: above 90 %, and within five points of exact gradients."""
    exact = sweep.train(Point("mlp", "fp32", 0, 0, 1437), digits)
    stochastic = sweep.train(Point("mlp", "vdc_xor", 16, 0, 1437), digits)
    assert stochastic["accuracy"] > 0.9
    assert abs(exact["accuracy"] - stochastic["accuracy"]) < 0.05


def test_sweep_goes_on_where_it_was_killed(digits, tmp_path, monkeypatch):
    trained = []

    def fake(point, data):
        trained.append(point)
        return {**point.__dict__, "accuracy": 0.5, "loss": 1.0, "seconds": 0.1}

    monkeypatch.setattr(sweep, "train", fake)
    file = tmp_path / "runs.jsonl"
    todo = list(sweep.points("mlp", 1437, seeds=1))
    sweep.sweep(todo[:5], digits, file)
    with file.open("a") as stream:
        stream.write('{"network": "mlp", "sour')  # a line that a kill cut off
    rows = sweep.sweep(todo, digits, file)
    assert trained == todo
    assert [row["source"] for row in rows] == [point.source for point in todo]
    assert len(sweep.finished(file)) == len(todo)


def test_summary_gives_mean_and_spread_over_seeds():
    accuracies = {"fp32": (0.95, 0.8, 0.8), "vdc": (0.9, 0.8, 0.7)}
    runs = [
        {"source": source, "stream_bits": bits, "seed": seed, "accuracy": accuracy}
        for (source, values), bits in zip(accuracies.items(), (0, 4), strict=True)
        for seed, accuracy in enumerate(values)
    ]
    exact, row = training.summary(runs)
    assert (exact["BL"], exact["difference"]) == (None, None)
    assert (row["BL"], row["seeds"], row["accuracy"], row["spread"]) == (4, 3, 80.0, 10.0)
    assert (row["difference"], row["spread of it"]) == (-5.0, 5.0)
    shown = training.by_source([exact, row])
    assert shown[1] == {"source": "`vdc`", "BL 4": "80.0 ± 10.0"}
    alone = training.summary([run for run in runs if run["seed"] == 0])
    assert [row["spread"] for row in alone] == [None, None]


def test_record_holds_every_run_and_its_command(tmp_path):
    rows = [
        {**asdict(point), "accuracy": 0.5, "loss": 1 / 3, "seconds": 1.0}
        for point in sweep.points("mlp", 99, seeds=2)
    ]
    file = tmp_path / "out" / "record.json"
    sweep.record("mlp", rows, file, "nomul train essop --network mlp")
    record = json.loads(file.read_text())
    assert len(record["runs"]) == len(rows) == 74
    assert record["images"] == 99
    assert record["command"] == "nomul train essop --network mlp"
    assert set(record["tools"]) == {"nomul", "numpy", "torch"}
    assert training.summary(record["runs"])[0]["accuracy"] == 50.0


@pytest.mark.parametrize(("network", "table"), [("mlp", "T4"), ("convnet", "T4-convnet")])
def test_committed_record_covers_the_sweep_and_fills_the_table(network, table):
    record = training.record(network)
    runs = {(run["source"], run["stream_bits"], run["seed"]) for run in record["runs"]}
    wanted = sweep.points(network, record["images"])
    assert runs == {(point.source, point.stream_bits, point.seed) for point in wanted}
    assert tables.load("essop", table).rows == training.TABLES[table]()


def test_a_recorded_run_can_be_repeated(digits):
    """Other processors add in another order, so that the last bits and some images may differ."""
    recorded = {
        (run["source"], run["stream_bits"], run["seed"]): run["accuracy"]
        for run in training.record("mlp")["runs"]
    }
    again = sweep.train(Point("mlp", "vdc_xor", 2, 1, 1437), digits)
    assert again["accuracy"] == pytest.approx(recorded["vdc_xor", 2, 1], abs=0.03)


def test_same_seed_same_network(digits):
    point = Point("mlp", "lfsr", 2, 3, 1437)
    runs = [sweep.train(point, digits, epochs=1) for _ in range(2)]
    for run in runs:
        run.pop("seconds")
    assert json.dumps(runs[0]) == json.dumps(runs[1])


def generated(shape, n, seed=3):
    """Return images and labels that mean nothing."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.randint(10, (n,), generator=rng)
    return torch.rand((n, *shape), generator=rng), labels


def test_convolutional_network_learns_a_batch_by_heart():
    x, labels = generated((1, 28, 28), 32)
    data = essop_data.Split(x, labels, x, labels)
    before, after = (
        sweep.train(Point("convnet", "sobol_xor", 8, 0, 32), data, epochs=n) for n in (1, 60)
    )
    assert after["loss"] < 0.5 * before["loss"]


def test_fashion_mnist_is_read_from_its_files(tmp_path):
    for stem, n in (("train", 60_000), ("t10k", 10_000)):
        for kind, shape in (("images-idx3", (n, 28, 28)), ("labels-idx1", (n,))):
            head = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()
            body = np.full(shape, 255 if len(shape) > 1 else 7, np.uint8).tobytes()
            file = tmp_path / f"{stem}-{kind}-ubyte.gz"
            file.write_bytes(gzip.compress(head + body, compresslevel=1))
    data = essop_data.load("convnet", tmp_path, images=100)
    assert data.x.shape == (100, 1, 28, 28)
    assert data.x_test.shape == (10_000, 1, 28, 28)
    assert data.x.unique().tolist() == [1.0]
    assert data.labels_test.unique().tolist() == [7]


def test_resnet32_learns_from_the_files_of_cifar10(tmp_path):
    """One generated batch of two images: read, normalised, moved about, and a step taken."""
    rng = np.random.default_rng(5)
    for name in [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]:
        images = rng.integers(0, 256, (2, 3072), dtype=np.uint8)
        content = {b"data": images, b"labels": [1, 7]}
        (tmp_path / name).write_bytes(pickle.dumps(content))
    data = essop_data.load("resnet32", tmp_path, images=2)
    assert data.x.shape == (2, 3, 32, 32)
    whole = essop_data.load("resnet32", tmp_path).x
    assert whole.mean(dim=(0, 2, 3)).abs().max() < 1e-5
    assert (whole.std(dim=(0, 2, 3)) - 1).abs().max() < 1e-3
    run = sweep.train(Point("resnet32", "vdc_xor", 2, 0, 2), data, epochs=1)
    assert np.isfinite(run["loss"])
    with pytest.raises(FileNotFoundError, match=r"data_batch_1 .*--data names the unpacked folder"):
        essop_data.load("resnet32", tmp_path / "elsewhere")


def test_moved_images_are_parts_of_their_padded_selves():
    torch.manual_seed(2)
    x = torch.arange(1, 65.0).reshape(1, 1, 8, 8).repeat(200, 1, 1, 1)
    padded = torch.nn.functional.pad(x[:1], (4,) * 4)
    cuts = padded.unfold(2, 8, 1).unfold(3, 8, 1).reshape(-1, 8, 8)
    possible = {tuple(c.flatten().tolist()) for cut in cuts for c in (cut, cut.flip(1))}
    found = {tuple(image.flatten().tolist()) for image in essop_data.moved(x)}
    assert found <= possible | {tuple(c.flip(1).flatten().tolist()) for c in cuts}
    assert len(found) > 60


def test_missing_data_says_what_to_install(tmp_path):
    with pytest.raises(FileNotFoundError, match="apt-get install dataset-fashion-mnist"):
        essop_data.load("convnet", tmp_path)
    with pytest.raises(FileNotFoundError, match="--data"):
        essop_data.load("resnet32")
    with pytest.raises(ValueError, match="so no --data"):
        essop_data.load("mlp", tmp_path)
    with pytest.raises(ValueError, match="there is no network 'vgg'; there are mlp, convnet"):
        list(sweep.points("vgg", 1))
