"""Committed streamed networks: as good as their files and the table say, and their RTL."""

import numpy as np
import pytest

from nomul.experiments import tables
from nomul.experiments.lutnet import streamed_tables
from nomul.experiments.lutnet.training_tables import percent
from nomul.golden import lutnet

ROWS = tables.load("lutnet", "T10-streamed").rows


@pytest.mark.parametrize("row", ROWS, ids=[row["network"] for row in ROWS])
def test_streamed_networks_are_as_good_as_they_say(row):
    """On the whole test set, in the integer model."""
    data = pytest.importorskip("nomul.train.data")
    network = streamed_tables.networks()[row["network"]]
    test = data.load(network.about["data"])
    right = float((lutnet.predict(network, test.x_test) == test.labels_test).mean())
    assert round(right, 4) in network.about["test"]
    assert row["test accuracy"] == percent(right)


@pytest.mark.parametrize("row", ROWS, ids=[row["network"] for row in ROWS])
def test_an_image_takes_a_cycle_per_pixel_and_no_more(tmp_path, row):
    network = streamed_tables.networks()[row["network"]]
    cfg = streamed_tables.configured(network, tmp_path / "net.npz", "xc7")
    assert row["cycles an image"] == cfg.interval == network.inputs
    assert row["latency"] == cfg.latency == cfg.schedule.latency + cfg.count_cycles + 3
    assert row["front"] + row["tables"] + row["rest"] == row["LUTs"]


@pytest.mark.long
@pytest.mark.parametrize("row", ROWS, ids=[row["network"] for row in ROWS])
def test_the_rtl_gives_a_thousand_test_images_the_models_classes(tmp_path, simulate, row):
    data = pytest.importorskip("nomul.train.data")
    network = streamed_tables.networks()[row["network"]]
    cfg = streamed_tables.configured(network, tmp_path / "net.npz", "xc7")
    images = data.load(network.about["data"]).x_test[:1000]
    np.savez(tmp_path / "stimuli.npz", x=images)
    report = simulate(
        *("lutnet", cfg),
        tests="never.*never",
        simulator="verilator",
        environment={"NOMUL_STIMULI": str(tmp_path / "stimuli.npz")},
    )
    assert report.compared >= 2 * len(images)
