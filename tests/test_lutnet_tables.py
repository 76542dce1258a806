"""Tables of the page on look-up-table networks: what is counted where, and what is quoted."""

import json
import subprocess
import sys

import pytest

from nomul.golden import lutnet
from nomul.synth import lutnet_published, lutnet_tables
from nomul.synth.lutnet_area import measure, part_of


@pytest.mark.parametrize(
    ("module", "part"),
    [
        ("lutnet", ""),
        ("lutnet_stage1", ""),
        ("lutnet_stage1_stage", ""),
        ("lutnet_stage0_layer0_thermometer", "encoder"),
        ("lutnet_operators_1", "operators"),
        ("lutnet_stage1_layer1_lut", "popcount"),
        ("lutnet_stage1_layer1_lut_popcount", "popcount"),
        ("lutnet_sum13_20", "popcount"),
        ("lutnet_counter6", "popcount"),
        ("lutnet_stage2_layer2_groupsum", "popcount"),
        ("lutnet_stage3_layer3_argmax", "head"),
    ],
)
def test_a_module_belongs_to_a_part(module, part):
    assert part_of(module) == part


def test_the_parts_of_a_network_are_counted():
    found = measure(lutnet.Config.preset("small").load(), "ice40")
    assert min(found.parts.values()) > 0
    assert found.parts["operators"] >= 150
    assert found.total == sum(found.parts.values()) + found.control
    assert found.control < 20


def test_networks_of_the_comparison_have_the_accuracy_that_they_state():
    from nomul.train import data

    digits = data.load("digits")
    accuracies = []
    for name in lutnet_tables.EQUAL:
        network = lutnet.Config(network=name).load()
        right = (lutnet.predict(network, digits.x_test) == digits.labels_test).mean()
        assert round(100 * float(right), 1) == network.about["accuracy"]
        accuracies.append(network.about["accuracy"])
    assert min(accuracies) == accuracies[0]


@pytest.mark.parametrize(("k", "p"), [shape for shape, _ in lutnet_tables.TILED])
def test_tilings_of_a_layer_add_as_much(k, p):
    for tiles in ((1, 1), (2, 2), (4, 4)):
        layer = lutnet_tables.tiled_layer(k, p, *tiles)
        assert len(layer.unrolled.idx) == 8 * 8


def test_quoted_rows_say_so_and_the_two_jet_data_sets_stay_apart():
    openml, cernbox = lutnet_tables.published_openml(), lutnet_tables.published_cernbox()
    assert all(row["quoted"] for row in openml + cernbox)
    assert not {r["method"] for r in openml} & {"LogicNets", "PolyLUT JSC-XL", "PolyLUT-Add"}
    encoders = {row["encoder"] for row in openml + cernbox}
    assert encoders <= {"in", "out", "none", "unstated"}
    assert {q.source for q in lutnet_published.MNIST} >= {"arXiv 2410.11112", "arXiv 1910.12625"}


def test_synth_takes_a_network_file(tmp_path):
    path = tmp_path / "net.json"
    lutnet.Network([lutnet.DirectLut(k=2, idx=[[0, 1]], tt=[0b0110])], inputs=2).save(path)
    command = [*(sys.executable, "-m", "nomul", "synth", "lutnet", "--network", str(path))]
    command += ["--target", "generic", "--json", "--out", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    row = json.loads(ran.stdout)
    assert row["config"]["network"] == str(path)
    assert row["preset"] == ""
    assert row["resources"]["ffs"] == 3
