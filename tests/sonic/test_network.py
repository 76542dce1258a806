"""SONIC on a real network: training, pruning, clustering, integers, and layers through the RTL."""

import json
from pathlib import Path

import numpy as np
import pytest

from nomul import registry
from nomul.golden import sonic
from nomul.golden.sonic import Config, devices, network, sweep
from nomul.golden.sonic.network import Layer

TRAINED = Path(__file__).parents[2] / "train" / "sonic"
REPORT = json.loads((TRAINED / "report.json").read_text())
MIDDLE = Config(conv_units=8, fc_units=4, fc_lanes=16)


def tiny(rng: np.random.Generator) -> list[Layer]:
    """Return a pooled convolution and a fully connected layer, at random."""
    levels = np.array([0, -90, -20, 35, 120])
    return [
        Layer(
            rng.integers(0, 5, (3, 1, 3, 3)), levels, np.array([9, 7, 5]), np.array([1, -5, 0]), 9
        ),
        Layer(rng.integers(0, 5, (4, 27)), levels, np.ones(4, int), np.zeros(4, int), 9, False),
    ]


def test_a_network_is_its_layers_one_after_the_other():
    rng = np.random.default_rng(1)
    layers = tiny(rng)
    layers[0] = Layer(**{**vars(layers[0]), "pool": 2})
    images = rng.integers(0, 120, (5, 1, 8, 8))
    cfg = Config.preset("small")
    y, results = network.run(cfg, layers, images)
    for image, row in zip(images, y, strict=True):
        first = sonic.conv(cfg, layers[0].codes, layers[0].levels, image).y
        x = sonic.post(cfg, first, layers[0].scale, layers[0].bias, 9, pool=2).ravel()
        last = sonic.fc(cfg, layers[1].codes, layers[1].levels, x).y
        assert np.array_equal(sonic.post(cfg, last, 1, 0, 9, relu=False), row)
    assert [result.kind for result in results] == ["conv", "fc"]
    labels = y.argmax(axis=1)
    assert network.accuracy(cfg, layers, images, labels, batch=2) == 1.0


def test_networks_are_read_as_they_were_written(tmp_path):
    layers = tiny(np.random.default_rng(2))
    network.save(tmp_path / "net.npz", layers)
    for before, after in zip(layers, network.load(tmp_path / "net.npz"), strict=True):
        for name, value in vars(before).items():
            assert np.array_equal(value, getattr(after, name)), name


@pytest.mark.parametrize("levels", [16, 64])
def test_the_trained_network_is_pruned_and_clustered(levels):
    layers = network.load(TRAINED / f"{levels}.npz")
    assert [layer.kind for layer in layers] == ["conv", "conv", "fc", "fc"]
    for layer, sparsity in zip(layers, REPORT["sparsity"], strict=True):
        assert abs(layer.sparsity - sparsity) < 0.01
        assert len(layer.levels) == levels
        assert layer.levels[0] == 0
        assert layer.codes.max() == levels - 1
    assert REPORT["dense"] > 0.85
    assert REPORT["integer"]["64"] > REPORT["dense"] - 0.03


@pytest.mark.long
@pytest.mark.needs("fashion-mnist")
@pytest.mark.parametrize("levels", [16, 64])
def test_accuracy_on_the_whole_test_set_is_the_reported_one(levels):
    images, labels = photographs(10_000)
    layers = network.load(TRAINED / f"{levels}.npz")
    right = network.accuracy(Config(), layers, images, labels)
    assert right == REPORT["integer"][str(levels)]


def shirt() -> np.ndarray:
    """Return a drawn shirt, for where no data set is needed."""
    image = np.zeros((1, 1, 28, 28), dtype=np.int64)
    image[..., 4:26, 8:20] = 20000
    image[..., 5:12, 3:25] = 12000
    return image


def photographs(count: int):
    """Return the first test images of Fashion-MNIST as the network takes them, and their labels."""
    from nomul.train import fashion

    test = fashion.load("test")
    return test.images[:count].astype(np.int64)[:, None] << 7, test.labels[:count]


