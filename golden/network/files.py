"""Quantised networks in files: arrays and one text in a NumPy archive, which runs no code."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints
from nomul.golden.foreign.archives import arrays
from nomul.golden.foreign.documents import field, mapping, sequence, text_document
from nomul.golden.foreign.refusals import reading
from nomul.golden.network.layers import Add, ArgMax, Conv2d, Dense, Flatten, Layer, Requant
from nomul.golden.network.network import Network
from nomul.golden.network.pools import AvgPool2d, GlobalAvgPool, MaxPool2d

FORMAT = "nomul network"
VERSION = 1

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
    stored: dict[str, NDArray[Any]] = {}
    for member in dataclasses.fields(Network):
        if member.name != "layers":
            header[member.name] = getattr(net, member.name)
    for number, layer in enumerate(net.layers):
        plain = {"kind": layer.kind}
        for member in dataclasses.fields(layer):
            value = getattr(layer, member.name)
            if isinstance(value, np.ndarray):
                stored[f"{number}.{member.name}"] = value.astype(np.min_scalar_type(_widest(value)))
            else:
                plain[member.name] = value
        header["layers"].append(plain)
    header["notes"] = dict(net.notes)
    text = json.dumps(header, separators=(",", ":")).encode()
    everything: dict[str, Any] = {"header": np.frombuffer(text, dtype=np.uint8), **stored}
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
        The file is no network, of a newer version, too large or damaged; the message
        names file and place.
    """
    path = Path(path)
    found = arrays(path)
    with reading(path):
        for name, array in found.items():
            if array.dtype.kind not in "iu":
                raise ValueError(f"{name}: must be integers, not {array.dtype}")
        return _network(found)


def _network(found: dict[str, NDArray[Any]]) -> Network:
    if "header" not in found or found["header"].dtype != np.uint8:
        raise ValueError("has no header: not a network of nomul")
    header = text_document(found.pop("header").tobytes())
    if not isinstance(header, dict) or header.pop("format", None) != FORMAT:
        raise ValueError("not a network of nomul")
    version = header.pop("version", None)
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ValueError(f"is of version {version!r}; this nomul reads up to {VERSION}")
    plain = sequence(field(header, "layers"), "layers")
    del header["layers"]
    layers = [_layer(i, mapping(p, f"layer {i}"), found) for i, p in enumerate(plain)]
    if found:
        raise ValueError(f"arrays {', '.join(found)} belong to no layer")
    for name, note in mapping(header.get("notes", {}), "notes").items():
        if not isinstance(note, str | int | float):
            raise ValueError(f"notes.{name} must be text or a number")
    header["input_shape"] = tuple(sequence(field(header, "input_shape"), "input_shape"))
    return Network(layers, **header)


def _layer(number: int, plain: dict[str, Any], found: dict[str, NDArray[Any]]) -> Layer:
    members = dict(plain)
    name = members.pop("kind", None)
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"layer {number}: kind must be one of {', '.join(KINDS)}: {plain!r}")
    for member in dataclasses.fields(kind):
        if f"{number}.{member.name}" in found:
            members[member.name] = found.pop(f"{number}.{member.name}")
    try:
        return kind(**members)
    except (TypeError, ValueError) as error:
        raise ValueError(f"layer {number}: {error}") from None
