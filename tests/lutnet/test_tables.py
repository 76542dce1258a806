"""Tables of the page on look-up-table networks: what is counted where, and what is quoted."""

import json
import subprocess
import sys

import numpy as np
import pytest

from nomul.experiments.lutnet import published
from nomul.experiments.lutnet import tables as lutnet_tables
from nomul.experiments.lutnet.area import PARTS, comparators, parts, split, without_inverters
from nomul.golden import lutnet
from nomul.golden.lutnet.examples import tables as random_tables


@pytest.fixture
def network():
    """Return twelve random tables of six inputs with their sums and the largest of those."""
    rng = np.random.default_rng(1)
    tables = lutnet.DirectLut(k=6, idx=rng.integers(0, 20, (12, 6)), tt=random_tables(rng, 12, 6))
    return lutnet.Network([tables, lutnet.GroupSum(groups=3), lutnet.Argmax()], 20)


@pytest.mark.parametrize(
    ("target", "least", "most"),
    [pytest.param("xc7", 12, 12, marks=pytest.mark.long), ("ice40", 30, 12 * 20)],
)
def test_the_parts_of_a_network_are_counted(network, target, least, most):
    """On iCE40 a table of six inputs takes several look-up tables."""
    found, placed = parts(network, target)
    assert found["encoder"] == 0
    assert least <= found["operators"] <= most
    assert found["all"] == sum(found[part] for part in PARTS)
    assert min(found["popcount"], found["head"]) > 0
    assert (placed is None) == (target == "xc7")


def test_a_network_is_split_by_differences(network):
    found = split(network)
    assert (found["encoder"], found["operators"]) == (0, 12)
    assert found["scores"] == 12 + found["popcount"]
    assert found["all"] == found["scores"] + found["head"]
    assert min(found["popcount"], found["head"]) > 0


def test_samples_have_no_inverters():
    out = [0, 0, 1, 1]
    xnor = lutnet.Xnor(idx=[3, 1, 3, 2], weight=[0, 1, 0, 0], out=out, n_out=2)
    assert without_inverters(xnor).weight.tolist() == [1, 1, 1, 1]
    tables = lutnet.LutLayer(
        k=2, idx=[[3, 0], [1, 2], [0, 3], [1, 2]], tt=[5, 8, 3, 12], out=out, n_out=2
    )
    assert without_inverters(tables).tt == (10, 8, 12, 12)


def test_an_encoder_is_counted_by_itself():
    encoder = lutnet.Thermometer(feature=[0, 0, 1, 2], threshold=[8, 15, 8, 15])
    tables = lutnet.DirectLut(k=4, idx=[[0, 1, 2, 3]] * 2, tt=[0x6996, 0x8001])
    network = lutnet.Network([encoder, tables, lutnet.GroupSum(groups=1)], 3, 4)
    assert comparators(network) == 2
    found, _ = parts(network, "ice40")
    assert (found["encoder"], found["operators"], found["head"]) == (2, 2, 0)


def test_quoted_rows_say_so_and_the_two_jet_data_sets_stay_apart():
    openml, cernbox = lutnet_tables.published_openml(), lutnet_tables.published_cernbox()
    assert all(row["quoted"] for row in openml + cernbox)
    assert not {r["method"] for r in openml} & {"LogicNets", "PolyLUT JSC-XL", "PolyLUT-Add"}
    encoders = {row["encoder"] for row in openml + cernbox}
    assert encoders <= {"in", "out", "none", "unstated"}
    sources = {q.source for q in published.results("mnist")}
    assert sources >= {"arXiv 2410.11112", "arXiv 1910.12625"}


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
