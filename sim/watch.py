"""Looks at a simulation while it runs: how far it is, how fast, and whether it takes too long."""

import os
import re
import time
from pathlib import Path

from nomul.runs import progress

# File to which a bench writes how many cycles it has passed, and how often.
BEAT, EVERY = "beat", 256

# Seconds after which a simulation in Icarus is worth a word about Verilator, and what `auto` gives
# it before it starts again there. Verilator builds for some ten seconds to a minute first.
PATIENCE = 20.0

QUICKER = (
    "this is long for Icarus: --simulator verilator builds first and then simulates ten to a "
    "hundred times as fast; --simulator auto changes to it by itself"
)


class SlowError(Exception):
    """A simulation takes longer than it was given."""


class Watch:
    """Tells the stage of a simulation, and ends one that has lost its patience.

    Parameters
    ----------
    simulator
        Its name.
    folder
        Where it runs.
    expected
        Clock cycles that it will take, if somebody knows.
    patience
        Seconds that it may take, or have left; None for all it wants.
    """

    def __init__(self, simulator: str, folder: Path, expected: int | None, patience: float | None):
        self.simulator, self.folder, self.patience = simulator, folder, patience
        self.pace = progress.Pace("cycles", expected)
        self.begun = time.monotonic()
        self.told = False

    def __call__(self) -> None:
        """Look once.

        Raises
        ------
        SlowError
            Its patience is over.
        """
        tests = re.findall(
            r"running \S+ \((\d+)/(\d+)\)", progress.tail(self.folder / "sim.log", 1 << 20)
        )
        self.pace.at(int(progress.tail(self.folder / BEAT) or 0))
        if not (self.folder / "sim.log").exists():
            progress.stage(f"{self.simulator}: building")
        elif tests:
            progress.stage(f"{self.simulator}: test {tests[-1][0]} of {tests[-1][1]}, {self.pace}")
        elapsed, left = time.monotonic() - self.begun, self.pace.left
        slow = elapsed > PATIENCE if left is None else left > PATIENCE
        if left is not None and slow and not self.told:
            progress.advise(f"{self.simulator}: {self.pace}")
        if slow and self.patience is not None:
            raise SlowError(f"{self.simulator} takes longer than {progress.duration(elapsed)}")
        if slow and not self.told and self.simulator == "icarus":
            progress.advise(QUICKER)
        self.told = self.told or slow


class Beat:
    """Inside a bench: writes how many cycles all of its tests have passed, once in a while."""

    def __init__(self) -> None:
        folder = os.environ.get("NOMUL_RECORDS")
        self.path = Path(folder).with_name(BEAT) if folder else None
        self.count = 0

    def __call__(self) -> None:
        """Count one cycle."""
        self.count += 1
        if self.path and not self.count % EVERY:
            self.path.write_text(str(self.count))


beat = Beat()
