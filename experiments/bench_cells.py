"""Benchmark of scale, run by ``make bench``: emission and synthesis of large arrays."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from nomul.hw import counterarray
from nomul.synth.emit import emit
from nomul.synth.map.synthesize import synthesize

T = TypeVar("T")


@dataclass(frozen=True)
class Scale:
    """Seconds that an array took, and what came out."""

    strategy: str
    size: int
    emit_s: float
    synth_s: float
    modules: int
    cells: int

    @property
    def total_s(self) -> float:
        """Emission and synthesis together."""
        return self.emit_s + self.synth_s

    def __str__(self) -> str:
        return (
            f"{self.size:4} x {self.size:<4} {self.strategy:6} {self.emit_s:8.2f} s "
            f"{self.synth_s:8.2f} s {self.total_s:8.2f} s {self.modules:8,} {self.cells:10,}"
        )


HEAD = "array       cells      emission  synthesis      total  modules      gates"


def scale(place: counterarray.Place, size: int) -> Scale:
    """Emit a square array of counters and map it to gates with its hierarchy; take the time."""
    top = counterarray.Top(size, size, place=place)
    emit_s, emitted = timed(lambda: emit(top, "counters"))
    synth_s, result = timed(lambda: synthesize(emitted, "generic", hierarchical=True))
    modules, cells = len(result.parts), sum(result.cells.values())
    return Scale(place.__name__, size, emit_s, synth_s, modules, cells)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds that some work took, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main(small: int = 64, large: int = 256) -> None:
    """Print the times of the small array both ways, and of the large one placed once."""
    print(HEAD)
    shared = scale(counterarray.once, small)
    print(shared, flush=True)
    print(scale(counterarray.once, large), flush=True)
    copied = scale(counterarray.plain, small)
    print(copied)
    ratio = copied.total_s / shared.total_s
    print(f"each distinct module once: {ratio:.0f} times faster at {small} x {small}")


if __name__ == "__main__":
    main()
