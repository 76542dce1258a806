"""What the nets of a netlist do: measured in simulation, or assumed to be the same everywhere."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.synth.liberty import Cell
from nomul.synth.netlist import ONE, OPEN, Group, Netlist

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

CLOCK, RESET = "clk", "rst"

# Nets in one $fwrite of the sampler, and instances looked at in one piece.
_WORD, _CHUNK = 4096, 512


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
        toggles[netlist.inputs.get(CLOCK, [])] = 2 * self.cycles
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
        ones = np.ones(len(group.nets))
        return Counts(each, each, [ones * leak.when.holds(state).mean() for leak in cell.leakage])


@dataclass(frozen=True)
class Measured(Activity):
    """Settled values of every net in the middle of every cycle of a simulation.

    Attributes
    ----------
    values
        bool[cycles + 1, nets]; the first row is the state before the window.
    unknown
        Share of all values in the window that were not known (x); they are read as zero.
    records
        What the bench measured.
    transfers
        Number of transfers on output streams in the window; None if there is no stream.
    """

    values: Bools
    unknown: float
    records: Mapping[str, Any]
    transfers: int | None = None

    @property
    def cycles(self) -> int:  # type: ignore[override]
        """Clock cycles of the window."""
        return len(self.values) - 1

    def toggles(self, netlist: Netlist) -> Floats:
        """Count the changes from one cycle to the next."""
        toggles = (self.values[1:] != self.values[:-1]).sum(axis=0).astype(np.float64)
        toggles[netlist.inputs.get(CLOCK, [])] = 2 * self.cycles
        return toggles

    def counts(self, netlist: Netlist, group: Group) -> Counts:
        """Count each transition at the arc that caused it, in the state that the cell was in."""
        pieces = [
            self._count(netlist, Group(group.cell, group.nets[k : k + _CHUNK], group.modules))
            for k in range(0, len(group.nets), _CHUNK)
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
        state = self._states(netlist, cell, group)
        before = {name: values[:-1] for name, values in state.items()}
        after = {name: values[1:] for name, values in state.items()}
        high = np.ones_like(next(iter(after.values())))
        clocked = dict.fromkeys(cell.clocks, high)
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
                rises.append(arc.when.holds(before | clocked))
                falls.append(arc.when.holds(after | clocked))
            elif arc.pin in causes and arc.related:
                share = causes[arc.pin][index]
                rises.append(share * (toggled[arc.pin] & after[arc.pin]))
                falls.append(share * (toggled[arc.pin] & before[arc.pin]))
            else:
                holds = arc.when.holds(moving) & toggled[arc.pin]
                rises.append(holds & after[arc.pin])
                falls.append(holds & before[arc.pin])
        leakage = []
        for leak in cell.leakage:
            halves = [leak.when.holds(after | dict.fromkeys(cell.clocks, h)) for h in (high, ~high)]
            leakage.append((halves[0] * 0.5 + halves[1] * 0.5).mean(axis=0))
        n = len(group.nets)
        return Counts(
            [np.broadcast_to(np.asarray(x), high.shape).sum(axis=0) * np.ones(n) for x in rises],
            [np.broadcast_to(np.asarray(x), high.shape).sum(axis=0) * np.ones(n) for x in falls],
            [np.broadcast_to(x, (n,)).astype(np.float64) for x in leakage],
        )

    def _states(self, netlist: Netlist, cell: Cell, group: Group) -> dict[str, Bools]:
        """Return the values of every pin, bool[cycles + 1, n]; those of open outputs computed."""
        state: dict[str, Bools] = {}
        clock = netlist.inputs.get(CLOCK, [OPEN])[0]
        for pin in cell.pins:
            nets = netlist.pins(group, pin.name)[:, 0]
            if pin.clock and not (nets == clock).all():
                raise ValueError(f"{group.cell} has a clock that is not the port {CLOCK}")
            if pin.direction == "input" or (nets != OPEN).all():
                state[pin.name] = self.values[:, nets]
        for pin in cell.pins:
            if pin.name not in state and pin.function:
                state[pin.name] = self._computed(netlist, cell, group, pin.name, state)
        return state

    def _computed(
        self, netlist: Netlist, cell: Cell, group: Group, name: str, state: Mapping[str, Bools]
    ) -> Bools:
        """Return an output that not every instance connects."""
        function = cell.pin(name).function
        assert function is not None
        if set(function.pins) <= set(state):
            return function.holds(state)
        nets = netlist.pins(group, name)[:, 0]
        values = self.values[:, nets]
        for other in cell.outputs:
            # The two outputs of a flip-flop are each other's complement.
            if other != name and cell.pin(other).function:
                there = netlist.pins(group, other)[:, 0]
                known = (nets == OPEN) & (there != OPEN)
                values[:, known] = ~self.values[:, there[known]]
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


def simulate(
    netlist: Netlist,
    verilog: Path,
    models: Path,
    bench: str,
    folder: Path,
    *,
    config: str,
    tests: str,
    seed: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Measured:
    """Run a block's bench on its netlist and record every net.

    The bench compares every output with the golden model, so this is a check of the netlist too.

    Parameters
    ----------
    netlist, verilog
        The mapped design, read and as a file.
    models
        Verilog of the library's cells.
    bench, config, seed, environment
        As in :func:`nomul.sim.harness.run`.
    tests
        Regular expression of the tests to run: exactly one must match.

    Raises
    ------
    BenchError
        The netlist does not do what the model says.
    ValueError
        The design was reset more than once, or nothing happened.
    """
    from nomul.sim import harness

    folder.mkdir(parents=True, exist_ok=True)
    samples = folder / "activity.bin"
    samples.unlink(missing_ok=True)
    probed = folder / "probed.v"
    probed.write_text(_probe(verilog.read_text(), netlist, samples.name))
    report = harness.run(
        bench,
        top=netlist.top,
        verilog=[probed, models],
        build_dir=folder,
        config=config,
        tests=tests,
        seed=seed,
        environment=environment,
    )
    values, unknown = _read_samples(samples, len(netlist.names))
    first, last, transfers = _window(netlist, values)
    rows = slice(max(first - 1, 0), last + 1)
    return Measured(values[rows], float(unknown[rows].mean()), report.records, transfers)


def _probe(verilog: str, netlist: Netlist, file: str) -> str:
    """Return the netlist with a process that writes all nets once per cycle."""
    writes = []
    for start in range(0, len(netlist.names), _WORD):
        nets = netlist.names[start : start + _WORD]
        writes.append(f'    $fwrite(samples, "%z", {{{", ".join(reversed(nets))}}});\n')
    process = (
        f'  integer samples;\n  initial samples = $fopen("{file}", "wb");\n'
        f"  always @(negedge {CLOCK}) begin\n{''.join(writes)}  end\n"
    )
    head = re.search(rf"^module {re.escape(netlist.top)}\b", verilog, re.MULTILINE)
    assert head is not None
    end = verilog.index("\nendmodule", head.end()) + 1
    return verilog[:end] + process + verilog[end:]


def _read_samples(path: Path, width: int) -> tuple[Bools, Bools]:
    """Return values and whether they are unknown, bool[cycles, nets] each.

    ``%z`` writes, for 32 bits at a time, a word of values and a word that marks x and z.
    """
    sizes = [min(_WORD, width - start) for start in range(0, width, _WORD)]
    words = [(size + 31) // 32 for size in sizes]
    raw = np.fromfile(path, dtype=np.uint32)
    if not len(raw) or len(raw) % (2 * sum(words)):
        raise ValueError(f"the simulator wrote no complete samples to {path}")
    raw = raw.reshape(-1, sum(words), 2).astype("<u4")
    planes = []
    for plane in (0, 1):
        data = np.ascontiguousarray(raw[:, :, plane])
        bits = np.unpackbits(data.view(np.uint8), axis=1, bitorder="little").astype(bool)
        starts = np.cumsum([0, *words]) * 32
        parts = [bits[:, s : s + size] for s, size in zip(starts, sizes, strict=False)]
        planes.append(np.concatenate(parts, axis=1))
    return planes[0] & ~planes[1], planes[1]


def _window(netlist: Netlist, values: Bools) -> tuple[int, int, int | None]:
    """Return first and last cycle of the work, and the transfers on output streams.

    From the first transfer on any stream to the last; without streams, from reset to the end.
    """
    ports = {**netlist.inputs, **netlist.outputs}
    running = np.ones(len(values), dtype=bool)
    if RESET in ports:
        held = values[:, ports[RESET][0]]
        running = ~held
        if (held[:-1] & ~held[1:]).sum() != 1:
            raise ValueError(
                f"{netlist.top} must be reset exactly once; choose one test of its bench"
            )
        running[: int(np.flatnonzero(held)[-1]) + 1] = False
    moved, out = np.zeros_like(running), 0
    streams = [name.removesuffix("__valid") for name in ports if name.endswith("__valid")]
    for stream in streams:
        valid, ready = (values[:, ports[f"{stream}__{wire}"][0]] for wire in ("valid", "ready"))
        transfer = valid & ready & running
        moved |= transfer
        out += int(transfer.sum()) if f"{stream}__valid" in netlist.outputs else 0
    cycles = np.flatnonzero(moved if streams else running)
    if not len(cycles):
        raise ValueError(f"{netlist.top} did nothing after reset")
    return int(cycles[0]), int(cycles[-1]), out if streams else None
