"""HDF5 files, read in a process of their own: its library is not safe from damaged ones."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nomul.golden.foreign import hdf5_reader
from nomul.golden.foreign.archives import arrays
from nomul.golden.foreign.refusals import reading, size

# Bytes of all datasets that are read, and the seconds after which reading has come to a halt.
MOST_BYTES = 1 << 26
PATIENCE = 120


def tree(path: Path, most: int = MOST_BYTES) -> dict[str, Any]:
    """Return groups as dictionaries, datasets of numbers as arrays, and of texts as (lists of) str.

    A process reads it that gets a GiB of memory and four seconds of processor time. Links, values
    in other files, filters that are plug-ins and values that are neither numbers nor texts are
    refused. Needs the package h5py.

    Parameters
    ----------
    most
        Bytes that all datasets may have together.

    Raises
    ------
    OSError
        There is no such file.
    Refused
        It is no HDF5 file, is damaged, or holds what is not read.
    """
    with reading(path), TemporaryDirectory() as folder:
        size(path)
        result = Path(folder) / "tree.npz"
        # A thread per core would take the memory that is given for the file.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-P", hdf5_reader.__file__, str(path.resolve()), str(result)]
        try:
            done = subprocess.run(
                [*command, str(most)],
                capture_output=True,
                env=environment,
                stdin=subprocess.DEVNULL,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            raise ValueError(f"is damaged: it was not read in {PATIENCE} seconds") from None
        if done.returncode:
            raise ValueError(_reason(done.returncode, done.stderr.decode(errors="replace")))
        found = arrays(result, most=2 * most + (1 << 20))
        whole: dict[str, Any] = _filled(json.loads(found.pop("tree").tobytes()), found)
        return whole


def _reason(code: int, said: str) -> str:
    lines = said.strip().splitlines()
    if lines and lines[-1].startswith(hdf5_reader.REFUSED):
        return lines[-1].removeprefix(hdf5_reader.REFUSED)
    if code == -signal.SIGXCPU or code == -signal.SIGKILL:
        return f"is damaged: reading it takes more than {hdf5_reader.SECONDS} seconds"
    if code < 0:
        return f"is damaged: signal {-code} ended its reading"
    return f"could not be read: {lines[-1] if lines else f'exit code {code}'}"


def _filled(value: Any, found: dict[str, Any]) -> Any:
    """Return a tree with its arrays in their places."""
    if isinstance(value, list):
        return found[str(value[0])][()]
    if set(value) == {"text"} and not isinstance(value["text"], dict):
        if isinstance(value["text"], str) or _texts(value["text"]):
            return value["text"]
    return {name: _filled(member, found) for name, member in value.items()}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) or _texts(v) for v in value)
