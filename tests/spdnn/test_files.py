"""Files of the Sparse DNN Challenge: written, read again, streamed in bounded memory, refused."""

import subprocess
import sys

import numpy as np
import pytest

from nomul.golden import spdnn
from nomul.golden.foreign import Refused
from nomul.golden.spdnn import files

LINE = b"%d\t%d\t6.250000e-02\n"


@pytest.fixture(scope="module")
def layer():
    return spdnn.generate(3, neurons=128)[2]


def test_a_layer_comes_back(layer, tmp_path, monkeypatch):
    """Also where lines lie across the pieces that are read at a time."""
    path = tmp_path / "n128-l3.tsv"
    path.write_bytes(spdnn.tsv(layer))
    assert spdnn.read_layer(path, 128) == layer
    monkeypatch.setattr(files, "PIECE", 1000)
    assert spdnn.read_layer(path, 128) == layer


def test_a_general_layer_comes_back(tmp_path):
    cfg = spdnn.Config(neurons=64, engine="general")
    layer = spdnn.stimuli(cfg, np.random.default_rng(0))["layers"][0]
    path = tmp_path / "layer.tsv"
    path.write_bytes(spdnn.tsv(layer))
    assert spdnn.read_layer(path, 64, general=True) == layer


def test_a_network_comes_back(tmp_path):
    network = spdnn.generate(6, neurons=64)
    for number, layer in enumerate(network, 1):
        (tmp_path / f"n64-l{number}.tsv").write_bytes(spdnn.tsv(layer))
    assert spdnn.read_network(tmp_path, 64, 6) == network
    with pytest.raises(Refused, match=r"n64-l7.tsv: is not in .*, which should hold 7 layers"):
        spdnn.read_network(tmp_path, 64, 7)


def test_images_come_back_in_any_order(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PIECE", 997)
    there = np.random.default_rng(2).random((50, 64)) < 0.4
    for place in (np.argwhere(there), np.argwhere(there.T)[:, ::-1]):
        path = tmp_path / "images.tsv"
        path.write_bytes(b"".join(b"%d\t%d\t1\n" % (i + 1, j + 1) for i, j in place))
        images = spdnn.read_images(path, 64, 50)
        assert np.array_equal(images.block(0, 50, 3), there << 3)
        parts = list(images.blocks(20, 0))
        assert [len(part) for part in parts] == [20, 20, 10]
        assert np.array_equal(np.concatenate(parts), there)


def test_categories_are_one_number_per_line(tmp_path):
    y = np.array([[0, 1], [0, 0], [2, 0]])
    spdnn.write_categories(tmp_path / "categories.tsv", spdnn.categories(y))
    assert (tmp_path / "categories.tsv").read_text() == "1\n3\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"1\t1\n", "line 1: must be row, column and value"),
        (b"1\t1\t6.250000e-02\t4\n", "line 1: must be row, column and value"),
        (LINE % (1, 1) + b"2 1 6.250000e-02\n", "line 2: must be row, column and value"),
        (LINE % (1, 1) + b"\n", "line 2: must be row, column and value"),
        (LINE % (1, 1) + b"2\t1\t6.25", "line 2: is cut off"),
        (LINE % (0, 1), "line 1: row must be a whole number from 1, not '0'"),
        (b"1\t1.5\t6.250000e-02\n", "line 1: column must be a whole number from 1, not '1.5'"),
        (b"-1\t1\t6.250000e-02\n", "line 1: row must be a whole number from 1, not '-1'"),
        (b"1" * 30 + b"\t1\t6.250000e-02\n", "line 1: row must be a whole number from 1"),
        (LINE % (65, 1), r"line 1: 65 1 6.250000e-02: row must be in 1..64"),
        (LINE % (1, 65), r"line 1: 1 65 6.250000e-02: column must be in 1..64"),
        (LINE % (2, 1) + LINE % (1, 1), "line 2: 1 1 6.250000e-02: is out of order"),
        (LINE % (1, 2) + LINE % (2, 1), "line 2: 2 1 6.250000e-02: is out of order"),
        (LINE % (1, 1) + LINE % (1, 1), "line 2: 1 1 6.250000e-02: is there twice"),
        (b"1\t1\t1.250000e-01\n", "line 1: 1 1 1.250000e-01: weight must be 6.250000e-02"),
        (b"1\t1\tnan\n", "line 1: value must be a number of sixteenths, not 'nan'"),
        (b"1\t1\t0.3\n", "line 1: value must be a number of sixteenths, not '0.3'"),
        (b"1\t1\t" + b"0" * 90 + b"\n", "line 1: value must be a number"),
        (b"1" * 200, "line 1: has no end"),
        (LINE % (1, 1), r"holds 1 edges, not 2048 \(32 for each of 64 neurons\)"),
        (b"", "holds 0 edges, not 2048"),
    ],
)
def test_a_layer_is_refused_with_file_and_line(tmp_path, text, message):
    path = tmp_path / "bad.tsv"
    path.write_bytes(text)
    with pytest.raises(Refused, match=rf"^bad\.tsv: {message}"):
        spdnn.read_layer(path, 64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"1\t65\t1\n", "line 1: 1 65 1: pixel must be in 1..64"),
        (b"4\t1\t1\n", "line 1: 4 1 1: image must be in 1..3"),
        (b"1\t1\t0.5\n", "line 1: 1 1 0.5: value must be 1"),
        (b"1\t1\t1\n1\t2\t1\n1\t1\t1\n", "line 1: 1 1 1: is there twice"),
    ],
)
def test_images_are_refused_with_file_and_line(tmp_path, text, message):
    path = tmp_path / "bad.tsv"
    path.write_bytes(text)
    with pytest.raises(Refused, match=rf"^bad\.tsv: {message}"):
        spdnn.read_images(path, 64, 3)


def test_a_pixel_twice_is_seen_across_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PIECE", 8)
    path = tmp_path / "bad.tsv"
    path.write_bytes(b"1\t1\t1\n1\t2\t1\n1\t1\t1\n")
    with pytest.raises(Refused, match=r"^bad\.tsv: line 3: 1 1 1: is there twice"):
        spdnn.read_images(path, 64, 3)


@pytest.mark.long
def test_a_large_file_is_read_in_bounded_memory(tmp_path):
    """200 MB of images in a process that may take 64 MB more than it had before it read."""
    path, pixels = tmp_path / "sparse-images-16384.tsv", np.arange(1, 16385)
    with path.open("wb") as file:
        for image in range(1, 1101):
            text = f"\t1\n{image}\t".join(map(str, pixels.tolist()))
            file.write(f"{image}\t{text}\t1\n".encode())
    assert path.stat().st_size > 200_000_000
    program = """
import resource, sys
from nomul.golden import spdnn
before = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = before + (64 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
images = spdnn.read_images(sys.argv[1], 16384, 2000)
print(len(images), int(images.block(0, 1, 0).sum()), int(images.block(1100, 1, 0).sum()))
"""
    run = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["2000", "16384", "0"]