def through_rtl(simulate, folder: Path, cfg: Config, layers: list[Layer], images, skip: int = 0):
    """Run images through all layers after ``skip`` others; return the report and the counts."""
    x, _ = network.run(cfg, layers[:skip], images)
    np.savez(folder / "images.npz", images=x)
    network.save(folder / "net.npz", layers[skip:])
    names = {"NOMUL_NETWORK": "net.npz", "NOMUL_STIMULI": "images.npz"}
    report = simulate(
        "sonic",
        cfg,
        bench="nomul.sim.sonic.network",
        environment={name: str(folder / file) for name, file in names.items()},
    )
    return report, network.run(cfg, layers[skip:], x)[1]


def test_fully_connected_layers_of_the_trained_network_pass_through_rtl(simulate, tmp_path):
    layers = network.load(TRAINED / "16.npz")
    report, results = through_rtl(simulate, tmp_path, MIDDLE, layers, shirt(), skip=2)
    same_energy(MIDDLE, report.records["layers"], results)


@pytest.mark.long
@pytest.mark.needs("fashion-mnist")
@pytest.mark.parametrize("levels", [16, 64])
def test_all_layers_of_the_trained_network_pass_through_rtl(simulate, tmp_path, levels):
    """End to end: a test image goes in, and the class that comes out is the model's."""
    images, labels = photographs(1)
    layers = network.load(TRAINED / f"{levels}.npz")
    report, results = through_rtl(simulate, tmp_path, MIDDLE, layers, images)
    assert len(report.records["layers"]) == 4
    assert report.records["labels"] == labels.tolist()
    same_energy(MIDDLE, report.records["layers"], results)


def same_energy(cfg: Config, counted: list[dict[str, int]], results: list[sonic.Result]) -> None:
    """Require time and energy to be the same from the hardware's counts and from the model's."""
    for counts, result in zip(counted, results, strict=True):
        counts.pop("cycles")
        read = sonic.Result(np.zeros(0, dtype=np.int64), **counts)
        assert sonic.device(cfg, read) == sonic.device(cfg, result)


@pytest.mark.long
@pytest.mark.needs("fashion-mnist")
def test_crosstalk_costs_rtl_the_accuracy_that_it_costs_the_model(simulate, tmp_path):
    """Fifty wavelengths leave two bits: the hardware is wrong where the model is, and often."""
    images, labels = photographs(10)
    layers = network.load(TRAINED / "16.npz")
    right = {}
    for lanes in (50, 15):
        cfg = devices.limited(Config(fc_lanes=lanes, fc_units=4, conv_units=1))
        folder = tmp_path / str(lanes)
        folder.mkdir()
        report, _ = through_rtl(simulate, folder, cfg, layers, images, skip=2)
        y, _ = network.run(cfg, layers, images)
        assert report.records["labels"] == y.argmax(axis=1).tolist()
        right[lanes] = (np.array(report.records["labels"]) == labels).sum()
    assert right[15] >= 7
    assert right[50] <= 3


@pytest.mark.long
@pytest.mark.needs("fashion-mnist")
def test_crosstalk_costs_accuracy():
    """Fifty wavelengths leave two bits: the network guesses. Fifteen leave five, and it works."""
    images, labels = photographs(1000)
    layers = network.load(TRAINED / "16.npz")
    reached = {}
    for lanes in (50, 15):
        cfg = devices.limited(Config(fc_lanes=lanes))
        reached[lanes] = network.accuracy(cfg, layers, images, labels)
    assert reached[50] < 0.2
    assert reached[15] > 0.8


