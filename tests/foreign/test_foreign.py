"""Readers of foreign numbers and containers, against definitions and the libraries' files."""

import io
import json
import struct
import sys
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import foreign

BIG = 1 << 62


@given(st.integers(), st.integers(), st.integers())
def test_an_integer_is_taken_exactly_or_refused(value, low, high):
    if low <= value <= high:
        assert foreign.integer(value, "n", low, high) == value
    else:
        with pytest.raises(ValueError, match="n must be in"):
            foreign.integer(value, "n", low, high)


@pytest.mark.parametrize("value", [2.9, 3.0, True, None, "3", [3], np.float64(3), np.bool_(True)])
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(ValueError, match="n must be an integer, not"):
        foreign.integer(value, "n")
    with pytest.raises(ValueError, match=r"n\[1\] must be an integer"):
        foreign.integers([1, value], "n", 1)


@given(st.lists(st.lists(st.integers(-BIG, BIG), min_size=3, max_size=3), max_size=4))
def test_integers_keep_every_value(rows):
    if rows:
        assert foreign.integers(rows, "n", 2).tolist() == rows
    with pytest.raises(ValueError, match=r"n\[\d\]\[0\] must be in"):
        foreign.integers([*rows, [1 << 63, 0, 0]], "n", 2)


def test_arrays_of_integers_do_not_wrap():
    with pytest.raises(ValueError, match=r"n\[1\] must be in .*, not 18446744073709551615"):
        foreign.integers(np.array([1, (1 << 64) - 1], dtype=np.uint64), "n", 1)
    with pytest.raises(ValueError, match="n must hold integers, not float64"):
        foreign.integers(np.array([1.0]), "n", 1)
    with pytest.raises(ValueError, match=r"n\[1\] must have 2 entries, not 1"):
        foreign.integers([[1, 2], [3]], "n", 2)


def test_real_numbers_are_finite_and_exact():
    assert foreign.reals(np.array([0.5], dtype=np.float16), "x", 1).dtype == np.float32
    assert foreign.reals(np.array([7]), "x", 1).dtype == np.float64
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"x\[1\] must be finite"):
            foreign.reals(np.array([0, value]), "x", 1)
    with pytest.raises(ValueError, match="below 2"):
        foreign.reals(np.array([(1 << 53) + 1]), "x", 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "key 'c' stands twice"),
        ('{"a": NaN}', "must be finite, not NaN"),
        ("[1e400]", "must be finite, not '1e400'"),
        ("{\n oops", "line 2: "),
        ("[" * 100_000, "is nested too deeply"),
        ("[" + "[]," * 6_000_000, "MiB, more than"),
        ("1" * 5000, "digits"),
        ("", "is empty"),
    ],
    ids=range(8),
)
def test_json_is_read_strictly(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(foreign.Refused, match=r"a\.json: ") as caught:
        foreign.document(path)
    assert message in str(caught.value)


def test_a_pointer_of_git_lfs_is_named(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    with pytest.raises(foreign.Refused, match=r"m\.safetensors: is a pointer of Git LFS"):
        foreign.Tensors(path)


KINDS = ["?", "i1", "u1", "<i2", ">i2", "<u4", "<i8", "<u8", "<f2", "<f4", ">f8"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_numpy_come_back(tmp_path, kind, order):
    rng = np.random.default_rng(1)
    array = np.asarray(rng.integers(0, 2, (3, 4, 5)).astype(kind), order=order)
    np.save(tmp_path / "a.npy", array)
    np.savez_compressed(tmp_path / "a.npz", a=array, b=array[0, 0, 0], c=array[:0])
    for found in (foreign.array_file(tmp_path / "a.npy"), foreign.arrays(tmp_path / "a.npz")["a"]):
        assert found.dtype == np.dtype(kind).newbyteorder("=")
        assert np.array_equal(found, array)
    assert foreign.arrays(tmp_path / "a.npz", ["c"])["c"].shape == (0, 4, 5)
    assert foreign.names(tmp_path / "a.npz") == ["a", "b", "c"]


def header(shape, descr="'|u1'", order="False"):
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header("(1000000000000,)"), "1000000000000 bytes, but has 0"),
        (header("(2,)") + b"abc", "2 bytes, but has 3"),
        (header("(2,)", "'|O'") + b"ab", "holds values of kind '|O'"),
        (header("(2,)", "[('a', '|u1')]") + b"ab", "its header is not understood"),
        (header("(-1,)") + b"a", "its header is not understood"),
        (b"", "is no array of NumPy"),
    ],
)
def test_headers_are_checked_before_memory_is_taken(tmp_path, content, message):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(foreign.Refused, match=r"a\.npz: x: ") as caught:
        foreign.arrays(tmp_path / "a.npz")
    assert message in str(caught.value)


def test_archives_are_read_strictly(tmp_path):
    path, out = tmp_path / "a.npz", io.BytesIO()
    np.save(out, np.zeros(3, dtype=np.uint8))
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("x.npy", out.getvalue())
        archive.writestr("x.npy", out.getvalue())
    with pytest.raises(foreign.Refused, match=r"a\.npz: entry 'x\.npy' stands twice"):
        foreign.arrays(path)
    size = 100 << 20
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header(f"({size},)") + bytes(size))
    with pytest.raises(foreign.Refused, match="would grow from"):
        foreign.arrays(path)
    np.savez(path)
    with pytest.raises(foreign.Refused, match="holds no array"):
        foreign.arrays(path)
    np.savez(path, x=np.arange(100))
    octets = bytearray(path.read_bytes())
    octets[300] ^= 1
    path.write_bytes(octets)
    with pytest.raises(foreign.Refused, match=r"a\.npz: is damaged: Bad CRC-32"):
        foreign.arrays(path)
    path.write_bytes(octets[:200])
    with pytest.raises(foreign.Refused, match=r"a\.npz: is damaged"):
        foreign.arrays(path)


