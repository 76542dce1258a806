"""Importers of sparse weights, each against the library that defines the form."""

import numpy as np
import pytest

from nomul.golden import sparse
from nomul.golden.spimc import Config, Tile, formats


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
