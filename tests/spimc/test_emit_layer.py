"""What is emitted for one packed layer: its macro, its words, and a testbench that can fail."""

import json
import subprocess

import numpy as np
import pytest

from nomul import flow, registry
from nomul.capabilities import layers
from nomul.capabilities import spimc as pack
from nomul.cli import blocks
from nomul.golden.spimc import Config, words
from nomul.golden.spimc import layer as spimc_layer

MACRO = Config(window=16, columns=4, slots=8, lanes=4, tree_regs=0, act_bits=5)


@pytest.fixture
def packed(tmp_path):
    rng = np.random.default_rng(1)
    np.save(tmp_path / "w.npy", rng.integers(-9, 9, (20, 5)) * (rng.random((20, 5)) < 0.4))

    def make(form="coo", **more):
        out = tmp_path / "w.packed.npz"
        pack.run(tmp_path / "w.npy", MACRO, form=form, out=out, **more)
        return out

    return make


def last_line(folder, name, *arguments):
    build = ["iverilog", "-g2005", "-s", f"{name}_tb", "-o", "tb", f"{name}_tb.v", f"{name}.v"]
    subprocess.run(build, cwd=folder, check=True)
    command = ["vvp", "-n", "tb", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout.splitlines()[
        -1
    ]


@pytest.mark.needs("icarus")
@pytest.mark.parametrize(("form", "axi"), [("dense", False), ("coo", True)])
def test_the_testbench_of_a_layer_passes_and_can_fail(packed, tmp_path, form, axi, capsys):
    """Dense: the first tile has two passes and the second has one, so it is loaded once."""
    weights, name = packed(form), "spimc_axi" if axi else "spimc"
    blocks.emit("spimc", weights=weights, axi=axi, out=tmp_path / "layer", json=True)
    said = json.loads(capsys.readouterr().out)
    assert Config.from_dict(said["config"]) == MACRO
    folder, layer = tmp_path / "layer", spimc_layer.load(weights)
    assert (folder / "w.command.hex").read_text() == words.hexadecimal(layer)[0]
    assert (folder / "w.h").read_text() == words.c_header(layer, "w")
    for stall in ((), ("+stall",)):
        assert last_line(folder, name, *stall).startswith("PASS: ")
    # Every sum of the layer is in the vectors: four vectors, all tiles, all columns.
    vectors = (folder / f"{name}_tb_y.hex").read_text()
    assert vectors.count("\n") == 4 * len(layer.tiles) * MACRO.columns
    weight = folder / f"{name}_tb_weight.hex"
    first, rest = weight.read_text().split("\n", 1)
    weight.write_text(f"{first[:-1]}{int(first[-1], 16) ^ 1:x}\n{rest}")
    assert last_line(folder, name).startswith("FAIL: ")


@pytest.mark.needs("icarus")
def test_activations_of_a_file_go_into_the_testbench(packed, tmp_path):
    weights = packed("coo")
    np.save(tmp_path / "x.npy", np.arange(20) % 32)
    block = registry.get("spimc")
    emitted = flow.emit_layer(block, weights, tmp_path / "x.npy")
    sent = [int(line.split("_")[-1], 16) for line in emitted.files["spimc_tb_x.hex"].split()]
    mask = (1 << MACRO.act_bits) - 1
    layer = spimc_layer.load(weights)
    wanted = []
    for placed in layer.tiles:
        length = MACRO.length(placed.packed.tile)
        wanted += [(placed.row + i) % 32 for i in range(length)]
    assert [word & mask for word in sent] == wanted


def test_random_activations_are_in_the_range_of_every_tile(packed):
    for signed, ends in ((False, (0, 31)), (True, (-16, 15))):
        layer = spimc_layer.load(packed("coo", x_signed=signed))
        x = layers.stimuli(layer, 3)
        assert (x.min(), x.max()) == ends
        assert x.shape == (4, 20)
        layer.model(x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "lfsr"}, "--weights is for spimc only, not lfsr"),
        ({"preset": "small"}, "the file of --weights says which configuration it is for"),
        ({"settings": ["slots=3"]}, "the file of --weights says which configuration it is for"),
        ({"weights": None, "inputs": "x.npy"}, "--inputs goes with --weights"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(packed, tmp_path, options, message):
    given = {"name": "spimc", "weights": packed("coo"), "out": tmp_path / "o", **options}
    with pytest.raises(ValueError, match=message):
        blocks.emit(**given)
