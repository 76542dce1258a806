"""Safetensors, read from its definition: a header in JSON and one run of bytes per tensor.

After the format's description, https://huggingface.co/docs/safetensors: eight bytes with the length
of the header, the header, the tensors without gaps. BF16 is the upper half of a float32; F8_E5M2
is the upper half of a float16; F8_E4M3 has a bias of 7, no infinity, and one code for NaN.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.foreign.documents import mapping, only, text_document
from nomul.golden.foreign.numbers import integer, integers, shown
from nomul.golden.foreign.refusals import reading, size

Array = NDArray[Any]

KINDS = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
}
# Numbers that NumPy does not know, by the kind that their codes are read as.
CODED = {"BF16": "<u2", "F8_E4M3": "|u1", "F8_E5M2": "|u1"}

_HEADER_BYTES = 25 << 20


class Tensors:
    """A safetensors file: its names and sizes, and its tensors when asked for.

    Parameters
    ----------
    path
        The file; only its header is read here.

    Raises
    ------
    Refused
        The header is not as the format demands; the message names file and tensor.
    """

    def __init__(self, path: Path):
        self.path = path
        with reading(path):
            have = size(path)
            with path.open("rb") as file:
                length = int.from_bytes(file.read(8), "little")
                if have < 8 or length > min(have - 8, _HEADER_BYTES):
                    raise ValueError(f"a header of {length} bytes does not fit {have} bytes")
                header = mapping(text_document(file.read(length)), "the header")
            self.start = 8 + length
            about = mapping(header.pop("__metadata__", {}), "__metadata__")
            if not all(isinstance(value, str) for value in about.values()):
                raise ValueError("__metadata__ must hold text")
            self.places = {name: _place(name, entry) for name, entry in header.items()}
            self._check_gaps(have - self.start)

    @property
    def names(self) -> list[str]:
        """Names of the tensors, in the order of the header."""
        return list(self.places)

    def _check_gaps(self, have: int) -> None:
        end = 0
        for name, (_, _, first, last) in sorted(self.places.items(), key=lambda p: p[1][2:]):
            if first != end:
                raise ValueError(f"{name}: data_offsets must begin at {end}, not {first}")
            end = last
        if end != have:
            raise ValueError(f"the tensors end at byte {end}, the file at {have}")

    def read(self, name: str) -> Array:
        """Return a tensor; BF16 and F8 as float32, which holds each of them exactly."""
        kind, shape, first, last = self.places[name]
        with reading(self.path):
            with self.path.open("rb") as file:
                file.seek(self.start + first)
                octets = file.read(last - first)
            if len(octets) != last - first:
                raise ValueError(f"{name}: ends early")
        if kind in CODED:
            return decoded(np.frombuffer(octets, dtype=CODED[kind]), kind).reshape(shape)
        codes = np.frombuffer(octets, dtype=np.uint8 if kind == "BOOL" else KINDS[kind])
        if kind == "BOOL" and codes.max(initial=0) > 1:
            raise ValueError(f"{self.path.name}: {name}: a BOOL must be 0 or 1, not {codes.max()}")
        return codes.astype(np.dtype(KINDS[kind]).newbyteorder("=")).reshape(shape)


def _place(name: str, entry: Any) -> tuple[str, tuple[int, ...], int, int]:
    """Return kind, shape, and first and last byte of a tensor."""
    try:
        entry = mapping(entry, "the entry")
        known = ("dtype", "shape", "data_offsets")
        only(entry, known, "the entry")
        if len(entry) != len(known):
            raise ValueError(f"must have {', '.join(known)}")
        kind = entry["dtype"]
        if not isinstance(kind, str) or kind not in (*KINDS, *CODED):
            raise ValueError(
                f"dtype must be one of {', '.join((*KINDS, *CODED))}, not {shown(kind)}"
            )
        if not isinstance(entry["shape"], list) or len(entry["shape"]) > 32:
            raise ValueError(f"shape must be a list, not {shown(entry['shape'])}")
        shape = tuple(integer(n, "shape", 0, 1 << 40) for n in entry["shape"])
        first, last = integers(entry["data_offsets"], "data_offsets", 1, 0).tolist()
        wanted = math.prod(shape) * np.dtype({**KINDS, **CODED}[kind]).itemsize
        if last - first != wanted:
            raise ValueError(f"{list(shape)} of {kind} takes {wanted} bytes, not {last - first}")
    except ValueError as error:
        raise ValueError(f"{shown(name)}: {error}") from None
    return kind, shape, first, last


def decoded(codes: Array, kind: str) -> NDArray[np.float32]:
    """Return codes of BF16, F8_E5M2 or F8_E4M3 as the numbers that they stand for."""
    if kind == "BF16":
        return (codes.astype(np.uint32) << 16).view(np.float32)
    if kind == "F8_E5M2":
        return (codes.astype(np.uint16) << 8).view(np.float16).astype(np.float32)
    code = np.arange(256)
    exponent, fraction = code >> 3 & 15, code & 7
    value = np.where(exponent == 0, np.ldexp(fraction, -9), np.ldexp(8.0 + fraction, exponent - 10))
    value[(code & 127) == 127] = np.nan
    return np.where(code >= 128, -value, value).astype(np.float32)[codes]
