"""Quantised networks in files: arrays and one text in a NumPy archive, which runs no code."""

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints
from nomul.golden.network.layers import Add, ArgMax, Conv2d, Dense, Flatten, Layer, Requant
from nomul.golden.network.network import Network
from nomul.golden.network.pools import AvgPool2d, GlobalAvgPool, MaxPool2d

FORMAT = "nomul network"
VERSION = 1
MAX_BYTES = 1 << 30  # of all arrays of a file, unpacked

KINDS: dict[str, type[Layer]] = {
    kind.kind: kind
    for kind in (
        Dense,
        Conv2d,
        Requant,
        MaxPool2d,
        AvgPool2d,
        GlobalAvgPool,
        Add,
        Flatten,
        ArgMax,
    )
}


def save(net: Network, path: Path | str) -> None:
    """Write a network; the file is the same to the byte whenever it is written."""
    header: dict[str, Any] = {"format": FORMAT, "version": VERSION, "layers": []}
    arrays: dict[str, NDArray[Any]] = {}
    for member in dataclasses.fields(Network):
        if member.name != "layers":
            header[member.name] = getattr(net, member.name)
    for number, layer in enumerate(net.layers):
        plain = {"kind": layer.kind}
        for member in dataclasses.fields(layer):
            value = getattr(layer, member.name)
            if isinstance(value, np.ndarray):
                arrays[f"{number}.{member.name}"] = value.astype(np.min_scalar_type(_widest(value)))
            else:
                plain[member.name] = value
        header["layers"].append(plain)
    header["notes"] = dict(net.notes)
    text = json.dumps(header, separators=(",", ":")).encode()
    everything: dict[str, Any] = {"header": np.frombuffer(text, dtype=np.uint8), **arrays}
    with Path(path).open("wb") as file:  # savez would add its ending to another name
        np.savez_compressed(file, **everything)


def _widest(value: Ints) -> int:
    """Return one number whose smallest signed type holds all of an array."""
    low, high = int(value.min()), int(value.max())
    return min(low, ~high)


def load(path: Path | str) -> Network:
    """Return the network that :func:`save` wrote, whichever version of nomul did.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is no network, of a newer version, larger than a gibibyte or damaged; the message
        names file and place.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = _arrays(archive)
        return _network(arrays)
    except zipfile.BadZipFile:
        raise ValueError(f"{path.name}: not a NumPy archive") from None
    except (ValueError, TypeError, KeyError) as error:
        text = f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{path.name}: {text}") from None


def _arrays(archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
    """Return the arrays of an archive; none is read before its size is known to be fair."""
    members = archive.infolist()
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise ValueError(f"unpacks to more than {MAX_BYTES} bytes")
    arrays = {}
    for member in members:
        with archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            if version != (1, 0):
                raise ValueError(f"{member.filename}: not an array as NumPy writes integers")
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            if dtype.kind not in "iu":
                raise ValueError(f"{member.filename}: must be integers, not {dtype}")
            if int(np.prod(shape, dtype=object)) * dtype.itemsize > member.file_size:
                raise ValueError(f"{member.filename}: {list(shape)} is more than the file holds")
        with archive.open(member) as file:
            arrays[member.filename.removesuffix(".npy")] = np.lib.format.read_array(
                file, allow_pickle=False
            )
    return arrays


def _network(arrays: dict[str, NDArray[Any]]) -> Network:
    if "header" not in arrays:
        raise ValueError("has no header: not a network of nomul")
    header = json.loads(arrays["header"].tobytes())
    if not isinstance(header, dict) or header.pop("format", None) != FORMAT:
        raise ValueError("not a network of nomul")
    version = header.pop("version", None)
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ValueError(f"is of version {version!r}; this nomul reads up to {VERSION}")
    layers = [_layer(i, plain, arrays) for i, plain in enumerate(header.pop("layers"))]
    header["input_shape"] = tuple(header["input_shape"])
    return Network(layers, **header)


def _layer(number: int, plain: Any, arrays: dict[str, NDArray[Any]]) -> Layer:
    members = dict(plain)
    kind = KINDS.get(members.pop("kind", None))
    if kind is None:
        raise ValueError(f"layer {number}: kind must be one of {', '.join(KINDS)}: {plain!r}")
    for member in dataclasses.fields(kind):
        if f"{number}.{member.name}" in arrays:
            members[member.name] = arrays[f"{number}.{member.name}"]
    try:
        return kind(**members)
    except (TypeError, ValueError) as error:
        raise ValueError(f"layer {number}: {error}") from None
