"""Reads sparse weights as other tools keep them, as matrices [inputs, outputs]."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.foreign.archives import array_file, arrays, names
from nomul.golden.foreign.numbers import integers, reals, where
from nomul.golden.foreign.refusals import reading
from nomul.golden.foreign.tensors import Tensors

Array = NDArray[Any]

# Entries of a dense matrix that is made of something smaller, and bytes of a packed array.
MOST = 1 << 27
MOST_BYTES = 1 << 29


def read(path: Path | str, layer: str | None = None, transpose: bool | None = None) -> Array:
    """Return a dense matrix with zeros in it, from ``.npy``, ``.npz`` or ``.safetensors``.

    Parameters
    ----------
    layer
        Which array of a file that holds several. A layer in the bitmask form of compressed-tensors
        goes by the name of its weight.
    transpose
        Whether the file has [outputs, inputs]. None: safetensors do, as ``torch.nn.Linear`` keeps
        its weight so and its 2:4 groups run along the inputs; NumPy's files do not. A convolution's
        [outputs, channels, height, width] counts as [outputs, inputs].

    Integers stay what they are; real numbers come as float32 or float64, whichever holds them: BF16
    and the 8-bit kinds of safetensors as float32.

    Raises
    ------
    ValueError
        The kind of file is unknown, it is damaged, there is no such layer, or it is no matrix of
        finite numbers. The message names the file, and what there is.
    """
    path = Path(path)
    kind = path.suffix
    if kind not in (".npy", ".npz", ".safetensors"):
        raise ValueError(f"{path} must be .npy, .npz or .safetensors, not {kind!r}")
    if kind == ".npy":
        array = array_file(path)
    elif kind == ".npz":
        with reading(path):
            name = _choose(names(path), layer)
        array = arrays(path, [name], MOST_BYTES)[name]
    else:
        file = Tensors(path)
        with reading(path):
            name = _choose(_whole(file.names), layer)
            if name in _compressed(file.names):
                values, bitmask, shape = (file.read(f"{name}.{part}") for part in _BITMASK)
                array = from_bitmask(values, bitmask, integers(shape, "shape", 1).tolist()).T
            else:
                array = file.read(name)
    with reading(path):
        swap = transpose if transpose is not None else kind == ".safetensors"
        if array.dtype.kind not in "iub":
            array = reals(array, "weights", array.ndim)
        if array.ndim > 2 and swap and len(array):
            array = array.reshape(len(array), -1)
        if array.ndim != 2:
            raise ValueError(f"weights must be a matrix, not of shape {list(array.shape)}")
    return array.T if swap else array


def layers(path: Path | str) -> list[str]:
    """Return the names of the arrays in an ``.npz`` or ``.safetensors`` file.

    The parts of one in the bitmask form of compressed-tensors count as one.
    """
    path = Path(path)
    return names(path) if path.suffix == ".npz" else _whole(Tensors(path).names)


def _whole(names: Sequence[str]) -> list[str]:
    """Return the names of a file's arrays, the parts of a weight in the bitmask form as one."""
    bitmasks = _compressed(names)
    parts = {f"{name}.{part}" for name in bitmasks for part in (*_BITMASK, "row_offsets")}
    return [name for name in names if name not in parts] + bitmasks


# What a weight in the bitmask form consists of; the offsets of its rows follow from the mask.
_BITMASK = ("compressed", "bitmask", "shape")


def _compressed(names: Sequence[str]) -> list[str]:
    """Return the names of weights in the bitmask form."""
    stems = [name.removesuffix(".bitmask") for name in names if name.endswith(".bitmask")]
    return [stem for stem in stems if all(f"{stem}.{part}" in names for part in _BITMASK)]


def _choose(found: Sequence[str], layer: str | None) -> str:
    if layer is None and len(found) == 1:
        return found[0]
    if layer is None or layer not in found:
        wanted = "a layer must be named" if layer is None else f"there is no layer {layer!r}"
        raise ValueError(f"{wanted}; it has {', '.join(sorted(found))}")
    return layer


def from_scipy(matrix: Any) -> Array:
    """Return a ``scipy.sparse`` matrix [inputs, outputs] of any layout as a dense one.

    Duplicates are legal in COO and unsorted compressed layouts, and mean their sum.

    Raises
    ------
    ValueError
        A coordinate is outside of the shape, which COO does not always check itself, the matrix is
        too large, or a sum does not fit the kind of its entries.
    """
    coo = matrix.tocoo()
    if coo.shape[0] * coo.shape[1] > MOST:
        raise ValueError(f"a dense matrix {list(coo.shape)} would be too large")
    for axis, place in (("row", coo.row), ("column", coo.col)):
        limit = coo.shape[axis == "column"]
        wrong = np.flatnonzero((place < 0) | (place >= limit))
        if len(wrong):
            raise ValueError(
                f"{axis} {place[wrong[0]]} of entry {wrong[0]} is not in 0..{limit - 1}"
            )
    dense = np.zeros(coo.shape, dtype=coo.data.dtype)
    if coo.data.dtype.kind in "iu":
        _require_sums(coo.row, coo.col, coo.data, coo.shape[1])
    np.add.at(dense, (coo.row, coo.col), coo.data)
    return dense


