"""``nomul compare`` from nothing to a page, with tools and without."""

import json

import pytest

from nomul.capabilities import lutnet
from nomul.experiments.compare import subject
from nomul.golden import network

DIGITS = ("compare", "digits-mlp-int8", "--data", "digits", "--member", "dense")


def test_the_command_prints_rows_winners_and_files(nomul_, measured, tmp_path):
    code, out, err = nomul_(*DIGITS, "--member", "lutnet", "--set", "dense.products=2")
    assert code == 0
    rivals = len(lutnet.rivals("digits"))
    assert f"{2 + rivals} rows: 0 known, {2 + rivals} to measure" in err
    assert "for latency: " in out
    assert "build/compare/digits-mlp-int8/index.html" in out
    assert [job.name for job in measured] == ["dense"] * 2 + ["lutnet"] * rivals
    assert json.loads(measured[0].config)["products"] == 2
    code, out, err = nomul_(*DIGITS, "--for", "energy", "--json")
    found = json.loads(out)
    assert [row["array"] for row in found["rows"]] == ["dense", "dense, bit by bit"]
    assert found["rows"][0]["accuracy, %"] == 97.22
    assert set(found["winners"]) == {"latency", "area", "energy", "storage"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--for", "beauty"), "--for must be one of latency, area, energy, storage"),
        (("--size", "huge"), "there is no size 'huge'"),
        (("--set", "products=2"), "--set wants MEMBER.NAME=VALUE, not 'products=2'"),
        (("--target", "xc7"), "target must be one of freepdk45, ecp5, not 'xc7'"),
        (("--member", "denes"), "there is no member 'denes'; there are dense"),
        (("--member", "epitom"), "there is no member 'epitom'; there are epitome, dense"),
        (("--train", "x.csv"), "--train is for samples of files: digits has its own"),
    ],
)
def test_misuse_is_one_line(nomul_, more, message):
    code, out, err = nomul_(*DIGITS, *more)
    assert code == 2
    assert message in err
    assert not out


def test_a_network_and_samples_of_ones_own(nomul_, measured, monkeypatch, tmp_path):
    """Classes are words, columns in another order for training, which names the classes."""
    net = network.Network([network.Dense([[9, -9], [-9, 9]])], (2,), input_scale=1 / 255)
    network.save(net, tmp_path / "net.npz")
    (tmp_path / "test.csv").write_text("a,b,kind\n0.9,0.1,first\n0.2,0.8,second\n")
    (tmp_path / "train.csv").write_text("kind,b,a\nfirst,0.2,0.6\nsecond,0.8,0.4\n")
    own = ("compare", tmp_path / "net.npz", "--data", tmp_path / "test.csv", "--member", "dense")
    code, _, err = nomul_(*own)
    assert code == 2
    assert "--data with a file needs --column, the one that holds the classes" in err
    code, out, _ = nomul_(*own, "--column", "kind", "--json")
    assert code == 0
    assert json.loads(out)["rows"][0]["accuracy, %"] == 100
    code, out, _ = nomul_(*own, "--column", "kind", "--train", tmp_path / "train.csv", "--json")
    assert json.loads(out)["rows"][0]["accuracy, %"] == 100
    chosen = subject.load(str(own[1]), str(own[3]), "kind", str(tmp_path / "train.csv"))
    assert chosen.calibration.tolist() == [[153, 51], [102, 204]]
    monkeypatch.setattr(lutnet, "rivals", lambda data: [])
    code, _, err = nomul_(*own[:-1], "lutnet", "--column", "kind")
    assert code == 2
    assert "lutnet has no network for test.csv" in err


@pytest.mark.long
@pytest.mark.needs("icarus")
def test_a_row_is_measured_on_a_worker_and_resumes(nomul_):
    code, out, err = nomul_(*DIGITS, "--workers", 1, "--json")
    assert code == 0
    row = json.loads(out)["rows"][0]
    assert row["pJ"] > row["of it loading, pJ"] > 0
    assert row["um2"] > 0
    _, out, err = nomul_(*DIGITS, "--workers", 1, "--json")
    assert "2 known, 0 to measure" in err
    assert json.loads(out)["rows"][0] == row
