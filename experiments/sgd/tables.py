"""Tables of the training unit: what rounding costs, and what a whole training step costs."""

import dataclasses
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nomul import flow, ledger, registry
from nomul.experiments import tables
from nomul.experiments.captions import caption
from nomul.experiments.on_cells import OnCells, kept, on_cells
from nomul.golden import sgd
from nomul.golden.sgd import Config
from nomul.golden.sgd.stimuli import initial
from nomul.synth.map.recipes import BALANCED
from nomul.synth.map.stdcells import NANGATE_BUFFER, FreePdk45
from nomul.train import digits

Rows = list[dict[str, Any]]

KEPT = Path("build/sgd/tables")

# One recipe rather than five, and one period for all; with buffers where a net loads its driver too
# much, as the controller's do that all elements share.
CELLS = dataclasses.replace(FreePdk45(), recipes=(BALANCED,), repeater=NANGATE_BUFFER)
PERIOD_PS = 2000

# The network that is learned, and a smaller one whose netlists are simulated.
DIGITS, SMALL = (64, 32, 10), (16, 8, 4)
SEEDS = (1, 2, 3)

# Arrays of the same throughput: a multiplier of 8 bits does what eight bit-serial elements do.
Variants = tuple[tuple[str, dict[str, Any]], ...]

SERIAL: Variants = (
    ("bit-serial, exact", {}),
    ("bit-serial, ESSOP BL 8", {"update": "essop", "stream_bits": 8}),
    ("bit-serial, ESSOP BL 16", {"update": "essop", "stream_bits": 16}),
)
PARALLEL: Variants = (
    ("INT8 multipliers, exact", {"serial": 8}),
    ("INT8 multipliers, ESSOP BL 8", {"serial": 8, "update": "essop", "stream_bits": 8}),
    ("INT8 multipliers, ESSOP BL 16", {"serial": 8, "update": "essop", "stream_bits": 16}),
    ("FP16 multipliers, exact", Config.presets["fp16"]),
)
MEMORIES = ("sgd_bank", "sgd_values")


@caption("Digits right after one epoch and after two, by rounding, widths, rate and residue.")
def accuracies() -> Rows:
    """Return test accuracies of 64-32-10, means of three seeds, in the model.

    ``vanished`` is the share of products of the last epoch that are not 0 and were rounded to 0.
    """
    variants: list[dict[str, Any]] = [
        {"residue": None, "rounding": rounding} for rounding in sgd.ROUNDINGS
    ]
    variants += [{"rounding": rounding} for rounding in sgd.ROUNDINGS]
    variants += [{"residue": 7}, {"fraction": 5}, {"fraction": 5, "residue": 7}]
    variants += [{"rate_log2": 5, "residue": 5}, {"bits": 6, "fraction": 4, "serial": 1}]
    variants += [{"update": "essop"}, {"update": "essop", "stream_bits": 16}]
    variants += [{"update": "essop", "residue": None}]
    rows = []
    for changes in variants:
        cfg = Config(sizes=DIGITS, pes=8, **changes)
        about = {"table": "T1", "config": cfg.to_dict(), "numpy": np.__version__}
        rows.append(ledger.kept(ledger.Folder(KEPT), about, partial(_learned, cfg)))
    return rows


def _learned(cfg: Config) -> dict[str, Any]:
    runs = [learn(cfg, 2, seed) for seed in SEEDS]
    after = np.mean([[right for _, right in run] for run, _ in runs], axis=0)
    update = "exact" if cfg.update == "exact" else f"ESSOP BL {cfg.stream_bits}"
    return {
        "B": cfg.bits,
        "F": cfg.fraction,
        "h": cfg.rate_log2,
        "L": cfg.residue or 0,
        "rounding": cfg.rounding,
        "update": update,
        "one epoch": round(float(after[0]), 3),
        "two epochs": round(float(after[1]), 3),
        "vanished": round(float(np.mean([lost for _, lost in runs])), 2),
    }


def learn(cfg: Config, epochs: int, seed: int) -> tuple[list[tuple[float, float]], float]:
    """Return loss and accuracy after each epoch of a training, and what of the last one vanished.

    The loss is the mean over the epoch's steps, each before its update.
    """
    data, rng = digits.load(1), np.random.default_rng(seed)
    state, target = sgd.begin(cfg, initial(cfg, rng)), sgd.targets(cfg, data.labels)
    x, x_test = (sgd.numbers(cfg).encode(cfg, part) for part in (data.x, data.x_test))
    after = []
    for _ in range(epochs):
        losses, counts = [], np.zeros(2)
        for k in rng.permutation(len(x)):
            state, z, _, new = sgd.advance(cfg, state, x[k], target[k])
            losses.append(sgd.loss(cfg, z[-1], target[k]))
            counts += new
        right = sgd.accuracy(cfg, state.weights, x_test, data.labels_test)
        after.append((float(np.mean(losses)), right))
    return after, float(counts[1] / counts[0])


