"""A member's array on a target: area, clock, and the energy of tiles with their own operands."""

import dataclasses
import hashlib
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from nomul import flow, registry
from nomul.experiments.on_cells import OnCells
from nomul.golden.products.members import MEMBERS
from nomul.runs import folders
from nomul.sweep.point import ForeignWorkerError, Options
from nomul.sweep.point import provenance as versions
from nomul.synth import measure as rows
from nomul.synth.emit import emit
from nomul.synth.energy import gatesim, netlist
from nomul.synth.energy.activity import Measured
from nomul.synth.energy.power import INPUT_SLEW, estimate
from nomul.synth.map.recipes import BALANCED
from nomul.synth.map.stdcells import NANGATE_BUFFER, FreePdk45
from nomul.synth.map.synthesize import Result, synthesize
from nomul.synth.workload import Workload

# One recipe rather than five: what stores a tile takes long in each. What serves all columns would
# hang on one small gate without buffers between modules, and arrays of several multipliers would
# lose half of their clock.
CELLS = FreePdk45(recipes=(BALANCED,), clock_gating=8, repeater=NANGATE_BUFFER)
TARGETS = ("freepdk45", "ecp5")
SEEDS = (1,)

# A bench sets the environment of its process, so a worker with several threads takes turns.
_TURN = threading.Lock()


def module(member: str, room: str) -> Any:
    """Return a member's module in a room: adapted ones are beside what members share.

    So that of ``epitome``, which is no member but a controller over one.
    """
    home = MEMBERS.get(member, f"nomul.golden.{member}")
    return import_module(home.replace(".golden.", f".{room}."))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker measures.

    Attributes
    ----------
    name
        A member of the family, or a controller over one; or a block, of which ``parts`` has inputs
        only.
    config
        Its configuration as JSON.
    rival
        Whether it is a block with a network of its own.
    target
        ``freepdk45``, or an FPGA, which has no energy.
    period_ps
        Clock period to aim at.
    parts
        Operands that a bench is given of one tile for each layer: ``w`` and ``x``, ``samples`` of
        tables, and ``e`` and ``entries`` of an epitome.
    provenance
        Versions of nomul's sources and of the tools; a worker that has others refuses.
    """

    name: str
    config: str
    rival: bool
    target: str
    period_ps: int
    parts: tuple[dict[str, Any], ...]
    provenance: dict[str, str] = dataclasses.field(default_factory=dict)


def run(job: Job) -> dict[str, Any]:
    """Do a job in a scratch folder; this is what a worker executes.

    Raises
    ------
    ForeignWorkerError
        This process has another nomul, or other tools, than the job was made with.
    """
    here = provenance(job.target)
    for name, wanted in job.provenance.items():
        if here.get(name) != wanted:
            there = here.get(name) or "not at all"
            raise ForeignWorkerError(f"this worker has {name} {there}, and wanted is {wanted}")
    with _TURN, folders.scratch("nomul-compare-") as folder:
        return (_rival if job.rival else measure)(job, folder)


def provenance(target: str) -> dict[str, str]:
    """Return the versions of nomul's sources and of the tools that measure on a target."""
    options = Options(target=target)
    steps = ("synth", "energy") if target == "freepdk45" else ("synth",)
    return versions("dense", steps, options) | {"compare": _own()}


def _own() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]


def measure(job: Job, folder: Path) -> dict[str, Any]:
    """Return what an array takes, and per part what energy goes into a load and into a vector."""
    member, target, period_ps, parts = job.name, job.target, job.period_ps, job.parts
    cfg = module(member, "golden").Config.from_json(job.config)
    top = module(member, "hw").Top(cfg)
    if target != "freepdk45":
        return _placed(top, cfg, member, target, period_ps, folder)
    mapped = synthesize(
        emit(top, member), CELLS, hierarchical=True, period_ps=period_ps, folder=folder
    )
    wires = netlist.split(folder / "mapped.v", member, folder)
    design = Timed.of(netlist.read(wires, member, CELLS.cells(), folder))
    found = _figures(mapped)
    period = found["period_ps"]
    energies = [_energy(member, cfg, design, wires, part, period, folder) for part in parts]
    return found | {"energies": energies}


