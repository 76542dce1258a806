"""Record of a design's ports, one line per cycle, for those who want to see a transaction."""

import json
import os
from pathlib import Path
from typing import Any

VARIABLE = "NOMUL_TRACE"
FILE = "trace.jsonl"


class Recorder:
    """Writes every port's value, in the middle of each cycle, until it has seen enough.

    The environment variable ``NOMUL_TRACE`` names the design's manifest and the number of cycles,
    ``PATH:CYCLES``. The file ``trace.jsonl`` comes into the simulation's folder: an object per
    cycle from a port's name to its value, an unsigned integer, or null where a bit is unknown. Only
    the first test of a run is recorded.
    """

    def __init__(self, dut: Any, manifest: Path, cycles: int):
        ports = json.loads(manifest.read_text())["ports"]
        self.handles = {port["name"]: getattr(dut, port["name"]) for port in ports}
        self.left = cycles
        self.file = Path(FILE)
        self.file.touch()

    def watch(self, _cycle: int) -> None:
        """Write one cycle."""
        if self.left:
            self.left -= 1
            values = {name: _value(handle) for name, handle in self.handles.items()}
            with self.file.open("a") as out:
                out.write(json.dumps(values) + "\n")


def recorder(dut: Any) -> Recorder | None:
    """Return the recorder that the environment asks for; None if it does not, or had it already."""
    wanted = os.environ.get(VARIABLE)
    if not wanted or Path(FILE).exists():
        return None
    manifest, _, cycles = wanted.rpartition(":")
    return Recorder(dut, Path(manifest), int(cycles))


def _value(handle: Any) -> int | None:
    value = handle.value
    if not value.is_resolvable:
        return None
    return int(value.to_unsigned()) if hasattr(value, "to_unsigned") else int(value)


def read(folder: Path) -> list[dict[str, int | None]]:
    """Return the cycles that a run in this folder recorded.

    Raises
    ------
    FileNotFoundError
        Nothing was recorded there.
    """
    return [json.loads(line) for line in (folder / FILE).read_text().splitlines()]
