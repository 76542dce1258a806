"""Committed trainings of look-up-table networks: complete, true to themselves, and the claims."""

import dataclasses
import math

import numpy as np
import pytest

from nomul.golden import lutnet
from nomul.synth import (
    lutnet_area,
    lutnet_density_tables,
    lutnet_tables,
    lutnet_training_tables,
    tables,
)
from nomul.train import lutnet_cases


def share(text):
    """Return a percentage as a number."""
    return float(text.removesuffix(" %"))


def rows(name):
    return tables.load("lutnet", name).rows


SEEDS = {"density": 5, "fashion": 1, "start": 3, "levels": 3, "tiles": 1}


@pytest.mark.parametrize("name", SEEDS)
def test_studies_are_complete(name):
    """Every case has its line, and no other; networks are kept of what an area table measures."""
    lines = lutnet_training_tables.study(name)
    planned = lutnet_cases.cases(name)
    assert [line["case"] for line in lines] == [dataclasses.asdict(case) for case in planned]
    assert {case.seed for case in planned} == set(range(1, 1 + SEEDS[name]))
    if name in ("density", "fashion", "tiles"):
        first = [line for line in lines if line["case"]["seed"] == 1]
        networks = lutnet_density_tables.networks(name)
        if name == "tiles":
            names = list(networks)
            first = [x for x in first if "-".join(map(str, x["case"].values())) in names]
        else:
            kept = lutnet_density_tables.candidates(lines)
            first = [x for x in first if (x["case"]["density"], x["case"]["k"]) in kept]
        assert list(networks) == ["-".join(map(str, x["case"].values())) for x in first]
        for line, network in zip(first, networks.values(), strict=True):
            layers = network.layers[1:3]
            assert line["products"] == [len(getattr(x, "unrolled", x).out) for x in layers]


@pytest.mark.parametrize("name", ["T1", "T1-fashion", "T1-equal", "T4", "T5", "T6"])
def test_tables_of_studies_are_those_of_the_committed_runs(name):
    assert rows(name) == lutnet_tables.TABLES[name]()


def test_free_thresholds_are_not_counted_as_comparators():
    encoder = lutnet.Thermometer(feature=[0, 0, 1, 2], threshold=[8, 2, 8, 15])
    network = lutnet.Network([encoder], 3, 4)
    assert lutnet_area.comparators(network) == 2
    assert lutnet_area.comparators(lutnet.Network([lutnet.GroupSum(groups=1)], 3)) == 0


@pytest.mark.parametrize("name", ["digits-xc7", "digits-hx1k"])
def test_committed_networks_are_as_good_as_they_say(name):
    data = pytest.importorskip("nomul.train.data").load("digits")
    network = lutnet.Config.preset(name).load()
    about = network.about
    right = float((lutnet.predict(network, data.x_test) == data.labels_test).mean())
    place = about["seeds"].index(about["seed"])
    assert round(right, 4) == about["test"][place]
    assert place == int(np.argmax(about["validation"]))
    assert len(about["seeds"]) == 5


@pytest.mark.needs("fashion-mnist")
@pytest.mark.parametrize("size", [250, 1000, 4000, 10_000, 25_000])
def test_networks_on_fashion_mnist_are_as_good_as_they_say(size):
    """What their files and the page say of the whole test set."""
    data = pytest.importorskip("nomul.train.data")
    network = lutnet.Network.load(lutnet_training_tables.TRAIN / f"lutnet_fashion-{size}.npz")
    test = data.load("fashion-mnist")
    right = float((lutnet.predict(network, test.x_test) == test.labels_test).mean())
    assert [round(right, 4)] == network.about["test"]
    row = next(row for row in rows("T1-pareto") if row["network"] == f"fashion-{size}")
    assert row["test accuracy"] == lutnet_training_tables.percent(right)
    assert row["operators"] == network.n_tables


def test_direct_layers_label_97_percent_of_digits_below_600_luts():
    """Popcount and argmax included; the mean of five seeds, none of them chosen by the test set."""
    row = next(row for row in rows("T1-direct") if row["network"] == "digits-xc7")
    assert share(row["five seeds, mean"]) >= 97
    assert row["all"] - row["encoder"] < 600
    about = lutnet.Config.preset("digits-xc7").load().about
    assert share(row["five seeds, mean"]) == pytest.approx(100 * np.mean(about["test"]), abs=0.05)


def test_direct_layers_stand_above_trees_at_every_size():
    """Encoder and popcount included, as the trees' are; between two sizes of trees their line."""
    sizes, right = zip(*lutnet_training_tables.TREES, strict=True)
    found = rows("T1-pareto")
    assert found
    for row in found:
        size = math.log(row["LUTs, no argmax"])
        trees = np.interp(size, np.log(sizes), right)
        assert share(row["test accuracy"]) > trees


def test_lutnet_beside_the_pruned_xnor_network():
    """At most half the LUTs up to 91 % on digits, and no more of them at any accuracy."""
    found = rows("T1-equal")
    assert len(found) >= 6
    for row in found:
        assert share(row["accuracy"]) >= share(row["XNOR accuracy"])
        assert row["LUTs"] <= row["XNOR LUTs"]
    low = [row for row in found if share(row["XNOR accuracy"]) < 92]
    assert len(low) == 2
    for row in low:
        assert 2 * row["LUTs"] <= row["XNOR LUTs"]


def test_candidates_leave_out_what_is_surely_no_smaller_and_no_better():
    def line(share, k, accuracy):
        return {"case": {"density": share, "k": k}, "accuracy": accuracy}

    some = [line(0.1, 0, 0.5), line(0.2, 0, 0.6), line(0.4, 0, 0.6), line(0.1, 2, 0.4)]
    some += [line(0.2, 2, 0.7), line(0.2, 3, 0.7), line(0.3, 3, 0.8), line(0.2, 4, 0.9)]
    found = lutnet_density_tables.candidates(some)
    assert found == [(0.1, 0), (0.2, 0), (0.2, 2), (0.2, 4), (0.3, 3)]


def test_fronts_hold_the_networks_that_no_smaller_one_equals():
    def row(network, luts, accuracy):
        return {"network": network, "LUTs": luts, "accuracy": f"{accuracy} %"}

    some = [row("K = 2", 10, 50.0), row("XNOR", 12, 40.0), row("K = 6", 15, 50.0)]
    some += [row("K = 3", 20, 60.0), row("XNOR", 30, 45.0)]
    lutnet_density_tables.mark_fronts(some)
    assert [r["on the front"] for r in some] == [True, True, False, True, True]


def test_networks_of_the_area_table_are_no_less_accurate_than_the_xnor_network():
    accuracies = [share(text) for text, _ in lutnet_tables.at_equal_accuracy().values()]
    assert min(accuracies) == accuracies[0]


def test_tiled_rows_are_those_of_the_committed_runs():
    lines = lutnet_training_tables.study("tiles")
    for row in rows("T3"):
        tile_m, tile_n = map(int, row["TM x TN"].split(" x "))
        shape = {"k": row["K"], "p": row["P"], "tile_m": tile_m, "tile_n": tile_n}
        (run,) = lutnet_training_tables.select(lines, **shape)
        assert row["accuracy"] == lutnet_training_tables.percent(run["accuracy"])
        assert row["cycles per vector"] == tile_m * tile_n
        assert row["physical tables"] * tile_m * tile_n == 64 * 16


def test_trained_tables_are_rarely_xnors():
    for row in rows("T4"):
        if "quoted" not in row["network"]:
            assert share(row["tables that are XNORs"]) < 50
