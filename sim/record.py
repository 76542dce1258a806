"""What a bench sends and receives, on record: vectors for those who have no cocotb.

The bench compares with the golden model as it always does, so recorded answers are the model's.
"""

import json
import os
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nomul.sim.signals import bit, bits

VARIABLE = "NOMUL_RECORD"


@dataclass(frozen=True)
class Transfer:
    """One payload on one stream: the cycle since which it could come, and that of its taking.

    What a bench sends could come as soon as the bench had decided on it, whether or not the stream
    was still busy with an earlier payload.
    """

    since: int
    cycle: int
    stream: str
    word: int


@dataclass
class Recording:
    """Transfers in the order of their cycles, and what flags and counters were at the end.

    Attributes
    ----------
    complete
        Whether nothing was cut off the end.
    """

    transfers: list[Transfer] = field(default_factory=list)
    status: dict[str, int] = field(default_factory=dict)
    complete: bool = True

    def words(self, stream: str) -> list[int]:
        """Return the payloads of one stream."""
        return [t.word for t in self.transfers if t.stream == stream]

    def before(self, streams: Sequence[str]) -> list[tuple[int, ...]]:
        """Return, for each transfer, how many there were on each stream before it could come.

        These are all that the bench had seen when it decided on the payload. One that is offered
        no sooner than these have passed means the same as in the recording, and none waits for
        what itself must bring about, however long anybody pauses.
        """
        counts, ends = [], {name: self._cycles(name) for name in streams}
        for transfer in self.transfers:
            counts.append(tuple(bisect_left(ends[name], transfer.since) for name in streams))
        return counts

    def _cycles(self, stream: str) -> list[int]:
        return [t.cycle for t in self.transfers if t.stream == stream]


def request(
    path: Path, streams: Sequence[str], status: Sequence[str], count: int | None = None
) -> dict[str, str]:
    """Return the environment in which a bench records these streams and ports into a file.

    With ``count`` it stops at the end of the cycle in which there are so many transfers.
    """
    path.unlink(missing_ok=True)
    wanted = {"file": str(path.resolve()), "streams": list(streams), "status": list(status)}
    return {VARIABLE: json.dumps(wanted | {"count": count})}


def load(path: Path) -> Recording:
    """Return what was recorded.

    Raises
    ------
    ValueError
        Nothing was, or more than one test ran, so that reset lies in between.
    """
    recording, status, cycle = Recording(), {}, -1
    for line in path.read_text().splitlines() if path.exists() else []:
        kind, since, at, name, word = line.split()
        if int(at) < cycle:
            raise ValueError(f"{path} holds more than one test")
        cycle = int(at)
        if kind == "transfer":
            recording.transfers.append(Transfer(int(since), cycle, name, int(word, 16)))
        elif kind == "status":
            status[name] = int(word, 16)
        else:
            recording.complete = False
    if not recording.transfers:
        raise ValueError(f"{path} holds no transfers")
    recording.status = status
    return recording


def attach(bench: Any) -> None:
    """Inside a bench: record, if the environment asks for it."""
    wanted = json.loads(os.environ.get(VARIABLE, "null"))
    if wanted:
        bench.watchers.append(_Recorder(bench, **wanted))


class _Recorder:
    """Called in the middle of each cycle: writes transfers, and ports that have changed."""

    def __init__(
        self, bench: Any, file: str, streams: list[str], status: list[str], count: int | None
    ):
        self.bench = bench
        self.streams = {
            name: [bench.signal(f"{name}__{wire}") for wire in ("valid", "ready", "payload")]
            for name in streams
        }
        self.status = {name: bench.signal(name) for name in status}
        self.values: dict[str, int] = {}
        # Of each stream, for the payloads that are still to come, since when each could.
        self.since: dict[str, list[int]] = {name: [] for name in streams}
        self.file, self.left = Path(file), float("inf") if count is None else count

    def __call__(self, cycle: int) -> None:
        if self.left <= 0:
            return
        known = self.bench.outstanding()
        lines = []
        for name, (valid, ready, payload) in self.streams.items():
            offered = bit(valid)
            coming, since = known.get(name, int(offered)), self.since[name]
            since += [cycle] * (coming - len(since))
            if offered and bit(ready):
                lines.append(f"transfer {since.pop(0)} {cycle} {name} {bits(payload):x}\n")
        self.left -= len(lines)
        for name, port in self.status.items():
            if self.values.get(name) != (value := bits(port)):
                self.values[name] = value
                lines.append(f"status {cycle} {cycle} {name} {value:x}\n")
        if self.left <= 0:
            lines.append(f"cut {cycle} {cycle} - 0\n")
        if lines:
            with self.file.open("a") as out:
                out.writelines(lines)
