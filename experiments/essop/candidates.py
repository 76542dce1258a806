"""Area, clock and energy of one candidate for an outer product, on operands of a real update."""

import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nomul import flow, ledger, registry
from nomul.golden import essop, fp16mul, plane
from nomul.synth import yosys
from nomul.synth.emit import Emitted, emit
from nomul.synth.energy import gatesim, power
from nomul.synth.map import stdcells
from nomul.synth.map.recipes import ADDERS, AREA, RECIPES, SPEED
from nomul.synth.map.stdcells import FreePdk45, StandardCells
from nomul.synth.map.synthesize import Result, synthesize

PERIOD_PS = 1000
OPERANDS = Path(__file__).parents[1] / "baseline" / "operands.json"

# The recipes of planes, and of those that miss the period with them.
FOR_PLANES = (AREA, ADDERS, SPEED)

# Pairs of vectors in a simulation, and the rows of each that the multiplier goes through.
PAIRS, ROWS = 8, slice(1, None, 4)


# Cells of the largest netlists that are simulated, and that are simulated with delays.
MOST_CELLS, GLITCH_CELLS = 120_000, 30_000


@dataclass(frozen=True)
class Measured:
    """What one product costs.

    Attributes
    ----------
    area_um2
        Area over products per cycle, at one pair per ``interval`` cycles.
    fmax_mhz
        Clock of the netlist.
    fj, glitch_fj
        Energy per product at 1 ns: with gates that settle at once, and with equal delays. None
        where a netlist has more than ``MOST_CELLS`` or ``GLITCH_CELLS`` cells. Registers hold zero
        before the first pair.
    recipe
        Which way of mapping was kept.
    """

    area_um2: float
    fmax_mhz: float
    fj: float | None
    glitch_fj: float | None
    recipe: str


