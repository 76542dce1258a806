"""NumPy's ``.npy`` and ``.npz``, read strictly: sizes are checked before memory is taken."""

import math
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.foreign.numbers import shown
from nomul.golden.foreign.refusals import reading, size

Array = NDArray[Any]

# Bytes of all arrays that are read at once, where nobody says another number.
MOST_BYTES = 1 << 27
# Real weights shrink less than this; a file that grows more is made to.
_GROWTH, _ALWAYS = 200, 1 << 25
_ENTRIES = 1 << 16

_ITEM = r"'(descr|fortran_order|shape)'\s*:\s*('[^']*'|True|False|\([\d, ]*\))"
_HEADER = re.compile(rf"\{{\s*{_ITEM}\s*,\s*{_ITEM}\s*,\s*{_ITEM}\s*,?\s*\}}\s*")
_KINDS = re.compile(r"[<>|=]?[biuf][1248]")


def array_file(path: Path) -> Array:
    """Return the array of an ``.npy`` file, which is as large as its file.

    Raises
    ------
    Refused
        It is none, its length is not what it says, it is too large, or its values are no numbers.
    """
    with reading(path):
        have = size(path)
        with path.open("rb") as file:
            return _array(file, have)


def names(path: Path) -> list[str]:
    """Return the names of the arrays in an ``.npz`` file; raises as :func:`arrays`."""
    with reading(path), path.open("rb") as file:
        return list(_entries(opened(path, file)))


def arrays(
    path: Path, wanted: Iterable[str] | None = None, most: int | None = None
) -> dict[str, Array]:
    """Return arrays of an ``.npz`` file by name: those that are wanted and there, all if None.

    Together they may take ``most`` bytes, :data:`MOST_BYTES` if None.

    Raises
    ------
    Refused
        It is no archive of arrays, a name stands twice, an array is not as long as it says, the
        arrays take too much memory, or their values are no numbers.
    """
    with reading(path), path.open("rb") as file:
        archive = opened(path, file)
        entries = _entries(archive)
        chosen = [n for n in entries if wanted is None or n in set(wanted)]
        _check_growth([entries[name] for name in chosen], MOST_BYTES if most is None else most)
        result = {}
        for name in chosen:
            try:
                with archive.open(entries[name]) as part:
                    result[name] = _array(part, entries[name].file_size)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return result


def opened(path: Path, file: IO[bytes]) -> zipfile.ZipFile:
    """Return an open archive whose names are few and stand once; nothing is unpacked yet."""
    size(path)
    if file.read(2) != b"PK":
        raise ValueError("is no zip archive")
    file.seek(0)
    before, count = b"", 0
    while part := file.read(1 << 20):
        # The mark of a directory's entry may lie across two parts.
        count += (before + part).count(b"PK\x01\x02")
        before = part[-3:]
    if count > _ENTRIES:
        raise ValueError(f"has {count} entries, more than the {_ENTRIES} that are read")
    file.seek(0)
    try:
        archive = zipfile.ZipFile(file)
    except OSError as error:
        raise zipfile.BadZipFile(str(error)) from None
    seen: set[str] = set()
    for entry in archive.infolist():
        if entry.filename in seen:
            raise ValueError(f"entry {shown(entry.filename)} stands twice")
        seen.add(entry.filename)
        if entry.flag_bits & 1:
            raise ValueError(f"entry {shown(entry.filename)} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"entry {shown(entry.filename)} is packed in a way that is not read")
    return archive


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the arrays' entries by name."""
    entries = {}
    for entry in archive.infolist():
        name = entry.filename
        if not name.endswith(".npy"):
            raise ValueError(f"entry {shown(name)} is no array: it does not end in .npy")
        entries[name.removesuffix(".npy")] = entry
    if not entries:
        raise ValueError("holds no array")
    return entries


def _check_growth(entries: list[zipfile.ZipInfo], most: int) -> None:
    """Refuse what would take too much memory, or is small for what it says to hold."""
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if total > most:
        raise ValueError(f"would take {total} bytes, more than the {most} that are read")
    if total > _ALWAYS + _GROWTH * packed:
        raise ValueError(f"would grow from {packed} to {total} bytes, more than weights do")


def _array(file: IO[bytes], have: int) -> Array:
    """Return the array of an open ``.npy`` file of ``have`` bytes."""
    start = file.read(10)
    if len(start) < 10 or start[:6] != b"\x93NUMPY" or start[6] not in (1, 2, 3):
        raise ValueError("is no array of NumPy")
    if start[6] == 1:
        length, before = int.from_bytes(start[8:10], "little"), 10
    else:
        length, before = int.from_bytes(start[8:10] + file.read(2), "little"), 12
    if length > 10_000:
        raise ValueError(f"its header has {length} bytes")
    text = file.read(length).decode("latin-1")
    kind, fortran, shape = _header(text)
    wanted = math.prod(shape) * kind.itemsize
    if wanted != have - before - length:
        raise ValueError(
            f"is {list(shape)} of {kind}, {wanted} bytes, but has {have - before - length}"
        )
    flat = np.empty(math.prod(shape), dtype=kind)
    left = flat.view(np.uint8).data if flat.size else memoryview(b"")
    while left:
        part = file.read(min(len(left), 1 << 20))
        if not part:
            raise ValueError(f"ends {len(left)} bytes early")
        left[: len(part)] = part
        left = left[len(part) :]
    if file.read(1):  # where the sum of a packed entry is checked, too
        raise ValueError("goes on after its end")
    native = flat.astype(kind.newbyteorder("="), copy=False)
    return native.reshape(shape[::-1]).T if fortran else native.reshape(shape)


def _header(text: str) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    """Return kind, order and shape of an array."""
    match = _HEADER.fullmatch(text)
    values = dict(zip(match.groups()[0::2], match.groups()[1::2], strict=True)) if match else {}
    if len(values) != 3:
        raise ValueError(f"its header is not understood: {shown(text)}")
    descr, fortran, shape = values["descr"], values["fortran_order"], values["shape"]
    if descr[0] != "'" or fortran not in ("True", "False") or shape[0] != "(":
        raise ValueError(f"its header is not understood: {shown(text)}")
    if not _KINDS.fullmatch(descr[1:-1]) or descr[1:-1][-2:] in ("b2", "b4", "b8", "f1"):
        raise ValueError(f"holds values of kind {descr}, which are no numbers that are read")
    items = [item.strip() for item in shape[1:-1].split(",")]
    sizes = items[:-1] if items[-1] == "" else items
    if not all(item.isdecimal() and len(item) < 19 for item in sizes) or len(sizes) > 32:
        raise ValueError(f"its shape is not understood: {shown(shape)}")
    return np.dtype(descr[1:-1]), fortran == "True", tuple(map(int, sizes))
