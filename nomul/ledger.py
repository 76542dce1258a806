"""Results of long runs on disk: bound to what they depend on, and never believed when damaged.

Whatever can be interrupted keeps its finished parts here: a table's measurements, the points of a
sweep, training runs, an exhaustive comparison. A result is sealed with two hashes before it is
written. The stamp is that of everything the result depends on, so that a result of another
configuration, program or tool is not taken for this one, whatever its file is called. The check is
that of the result itself and its stamp, so that one that was cut off or changed is not taken for
whole. Whoever reads a result says what it must depend on, and gets nothing unless both agree.

There are three kinds of stores: an :class:`Entry` is one file that is replaced as a run proceeds, a
:class:`Folder` has a file for each result, and :class:`Lines` is a file to which results are added
line by line. All of them may be written to by several processes at once. Checkpoints of PyTorch are
the only thing kept apart: they are archives of tensors, which the training itself writes and reads.

This module needs the standard library alone, so that every room may import it.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

Values = dict[str, Any]

SEAL = ("stamp", "check")


class DamagedError(ValueError):
    """A sealed result is not what was written."""


class Store(Protocol):
    """A place where results are kept."""

    def get(self, about: Any) -> Values | None:
        """Return the result that depends on ``about``, or None if there is no sound one."""

    def put(self, about: Any, values: Values) -> Values:
        """Keep a result; return it as it will be read."""


def kept(store: Store, about: Any, make: Callable[[], Values]) -> Values:
    """Return the result that depends on ``about``, which is made and kept if there is none.

    Parameters
    ----------
    about
        Everything that the result depends on, of values that JSON can carry; of what is large, such
        as a netlist, the :func:`digest`.
    make
        Returns the result, of values that JSON can carry.
    """
    values = store.get(about)
    return store.put(about, make()) if values is None else values


def digest(content: str | bytes | memoryview) -> str:
    """Return 32 hexadecimal digits that stand for a text or for bytes, such as an array's."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()[:32]


def stamp(about: Any) -> str:
    """Return the digest of what a result depends on, whatever the order of its keys."""
    return digest(json.dumps(about, sort_keys=True))


def sealed(about: Any, values: Values) -> Values:
    """Return a result with its stamp and its check, as plain values.

    Raises
    ------
    ValueError
        The result has a field ``stamp`` or ``check`` of its own.
    """
    for name in SEAL:
        if name in values:
            raise ValueError(f"a result cannot have a field {name!r}: it is the ledger's own")
    # As it will be read: tuples are lists then, and all keys are text.
    plain = json.loads(json.dumps(values)) | {"stamp": stamp(about)}
    return plain | {"check": stamp(plain)}


def opened(values: Any) -> Values:
    """Return a result without its seal, if it has one.

    Records that were committed before there were seals have none, and are returned as they are.

    Raises
    ------
    DamagedError
        It is no result, or its check is not that of its content.
    """
    if not isinstance(values, dict):
        raise DamagedError(f"a result is an object of JSON, not {type(values).__name__}")
    content = {name: value for name, value in values.items() if name != "check"}
    if values.keys() & set(SEAL) and values.get("check") != stamp(content):
        raise DamagedError("the check of a result is not that of its content")
    return {name: value for name, value in content.items() if name != "stamp"}


def _matching(values: Any, wanted: str) -> Values | None:
    """Return a result without its seal if it is sound and has the wanted stamp."""
    try:
        content = opened(values)
    except DamagedError:
        return None
    return content if values.get("stamp") == wanted else None


def replace(path: Path, text: str) -> None:
    """Write a file so that no reader ever sees a part of it, nor a mixture of two writers'.

    What a power cut leaves may be cut off; its check tells.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        partial.write_text(text)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


class Entry:
    """One result in one file, put in the place of the one before."""

    def __init__(self, path: Path):
        self.path = path

    def get(self, about: Any) -> Values | None:
        """Return the result that depends on ``about``, or None if there is no sound one."""
        try:
            values = json.loads(self.path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return _matching(values, stamp(about))

    def put(self, about: Any, values: Values) -> Values:
        """Keep a result; return it as it will be read."""
        result = sealed(about, values)
        replace(self.path, json.dumps(result, indent=1) + "\n")
        return opened(result)


class Folder:
    """Results in a file each, named by their stamps."""

    def __init__(self, path: Path):
        self.path = path

    def get(self, about: Any) -> Values | None:
        """Return the result that depends on ``about``, or None if there is no sound one."""
        return self._entry(about).get(about)

    def put(self, about: Any, values: Values) -> Values:
        """Keep a result; return it as it will be read."""
        return self._entry(about).put(about, values)

    def _entry(self, about: Any) -> Entry:
        return Entry(self.path / f"{stamp(about)}.json")


class Lines:
    """Results in one file, a line each, to which a kill may leave a line that is cut off."""

    def __init__(self, path: Path):
        self.path = path

    def get(self, about: Any) -> Values | None:
        """Return the result that depends on ``about``, or None if there is no sound one.

        A line without a seal does not say what it depends on, so it is none.
        """
        wanted = stamp(about)
        sound = (_matching(values, wanted) for values in self._objects())
        return next((values for values in sound if values is not None), None)

    def put(self, about: Any, values: Values) -> Values:
        """Add a result as a line of its own; return it as it will be read."""
        result = sealed(about, values)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # One write to the end of the file, so that lines of several processes do not mix. After a
        # line without an end a new one is begun; if that is another's, only an empty line comes.
        with self.path.open("ab", buffering=0) as stream:
            start = b"" if self._ends_a_line() else b"\n"
            data = start + json.dumps(result).encode() + b"\n"
            if stream.write(data) != len(data):
                raise OSError(f"{self.path}: no room for another line")
        return opened(result)

    def read(self) -> list[Values]:
        """Return all sound results, those without a seal too; none if there is no file."""
        results = []
        for values in self._objects():
            try:
                results.append(opened(values))
            except DamagedError:
                continue
        return results

    def _objects(self) -> Iterator[Any]:
        """Yield what stands in the lines, but for those that are cut off."""
        for line in self.path.read_bytes().splitlines() if self.path.is_file() else []:
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def _ends_a_line(self) -> bool:
        content = self.path.read_bytes()
        return not content or content.endswith(b"\n")
