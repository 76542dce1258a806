"""Program that reads an HDF5 file within limits: ``hdf5_reader.py FILE RESULT BYTES``.

HDF5's own library believes what a damaged file says of its sizes, and may take any memory, loop or
crash as it opens one, so it runs in a process of its own; :mod:`nomul.golden.foreign.hdf5` starts
it. RESULT becomes an ``.npz`` file: an array per dataset of numbers, named by its place, and
``tree``, JSON of all names, texts and places. What is refused is the last line of standard error,
behind :data:`REFUSED`.
"""

import json
import resource
import sys
import warnings
from typing import Any

import numpy as np

REFUSED = "refused: "
MEMORY = 1 << 30  # bytes of address space, libraries included
SECONDS = 4  # of processor time
DEPTH, MEMBERS = 12, 1 << 14
TEXT = 1 << 22  # bytes of all names and texts
# Deflate, shuffle, checksum and LZF; all others are plug-ins, code that the file would name.
FILTERS = {1, 2, 3, 32000}


class Reading:
    """One file's datasets, their sizes checked before any is read."""

    def __init__(self, most: int) -> None:
        import h5py

        self.h5py, self.left, self.members = h5py, most, 0
        self.arrays: list[Any] = []

    def group(self, group: Any, depth: int) -> dict[str, Any]:
        """Return the members of a group: groups as dictionaries, datasets as :meth:`dataset`."""
        if depth > DEPTH:
            raise ValueError(f"{group.name}: groups are nested more than {DEPTH} deep")
        result: dict[str, Any] = {}
        for name in group:
            self.members += 1
            if self.members > MEMBERS:
                raise ValueError(f"has more than {MEMBERS} members")
            place = f"{group.name.rstrip('/')}/{name}"
            if name in result:
                raise ValueError(f"{place} is there twice")
            # Other links lead into other files, or round in circles.
            if not isinstance(group.get(name, getlink=True), self.h5py.HardLink):
                raise ValueError(f"{place} is a link, which is not followed")
            member = group[name]
            if isinstance(member, self.h5py.Group):
                result[name] = self.group(member, depth + 1)
            elif isinstance(member, self.h5py.Dataset):
                try:
                    result[name] = self.dataset(member)
                except (ValueError, OSError) as error:
                    raise ValueError(f"{place}: {error}") from None
            else:
                raise ValueError(f"{place} is neither a group nor a dataset")
        return result

    def dataset(self, dataset: Any) -> Any:
        """Return ``{"text": ...}`` of a dataset of texts, or the number of an array as a list."""
        properties = dataset.id.get_create_plist()
        if dataset.is_virtual or properties.get_external_count():
            raise ValueError("its values lie in another file")
        for number in range(properties.get_nfilters()):
            if properties.get_filter(number)[0] not in FILTERS:
                raise ValueError(f"filter {properties.get_filter(number)[0]} is not read")
        if dataset.shape is None:
            raise ValueError("is empty")
        width = dataset.dtype.itemsize
        sizes = [dataset.size * width, width * int(np.prod(dataset.chunks or (0,), dtype=object))]
        self.left -= sizes[0]
        if self.left < 0 or max(sizes) > MEMORY // 4:
            raise ValueError(f"says to hold {max(sizes)} bytes, more than are read")
        if self.h5py.check_string_dtype(dataset.dtype) is not None:
            found = dataset.asstr()[()]
            return {"text": found.tolist() if isinstance(found, np.ndarray) else found}
        if dataset.dtype.kind not in "iufb" or width > 8:
            raise ValueError(f"holds {dataset.dtype}, neither numbers nor texts")
        self.arrays.append(np.asarray(dataset[()]))
        return [len(self.arrays) - 1]


def main(file: str, result: str, most: int) -> None:
    """Read a file and write what is in it, or say why not."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    reader = Reading(most)
    try:
        opened = reader.h5py.File(file, "r")
    except Exception as error:
        sys.exit(f"{REFUSED}is no HDF5 file: {_line(error)}")
    try:
        text = np.frombuffer(json.dumps(reader.group(opened, 0)).encode(), np.uint8)
        if len(text) > TEXT:
            raise ValueError(f"has names and texts of more than {TEXT} bytes")
        arrays = {str(number): array for number, array in enumerate(reader.arrays)}
        np.savez(result, tree=text, **arrays)
    # Bytes at random make the library raise about anything.
    except Exception as error:
        sys.exit(f"{REFUSED}{_line(error)}")


def _line(error: Exception) -> str:
    said = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join((str(said) or type(error).__name__).split())[:300]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
