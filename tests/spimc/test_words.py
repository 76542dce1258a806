"""The words that drive the macro: as the bench packs them, and as a host reads them."""

import json
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from nomul import flow, registry
from nomul.capabilities import layers
from nomul.capabilities import spimc as pack
from nomul.golden import sparse
from nomul.golden.spimc import Config, Tile, formats, words
from nomul.golden.spimc import layer as spimc_layer
from nomul.hw.spimc import layouts
from nomul.sim.spimc import bench
from nomul.sim.stream import Layout

MACRO = Config(window=16, columns=4, slots=8, lanes=4, tree_regs=0)
TILES = [
    Tile(format="dense", act_bits=3, x_signed=True),
    Tile(format="coo", act_bits=8),
    Tile(format="rl", act_bits=4, run_bits=3),
    Tile(format="nm", act_bits=4, nnz_per_group=2, group=4),
    Tile(format="bitmap", act_bits=1),
]


def layer_of(tile):
    """Return a layer of several tiles, with an empty column and negative weights."""
    rng = np.random.default_rng(4)
    w = rng.integers(-128, 128, (29, 6)) * (rng.random((29, 6)) < 0.3)
    w[:, 2] = 0
    return spimc_layer.plan(sparse.prune_groups(w, 2, 4), MACRO, tile)


@pytest.mark.parametrize("tile", TILES, ids=lambda t: t.format)
def test_words_are_those_that_the_bench_sends(tile):
    """Its layout is written down a second time, from the ports."""
    entry = Layout(
        (("value", MACRO.weight_bits, 1), ("index", MACRO.ib, 1), ("last", 1, 1), ("null", 1, 1))
    )
    for placed in layer_of(tile).tiles:
        own = placed.packed.tile
        beats = np.array(list(sparse.stream(MACRO, placed.packed)))
        named = dict(zip(("value", "index", "last", "null"), beats.T, strict=True))
        assert words.entries(MACRO, placed.packed).tolist() == entry.pack(**named)
        fields = {n: [int(getattr(own, n) or 0)] for n, _, _ in bench.COMMAND.fields[2:]}
        code = ("dense", "coo", "rl", "nm", "bitmap").index(own.format)
        packed = bench.COMMAND.pack(op=[0], format=[code], **fields)
        assert [words.command(MACRO, words.OPEN, own)] == packed
    assert words.command(MACRO, words.START) == 1
    assert words.command(MACRO, words.CLEAR) == 2
    assert words.COMMAND_BITS == layouts.command_layout().size


def unpacked(blob):
    """Return rows, columns and tiles of a binary export, read as its documentation says."""
    magic, version, tiles, rows, columns = struct.unpack_from("<4sIIII", blob)
    assert (magic, version) == (b"NMSP", 1)
    at, found = 20, []
    for _ in range(tiles):
        opening, row, length, owners, entries = struct.unpack_from("<QIIII", blob, at)
        at += 24
        values = struct.unpack_from(f"<{owners + entries}I", blob, at)
        at += 4 * (owners + entries)
        found.append((opening, row, length, list(values[:owners]), list(values[owners:])))
    assert at == len(blob)
    return rows, columns, found


@pytest.mark.parametrize("tile", TILES, ids=lambda t: t.format)
def test_a_host_finds_every_tile_in_the_binary_form(tile):
    layer = layer_of(tile)
    rows, columns, found = unpacked(words.binary(layer))
    assert (rows, columns) == (29, 6)
    for placed, (opening, row, length, owners, entries) in zip(layer.tiles, found, strict=True):
        assert opening >> 32 == length == placed.packed.tile.length
        assert opening & 3 == 0
        assert (row, owners) == (placed.row, placed.owner.tolist())
        assert entries == words.entries(MACRO, placed.packed).tolist()