@caption("A training step of 64-32-10 on FreePDK45: area, time and energy at equal throughput.")
def steps() -> Rows:
    """Return area, clock and energy of arrays that do P / 8 products per cycle.

    Memories of weights and values are left out: 12 bits a weight for all, 16 for FP16. Area and
    clock are measured. Energy is measured where the array has at most eight elements, on steps of
    16-8-4, and per cycle; a step of 64-32-10 is that times its cycles, so modelled, and so are 32
    elements, as four times eight.
    """
    rows = []
    for pes in (8, 32):
        arrays = [(name, {**values, "pes": pes}) for name, values in SERIAL]
        arrays += [(name, {**values, "pes": pes // 8}) for name, values in PARALLEL]
        rows += [_row(name, pes, values) for name, values in arrays]
    return rows


def _row(name: str, pes: int, values: dict[str, Any]) -> dict[str, Any]:
    cfg = Config(sizes=SMALL, **values)
    sized = _kept("area with buffers", cfg, _sized)
    few = cfg if cfg.pes <= 8 else cfg.replace(pes=8)
    spent = _kept("energy with buffers", few, _spent)
    whole = cfg.replace(sizes=DIGITS)
    shares, step = sgd.shares(whole), sum(sgd.shares(whole))
    per_cycle = spent["control"] + spent["elements"] * cfg.pes / few.pes
    period = max(PERIOD_PS, sized["period"])
    return {
        "array": name,
        "P": pes,
        "elements": cfg.pes,
        "elements, um2": round(sized["elements"]),
        "control, um2": round(sized["control"]),
        "period, ps": round(sized["period"]),
        "cycles per step": step,
        "of them update": round(shares.update / step, 2),
        "us per step": round(step * period * 1e-6, 2),
        "fJ per cycle": round(per_cycle),
        "nJ per step": round(per_cycle * step * 1e-6, 2),
        "um2 x ms": round((sized["elements"] + sized["control"]) * step * period * 1e-9, 1),
    }


def _kept(what: str, cfg: Config, make: Any) -> dict[str, Any]:
    """Return what was measured of a configuration's netlist, measured now if it was not before."""
    emitted = flow.steps.emit(registry.get("sgd"), cfg)
    return kept(KEPT, emitted, partial(make, cfg), what=what, config=cfg.to_dict())


def _mapped(cfg: Config) -> AbstractContextManager[OnCells]:
    emitted = flow.steps.emit(registry.get("sgd"), cfg)
    return on_cells(emitted, CELLS, PERIOD_PS, hierarchical=True)


def _sized(cfg: Config) -> dict[str, Any]:
    with _mapped(cfg) as design:
        mapped = design.mapped
    areas = {n: part.count * (part.area_um2 or 0.0) for n, part in mapped.parts.items()}
    elements = areas.pop("sgd_element")
    assert mapped.timing is not None
    return {
        "elements": elements,
        "control": sum(area for name, area in areas.items() if name not in MEMORIES),
        "period": mapped.timing.period_ps,
    }


def _spent(cfg: Config) -> dict[str, Any]:
    """Return the energy of a cycle, by three steps less one, so that loading does not count."""
    block, runs = registry.get("sgd"), []
    work = dataclasses.replace(flow.workload(block, cfg), test="typical_steps_in_sequence")
    with _mapped(cfg) as design:
        for number in (1, 3):
            steps = {"NOMUL_STEPS": str(number)}
            spent = design.spend(work, cycles=20_000, environment=steps)
            energy = spent.parts_fj
            elements = energy.pop("sgd_element")
            control = sum(of for name, of in energy.items() if name not in MEMORIES)
            runs.append(np.array([elements, control, spent.cycles]))
    elements, control, cycles = runs[1] - runs[0]
    return {"elements": elements / cycles, "control": control / cycles}


@caption("Loss of 64-32-10 after each of four epochs, and the energy that it has taken.")
def curves() -> Rows:
    """Return loss and accuracy of each array of T4 with P = 8, and energy: its steps' by T4.

    Loss and accuracy are means of three seeds in the model; energy is modelled, as T4 says.
    """
    spent = {
        row["array"]: row["nJ per step"] for row in tables.load("sgd", "T4").rows if row["P"] == 8
    }
    rows = []
    for name, values in (*SERIAL, *PARALLEL):
        # How many bits are multiplied at once, and by how many elements, changes no result.
        alike = {"pes": 8} | ({} if "numbers" in values else {"serial": 1})
        cfg = Config(sizes=DIGITS, **{**values, **alike})
        about = {"table": "curves", "config": cfg.to_dict(), "numpy": np.__version__}
        runs = ledger.kept(ledger.Folder(KEPT), about, partial(_curve, cfg))["after"]
        images = len(digits.load(1).x)
        for epoch, (loss, right) in enumerate(runs, 1):
            energy = round(epoch * images * spent[name] * 1e-3, 1)
            rows.append(
                {
                    "array": name,
                    "epoch": epoch,
                    "uJ": energy,
                    "loss": round(loss, 4),
                    "right": round(right, 3),
                }
            )
    return rows


def _curve(cfg: Config) -> dict[str, Any]:
    runs = [learn(cfg, 4, seed)[0] for seed in SEEDS]
    return {"after": np.mean(runs, axis=0).tolist()}


@caption(
    "Loss over energy, a line per array with a point per epoch: exact updates on bit-serial "
    "elements and multipliers of INT8 and FP16, and stochastic updates with streams of 8 and 16 "
    "bits."
)
def loss_over_energy(rows: Rows, figure: Any) -> None:
    """Draw the loss over the energy, a line per array."""
    axes = figure.subplots()
    for name in dict.fromkeys(row["array"] for row in rows):
        points = [row for row in rows if row["array"] == name]
        energies, losses = ([row[key] for row in points] for key in ("uJ", "loss"))
        axes.plot(energies, losses, marker="o", label=name)
    axes.set_xlabel("energy without memories, uJ (modelled from measured cycles)")
    axes.set_ylabel("mean loss of the epoch")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.legend()


TABLES = {"T1": accuracies, "T4": steps, "T4-curves": curves}
PLOTS = {"T4-curves": loss_over_energy}
