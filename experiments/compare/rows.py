"""Rows of a comparison: one per candidate and target, from the store where they are known."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nomul import ledger, registry
from nomul.experiments.compare import hardware
from nomul.experiments.compare.choices import Candidate, candidates
from nomul.experiments.compare.fit import configured, fit
from nomul.experiments.compare.hardware import Job
from nomul.experiments.compare.memory import Memory
from nomul.experiments.compare.subject import Subject
from nomul.experiments.compare.tuning import tuned
from nomul.golden.network import Network
from nomul.sweep import cluster
from nomul.sweep.point import source_hash

STORE = Path("build", "compare", "store")
PERIOD_PS = 2000
RIVAL_IMAGES = 12

# Share of the test set that an imposed structure may lose before training is worth its time.
ENOUGH = 0.005

# Seconds of processor time that a row takes, about: of any, and per bit that a tile stores.
SECONDS = {"freepdk45": (6.0, 0.02), "ecp5": (25.0, 0.03)}
MOST_BITS = 1 << 13


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


def compare(
    subject: Subject,
    *,
    members: Iterable[str] = (),
    sizes: Iterable[str] = ("small",),
    target: str = "freepdk45",
    period_ps: int = PERIOD_PS,
    changes: Mapping[str, Mapping[str, str]] | None = None,
    finetune: bool = False,
    store: Path = STORE,
    scheduler: str | None = None,
    workers: int | None = None,
    note: Callable[[str], None] = lambda _: None,
    progress: Callable[[int], Any] = lambda _: nullcontext(lambda: None),
) -> Comparison:
    """Measure a network on every member that the store does not know yet.

    Parameters
    ----------
    subject
        Network and samples.
    members, sizes, changes
        As in :func:`nomul.experiments.compare.choices.candidates`; ``lutnet`` and other blocks
        with networks of their own count as members, and are there if none is named.
    target
        One of :data:`nomul.experiments.compare.hardware.TARGETS`.
    period_ps
        Clock period to aim at.
    finetune
        Train the network under the structure of each member that does not hold it as it is.
    store
        Folder of finished parts.
    scheduler, workers, note, progress
        As in :func:`nomul.sweep.run`.

    Raises
    ------
    TypeError, ValueError
        There is no such member, size, parameter or target.
    OSError
        The scheduler does not answer.
    """
    if target not in hardware.TARGETS:
        known = ", ".join(hardware.TARGETS)
        raise ValueError(f"target must be one of {known}, not {target!r}")
    results = ledger.Folder(store)
    names = list(members)
    able = registry.able("rivals")
    family = [name for name in names if name not in able]
    result = Comparison(subject.name, subject.samples.name, [], *_sizes(subject.net))
    chosen = [] if names and not family else candidates(
        family, sizes, subject.net.act_bits, target != "freepdk45", changes or {}
    )  # fmt: skip
    note(f"laying {subject.name} over {len(chosen)} arrays")
    for candidate in chosen:
        result.entries.append(
            _entry(subject, candidate, target, period_ps, results, finetune, store)
        )
    result.dropped = _held_by_nobody(result.entries)
    for name in able:
        if not names or name in names:
            result.entries += _rivals(name, subject, target, period_ps)
    _measure(result, results, scheduler, workers, note, progress)
    return result


def _sizes(net: Network) -> tuple[int, int]:
    """Return the most values between two layers, and the bits of each."""
    import math

    return max(math.prod(shape) for shape in net.shapes), net.act_bits


def _entry(
    subject: Subject,
    candidate: Candidate,
    target: str,
    period_ps: int,
    results: ledger.Folder,
    finetune: bool,
    store: Path,
) -> Entry:
    """Return a row with what the candidate makes of the network, kept in the store."""
    try:
        cfg = configured(candidate, subject.net)
    except ValueError as error:
        about: dict[str, Any] = {"structure": "", "accuracy": None, "layers": []}
        return Entry(candidate.label, candidate.size, target, about, error=str(error))
    base = {"member": candidate.member, "config": cfg.to_dict(), "network": subject.digest}
    base |= {"sources": source_hash(), "own": _own()}
    about = ledger.kept(results, base | {"step": "fit"}, lambda: fit(subject, candidate))
    entry = Entry(candidate.label, candidate.size, target, about)
    lost = subject.own_accuracy - about["accuracy"]
    if finetune and about["structure"] == "imposed" and lost > ENOUGH:
        net = tuned(subject, candidate, store / "networks")
        base |= {"step": "fit", "tuned": True}
        entry.about = ledger.kept(results, base, lambda: fit(subject, candidate, net))
        # What the member holds now is what was imposed; the row says what that cost.
        first = {name: about[name] for name in ("structure", "accuracy")}
        entry.tuned, entry.about = entry.about["accuracy"], entry.about | first
    parts = tuple({"w": part["w"], "x": part["x"]} for part in entry.about["layers"] if "w" in part)
    entry.job = Job(
        name=candidate.member,
        config=cfg.to_json(),
        rival=False,
        target=target,
        period_ps=period_ps,
        parts=parts if target == "freepdk45" else (),
    )
    return entry


def _own() -> str:
    from nomul.experiments.compare import fit as module

    return hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest()[:16]


def _held_by_nobody(entries: list[Entry]) -> dict[str, str]:
    """Return the layers that no candidate holds; a candidate that lacks another one has no row."""
    with_layers = [entry for entry in entries if entry.about["layers"]]
    refusals = [
        {part["layer"]: part["refused"] for part in entry.about["layers"] if "refused" in part}
        for entry in with_layers
    ]
    common = set.intersection(*map(set, refusals)) if refusals else set()
    for entry, refused in zip(with_layers, refusals, strict=True):
        for name, reason in refused.items():
            if name not in common:
                entry.error = entry.error or f"cannot hold {name}: {reason}"
                entry.job = None
        if len(refused) == len(entry.about["layers"]):
            entry.error, entry.job = entry.error or "cannot hold any layer", None
    return {name: refusals[-1][name] for name in sorted(common)}


def _rivals(name: str, subject: Subject, target: str, period_ps: int) -> list[Entry]:
    """Return the rows of a block's own networks that were trained for the same data."""
    block, made = registry.get(name), []
    for rival in block.capability("rivals")(subject.samples.name):
        cfg = block.config().preset(rival.preset)
        about = {"structure": "another network", "accuracy": rival.accuracy}
        layer = {"layer": rival.preset, "weights": rival.weights, "tiles": 1, "windows": 1}
        layer |= {"beats": 0, "first": 0, "bits": rival.bits, "utilisation": 1.0}
        layer |= {"cycles": cfg.latency + 1, "fetched": 0, "moved": 0}
        job = Job(
            name=name,
            config=cfg.to_json(),
            rival=True,
            target=target,
            period_ps=period_ps,
            parts=({"x": rival.x[:RIVAL_IMAGES].tolist()},) if target == "freepdk45" else (),
        )
        label = f"{name}, {rival.preset}"
        made.append(Entry(label, "", target, {**about, "layers": [layer]}, job))
    return made


