"""A row: what a candidate makes of the network, what was measured of it, and what follows."""

from dataclasses import dataclass, field
from typing import Any

from nomul.experiments.compare.hardware import Job
from nomul.experiments.compare.memory import Memory


@dataclass
class Entry:
    """One row under way.

    Attributes
    ----------
    label, size, target
        Of the row.
    about
        What the candidate makes of the network, see :func:`nomul.experiments.compare.fit.fit`.
    job
        What is measured; None where it cannot be held.
    measured
        What was, or None.
    known
        Whether the store had it.
    error, failed
        Why there is nothing, and whether a tool or a worker is to blame.
    tuned
        Accuracy after fine-tuning, if there was any.
    """

    label: str
    size: str
    target: str
    about: dict[str, Any]
    job: Job | None = None
    measured: dict[str, Any] | None = None
    known: bool = False
    error: str = ""
    failed: bool = False
    tuned: float | None = None


@dataclass
class Comparison:
    """What was compared, and the rows.

    Attributes
    ----------
    dropped
        Layers that no member holds, with the reason of the last one.
    """

    network: str
    data: str
    entries: list[Entry]
    values: int
    act_bits: int
    dropped: dict[str, str] = field(default_factory=dict)
    stopped: bool = False

    @property
    def computed(self) -> int:
        """How many rows were measured now."""
        return sum(e.measured is not None and not e.known for e in self.entries)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows as flat dictionaries with the same keys."""
        return [row(entry, self) for entry in self.entries]


def row(entry: Entry, result: Comparison) -> dict[str, Any]:
    """Return a row: what is measured, what follows from it, and what is modelled."""
    parts = [part for part in entry.about["layers"] if part["layer"] not in result.dropped]
    shown: dict[str, Any] = {
        "array": entry.label,
        "size": entry.size,
        "target": entry.target,
        "weights": entry.about["structure"],
        "accuracy, %": _percent(entry.about["accuracy"]),
        "fine-tuned, %": _percent(entry.tuned),
    }
    shown |= dict.fromkeys(COLUMNS)
    shown["cannot"] = entry.error
    if entry.error or not parts:
        return shown
    shown["stored bits"] = _sum(parts, "bits")
    shown["bits per weight"] = round(_sum(parts, "bits") / _sum(parts, "weights"), 2)
    shown["load beats"] = _sum(parts, "beats")
    shown["cycles"] = round(_sum(parts, "cycles"), 1)
    rival = entry.job is not None and entry.job.rival
    values = 0 if rival else 2 * result.values * result.act_bits
    bits = 0 if rival else round(_sum(parts, "bits"))
    memory = Memory(bits + values, _sum(parts, "fetched") + _sum(parts, "moved"))
    shown["memory, um2 (modelled)"] = round(memory.um2)
    shown["memory, pJ (modelled)"] = round(memory.pj)
    if entry.measured is None:
        shown["cannot"] = "not measured yet"
        return shown
    return shown | _measured_columns(entry, parts, shown["cycles"], memory)


COLUMNS = (
    "stored bits",
    "bits per weight",
    "load beats",
    "cycles",
    "clock, MHz",
    "us",
    "of it loading, us",
    "um2",
    "LUT",
    "FF",
    "DSP",
    "BRAM",
    "pJ",
    "of it loading, pJ",
    "area x us",
    "pJ x us",
    "memory, um2 (modelled)",
    "memory, pJ (modelled)",
    "memory, BRAM (modelled)",
)


def _measured_columns(
    entry: Entry, parts: list[dict[str, Any]], cycles: float, memory: Memory
) -> dict[str, Any]:
    found, shown = entry.measured or {}, {}
    period = found["period_ps"]
    if period is None:
        return {"cannot": "fits no device"}
    loading, computing = _sum(parts, "first") * period * 1e-6, cycles * period * 1e-6
    total = loading + computing
    shown["clock, MHz"] = round(1e6 / period, 1)
    shown["us"], shown["of it loading, us"] = _three(total), _three(loading)
    if "area_um2" in found:
        area = found["area_um2"]
        energies = [
            (
                part["tiles"] * each["load_fj"] / 1000,
                part["tiles"] * part["windows"] * each["vector_fj"] / 1000,
            )
            for part, each in zip(parts, found["energies"], strict=True)
        ]
        loads, computes = (sum(column) for column in zip(*energies, strict=True))
        shown["um2"] = round(area)
        shown["pJ"], shown["of it loading, pJ"] = _three(loads + computes), _three(loads)
        shown["pJ x us"] = _three((loads + computes) * total)
    else:
        resources = found["resources"]
        area = resources["luts"]
        names = {"LUT": "luts", "FF": "ffs", "DSP": "dsp", "BRAM": "bram"}
        shown |= {name: resources[key] for name, key in names.items()}
        shown["memory, um2 (modelled)"] = shown["memory, pJ (modelled)"] = None
        shown["memory, BRAM (modelled)"] = memory.blocks
    shown["area x us"] = _three(area * total)
    return shown


def _sum(parts: list[dict[str, Any]], name: str) -> Any:
    return sum(part[name] for part in parts)


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 2)


def _three(value: float) -> float:
    """Return a value with four significant digits."""
    return float(f"{value:.4g}")
