"""What the nets of a netlist do: measured in simulation, or assumed to be the same everywhere."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.synth.energy.netlist import CLOCK, ONE, OPEN, Group, Netlist
from nomul.synth.map.cells import Cell

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

__all__ = ["CLOCK", "Activity", "Counts", "Measured", "Uniform"]

# Values of one pin looked at in one piece.
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Counts:
    """How often the energies of a cell are spent, for each of n instances.

    Attributes
    ----------
    rises, falls
        float64[n] for each of ``cell.internal``: number of transitions.
    leakage
        float64[n] for each of ``cell.leakage``: share of the time in which it leaks.
    """

    rises: list[Floats]
    falls: list[Floats]
    leakage: list[Floats]


class Activity(ABC):
    """Transitions of nets and states of cells over a number of clock cycles; a strategy."""

    cycles: int

    @abstractmethod
    def toggles(self, netlist: Netlist) -> Floats:
        """Return the number of transitions of each net, two per cycle for the clock."""

    @abstractmethod
    def counts(self, netlist: Netlist, group: Group) -> Counts:
        """Return what the instances of a cell do."""


@dataclass(frozen=True)
class Uniform(Activity):
    """Every net toggles ``density`` times per cycle, and is one half of the time, independently.

    Without vectors: what a static tool assumes. The clock toggles twice per cycle.
    """

    density: float
    cycles: int = 1

    def toggles(self, netlist: Netlist) -> Floats:
        """Return the same number everywhere but at the clock and the constants."""
        toggles = np.full(len(netlist.names), self.density * self.cycles)
        toggles[: ONE + 1] = 0
        toggles[[*netlist.inputs.get(CLOCK, []), *netlist.gates()]] = 2 * self.cycles
        return toggles

    def counts(self, netlist: Netlist, group: Group) -> Counts:
        """Return half the transitions as rises, spread by how probable each condition is."""
        cell, toggles = netlist.library.cell(group.cell), self.toggles(netlist)
        state = cell.states()
        each = []
        for arc in cell.internal:
            weight = float(arc.when.holds(state).mean())
            if arc.related:
                every = [other for other in cell.internal if other.pin == arc.pin]
                weight /= sum(float(other.when.holds(state).mean()) for other in every)
            nets = netlist.pins(group, arc.pin)[:, 0]
            own = np.where(nets == OPEN, self.density * self.cycles, toggles[nets])
            each.append(own * weight / 2)
        unit = np.ones(len(group.nets))
        return Counts(each, each, [unit * leak.when.holds(state).mean() for leak in cell.leakage])


@dataclass(frozen=True)
class Measured(Activity):
    """Settled values of every net in every cycle of a simulation.

    Attributes
    ----------
    values
        bool[cycles + 1, nets]; the first row is the state before the window.
    moves
        bool[more, nets]: the same, with what came between; ``values`` themselves if None.
    unknown
        Share of all values in the window that were not known (x); they are read as zero.
    transfers
        Number of transfers on output streams in the window; None if there is no stream.
    records
        What the bench measured.
    share
        Part of the bench's transfers that is in the window.
    """

    values: Bools
    unknown: float = 0.0
    transfers: int | None = None
    records: Mapping[str, Any] = field(default_factory=dict)
    share: float = 1.0
    moves: Bools | None = None

    @property
    def cycles(self) -> int:  # type: ignore[override]
        """Clock cycles of the window."""
        return len(self.values) - 1

    def toggles(self, netlist: Netlist) -> Floats:
        """Count the changes from each row to the next."""
        rows = self.values if self.moves is None else self.moves
        toggles = (rows[1:] != rows[:-1]).sum(axis=0).astype(np.float64)
        toggles[netlist.inputs.get(CLOCK, [])] = 2 * self.cycles
        for net, enables in netlist.gates().items():
            toggles[net] = 2 * self._enabled(enables).sum()
        return toggles

    def _enabled(self, enables: list[int]) -> Bools:
        """Return in which cycles a clock gate lets the clock through, bool[cycles].

        What enables it has settled before the edge.
        """
        return np.logical_or.reduce(self.values[:-1, enables], axis=1)

    def _clocked(self, netlist: Netlist, cell: Cell, group: Group) -> Bools:
        """Return in which cycles each instance is clocked, bool[cycles, n]."""
        clocked = np.ones((self.cycles, len(group.nets)), dtype=np.bool_)
        gates = netlist.gates()
        for index, net in enumerate(netlist.pins(group, *cell.clocks[:1])[:, 0].tolist()):
            if net in gates:
                clocked[:, index] = self._enabled(gates[net])
        return clocked

    def counts(self, netlist: Netlist, group: Group) -> Counts:
        """Count each transition at the arc that caused it, in the state that the cell was in."""
        size = max(1, _CHUNK // len(self.values if self.moves is None else self.moves))
        pieces = [
            self._count(netlist, Group(group.cell, group.nets[k : k + size], group.modules))
            for k in range(0, len(group.nets), size)
        ]
        return Counts(
            *(
                [
                    np.concatenate(parts)
                    for parts in zip(*(vars(p)[name] for p in pieces), strict=True)
                ]
                for name in ("rises", "falls", "leakage")
            )
        )

    def _count(self, netlist: Netlist, group: Group) -> Counts:
        cell = netlist.library.cell(group.cell)
        settled = self._states(netlist, cell, group, self.values)
        # A flip-flop looks at what has settled; all other cells move with their inputs.
        fine = self.moves is not None and not cell.clocks
        state = self._states(netlist, cell, group, self.moves) if fine else settled
        before = {name: values[:-1] for name, values in state.items()}
        after = {name: values[1:] for name, values in state.items()}
        high = np.ones_like(next(iter(after.values())))
        if cell.clocks:
            high = self._clocked(netlist, cell, group)
        clocked = dict.fromkeys(cell.clocks, high)
        gates, passed = netlist.gates(), {}
        for name in [pin.name for pin in cell.pins if pin.gate]:
            nets = netlist.pins(group, name)[:, 0].tolist()
            passed[name] = np.stack([self._enabled(gates[n]) for n in nets], axis=1)
        toggled = {name: before[name] != after[name] for name in state} | clocked
        # Data moves while the clock is high, right after its rising edge.
        moving = after | clocked
        causes = {
            name: _shares(cell, name, toggled, moving) for name in cell.outputs if name in state
        }
        rises, falls = [], []
        for index, arc in enumerate(cell.internal):
            if arc.pin in cell.clocks:
                # A rise meets the state before it, a fall what the rise has brought.
                rises.append(arc.when.holds(before | clocked) & high)
                falls.append(arc.when.holds(after | clocked | passed) & high)
            elif arc.pin in passed:
                rises.append(arc.when.holds(before | clocked) & passed[arc.pin])
                falls.append(rises[-1])
            elif arc.pin in causes and arc.related:
                share = causes[arc.pin][index]
                rises.append(share * (toggled[arc.pin] & after[arc.pin]))
                falls.append(share * (toggled[arc.pin] & before[arc.pin]))
            else:
                holds = arc.when.holds(moving) & toggled[arc.pin]
                rises.append(holds & after[arc.pin])
                falls.append(holds & before[arc.pin])
        rest = {name: values[1:] for name, values in settled.items()}
        clocks = [dict.fromkeys(cell.clocks, np.full_like(high, level)) for level in (0, 1)]
        leakage = [
            np.mean([leak.when.holds(rest | clock).mean(axis=0) for clock in clocks], axis=0)
            for leak in cell.leakage
        ]
        n = len(group.nets)
        return Counts(
            [np.broadcast_to(np.asarray(x), high.shape).sum(axis=0) * np.ones(n) for x in rises],
            [np.broadcast_to(np.asarray(x), high.shape).sum(axis=0) * np.ones(n) for x in falls],
            [np.broadcast_to(x, (n,)).astype(np.float64) for x in leakage],
        )

    def _states(
        self, netlist: Netlist, cell: Cell, group: Group, rows: Bools | None
    ) -> dict[str, Bools]:
        """Return the values of every pin, bool[rows, n]; those of open outputs computed."""
        assert rows is not None
        state: dict[str, Bools] = {}
        clock = netlist.inputs.get(CLOCK, [OPEN])[0]
        for pin in cell.pins:
            nets = netlist.pins(group, pin.name)[:, 0]
            if pin.clock and not np.isin(nets, [clock, *netlist.gates()]).all():
                raise ValueError(f"{group.cell} has a clock that is not the port {CLOCK}")
            if pin.direction == "input" or (nets != OPEN).all():
                state[pin.name] = rows[:, nets]
        for pin in cell.pins:
            if pin.name not in state and pin.function:
                state[pin.name] = _computed(netlist, cell, group, pin.name, state, rows)
        return state


def _computed(
    netlist: Netlist,
    cell: Cell,
    group: Group,
    name: str,
    state: Mapping[str, Bools],
    rows: Bools,
) -> Bools:
    """Return an output that not every instance connects."""
    function = cell.pin(name).function
    assert function is not None
    if set(function.pins) <= set(state):
        return function.holds(state)
    nets = netlist.pins(group, name)[:, 0]
    values = rows[:, nets]
    for other in cell.outputs:
        # The two outputs of a flip-flop are each other's complement.
        if other != name and cell.pin(other).function:
            there = netlist.pins(group, other)[:, 0]
            known = (nets == OPEN) & (there != OPEN)
            values[:, known] = ~rows[:, there[known]]
    return values


def _shares(
    cell: Cell, pin: str, toggled: Mapping[str, Bools], moving: Mapping[str, Bools]
) -> dict[int, Floats]:
    """Return how much of an output's transition each of its arcs has caused.

    All arcs whose input moved and whose condition holds share it; all arcs do where there is none.
    """
    arcs = {k: arc for k, arc in enumerate(cell.internal) if arc.pin == pin and arc.related}
    causes = {k: toggled[arc.related] & arc.when.holds(moving) for k, arc in arcs.items()}
    total = sum((cause.astype(np.float64) for cause in causes.values()), np.zeros(()))
    return {
        k: np.where(total > 0, cause / np.maximum(total, 1), 1 / len(arcs))
        for k, cause in causes.items()
    }