def _require_sums(row: Array, column: Array, data: Array, columns: int) -> None:
    """Refuse integers that stand at one place, and whose sum their kind does not hold."""
    place, first, count = np.unique(
        row.astype(np.int64) * columns + column, return_index=True, return_counts=True
    )
    if len(first) == len(data):
        return
    limits = np.iinfo(data.dtype)
    sums: dict[int, int] = dict.fromkeys(place[count > 1].tolist(), 0)
    for where_, value in zip((row.astype(np.int64) * columns + column).tolist(), data, strict=True):
        if where_ in sums:
            sums[where_] += int(value)
    for where_, total in sums.items():
        if not limits.min <= total <= limits.max:
            raise ValueError(
                f"the entries at {where(divmod(where_, columns))} add up to {total}, which "
                f"{data.dtype} does not hold"
            )


def require_groups(w: ArrayLike, nnz: int = 2, group: int = 4) -> None:
    """Raise ValueError where a group of rows of W [inputs, outputs] has more than N non-zeros.

    Packing 2:4 in PyTorch drops such weights without a word, so check before.
    """
    w = np.asarray(w)
    padded = np.pad(w, ((0, -len(w) % group), (0, 0)))
    count = np.count_nonzero(padded.reshape(-1, group, w.shape[1]), axis=1)
    place = np.argwhere(count > nnz)
    if len(place):
        number, column = (int(i) for i in place[0])
        raise ValueError(
            f"column {column} has {count[number, column]} non-zeros in rows {number * group}.."
            f"{number * group + group - 1}, more than {nnz} of {group}"
        )


def from_cutlass(values: ArrayLike, metadata: ArrayLike) -> Array:
    """Return the 2:4 weights of PyTorch's CUTLASS form as a dense matrix [inputs, outputs].

    Parameters
    ----------
    values
        [m, k / 2], two entries of every four along k: ``SparseSemiStructuredTensorCUTLASS.packed``
        for a weight [outputs, inputs] = [m, k].
    metadata
        int16 or int32[m, k / (4 n)], n = 4 or 8 groups per word: their nibbles are the places of
        the two entries, first | second << 2, the lowest nibble first. The words are in CUTLASS's
        order: rows interleaved by eighths of a block of 32 or 16, 2 x 2 squares of words transposed
        and pairs of columns one after the other.

    Raises
    ------
    ValueError
        Shapes or kinds do not belong together, or the places of a group do not ascend.
    """
    values, metadata = np.asarray(values), np.asarray(metadata)
    if metadata.dtype not in (np.int16, np.int32):
        raise ValueError(f"metadata must be int16 or int32, not {metadata.dtype}")
    per_word, block = (4, 32) if metadata.dtype == np.int16 else (8, 16)
    rows, pairs = values.shape[0], values.shape[1] // 2
    words = pairs // per_word
    if metadata.size != rows * words or words * per_word != pairs or values.shape[1] % 2:
        raise ValueError(
            f"metadata of {metadata.size} words does not fit values {list(values.shape)}"
        )
    if rows % block or words % 2:
        raise ValueError(f"rows must be a multiple of {block} and words per row even")
    table = metadata.reshape(words // 2, rows, 2).transpose(1, 0, 2)  # rows, word pairs, 2
    square = table.reshape(rows // 2, 2, words // 2, 2).transpose(0, 3, 2, 1)
    blocks = square.reshape(rows // block, 8, block // 8, words).swapaxes(1, 2)
    ordered = blocks.reshape(rows, words).astype(np.int64)
    nibbles = (ordered[..., None] >> (4 * np.arange(per_word))) & 15
    first, second = (place.reshape(rows, pairs) for place in (nibbles & 3, nibbles >> 2))
    wrong = np.argwhere(first >= second)
    if len(wrong):
        row, group = (int(i) for i in wrong[0])
        raise ValueError(
            f"group {group} of row {row} has places {first[row, group]}, "
            f"{second[row, group]}, which do not ascend"
        )
    dense = np.zeros((rows, pairs, 4), dtype=values.dtype)
    for place, entry in ((first, values[:, 0::2]), (second, values[:, 1::2])):
        np.put_along_axis(dense, place[..., None], entry[..., None], axis=2)
    return dense.reshape(rows, -1).T


def from_bitmask(values: ArrayLike, bitmask: ArrayLike, shape: Sequence[int]) -> Array:
    """Return the weights of compressed-tensors' bitmask form as a dense matrix [inputs, outputs].

    Parameters
    ----------
    values
        The non-zeros of a weight [outputs, inputs], row by row.
    bitmask
        uint8[outputs, ceil(inputs / 8)], one bit per weight, the lowest bit first.
    shape
        (outputs, inputs).

    Raises
    ------
    ValueError
        The mask is not of the shape's size, or has another number of ones than there are values.
    """
    values, bitmask = np.asarray(values).ravel(), np.asarray(bitmask)
    outputs, inputs = integers(list(shape), "shape", 1, 0).tolist()
    if outputs * inputs > MOST:
        raise ValueError(f"a dense matrix {[outputs, inputs]} would be too large")
    if bitmask.dtype != np.uint8 or bitmask.shape != (outputs, -(-inputs // 8)):
        raise ValueError(
            f"bitmask must be uint8[{outputs}, {-(-inputs // 8)}], not "
            f"{bitmask.dtype}{list(bitmask.shape)}"
        )
    full = np.unpackbits(bitmask, axis=1, count=inputs, bitorder="little").astype(np.bool_)
    if full.sum() != len(values):
        raise ValueError(f"bitmask has {full.sum()} ones for {len(values)} values")
    dense = np.zeros((outputs, inputs), dtype=values.dtype)
    dense[full] = values
    return dense.T
