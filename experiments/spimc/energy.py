"""Energy of SP-IMC per inference: a pruned layer run through mapped netlists, toggles counted."""

import dataclasses
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden import sparse
from nomul.golden.arrays import Floats
from nomul.golden.spimc import Config, Format
from nomul.golden.spimc import layer as spimc_layer
from nomul.golden.spimc.layer import Layer
from nomul.synth.emit import emit
from nomul.synth.energy import gatesim, netlist
from nomul.synth.energy.activity import Measured
from nomul.synth.energy.netlist import Netlist
from nomul.synth.energy.power import INPUT_SLEW, estimate
from nomul.synth.map import targets
from nomul.synth.map.synthesize import synthesize

Rows = list[dict[str, Any]]
Bools = NDArray[np.bool_]

# A macro of 64 rows, 4 columns and 16 slots, 4-bit activations: small enough for every net to be
# recorded over a whole layer.
MACRO: dict[str, Any] = {
    "window": 64,
    "columns": 4,
    "slots": 16,
    "act_bits": 4,
    "max_group": 8,
}


@dataclass(frozen=True)
class Case:
    """One macro, and what it computes.

    Attributes
    ----------
    pattern
        Of the pruning, as :mod:`nomul.train.spimc` names it.
    format
        Of the weights.
    lanes
        B.
    formats
        Those that the macro can read; one unless it is the configurable one.
    """

    pattern: str
    format: Format
    lanes: int
    formats: tuple[Format, ...]

    @property
    def cfg(self) -> Config:
        """The macro."""
        index: dict[tuple[str, ...], dict[str, Any]] = {
            ("nm",): {"index_bits": 3},
            ("rl",): {"index_bits": 4},
        }
        narrow = index.get(self.formats, {})
        return Config(**MACRO, lanes=self.lanes, formats=self.formats, **narrow)


def _alone(pattern: str, name: Format, lanes: int) -> Case:
    return Case(pattern, name, lanes, (name,))


FIVE: tuple[Format, ...] = ("dense", "coo", "rl", "nm", "bitmap")

CASES = (
    _alone("90", "dense", 1),
    *(_alone("90", "coo", lanes) for lanes in (1, 4, 16, 64)),
    _alone("90", "bitmap", 16),
    _alone("90", "rl", 1),
    _alone("1:4", "dense", 1),
    _alone("1:4", "nm", 4),
    _alone("2:8", "nm", 8),
    Case("90", "coo", 16, FIVE),
    Case("1:4", "nm", 16, FIVE),
)


@dataclass(frozen=True)
class Timed(Netlist):
    """A netlist whose slews are known, so that many windows are estimated quickly."""

    known: Floats

    @classmethod
    def of(cls, design: Netlist) -> "Timed":
        """Return a netlist with the slews that an estimate asks for."""
        return cls(**vars(design), known=design.slews(design.loads(), INPUT_SLEW))

    def slews(self, loads: Floats, input_slew: float) -> Floats:
        """Return what :meth:`of` found."""
        return self.known


def layer(case: Case, w: Any) -> Layer:
    """Return a layer's weights [inputs, outputs], laid over the case's macro."""
    costs = {cost.tile.format: cost.tile for cost in sparse.survey(w, case.cfg)}
    return spimc_layer.plan(w, case.cfg, costs[case.format])


def phases(measured: Measured, chosen: Bools) -> Iterator[Measured]:
    """Yield the runs of cycles that are chosen, bool[cycles], each with the state before it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2).tolist():
        yield dataclasses.replace(measured, values=measured.values[start : stop + 1])


def loading(design: Netlist, measured: Measured) -> Bools:
    """Return in which cycles of the window entries are awaited: bool[cycles]."""
    return np.asarray(measured.values[1:, design.outputs["loading"][0]])


def energies(w: dict[str, Any], x: Any, cases: Iterable[Case] = CASES) -> Rows:
    """Return energy per inference of a layer in FreePDK45, for every case.

    Parameters
    ----------
    w
        int[inputs, outputs] for every pattern.
    x
        int[V, inputs], the vectors of V inferences; every tile is loaded once for all of them, or
        if it does not fit the slots for each.
    """
    target = targets.FreePdk45()
    library = target.cells()
    rows: Rows = []
    mapped: dict[Config, tuple[Path, Timed, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for number, case in enumerate(cases):
            cfg, folder = case.cfg, Path(scratch) / str(number)
            if cfg not in mapped:
                result = synthesize(_emit(cfg), target, hierarchical=True, folder=folder)
                assert result.netlist is not None
                assert result.area_um2 is not None
                design = Timed.of(netlist.read(result.netlist, "spimc", library, folder))
                mapped[cfg] = result.netlist, design, result.area_um2
            verilog, design, area = mapped[cfg]
            plan = layer(case, w[case.pattern])
            measured = _simulate(design, verilog, target.models_text(), plan, x, folder)
            rows.append(_row(case, plan, design, measured, area, len(x)))
            print(rows[-1], flush=True)
    return rows


def _emit(cfg: Config) -> Any:
    from nomul.hw.spimc import Top

    return emit(Top(cfg), "spimc")


def _simulate(
    design: Netlist, verilog: Path, models: str, plan: Layer, x: Any, folder: Path
) -> Measured:
    """Run the bench of whole layers on a netlist; it compares the sums with W^T x."""
    folder = folder / "run"
    folder.mkdir(parents=True, exist_ok=True)
    spimc_layer.save(folder / "w.npz", plan)
    np.save(folder / "x.npy", x)
    return gatesim.simulate(
        design,
        verilog,
        models,
        "nomul.sim.spimc.layer",
        folder,
        config=plan.cfg.to_json(),
        tests="layer_equals",
        environment={
            "NOMUL_WEIGHTS": str(folder / "w.npz"),
            "NOMUL_INPUTS": str(folder / "x.npy"),
        },
        cycles=1_000_000,
    )


def _about(case: Case, cycles: int, vectors: int) -> dict[str, Any]:
    return {
        "zeros": case.pattern if ":" in case.pattern else f"{case.pattern} %",
        "format": case.format,
        "lanes": case.lanes,
        "macro": "all five" if len(case.formats) > 1 else "this one",
        "cycles": round(cycles / vectors),
    }


def _row(
    case: Case, plan: Layer, design: Netlist, measured: Measured, area: float, vectors: int
) -> dict[str, Any]:
    chosen = loading(design, measured)
    fj = dict.fromkeys(("load", "compute", "clock", "store"), 0.0)
    for name, mask in (("load", chosen), ("compute", ~chosen)):
        for part in phases(measured, mask):
            energy = estimate(design, part)
            fj[name] += energy.total_fj
            fj["clock"] += energy.split.clock
            fj["store"] += energy.parts["spimc_slot"].clock
    pj = {name: round(value / vectors / 1e3) for name, value in fj.items()}
    return {
        **_about(case, measured.cycles, vectors),
        "area um2": round(area),
        "load pJ": pj["load"],
        "compute pJ": pj["compute"],
        "total pJ": pj["load"] + pj["compute"],
        "clock pins pJ": pj["clock"],
        "clock pins of slots pJ": pj["store"],
        "without these pJ": pj["load"] + pj["compute"] - pj["store"],
        "fJ per weight": round((fj["load"] + fj["compute"]) / vectors / plan.rows / plan.columns),
    }
