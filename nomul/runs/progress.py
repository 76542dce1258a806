"""What long work says of itself while it runs, to whoever has asked to hear it.

Work says its stage, or gives advice; a display says how to hear that. Where nobody listens nothing
happens, so every room may speak.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path

Heard = Callable[[str, bool], None]

# Seconds between two looks at a program that runs.
BREATH = 0.5

_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)


@contextlib.contextmanager
def heard(by: Heard) -> Iterator[None]:
    """Give what is said meanwhile to a function: the text, and whether it is advice to keep."""
    token = _heard.set(by)
    try:
        yield
    finally:
        _heard.reset(token)


def stage(text: str) -> None:
    """Say what is being done; it replaces what was said before."""
    if listener := _heard.get():
        listener(text, False)


def advise(text: str) -> None:
    """Say something that stays to be read, such as an estimate or a quicker way."""
    if listener := _heard.get():
        listener(text, True)


def tail(path: Path, size: int = 20_000) -> str:
    """Return how a file ends that another program is writing; nothing if it is not there."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def duration(seconds: float) -> str:
    """Return a time for people: seconds, minutes or hours."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Pace:
    """Says how far work is that counts its units, and how fast it is.

    Parameters
    ----------
    unit
        What is counted, in the plural.
    whole
        How many there will be; None if nobody knows.
    """

    def __init__(self, unit: str, whole: int | None = None):
        self.unit, self.whole = unit, whole
        self.begun: float | None = None
        self.done = 0

    def at(self, done: int) -> None:
        """Take note of how many are done."""
        if done and self.begun is None:
            self.begun = time.monotonic()
            self._first = done
        self.done = done

    @property
    def rate(self) -> float | None:
        """Units per second since the first were counted; None as long as that says little."""
        if self.begun is None or time.monotonic() - self.begun < 2 or self.done == self._first:
            return None
        return (self.done - self._first) / (time.monotonic() - self.begun)

    @property
    def left(self) -> float | None:
        """Seconds that are left at that rate; None if nobody knows."""
        if self.whole is None or self.rate is None:
            return None
        return max(0, self.whole - self.done) / self.rate

    def __str__(self) -> str:
        text = f"{self.done:,} {self.unit}"
        if self.whole is not None:
            text = f"{self.done:,} of about {max(self.whole, self.done):,} {self.unit}"
        if self.rate is not None:
            text += f", {self.rate:,.0f} per second"
        if self.left is not None:
            text += f", {duration(self.left)} left"
        return text