def _figures(mapped: Result) -> dict[str, Any]:
    assert mapped.area_um2 is not None
    assert mapped.timing is not None
    return {
        "area_um2": round(mapped.area_um2, 1),
        "sequential_um2": round(mapped.sequential_um2 or 0.0, 1),
        "period_ps": round(mapped.timing.period_ps, 1),
    }


def _rival(job: Job, folder: Path) -> dict[str, Any]:
    """Return what a block with a network of its own takes, and the energy of an inference."""
    block = registry.get(job.name)
    cfg = block.config().from_json(job.config)
    if job.target != "freepdk45":
        return _placed(block.top(cfg), cfg, job.name, job.target, job.period_ps, folder)
    mapped = synthesize(
        emit(block.top(cfg), job.name), CELLS, period_ps=job.period_ps, folder=folder
    )
    found = _figures(mapped)
    np.savez(folder / "operands.npz", x=np.array(job.parts[0]["x"]))
    given = {"NOMUL_STIMULI": str((folder / "operands.npz").resolve())}
    design = OnCells(mapped, CELLS, found["period_ps"], folder)
    spent = design.spend(flow.workload(block, cfg), environment=given)
    each = {"load_fj": 0.0, "vector_fj": round(spent.per_operation_fj, 1)}
    return found | {"energies": [each | {"unknown": round(spent.unknown, 4)}]}


def _placed(
    top: Any, cfg: Any, member: str, target: str, period_ps: int, folder: Path
) -> dict[str, Any]:
    row = rows.measure(top, cfg, member, target, period_ps=period_ps, seeds=SEEDS, folder=folder)
    period = row.timing.period_ps if row.timing else None
    return {"resources": row.resources, "device": row.device, "period_ps": period}


@dataclasses.dataclass(frozen=True)
class Timed(netlist.Netlist):
    """A netlist whose slews are known, so that its windows are estimated quickly."""

    known: Any

    @classmethod
    def of(cls, design: netlist.Netlist) -> "Timed":
        """Return a netlist with the slews that an estimate asks for."""
        return cls(**vars(design), known=design.slews(design.loads(), INPUT_SLEW))

    def slews(self, loads: Any, input_slew: float) -> Any:
        """Return what :meth:`of` found."""
        return self.known


def _energy(
    member: str,
    cfg: Any,
    design: netlist.Netlist,
    wires: Path,
    part: dict[str, Any],
    period_ps: float,
    folder: Path,
) -> dict[str, float]:
    """Return the energy in fJ of loading a tile, and of one of its vectors, leakage included."""
    given: dict[str, Any] = {name: np.array(values) for name, values in part.items()}
    np.savez(folder / "operands.npz", **given)
    bench = module(member, "sim")
    work = Workload(
        top=member,
        bench=bench.__name__,
        config=cfg.to_json(),
        test=bench.MEASURED,
        operation=bench.OPERATION,
    )
    measured = gatesim.simulate(
        design,
        wires,
        CELLS.models_text(),
        work.bench,
        folder / "energy",
        config=work.config,
        tests=work.tests,
        environment={"NOMUL_STIMULI": str((folder / "operands.npz").resolve())},
        cycles=1_000_000,
        start=0,
    )
    load = int(measured.records["load_cycles"])
    before, after = _cut(measured, load)
    spent = [estimate(design, one, period_ps=period_ps).total_fj for one in (before, after)]
    return {
        "load_fj": round(spent[0], 1),
        "vector_fj": round(spent[1] / len(given["x"]), 1),
        "unknown": round(measured.unknown, 4),
    }


def _cut(measured: Measured, cycle: int) -> tuple[Measured, Measured]:
    """Return what nets did in the first cycles, and in the others."""
    values = measured.values
    return (
        dataclasses.replace(measured, values=values[: cycle + 1]),
        dataclasses.replace(measured, values=values[cycle:]),
    )
