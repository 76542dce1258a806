"""Energy of a mapped block, from what its nets do: internal, switching, clock and leakage.

One file, since the parts of an energy add up to one sum, and are defined beside each other.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from nomul.synth.energy import gatesim, netlist
from nomul.synth.energy.activity import CLOCK, Activity, Measured
from nomul.synth.energy.gatesim import UnitDelay
from nomul.synth.energy.netlist import OPEN, Group, Netlist
from nomul.synth.map.cells import Internal
from nomul.synth.map.targets import StandardCells
from nomul.synth.workload import Workload

Floats = NDArray[np.float64]

INPUT_SLEW = 0.02  # ns, of inputs and of the clock


@dataclass(frozen=True, kw_only=True)
class Split:
    """Where energy goes: fJ over a window, and nW of leakage.

    Attributes
    ----------
    internal
        Inside cells, at transitions of outputs and of inputs other than clocks.
    switching
        Charging the input pins that hang on the nets, and wires where they are known: C V^2 / 2 per
        transition.
    clock
        Inside flip-flops at their clock pins, and charging these pins and their wire.
    leakage_nw
        Power, averaged over the states that the cells are in.
    """

    internal: float = 0.0
    switching: float = 0.0
    clock: float = 0.0
    leakage_nw: float = 0.0

    @property
    def dynamic(self) -> float:
        """All but leakage."""
        return self.internal + self.switching + self.clock


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Energy over a window of clock cycles.

    Attributes
    ----------
    split
        Of the whole design.
    parts
        By module; their sum is the whole. One entry if the netlist is flat.
    cycles
        Length of the window.
    period_ps
        Of the clock. Only leakage depends on it.
    operation, operations
        What the block does, and how many of it in the window.
    unknown
        Share of the nets' values that were x, and counted as zero: registers without reset.
    """

    split: Split
    parts: dict[str, Split] = field(default_factory=dict)
    cycles: int
    period_ps: float
    operation: str = "cycle"
    operations: int
    unknown: float = 0.0

    @property
    def leakage_fj(self) -> float:
        """Leakage power times the window."""
        return self.split.leakage_nw * self.cycles * self.period_ps * 1e-6

    @property
    def parts_fj(self) -> dict[str, float]:
        """Energy over the window by module, leakage included."""
        leak = self.cycles * self.period_ps * 1e-6
        return {name: part.dynamic + part.leakage_nw * leak for name, part in self.parts.items()}

    @property
    def total_fj(self) -> float:
        """All of it, over the window."""
        return self.split.dynamic + self.leakage_fj

    @property
    def per_cycle_fj(self) -> float:
        """Energy of a clock cycle."""
        return self.total_fj / self.cycles

    @property
    def per_operation_fj(self) -> float:
        """Energy of an operation."""
        return self.total_fj / self.operations

    @property
    def power_uw(self) -> float:
        """Average power."""
        return self.total_fj / (self.cycles * self.period_ps) * 1e3

    def at(self, period_ps: float) -> "Energy":
        """Return the same at another clock period."""
        return dataclasses.replace(self, period_ps=period_ps)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can carry, what is derived among them."""
        names = ("leakage_fj", "total_fj", "per_cycle_fj", "per_operation_fj", "power_uw")
        return dataclasses.asdict(self) | {name: getattr(self, name) for name in names}


def estimate(
    design: Netlist,
    activity: Activity,
    *,
    period_ps: float = 1000,
    input_slew: float = INPUT_SLEW,
    output_load: float = 0.0,
    operation: str = "cycle",
    operations: int | None = None,
    wires: Floats | None = None,
) -> Energy:
    """Return the energy of a netlist whose nets do what ``activity`` says.

    Parameters
    ----------
    design
        The netlist, which knows its library.
    activity
        Transitions and states.
    period_ps
        Clock period.
    input_slew
        Slew in ns of the inputs and of the clock. All other slews follow from the library's tables.
    output_load
        Load in fF of each output port; what an output drives belongs to whoever is behind it, so
        nothing by default.
    operation, operations
        What to divide by; clock cycles if not given.
    wires
        float64[nets]: capacitance in fF of the wire of each net; none if None. That of the clock
        counts as energy of the clock.
    """
    wire = np.zeros(len(design.names)) if wires is None else wires
    loads = design.loads(output_load) + wire
    slews = design.slews(loads, input_slew)
    toggles = activity.toggles(design)
    sums = {name: np.zeros(len(design.modules)) for name in Split.__dataclass_fields__}
    per_load = design.library.voltage**2 / 2  # fJ per fF and transition

    def add(kind: str, group: Group, values: Floats) -> None:
        sums[kind] += np.bincount(group.modules, values, minlength=len(design.modules))

    clock_nets = design.inputs.get(CLOCK, [])
    gated = list(design.gates())
    driven = np.zeros(len(design.names), dtype=bool)
    for group in design.groups:
        cell = design.library.cell(group.cell)
        counts = activity.counts(design, group)
        for arc, rises, falls in zip(cell.internal, counts.rises, counts.falls, strict=True):
            rise, fall = _energies(design, group, arc, loads, slews)
            kind = "clock" if arc.pin in cell.clocks else "internal"
            add(kind, group, rises * rise + falls * fall)
        leaks = np.zeros(len(group.nets))
        for leak, share in zip(cell.leakage, counts.leakage, strict=True):
            leaks += leak.power * share
        add("leakage_nw", group, leaks if cell.leakage else leaks + cell.leakage_power)
        for name in cell.outputs:
            nets = design.pins(group, name)[:, 0]
            driven[nets[nets != OPEN]] = True
            charge = np.where(nets == OPEN, 0.0, loads[nets] * toggles[nets])
            behind = np.isin(nets, gated)
            add("switching", group, per_load * charge * ~behind)
            add("clock", group, per_load * charge * behind)
        for name in cell.inputs:
            nets = design.pins(group, name)[:, 0]
            of_clock = np.isin(nets, clock_nets)
            capacitance = cell.pin(name).capacitance
            add("clock", group, per_load * capacitance * toggles[nets] * of_clock)
    driven[clock_nets] = True
    sums["clock"][0] += per_load * float((wire * toggles)[clock_nets].sum())
    sums["switching"][0] += per_load * float((loads * toggles)[~driven].sum())
    parts = {
        name: Split(**{kind: float(values[k]) for kind, values in sums.items()})
        for k, name in enumerate(design.modules)
    }
    return Energy(
        split=Split(**{kind: float(values.sum()) for kind, values in sums.items()}),
        parts=parts,
        cycles=activity.cycles,
        period_ps=period_ps,
        operation=operation,
        operations=activity.cycles if operations is None else operations,
        unknown=activity.unknown if isinstance(activity, Measured) else 0.0,
    )


def _energies(
    design: Netlist, group: Group, arc: Internal, loads: Floats, slews: Floats
) -> tuple[Floats, Floats]:
    """Return the energy in fJ of a rise and of a fall, for each instance."""
    sink = design.pins(group, arc.pin)[:, 0]
    load = np.where(sink == OPEN, 0.0, loads[sink])
    if arc.related:
        cell = design.library.cell(group.cell)
        sense = netlist.senses(cell.slews, arc.pin, arc.related)
        source = design.pins(group, arc.related)[:, 0]
        rise, fall = netlist.edges(sense, slews[:, source], lambda a, b: (a + b) / 2)
    else:
        rise, fall = slews[:, sink]
    return arc.rise.at(rise, load), arc.fall.at(fall, load)


class Run(TypedDict, total=False):
    """How a netlist is run; see :func:`simulate`."""

    tests: str | None
    seed: int
    environment: Mapping[str, str] | None
    cycles: int
    delays: UnitDelay | None
    start: int | None


def measure(
    workload: Workload,
    verilog: Path,
    target: StandardCells,
    *,
    folder: Path,
    period_ps: float = 1000,
    **run: Unpack[Run],
) -> Energy:
    """Simulate a netlist with its design's own bench, and return the energy it takes.

    Parameters
    ----------
    workload, verilog, target, folder, run
        As of :func:`simulate`, which also says what is raised.
    period_ps
        Clock period of the estimate.

    Raises
    ------
    ValueError
        The bench did not record the operations that energy is per.
    """
    return simulate(workload, verilog, target, folder=folder, **run).energy(period_ps)


@dataclass(frozen=True)
class Simulated:
    """A netlist, and what its nets did in the bench."""

    design: Netlist
    activity: Measured
    operation: str = "transfer"

    def energy(
        self, period_ps: float = 1000, glitches: bool = True, wires: Floats | None = None
    ) -> Energy:
        """Return the energy, with the glitches that cells' delays have made or without.

        ``wires`` is the capacitance of each net's wire in fF; none if None.
        """
        activity = self.activity if glitches else dataclasses.replace(self.activity, moves=None)
        operation, operations = _operations(activity, self.operation)
        options: dict[str, Any] = {"operation": operation, "operations": operations}
        options["wires"] = wires
        return estimate(self.design, activity, period_ps=period_ps, **options)


def simulate(
    workload: Workload,
    verilog: Path,
    target: StandardCells,
    *,
    folder: Path,
    tests: str | None = None,
    seed: int = 1,
    environment: Mapping[str, str] | None = None,
    cycles: int = 4000,
    delays: UnitDelay | None = None,
    start: int | None = None,
) -> Simulated:
    """Simulate a netlist with its design's own bench.

    The window is that of the work: from the first transfer on any of the design's streams to the
    last.

    Parameters
    ----------
    workload
        The bench of what was synthesized, its configuration, and the test that is measured.
    verilog
        The mapped netlist.
    target
        The library, with Verilog models of its cells.
    folder
        Where the simulator works.
    tests
        Regular expression of another test of the bench, exactly one, if not None.
    seed, environment
        Of the stimuli: as in :func:`nomul.sim.harness.run`.
    cycles
        Longest window. What the bench counted is then taken in proportion to output transfers.
    delays
        Delay of the cells, for glitches to be counted; without delay, and glitches, if None.
    start
        What registers hold before reset; unknown if None.

    Raises
    ------
    FileNotFoundError
        The target has no models, or there is no netlist.
    BenchError
        The netlist is not equal to the model, or no test has such a name.
    ValueError
        Several tests have, or the netlist uses what the library does not have.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wires = netlist.split(verilog, workload.top, folder)
    design = netlist.read(wires, workload.top, target.cells(), folder)
    activity = gatesim.simulate(
        design,
        wires,
        target.models_text(),
        workload.bench,
        folder,
        config=workload.config,
        tests=tests or workload.tests,
        seed=seed,
        environment=environment,
        cycles=cycles,
        delays=delays,
        start=start,
    )
    return Simulated(design, activity, workload.operation)


def _operations(activity: Measured, operation: str) -> tuple[str, int]:
    """Return what energy is per and how many there were, in the window.

    Where a design only takes and never answers, transfers are none and its clock cycles count.
    """
    if operation == "transfer" and activity.transfers:
        return "transfer", activity.transfers
    if operation in ("cycle", "transfer"):
        return "cycle", activity.cycles
    if f"{operation}s" not in activity.records:
        raise ValueError(f"energy is per {operation}, and the bench recorded no {operation}s")
    return operation, round(activity.records[f"{operation}s"] * activity.share)