def operands(pairs: int = PAIRS, rows: int = 32, cols: int = 32) -> tuple[Any, Any]:
    """Return activations float64[pairs, rows] and gradients float64[pairs, cols] in training.

    They are of a layer of 32 x 32; ``python -m nomul.train.essop.operands`` wrote the file. Lanes
    beyond 32 are those of further pairs, and come again where these end.
    """
    sides = json.loads(OPERANDS.read_text())
    wide = []
    for name, lanes in (("activations", rows), ("gradients", cols)):
        values = np.array(sides[name])
        parts = [np.roll(values, -part * pairs, axis=0) for part in range(-(-lanes // 32))]
        wide.append(np.concatenate(parts, axis=1)[:pairs, :lanes])
    return wide[0], wide[1]


def encoded(cfg: plane.Config) -> dict[str, Any]:
    """Return the operands as a plane takes them, those of its lanes."""
    sides = operands(rows=cfg.rows, cols=cfg.cols)
    (x, sx, e_x), (d, sd, e_d) = (essop.quantise(side, cfg.width) for side in sides)
    return {"x": x, "sx": sx, "d": d, "sd": sd, "e_x": e_x, "e_d": e_d}


def half_precision() -> dict[str, Any]:
    """Return the operands of single products, row by row, as the FP16 multiplier takes them.

    Vectors are scaled by their block exponents first, so that no product is subnormal for want of
    a loss scale.
    """
    sides = []
    for values in operands():
        _, exponent = np.frexp(np.abs(values).max(axis=1, keepdims=True))
        sides.append(np.ldexp(values, -exponent).astype(np.float16).view(np.uint16))
    x, d = sides[0][:, ROWS, None], sides[1][:, None, :]
    a, b = np.broadcast_arrays(x, d)
    return {"a": a.ravel(), "b": b.ravel()}


def measure(
    cfg: plane.Config | fp16mul.Config,
    kept: Path | None = None,
    clock_gating: int = 0,
    *,
    most_with_glitches: int = GLITCH_CELLS,
) -> Measured:
    """Map a candidate to FreePDK45 at 1 ns, and simulate it on the operands.

    Planes are mapped module by module, their largest module and the rest by whatever recipe suits
    each, with buffers on what loads its driver too much across modules. The smallest that meets
    the period is kept, else the fastest.

    Parameters
    ----------
    cfg
        The candidate.
    kept
        Folder in which results are kept under the hash of the emitted design, the operands and the
        versions of the tools, so that an interrupted measurement goes on where it was.
    clock_gating
        Smallest number of registers with a common enable that get a clock gate; 0 for none.
    most_with_glitches
        Cells of the largest netlist whose glitches are simulated too.
    """
    block = registry.get(type(cfg).block_name)
    target = library(block, clock_gating)
    emitted = emit(block.top(cfg), block.name, paper=block.paper)

    def make() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as scratch:
            return asdict(_measure(block, cfg, target, emitted, Path(scratch), most_with_glitches))

    if kept is None:
        return Measured(**make())
    about = {
        "design": ledger.digest(emitted.rtlil),
        "block": block.name,
        "config": cfg.to_dict(),
        "clock gating": clock_gating,
        "period_ps": PERIOD_PS,
        "operands": ledger.digest(OPERANDS.read_bytes()),
        "tools": target.tools() | {"yosys": yosys.version()},
    }
    if most_with_glitches != GLITCH_CELLS:
        about["most with glitches"] = most_with_glitches
    return Measured(**ledger.kept(ledger.Folder(kept), about, make))


def mapped(
    block: registry.Block, cfg: Any, target: StandardCells, emitted: Emitted, folder: Path
) -> Result:
    """Map a candidate at 1 ns: planes module by module, with more recipes where it is too slow."""
    options: dict[str, Any] = {
        "hierarchical": isinstance(cfg, plane.Config),
        "period_ps": PERIOD_PS,
        "folder": folder,
    }
    made = synthesize(emitted, target, **options)
    assert made.timing
    if made.timing.fmax_mhz < 1e6 / PERIOD_PS and target.recipes != RECIPES:
        made = synthesize(emitted, replace(target, recipes=RECIPES), **options)
    return made


def simulated(
    block: registry.Block,
    cfg: Any,
    target: StandardCells,
    made: Result,
    folder: Path,
    *,
    glitches: bool,
) -> power.Simulated:
    """Simulate a mapped candidate on the operands."""
    assert made.netlist
    stimuli = (folder / "stimuli.npz").resolve()
    operated = encoded(cfg) if isinstance(cfg, plane.Config) else half_precision()
    np.savez(stimuli, **operated)
    return power.simulate(
        flow.workload(block, cfg),
        made.netlist,
        target,
        folder=folder / "energy",
        environment={"NOMUL_STIMULI": str(stimuli)},
        delays=gatesim.UnitDelay(cycles=2048) if glitches else None,
        start=0,
    )


def library(block: registry.Block, clock_gating: int = 0) -> StandardCells:
    """Return the cells that a candidate is mapped to."""
    target: StandardCells = FreePdk45(clock_gating=clock_gating)
    if block.name == "plane":
        target = replace(target, recipes=FOR_PLANES, repeater=stdcells.NANGATE_BUFFER)
    return target


def _measure(
    block: registry.Block,
    cfg: Any,
    target: StandardCells,
    emitted: Emitted,
    folder: Path,
    most_with_glitches: int,
) -> Measured:
    made = mapped(block, cfg, target, emitted, folder)
    assert made.timing
    assert made.area_um2 is not None
    per_cycle = cfg.rows * cfg.cols / cfg.interval if isinstance(cfg, plane.Config) else 1
    cells = sum(made.cells.values())
    cost = Measured(made.area_um2 / per_cycle, made.timing.fmax_mhz, None, None, made.recipe)
    if cells > MOST_CELLS:
        return cost
    glitches = cells <= most_with_glitches
    done = simulated(block, cfg, target, made, folder, glitches=glitches)
    calm, moving = (done.energy(PERIOD_PS, g).per_operation_fj for g in (False, True))
    return replace(cost, fj=calm, glitch_fj=moving if glitches else None)
