"""ONNX files: read within limits of size, with weights beside them only from their own folder."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.foreign import contents

MAX_BYTES = 1 << 27  # of a file, and of all its tensors
MAX_ENTRIES = 1 << 25  # of all tensors, those that nodes make of constants included
MAX_DIM = 1 << 31
OPSETS = (7, 25)  # of the standard domain: in newer ones an operator may mean something else


def read(source: Path | Any) -> tuple[Any, Path | None]:
    """Return the protocol buffer of a file, or the one that is given, and the file's folder.

    Raises
    ------
    ImportError
        The package onnx is missing.
    ValueError
        The file is none, too large, or of an operator set that is not known.
    """
    onnx = package()
    folder = None
    if isinstance(source, Path):
        content = contents(source, MAX_BYTES)
        from google.protobuf.message import DecodeError

        try:
            model = onnx.load_model_from_string(content)
        except DecodeError:
            raise ValueError("not an ONNX file") from None
        folder = source.resolve().parent
    else:
        model = source
    if not model.graph.node:
        raise ValueError("not an ONNX file, or one without nodes")
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx") and not OPSETS[0] <= entry.version <= OPSETS[1]:
            raise ValueError(
                f"is of operator set {entry.version}; {OPSETS[0]} to {OPSETS[1]} are read"
            )
    if model.functions:
        raise ValueError(f"defines the function {model.functions[0].name!r}; inline it first")
    return model, folder


def package() -> Any:
    """Return the package onnx, or say which extra brings it."""
    try:
        import onnx
    except ImportError:
        raise ImportError(
            "ONNX files need the package onnx; try: pip install 'nomul[onnx]'"
        ) from None
    return onnx


def kind_of(number: int) -> np.dtype[Any]:
    """Return the kind of numbers that ONNX has under a number.

    Raises
    ------
    ValueError
        There is none.
    """
    from onnx import helper

    try:
        return np.dtype(helper.tensor_dtype_to_np_dtype(number))
    except (KeyError, TypeError):
        raise ValueError(f"{number!r} is no kind of numbers") from None


class Tensors:
    """Tensors of one file as arrays, together never above :data:`MAX_BYTES`.

    Parameters
    ----------
    folder
        Where weights may lie that are not in the file; None: nowhere.
    """

    def __init__(self, folder: Path | None):
        self.folder = folder
        self.taken = 0
        self.made = 0

    def check_room(self, entries: int, name: str = "it") -> None:
        """Refuse a constant of so many entries that would bring all of them above the limit."""
        if self.made + entries > MAX_ENTRIES:
            raise ValueError(
                f"{name} would have {entries} entries: all may have {MAX_ENTRIES} together"
            )

    def make(self, entries: int, name: str = "it") -> None:
        """Count a constant's entries; see :meth:`check_room`."""
        self.check_room(entries, name)
        self.made += entries

    def array(self, tensor: Any) -> NDArray[Any]:
        """Return a tensor's values.

        Raises
        ------
        ValueError
            It is too large, of a kind that is no number, or not as long as it says; its data lies
            outside the folder, or is missing.
        """
        from onnx import TensorProto, numpy_helper

        name = tensor.name or "a constant"
        wrong = [size for size in tensor.dims if not 0 <= size < MAX_DIM]
        if wrong:
            raise ValueError(f"{name} has a side of {wrong[0]}")
        if tensor.data_type in (TensorProto.UNDEFINED, TensorProto.STRING):
            raise ValueError(f"{name} is no tensor of numbers")
        kind = kind_of(tensor.data_type)
        entries = math.prod(tensor.dims)
        size = entries * kind.itemsize
        self.taken += size
        if self.taken > MAX_BYTES:
            raise ValueError(f"{name} brings the tensors above {MAX_BYTES} bytes")
        self.make(entries, name)
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor = self._external(tensor, name, size)
        try:
            return numpy_helper.to_array(tensor)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{name}: {error}") from None

    def _external(self, tensor: Any, name: str, size: int) -> Any:
        """Return a copy of a tensor that holds its data, read from beside the model."""
        from onnx import TensorProto

        said = {entry.key: entry.value for entry in tensor.external_data}
        location = said.get("location", "")
        if self.folder is None:
            raise ValueError(f"{name} lies in {location!r}; name the file instead of its content")
        path = (self.folder / location).resolve()
        if not location or not path.is_relative_to(self.folder):
            raise ValueError(f"{name} lies in {location!r}, outside the model's folder")
        if not path.is_file():
            raise ValueError(f"{name} lies in {location!r}, which is not there")
        offset, length = _count(said, "offset", 0), _count(said, "length", size)
        have = path.stat().st_size
        if offset + length > have:
            raise ValueError(
                f"{name} wants bytes {offset} to {offset + length} of {location!r}, "
                f"which has {have}"
            )
        if length != size and tensor.data_type not in (TensorProto.INT4, TensorProto.UINT4):
            raise ValueError(f"{name} has {length} bytes in {location!r}, not {size}")
        if length > size:
            raise ValueError(f"{name} has {length} bytes in {location!r}, more than {size}")
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        whole = TensorProto(name=name, data_type=tensor.data_type, dims=list(tensor.dims))
        whole.raw_data = data
        return whole


def _count(said: dict[str, str], key: str, default: int) -> int:
    text = said.get(key, str(default))
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(f"external data has the {key} {text!r}")
    return int(text)
