"""Committed trainings of look-up-table networks: complete, true to themselves, and the claims."""

import math

import numpy as np
import pytest

from nomul.golden import lutnet
from nomul.synth import lutnet_area, lutnet_training_tables, tables


def share(text):
    """Return a percentage as a number."""
    return float(text.removesuffix(" %"))


def rows(name):
    return tables.load("lutnet", name).rows


@pytest.mark.parametrize("name", ["density", "start", "levels"])
def test_studies_are_complete(name):
    """Every case has its line, and no other; needs PyTorch, which the cases are trained with."""
    pytest.importorskip("torch")
    from nomul.train import lutnet_study

    found = [lutnet_study.Case(**line["case"]) for line in lutnet_training_tables.study(name)]
    assert found == lutnet_study.cases(name)
    assert {case.seed for case in found} == set(range(1, 6 if name == "density" else 4))


@pytest.mark.parametrize("name", ["T1", "T4", "T5", "T6"])
def test_tables_of_studies_are_those_of_the_committed_runs(name):
    assert rows(name) == lutnet_training_tables.TABLES[name]()


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


def test_lutnet_needs_half_the_luts_of_the_pruned_xnor_network():
    """For each LUTNet there is an XNOR network that is no better and takes twice its LUTs."""
    found = rows("T1-area")
    xnor = [row for row in found if "XNOR" in row["network"]]
    ours = [row for row in found if "LUTNet" in row["network"]]
    assert xnor
    assert ours
    key = "accuracy, five seeds"
    for plain in xnor:
        assert any(
            share(row[key]) >= share(plain[key]) and 2 * row["LUTs"] <= plain["LUTs"]
            for row in ours
        )


def test_trained_tables_are_rarely_xnors_from_three_inputs_on():
    for row in rows("T4"):
        if "quoted" not in row["network"] and row["K"] > 2:
            assert share(row["tables that are XNORs"]) < 50
