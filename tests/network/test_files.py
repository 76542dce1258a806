"""Files of quantised networks: what is written is read again, and nothing else is."""

import io
import json
import zipfile

import numpy as np
import pytest

from nomul.golden import network
from nomul.golden.foreign import archives
from nomul.golden.network import files


def example():
    layers = [
        network.Conv2d(np.arange(-4, 4).reshape(2, 1, 2, 2), (1, 2), (0, 1, 0, 0), name="first"),
        network.Requant(np.array([3, -(1 << 22)]), np.array([1 << 40, -5]), 20, 0, 15),
        network.MaxPool2d((2, 1), (2, 1), (1, 0, 0, 0)),
        network.Conv2d(np.ones((2, 1, 1, 1), int), groups=2),
        network.Add(3, source=4),
        network.AvgPool2d((1, 1), (1, 1)),
        network.Flatten(),
        network.ArgMax(),
    ]
    return network.Network(
        layers,
        (1, 4, 4),
        weight_bits=4,
        act_bits=4,
        input_high=15,
        input_scale=0.125,
        output_scale=0.5,
        notes={"classes": "a,b"},
    )


def test_a_network_survives_its_file(tmp_path):
    net = example()
    network.save(net, tmp_path / "net.npz")
    again = files.load(tmp_path / "net.npz")
    for before, after in zip(net.layers, again.layers, strict=True):
        assert type(before) is type(after)
        for member, value in vars(before).items():
            np.testing.assert_array_equal(getattr(after, member), value)
            assert type(getattr(after, member)) is type(value)
    for member in ("input_shape", "weight_bits", "act_bits", "input_high", "notes", "ranges"):
        assert getattr(again, member) == getattr(net, member)
    assert (again.input_scale, again.output_scale) == (0.125, 0.5)


def test_a_file_is_the_same_whenever_it_is_written(tmp_path):
    for name in ("a", "b"):
        network.save(example(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def header(path):
    with zipfile.ZipFile(path) as archive, archive.open("header.npy") as file:
        return json.loads(np.load(io.BytesIO(file.read())).tobytes())


def rewritten(path, **changes):
    """Write the file again with other members of its header."""
    arrays = dict(np.load(path))
    text = json.dumps({**header(path), **changes}).encode()
    np.savez(path, **{**arrays, "header": np.frombuffer(text, dtype=np.uint8)})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "is of version 2; this nomul reads up to 1"),
        ({"version": True}, "is of version True"),
        ({"format": "x"}, "not a network of nomul"),
        ({"layers": [{"kind": "evil"}]}, "layer 0: kind must be one of dense"),
        ({"layers": [{"kind": "dense", "w": [[1.5]]}]}, "layer 0: .*"),
        ({"act_bits": 3}, r"layer 0 \(conv2d, first\): reads codes in 0..15"),
        ({"input_shape": [1, 4, 4.5]}, "input_shape must be an integer, not 4.5"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_damaged_header_is_refused(tmp_path, changes, message):
    path = tmp_path / "net.npz"
    network.save(example(), path)
    rewritten(path, **changes)
    with pytest.raises(ValueError, match=rf"net.npz: .*{message}"):
        files.load(path)


def test_objects_are_not_loaded(tmp_path):
    """An array of objects would run code as it is read."""
    path = tmp_path / "net.npz"
    np.savez(path, header=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"net.npz: header: holds values of kind '.O'"):
        files.load(path)


def test_an_array_that_claims_more_than_it_holds_is_not_allocated(tmp_path):
    path = tmp_path / "net.npz"
    claim = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        claim, {"descr": "<i8", "fortran_order": False, "shape": (1 << 40,)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", claim.getvalue())
    with pytest.raises(ValueError, match="bytes, but has 0"):
        files.load(path)


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    network.save(example(), path)
    monkeypatch.setattr(archives, "MOST_BYTES", 100)
    with pytest.raises(ValueError, match="bytes, more than the 100 that are read"):
        files.load(path)


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "net.npz").write_bytes(b"hello")
    with pytest.raises(ValueError, match=r"net\.npz: is no zip archive"):
        files.load(tmp_path / "net.npz")
    np.savez(tmp_path / "other.npz", w=np.ones(3, int))
    with pytest.raises(ValueError, match=r"other\.npz: has no header"):
        files.load(tmp_path / "other.npz")