def test_hexadecimal_words_are_the_binary_ones():
    layer = layer_of(TILES[1])
    _, _, found = unpacked(words.binary(layer))
    texts = [
        [int(line, 16) for line in text.splitlines() if not line.startswith("//")]
        for text in words.hexadecimal(layer)
    ]
    assert texts == [[tile[0] for tile in found], [w for tile in found for w in tile[4]]]


PROGRAM = r"""
#include <inttypes.h>
#include <stdio.h>
#include "net.h"
int main(void) {
  printf("%u %u\n", NET_ROWS, NET_COLUMNS);
  for (uint32_t t = 0; t < NET_TILES; t++) {
    const struct net_tile *tile = &net_tiles[t];
    printf("%" PRIu64 " %u %u :", tile->open, tile->row, tile->length);
    for (uint32_t i = 0; i < tile->owners; i++) printf(" %u", net_owners[tile->first_owner + i]);
    printf(" :");
    for (uint32_t i = 0; i < tile->entries; i++) printf(" %u", net_entries[tile->first_entry + i]);
    printf("\n");
  }
  return 0;
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: apt-get install gcc")
def test_a_c_program_reads_the_header(tmp_path):
    layer = layer_of(TILES[3])
    (tmp_path / "net.h").write_text(words.c_header(layer, "net"))
    (tmp_path / "main.c").write_text(PROGRAM)
    strict = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "main.c", "-o", "main"]
    subprocess.run(strict, cwd=tmp_path, check=True)
    said = subprocess.run(["./main"], cwd=tmp_path, capture_output=True, text=True, check=True)
    head, *lines = said.stdout.splitlines()
    rows, columns, found = unpacked(words.binary(layer))
    assert head == f"{rows} {columns}"
    shown = [
        f"{o} {row} {length} : {' '.join(map(str, own))} : {' '.join(map(str, entries))}"
        for o, row, length, own, entries in found
    ]
    assert lines == shown


def test_names_in_c_are_plain_and_commands_can_be_pasted():
    """Of a file whose name holds letters and spaces that neither C nor a shell takes."""
    layer = spimc_layer.plan(np.eye(4, dtype=np.int8), MACRO, TILES[1])
    made = layers.texts(layer, Path("größe 1.npz"), "c")
    header, host = made["größe 1.h"].decode(), made["größe 1_host.c"].decode()
    assert "#define GR__E_1_ROWS" in header
    assert "--program 'größe 1_host.c' <" in host
    assert '#include "größe 1.h"' in host


@pytest.fixture
def weights(tmp_path):
    rng = np.random.default_rng(1)
    w = rng.integers(-100, 100, (64, 4)) * (rng.random((64, 4)) < 0.4)
    np.save(tmp_path / "1-net.npy", w)
    return tmp_path / "1-net.npy"


@pytest.mark.parametrize(("goal", "by"), [("bits", "bits"), ("cycles", "cycles"), ("writes", "re")])
def test_auto_takes_what_the_goal_says_and_names_the_price(weights, tmp_path, goal, by):
    result = pack.run(weights, Config(window=64, slots=32), goal=goal, out=tmp_path / "p.npz")
    name = {"re": "rewritten"}.get(by, by)
    own = next(row for row in result["formats"] if row["format"] == result["chosen"])
    assert own[name] == min(row[name] for row in result["formats"] if row["tiles"])
    for other in pack.GOALS:
        column = "rewritten" if other == "writes" else other
        best = min(row[column] for row in result["formats"] if row["tiles"])
        assert (f"--goal {other}" in result["price"]) == (best < own[column])
    assert result["price"] == pack.price(result["formats"], own)


def test_the_price_is_of_the_n_of_m_that_was_asked_for(weights, tmp_path):
    """Not of the N:M that the survey found, which stores another number of entries."""
    cfg = Config(window=64, slots=32)
    np.save(tmp_path / "w.npy", sparse.prune_groups(np.load(weights), 1, 4))
    result = pack.run(tmp_path / "w.npy", cfg, form="2:4", out=tmp_path / "p.npz")
    own = result["formats"][-1]
    assert (own["format"], own["parameters"]) == ("nm", "2:4")
    layer = spimc_layer.load(tmp_path / "p.npz")
    assert (own["cycles"], own["rewritten"]) == (layer.cycles, layer.rewritten)
    assert f"in place of {own['bits']:,} (--goal bits)" in result["price"]
    with pytest.raises(ValueError, match="more than 2 of 4; --prune drops the smallest"):
        pack.run(weights, cfg, form="2:4", out=tmp_path / "p.npz")


def test_a_layer_without_a_weight_is_packed(tmp_path):
    np.save(tmp_path / "w.npy", np.zeros((5, 4), dtype=np.int8))
    result = pack.run(tmp_path / "w.npy", MACRO, out=tmp_path / "p.npz")
    assert result["formats"][0]["bits"] == 0
    assert "bits more (--goal cycles)" in result["price"]
    assert (spimc_layer.load(tmp_path / "p.npz").model(np.ones((1, 5), dtype=int)) == 0).all()


def test_quantised_weights_come_with_the_scale_of_each_column(tmp_path):
    w = np.array([[0.5, 3.0], [-0.25, 0.0]])
    np.save(tmp_path / "w.npy", w)
    result = pack.run(tmp_path / "w.npy", MACRO, out=tmp_path / "p.npz")
    assert np.allclose(result["scale"], [0.5 / 127, 3 / 127], rtol=1e-5)
    sums = spimc_layer.load(tmp_path / "p.npz").model([[1, 2]])
    assert np.allclose(sums * result["scale"], [[0.0, 3.0]], atol=0.01)


@pytest.mark.parametrize(
    ("form", "endings"),
    [("hex", [".command.hex", ".weight.hex"]), ("c", [".h", "_host.c"]), ("bin", [".bin"])],
)
def test_pack_exports_the_words_beside_the_container(weights, tmp_path, form, endings):
    out = tmp_path / "out" / "1-net.packed.npz"
    result = pack.run(weights, MACRO, export=form, out=out)
    assert result["exported"] == [str(out.with_name(f"1-net{end}")) for end in endings]
    layer, text = spimc_layer.load(out), out.with_name(f"1-net{endings[-1]}").read_bytes()
    if form == "c":
        header = out.with_name("1-net.h").read_text()
        assert header == words.c_header(layer, "layer_1_net")
    wanted = {
        "hex": lambda: words.hexadecimal(layer)[1].encode(),
        "c": lambda: layers.host(layer, "layer_1_net", "1-net").encode(),
        "bin": lambda: words.binary(layer),
    }
    assert text == wanted[form]()
    assert np.array_equal(layer.weights(), formats.read(weights, None, False))
    assert json.dumps(result)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"goal": "speed"}, "--goal must be one of bits, cycles, writes, not 'speed'"),
        ({"export": "s19"}, "--export must be one of hex, c, bin, not 's19'"),
    ],
)
def test_unknown_goals_and_forms_are_refused(weights, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        pack.run(weights, MACRO, out=tmp_path / "p.npz", **options)


def test_the_manifest_describes_the_fields_of_the_tile():
    """Offsets are within the field, as bits of a structure that is one field of another."""
    block = registry.get("spimc")
    emitted = flow.emit(block, Config(window=4, columns=2, slots=2, lanes=2, tree_regs=0))
    ports = {port["name"]: port for port in emitted.manifest["ports"]}
    op, tile = ports["command__payload"]["fields"]
    assert (op["name"], op["width"], "fields" in op) == ("op", 2, False)
    assert [field["name"] for field in tile["fields"]] == [
        n for n, _, _ in bench.COMMAND.fields[1:]
    ]
    ends = [field["offset"] + field["width"] for field in tile["fields"]]
    assert [0, *ends[:-1]] == [field["offset"] for field in tile["fields"]]
    assert ends[-1] == tile["width"]
