"""Standard cells as what is measured of them: capacitances, slews, energies and leakage."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Table:
    """A look-up table over input slew (ns) and load (fF).

    ``slew`` or ``load`` is empty where the value does not depend on it; ``values`` has one row for
    each slew.
    """

    slew: tuple[float, ...]
    load: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def at(self, slew: ArrayLike, load: ArrayLike) -> Floats:
        """Return the values at slews and loads of one shape.

        Bilinear between the four neighbours; beyond the table's edge, the plane of its last four
        points.
        """
        grid = np.array(self.values, dtype=np.float64)
        i, a = _between(self.slew, np.asarray(slew, dtype=np.float64))
        j, b = _between(self.load, np.asarray(load, dtype=np.float64))
        right, below = np.minimum(j + 1, grid.shape[1] - 1), np.minimum(i + 1, grid.shape[0] - 1)
        upper = grid[i, j] * (1 - b) + grid[i, right] * b
        lower = grid[below, j] * (1 - b) + grid[below, right] * b
        return upper * (1 - a) + lower * a


def _between(axis: Sequence[float], at: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the left neighbours and the distances from them, in steps of the axis."""
    if len(axis) < 2:
        return np.zeros(at.shape, dtype=np.intp), np.zeros(at.shape)
    points = np.array(axis)
    left = np.clip(np.searchsorted(points, at, side="right") - 1, 0, len(points) - 2)
    return left, (at - points[left]) / (points[left + 1] - points[left])


@dataclass(frozen=True)
class Condition:
    """A Boolean function of a cell's pins as a truth table; pin 0 is bit 0 of the index."""

    pins: tuple[str, ...] = ()
    table: tuple[bool, ...] = (True,)

    def holds(self, values: Mapping[str, Bools]) -> Bools:
        """Return where it is true, for values of the pins of one shape."""
        index = sum((values[p].astype(np.intp) << k for k, p in enumerate(self.pins)), np.intp(0))
        return np.array(self.table)[index]


ALWAYS = Condition()


@dataclass(frozen=True)
class Pin:
    """A pin: ``input`` or ``output``, capacitance in fF, and what an output computes.

    ``function`` is in terms of pins and, in sequential cells, of the state variables;
    ``max_capacitance`` is the largest load in fF that an output may have, ``gate`` says that it is
    a clock behind a gate.
    """

    name: str
    direction: str
    capacitance: float
    clock: bool
    function: Condition | None
    max_capacitance: float = math.inf
    gate: bool = False


@dataclass(frozen=True)
class Leakage:
    """Leakage power in nW while a condition holds."""

    when: Condition
    power: float


@dataclass(frozen=True)
class Internal:
    """Energy in fJ of a transition of ``pin``, without what charges its load.

    ``related`` is the input that caused it; empty for the energy that an input's own transition
    takes where no output moves.
    """

    pin: str
    related: str
    when: Condition
    rise: Table
    fall: Table


@dataclass(frozen=True)
class Slew:
    """Slew in ns of the transitions of ``pin`` that ``related`` causes.

    ``sense`` is that of the arc: ``positive_unate``, ``negative_unate`` or ``non_unate``.
    """

    pin: str
    related: str
    sense: str
    rise: Table
    fall: Table


@dataclass(frozen=True)
class Cell:
    """A cell of the library; ``state`` names the variables of its flip-flop or latch."""

    name: str
    pins: tuple[Pin, ...]
    state: tuple[str, ...]
    leakage_power: float
    leakage: tuple[Leakage, ...]
    internal: tuple[Internal, ...]
    slews: tuple[Slew, ...]

    def pin(self, name: str) -> Pin:
        """Return a pin by name."""
        return next(pin for pin in self.pins if pin.name == name)

    @property
    def inputs(self) -> list[str]:
        """Names of the input pins."""
        return [pin.name for pin in self.pins if pin.direction == "input"]

    @property
    def outputs(self) -> list[str]:
        """Names of the output pins."""
        return [pin.name for pin in self.pins if pin.direction == "output"]

    def states(self) -> dict[str, Bools]:
        """Return every combination of inputs and stored bits, bool[2**k] for each pin.

        Outputs follow from their functions; the second state variable is the complement of the
        first.
        """
        free = [*self.inputs, *self.state[:1]]
        values = {
            name: (np.arange(1 << len(free)) >> k & 1).astype(bool) for k, name in enumerate(free)
        }
        for name in self.state[1:2]:
            values[name] = ~values[self.state[0]]
        for pin in self.pins:
            if pin.name not in values:
                function = pin.function or ALWAYS
                values[pin.name] = np.broadcast_to(function.holds(values), (1 << len(free),))
        return values

    @property
    def clocks(self) -> list[str]:
        """Names of the clock pins."""
        return [pin.name for pin in self.pins if pin.clock]


@dataclass(frozen=True)
class Library:
    """Cells by name, and the supply voltage that they were characterised at."""

    name: str
    voltage: float
    cells: Mapping[str, Cell] = field(default_factory=dict)

    def cell(self, name: str) -> Cell:
        """Return a cell; one that is not there is an error that names the library."""
        if name not in self.cells:
            raise ValueError(f"library {self.name} has no cell {name}")
        return self.cells[name]
