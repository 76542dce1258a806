"""Importers of sparse weights, each against the library that defines the form."""

import json

import numpy as np
import pytest

from nomul.golden import sparse
from nomul.golden.spimc import Config, Tile, formats, layer


def matrix(rows, columns, seed=1):
    """Return a sparse int8 matrix."""
    rng = np.random.default_rng(seed)
    return (rng.integers(-128, 128, (rows, columns)) * (rng.random((rows, columns)) < 0.3)).astype(
        np.int8
    )


def test_numpy_files_are_read_as_they_are(tmp_path):
    w = matrix(12, 5)
    np.save(tmp_path / "w.npy", w)
    np.savez(tmp_path / "w.npz", a=w, b=-w)
    assert np.array_equal(formats.read(tmp_path / "w.npy"), w)
    assert np.array_equal(formats.read(tmp_path / "w.npy", transpose=True), w.T)
    assert np.array_equal(formats.read(tmp_path / "w.npz", "b"), -w)
    assert formats.layers(tmp_path / "w.npz") == ["a", "b"]
    with pytest.raises(ValueError, match="a layer must be named; it has a, b"):
        formats.read(tmp_path / "w.npz")
    with pytest.raises(ValueError, match="there is no layer 'c'; it has a, b"):
        formats.read(tmp_path / "w.npz", "c")
    with pytest.raises(ValueError, match=r"must be \.npy, \.npz or \.safetensors, not '\.txt'"):
        formats.read(tmp_path / "w.txt")
    np.save(tmp_path / "v.npy", w[0])
    with pytest.raises(ValueError, match=r"must be a matrix, not of shape \[5\]"):
        formats.read(tmp_path / "v.npy")


def test_safetensors_are_transposed_as_linear_layers_need(tmp_path):
    save = pytest.importorskip("safetensors.numpy").save_file
    w, kernel = matrix(12, 5), np.arange(24, dtype=np.int8).reshape(2, 3, 2, 2)
    save({"fc.weight": np.ascontiguousarray(w.T), "conv": kernel}, tmp_path / "m.safetensors")
    assert np.array_equal(formats.read(tmp_path / "m.safetensors", "fc.weight"), w)
    conv = formats.read(tmp_path / "m.safetensors", "conv")
    assert np.array_equal(conv, kernel.reshape(2, 12).T)
    assert sorted(formats.layers(tmp_path / "m.safetensors")) == ["conv", "fc.weight"]


def test_scipy_matrices_sum_their_duplicates():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    w = matrix(12, 5)
    for layout in (scipy_sparse.csc_array, scipy_sparse.coo_array, scipy_sparse.csr_matrix):
        assert np.array_equal(formats.from_scipy(layout(w)), w)
    twice = scipy_sparse.coo_array(([3, 4, 5], ([1, 1, 0], [2, 2, 0])), shape=(2, 3))
    assert formats.from_scipy(twice).tolist() == [[5, 0, 0], [0, 0, 7]]
    assert np.array_equal(formats.from_scipy(twice), twice.toarray())


@pytest.mark.parametrize(
    ("kind", "a", "b"), [("int8", 100, 100), ("uint8", 200, 100), ("int8", -100, -100)]
)
def test_duplicates_do_not_wrap(kind, a, b):
    scipy_sparse = pytest.importorskip("scipy.sparse")
    data = np.array([a, b, 1, 2], dtype=kind)
    twice = scipy_sparse.coo_matrix((data, ([0, 0, 1, 1], [1, 1, 0, 0])), shape=(2, 2))
    message = rf"the entries at \[0\]\[1\] add up to {a + b}, which {kind} does not hold"
    with pytest.raises(ValueError, match=message):
        formats.from_scipy(twice)
    data = np.array([100, -100, 1, 2], dtype="int16")
    twice = scipy_sparse.coo_matrix((data, ([0, 0, 1, 1], [1, 1, 0, 0])), shape=(2, 2))
    assert formats.from_scipy(twice).tolist() == [[0, 0], [3, 0]]


def test_a_dense_matrix_too_large_is_refused():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    wide = scipy_sparse.coo_matrix(([1], ([0], [0])), shape=(10**6, 10**6))
    with pytest.raises(ValueError, match=r"a dense matrix \[1000000, 1000000\] would be too large"):
        formats.from_scipy(wide)
    with pytest.raises(ValueError, match="would be too large"):
        formats.from_bitmask([], np.zeros((0, 0), np.uint8), (1 << 30, 1 << 30))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_named(tmp_path, value):
    w = np.zeros((2, 3), dtype=np.float32)
    w[1, 2] = value
    np.save(tmp_path / "w.npy", w)
    with pytest.raises(ValueError, match=r"w\.npy: weights\[1\]\[2\] must be finite"):
        formats.read(tmp_path / "w.npy")


def container(folder):
    """Return a layer of two tiles in a container, and its meta text."""
    w = (np.arange(60).reshape(20, 3) % 7 - 3).astype(np.int8)
    plan = layer.plan(w, Config(columns=4, slots=8, window=8), Tile(format="coo"))
    layer.save(folder / "p.npz", plan)
    with np.load(folder / "p.npz") as file:
        return w, dict(file)


