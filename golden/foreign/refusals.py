"""One line for every file that is refused: ``file: field: reason``."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What Python's and NumPy's own parsers raise on a damaged file. An AttributeError or a KeyError is
# not among them: those would be faults of ours, and have to be seen.
DAMAGE = (
    EOFError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)

# Bytes of a file that is read whole.
MOST = 1 << 27

_POINTER = b"version https://git-lfs.github.com/spec/"


class Refused(ValueError):
    """A file is refused; the message begins with its name."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a parser raises about a file into :class:`Refused`, with the file's name.

    A refusal that names a file already, since two are read together, is passed on as it is; a file
    that is missing or may not be read stays an OSError.
    """
    try:
        yield
    except Refused:
        raise
    except UnicodeDecodeError as error:
        why = f"byte {error.start}: {error.reason}"
        raise Refused(f"{path.name}: is no text in UTF-8: {why}; save it as UTF-8") from None
    except (ValueError, TypeError) as error:
        raise Refused(f"{path.name}: {_line(error)}") from None
    except DAMAGE as error:
        raise Refused(f"{path.name}: is damaged: {_line(error)}") from None


@contextmanager
def library(what: str) -> Iterator[None]:
    """Turn whatever another package raises as it parses a file into one ValueError.

    Bytes at random make such packages raise about anything, so anything is caught: only their call
    belongs inside. ``what`` says what the file is not then.
    """
    try:
        yield
    except (FileNotFoundError, PermissionError, ImportError):
        raise
    except Exception as error:
        raise ValueError(f"is {what}: {_line(error)[:200]}") from None


def _line(error: BaseException) -> str:
    """Return what an exception says, in one line; its kind where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


def size(path: Path) -> int:
    """Return the bytes of a regular file; a device or a pipe would never end.

    Raises
    ------
    OSError
        There is no such file.
    ValueError
        It is something else than a file, empty, or a pointer of Git LFS.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("is not a regular file")
    if not found.st_size:
        raise ValueError("is empty")
    with path.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            raise ValueError("is a pointer of Git LFS, not the file itself; try: git lfs pull")
    return found.st_size


def contents(path: Path, most: int = MOST) -> bytes:
    """Return a file's bytes, at most ``most`` of them; see :func:`size` for what it raises."""
    have = size(path)
    if have > most:
        raise ValueError(f"has {have} bytes, more than the {most} that are read")
    return path.read_bytes()
