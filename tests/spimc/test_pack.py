"""`nomul pack` and pruned networks: from trained weights to a layer that the macro computes."""

import json

import numpy as np
import pytest

from nomul import flow, registry
from nomul.capabilities import spimc as pack
from nomul.golden import sparse
from nomul.golden.spimc import Config, Tile, formats
from nomul.golden.spimc import layer as spimc_layer

MACRO = Config(window=16, columns=4, slots=6, lanes=4, tree_regs=0)


@pytest.fixture
def file(tmp_path):
    """Return a file with a float layer, three quarters zeros, as torch keeps it."""
    save = pytest.importorskip("safetensors.numpy").save_file
    w = sparse.prune_groups(np.random.default_rng(1).normal(size=(24, 5)), 1, 4)
    path = tmp_path / "net.safetensors"
    save({"fc.weight": np.ascontiguousarray(w.T.astype(np.float32)), "fc.bias": np.ones(5)}, path)
    return path


def test_the_choice_is_the_fewest_bits(file, tmp_path):
    result = pack.run(file, MACRO, layer="fc.weight", out=tmp_path / "p.npz", act_bits=4)
    assert result["quantised"]
    assert result["chosen"] == min(result["formats"], key=lambda row: row["bits"])["format"]
    assert {row["format"] for row in result["formats"]} == {"dense", "coo", "rl", "nm", "bitmap"}
    layer = spimc_layer.load(tmp_path / "p.npz")
    w, _ = sparse.quantise(formats.read(file, "fc.weight"), 8)
    assert np.array_equal(layer.weights(), w)
    assert layer.cfg == MACRO
    assert json.dumps(result)


def test_a_packed_layer_goes_into_a_file_that_says_so(file, tmp_path):
    """Another ending is refused before anything is written, from the command and from Python."""
    with pytest.raises(ValueError, match=r"a file of packed tiles ends in \.npz, not 'x\.txt'"):
        pack.run(file, MACRO, layer="fc.weight", out=tmp_path / "x.txt", export="hex")
    plan = spimc_layer.plan(np.eye(4, dtype=int), MACRO, Tile(format="coo", act_bits=4))
    with pytest.raises(ValueError, match=r"ends in \.npz, not 'x'"):
        spimc_layer.save(tmp_path / "x", plan)
    assert {path.name for path in tmp_path.iterdir()} == {file.name}


@pytest.mark.parametrize(("form", "parameters"), [("1:4", "1:4"), ("nm", "1:4"), ("coo", "")])
def test_a_format_can_be_asked_for(file, tmp_path, form, parameters):
    result = pack.run(file, MACRO, layer="fc.weight", form=form, out=tmp_path / "p.npz")
    assert result["parameters"] == parameters


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "csr"}, "--format must be auto, N:M or one of .*, not 'csr'"),
        ({"form": "a:4"}, "--format wants N:M in numbers, not 'a:4'"),
        ({"form": "coo", "prune": True}, "--prune needs --format N:M, not 'coo'"),
        ({"form": "1:8"}, "column 0 has 2 non-zeros in rows 0..7, more than 1 of 8"),
        ({"act_bits": 0}, "act_bits must be in 1..8, not 0"),
        ({"act_bits": 0, "form": "1:4"}, "act_bits must be in 1..8, not 0"),
        ({"layer": "fc"}, "there is no layer 'fc'; it has fc.bias, fc.weight"),
        ({"layer": "fc.bias"}, "weights must be a matrix"),
    ],
)
def test_bad_requests_are_named(file, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        pack.run(file, MACRO, **{"layer": "fc.weight", "out": tmp_path / "p.npz", **options})


def test_a_packed_layer_runs_through_the_verilog(file, tmp_path):
    pack.run(file, MACRO, layer="fc.weight", form="1:4", act_bits=4, out=tmp_path / "p.npz")
    x = np.random.default_rng(2).integers(0, 16, (2, 24))
    np.save(tmp_path / "x.npy", x)
    inputs = (tmp_path / "p.npz", tmp_path / "x.npy")
    macro = registry.get("spimc")
    cfg, folder, options = flow.layer(macro, *inputs, tmp_path / "run")
    report = flow.simulate(macro, cfg, folder, simulator="icarus", **options)
    assert cfg == MACRO
    assert report.records["vectors"] == 2
    np.save(tmp_path / "x.npy", x + 16)
    with pytest.raises(ValueError, match=r"x must be in 0\.\.15, not"):
        flow.layer(macro, *inputs, tmp_path / "run")
    with pytest.raises(ValueError, match=r"are for spimc, .* only"):
        flow.layer(registry.get("lfsr"), *inputs, tmp_path / "run")


def test_pruned_networks_keep_their_pattern_and_most_of_their_accuracy(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    from nomul.train import spimc

    outcomes = spimc.study("digits", tmp_path, patterns=("dense", "75", "2:8"), epochs=16)
    dense, magnitude, grouped = outcomes
    assert dense.accuracy > 0.85
    for outcome in (magnitude, grouped):
        assert outcome.sparsity == pytest.approx(0.75, abs=0.01)
        assert min(outcome.accuracy, outcome.int8, outcome.int4) > dense.accuracy - 0.1
    path = tmp_path / "digits-2of8-int4.safetensors"
    for layer in ("fc1.weight", "fc2.weight", "fc3.weight"):
        w = formats.read(path, layer)
        assert np.abs(w).max() <= 7
        formats.require_groups(w, 2, 8)


def test_missing_data_says_where_it_comes_from(tmp_path):
    pytest.importorskip("torch")
    from nomul.train import spimc

    with pytest.raises(FileNotFoundError, match="apt-get install dataset-fashion-mnist"):
        spimc.load("fashion", tmp_path / "nowhere")