def tensors_of(path, kind, shape, octets):
    """Write a file of one tensor by the format's definition."""
    entry = {"dtype": kind, "shape": shape, "data_offsets": [0, len(octets)]}
    text = json.dumps({"__metadata__": {"by": "hand"}, "w": entry}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + octets)
    return path


@pytest.mark.parametrize(
    ("kind", "code", "name"),
    [
        ("BF16", "<u2", "bfloat16"),
        ("F8_E4M3", "u1", "float8_e4m3fn"),
        ("F8_E5M2", "u1", "float8_e5m2"),
    ],
)
def test_numbers_that_numpy_does_not_have_are_as_pytorch_says(tmp_path, kind, code, name):
    torch = pytest.importorskip("torch", reason="pip install 'nomul[train]'")
    codes = np.arange(256) if code == "u1" else np.arange(0, 1 << 16, 7)
    codes = codes.astype(code)
    path = tensors_of(tmp_path / "m.safetensors", kind, [len(codes)], codes.tobytes())
    raw = torch.from_numpy(codes.astype(np.int16 if code == "<u2" else np.uint8))
    wanted = raw.view(getattr(torch, name)).float().numpy()
    assert np.array_equal(foreign.Tensors(path).read("w"), wanted, equal_nan=True)


def test_safetensors_are_as_their_library_says(tmp_path):
    library = pytest.importorskip("safetensors.numpy", reason="pip install safetensors")
    rng = np.random.default_rng(2)
    kinds = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8")
    arrays = {k: rng.integers(0, 2, (2, 3)).astype(k) for k in kinds}
    library.save_file(arrays, tmp_path / "m.safetensors")
    found = foreign.Tensors(tmp_path / "m.safetensors")
    for name, array in arrays.items():
        assert found.read(name).dtype == array.dtype
        assert np.array_equal(found.read(name), array)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dtype": "F4"}, "'w': dtype must be one of"),
        ({"shape": [2, 2.0]}, "shape must be an integer, not 2.0"),
        ({"shape": [1 << 40, 1 << 40]}, "takes 4835703278458516698824704 bytes, not 16"),
        ({"data_offsets": [0, 12]}, "takes 16 bytes, not 12"),
        ({"data_offsets": [4, 20]}, "data_offsets must begin at 0, not 4"),
        ({"more": 1}, "has no field 'more'"),
        ({"shape": None}, "shape must be a list, not None"),
    ],
)
def test_headers_of_safetensors_are_checked(tmp_path, change, message):
    entry = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16], **change}
    text = json.dumps({"w": entry}).encode()
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(16))
    with pytest.raises(foreign.Refused, match=r"m\.safetensors: ") as caught:
        foreign.Tensors(path)
    assert message in str(caught.value)


def test_safetensors_with_a_huge_header_or_cut_are_refused(tmp_path):
    path = tensors_of(tmp_path / "m.safetensors", "F32", [2, 2], bytes(16))
    octets = path.read_bytes()
    path.write_bytes(struct.pack("<Q", 10**12) + octets[8:])
    with pytest.raises(foreign.Refused, match="a header of 1000000000000 bytes does not fit"):
        foreign.Tensors(path)
    path.write_bytes(octets[:-3])
    with pytest.raises(foreign.Refused, match="the tensors end at byte 16, the file at 13"):
        foreign.Tensors(path)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="pip install 'nomul[train]'")


def test_state_dictionaries_of_pytorch(tmp_path, torch):
    path, weight = tmp_path / "m.pt", torch.tensor([[0.5, -1.5]])
    state = {"a": torch.nn.Parameter(weight), "b": weight.bfloat16(), "n": torch.tensor(3)}
    for saved in (state, {"state_dict": state, "epoch": 2, "optimizer": {"lr": 0.1}}):
        torch.save(saved, path)
        found = foreign.state(path)
        assert found["a"].tolist() == found["b"].tolist() == [[0.5, -1.5]]
        assert found["b"].dtype == np.float32
        assert foreign.integer(found["n"], "n") == 3


def test_what_is_no_state_dictionary_is_refused_in_one_line(tmp_path, torch):
    path, plain = tmp_path / "m.pt", {"a": torch.zeros(1)}
    for saved, message in (
        (torch.nn.Linear(2, 2), "holds 'torch.nn.modules.linear.Linear', not tensors alone"),
        ([1, 2], "holds a list, not a state dictionary"),
        ({"a": torch.zeros(1), "b": "text"}, "b is a str, not a tensor"),
        ({"model": plain, "ema": plain}, "must hold one state dictionary, not 2: 'model', 'ema'"),
        ({"a": torch.zeros(2).to_sparse()}, "a is no plain tensor of real numbers"),
        ({"a": torch.zeros(1).expand(1 << 20, 1 << 20)}, "bytes, more than"),
    ):
        torch.save(saved, path)
        with pytest.raises(foreign.Refused, match=r"m\.pt: ") as caught:
            foreign.state(path)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
    path.write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(foreign.Refused, match=r"m\.pt: is no zip archive"):
        foreign.state(path)


def test_a_missing_package_is_named_with_the_command(tmp_path, torch, monkeypatch):
    torch.save({"a": torch.zeros(1)}, tmp_path / "m.pt")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"try: pip install 'nomul\[train\]'"):
        foreign.state(tmp_path / "m.pt")