def _measure(
    result: Comparison,
    results: ledger.Folder,
    scheduler: str | None,
    workers: int | None,
    note: Callable[[str], None],
    progress: Callable[[int], Any],
) -> None:
    """Measure what the store does not know, and keep each result as it arrives."""
    todo: dict[str, tuple[Entry, dict[str, Any]]] = {}
    provenance: dict[str, dict[str, str]] = {}
    for entry in result.entries:
        if entry.job is None:
            continue
        used = provenance.setdefault(entry.target, hardware.provenance(entry.target))
        entry.job = dataclasses.replace(entry.job, provenance=used)
        about = {**dataclasses.asdict(entry.job), "parts": list(entry.job.parts), "step": "array"}
        entry.measured = results.get(about)
        entry.known = entry.measured is not None
        if not entry.known:
            todo[f"compare-{ledger.stamp(about)[:16]}"] = entry, about
    note(estimate(result, [entry for entry, _ in todo.values()], workers))
    with progress(len(result.entries)) as advance:
        for _ in range(len(result.entries) - len(todo)):
            advance()
        try:
            jobs = {key: entry.job for key, (entry, _) in todo.items()}
            for key, values, error in cluster.spread(hardware.run, jobs, scheduler, workers, note):
                entry, about = todo[key]
                entry.error, entry.failed = " ".join(error.split()), bool(error)
                if not error:
                    entry.measured = results.put(about, values)
                advance()
        except KeyboardInterrupt:
            result.stopped = True


def estimate(result: Comparison, todo: list[Entry], workers: int | None) -> str:
    """Return in a line how much there is to do, and about how long it takes."""
    import os

    seconds = 0.0
    for entry in todo:
        each, per_bit = SECONDS[entry.target]
        part = next(part for part in entry.about["layers"] if "bits" in part)
        seconds += each + per_bit * min(part["bits"] / part["tiles"], MOST_BITS)
    count = min(workers or os.cpu_count() or 1, max(1, len(todo)))
    known = sum(entry.known for entry in result.entries)
    return (
        f"{len(result.entries)} rows: {known} known, {len(todo)} to measure, "
        f"about {max(1, round(seconds / count))} s on {count} idle cores"
    )


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