def test_a_container_is_read_as_it_was_written(tmp_path):
    w, _ = container(tmp_path)
    assert np.array_equal(layer.load(tmp_path / "p.npz").weights(), w)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "has schema 2, not 1"),
        ({"schema": True}, "has schema True, not 1"),
        ({"about": {"layer": "x"}}, "holds tiles, but no layer"),
        ({"about.rows": 0}, "rows must be in 1.."),
        ({"about.rows": 20.0}, "rows must be an integer, not 20.0"),
        ({"about.rows": 10}, "must be in 0.."),
        ({"about.columns": 1 << 40}, "columns must be in 1.."),
        ({"about.places": []}, "places must have an entry per tile"),
        ({"about.macro": {"columns": "4"}}, "spimc.columns must be an integer, not '4'"),
        ({"about.macro": {"colums": 4}}, "spimc has no parameter 'colums'"),
    ],
)
def test_a_container_that_does_not_fit_is_refused(tmp_path, change, message):
    _, arrays = container(tmp_path)
    meta = json.loads(arrays["meta"].tobytes())
    for name, value in change.items():
        first, _, second = name.partition(".")
        place = meta[first] if second else meta
        place[second or first] = value
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(tmp_path / "p.npz", **arrays)
    with pytest.raises(ValueError, match=r"p\.npz: ") as caught:
        layer.load(tmp_path / "p.npz")
    assert message in str(caught.value)


def test_a_file_that_is_no_container_is_refused(tmp_path):
    np.savez(tmp_path / "p.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match=r"p\.npz: is not a container of packed weights"):
        layer.load(tmp_path / "p.npz")
    (tmp_path / "p.npz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"p\.npz: is empty"):
        layer.load(tmp_path / "p.npz")


def test_scipy_coordinates_are_checked():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    broken = scipy_sparse.coo_matrix(([1, 2], ([0, 1], [0, 1])), shape=(2, 2))
    broken.row = np.array([0, 7])
    with pytest.raises(ValueError, match=r"row 7 of entry 1 is not in 0\.\.1"):
        formats.from_scipy(broken)


@pytest.mark.parametrize(("kind", "shape"), [("int8", (32, 128)), ("float16", (64, 96))])
def test_pytorch_two_of_four_is_undone(kind, shape):
    torch = pytest.importorskip("torch")
    from torch.sparse import _semi_structured_conversions as torch_form

    w = sparse.prune_groups(matrix(shape[1], shape[0]), 2, 4)
    values, metadata = torch_form.sparse_semi_structured_from_dense_cutlass(
        torch.from_numpy(np.ascontiguousarray(w.T)).to(getattr(torch, kind))
    )
    back = formats.from_cutlass(values.numpy(), metadata.numpy())
    assert np.array_equal(back, w)
    cfg = Config(columns=64, slots=64)
    tile = Tile(format="nm", nnz_per_group=2, group=4, length=shape[1])
    assert np.array_equal(sparse.unpack(sparse.pack(back.astype(int), cfg, tile))[:, : shape[0]], w)


def test_pytorch_form_is_checked():
    values, metadata = np.zeros((32, 64), np.int8), np.full((32, 4), 0x44444444, np.int32)
    assert not formats.from_cutlass(values, metadata).any()
    with pytest.raises(ValueError, match=r"group 0 of row 0 has places 0, 0, which do not ascend"):
        formats.from_cutlass(values, np.zeros_like(metadata))
    with pytest.raises(ValueError, match="does not fit values"):
        formats.from_cutlass(values, metadata[:, :3])
    with pytest.raises(ValueError, match="must be int16 or int32, not int64"):
        formats.from_cutlass(values, metadata.astype(np.int64))


def test_crowded_groups_are_named():
    w = np.zeros((8, 3), dtype=int)
    w[4:7, 2] = 1
    message = r"column 2 has 3 non-zeros in rows 4\.\.7, more than 2 of 4"
    with pytest.raises(ValueError, match=message):
        formats.require_groups(w)
    formats.require_groups(w, 3)


@pytest.mark.parametrize("inputs", [8, 13, 64])
def test_bitmasks_are_unpacked_from_the_lowest_bit(inputs):
    w = matrix(inputs, 6)
    mask = np.packbits(w.T != 0, axis=1, bitorder="little")
    back = formats.from_bitmask(w.T[w.T != 0], mask, (6, inputs))
    assert np.array_equal(back, w)
    with pytest.raises(ValueError, match=r"ones for \d+ values"):
        formats.from_bitmask(w.T[w.T != 0][1:], mask, (6, inputs))
    with pytest.raises(ValueError, match="bitmask must be uint8"):
        formats.from_bitmask(w.T[w.T != 0], mask[:-1], (6, inputs))


def test_bitmask_of_compressed_tensors(tmp_path):
    """The library that defines the form writes a layer, as a file too, and we read it."""
    import torch
    from compressed_tensors.compressors.sparse_compressors.sparse_bitmask import BitmaskTensor
    from safetensors.torch import save_file

    w = matrix(50, 6)
    form = BitmaskTensor.from_dense(torch.from_numpy(np.ascontiguousarray(w.T)))
    back = formats.from_bitmask(form.compressed.numpy(), form.bitmask.numpy(), form.shape)
    assert np.array_equal(back, w)
    path = tmp_path / "m.safetensors"
    save_file({**form.dict("fc.weight"), "fc.bias": torch.ones(6)}, path)
    assert sorted(formats.layers(path)) == ["fc.bias", "fc.weight"]
    assert np.array_equal(formats.read(path, "fc.weight"), w)