def test_a_sweep_orders_its_points_and_counts_frames():
    rng = np.random.default_rng(3)
    layers = tiny(rng)
    layers[0] = Layer(**{**vars(layers[0]), "pool": 2})
    images = rng.integers(0, 120, (3, 1, 8, 8))
    points = sweep.sweep(
        layers, images, conv_lanes=(2, 5), fc_lanes=(8,), conv_units=(4,), fc_units=(1, 2)
    )
    assert len(points) == 4
    order = [point.fps_per_watt for point in points]
    assert order == sorted(order, reverse=True)
    one = points[0]
    cfg = Config(
        conv_lanes=one.conv_lanes,
        fc_lanes=one.fc_lanes,
        conv_units=one.conv_units,
        fc_units=one.fc_units,
    )
    _, results = network.run(cfg, layers, images)
    spent = [sonic.device(cfg, result) for result in results]
    assert np.isclose(one.fps, 3 / sum(s.time for s in spent))
    assert np.isclose(one.fps_per_watt, 3 / sum(s.energy for s in spent))
    assert one.fps_per_watt_full < one.fps_per_watt


def test_a_sweep_has_power_everywhere_and_frames_where_the_network_fits():
    from nomul.experiments.sonic import tables as sonic_tables
    from nomul.train import fashion

    paper, small = (registry.get("sonic").metrics(Config.preset(p)) for p in ("paper", "small"))
    assert paper["full_power_w"] == 37.113
    assert (paper["conv_crosstalk_bits"], paper["fc_crosstalk_bits"]) == (9.11, 2.17)
    assert "fps" not in small
    if not fashion.available():
        assert "apt-get install dataset-fashion-mnist" in paper["network"]
        return
    assert small["network"].startswith("codebook must")
    row = next(r for r in sonic_tables.sweep() if (r["n"], r["m"], r["N"]) == (5, 50, 50))
    assert round(paper["fps_per_watt"]) == row["FPS/W"]


def test_training_prunes_and_the_integers_follow_the_floats():
    """On noise, which has no classes: what is tested is the way from floats to integers."""
    torch = pytest.importorskip("torch", reason="install the extra: pip install nomul[train]")
    from nomul.train import fashion
    from nomul.train import sonic as training

    rng = np.random.default_rng(4)
    part = fashion.Part(
        rng.integers(0, 256, (600, 28, 28)).astype(np.uint8), rng.integers(0, 10, 600)
    )
    net = training.train(part, 1, pruned_from=0.0)
    for weight, sparsity in zip(net.weights(), training.SPARSITY, strict=True):
        assert abs(float((weight == 0).float().mean()) - sparsity) < 0.03
    copy, tables = training.clustered(net, 63)
    layers = training.integers(copy, tables, part)
    y, _ = network.run(Config(), layers, training.pixels(part)[:20])
    with torch.no_grad():
        real = copy(training.images_of(part)[:20]).numpy()
    scale = np.abs(y).max() / np.abs(real).max()
    unit = 2.0 ** round(float(np.log2(scale)))
    assert np.abs(y / unit - real).max() < 0.01 * np.abs(real).max()


def test_fashion_files_are_checked(tmp_path):
    import gzip

    from nomul.train import fashion

    assert not fashion.available(tmp_path)
    with pytest.raises(FileNotFoundError, match="apt-get install dataset-fashion-mnist"):
        fashion.load("test", tmp_path)
    for name in ("images-idx3", "labels-idx1"):
        (tmp_path / f"t10k-{name}-ubyte.gz").write_bytes(gzip.compress(bytes(16)))
    with pytest.raises(ValueError, match=r"must hold bytes of shape \[-1, 28, 28\]"):
        fashion.load("test", tmp_path)


def test_the_plot_names_both_units(tmp_path):
    pytest.importorskip("matplotlib", reason="install the extra: pip install nomul[synth]")
    from nomul.experiments.sonic import tables as sonic_tables
    from nomul.experiments.tables import Table, draw

    assert "T2" in sonic_tables.PLOTS
    row = {"layer": "conv1", "active": 20, "gated": 30, "saved by gating, %": 28.0}
    drawn = draw(Table("sonic", "T2", "What layers do.", [row], {}), tmp_path)
    text = drawn[0].read_text()
    for words in ("FC unit, 50 lanes, 2279.8 mW", "CONV unit, 5 lanes, 286.3 mW", "conv1"):
        assert words in text
