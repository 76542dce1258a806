"""Rows of a comparison: one per candidate and target, from the store where they are known."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from nomul import ledger, registry
from nomul.experiments.compare import hardware
from nomul.experiments.compare.choices import Candidate, candidates
from nomul.experiments.compare.entries import Comparison, Entry
from nomul.experiments.compare.fit import configured, fit
from nomul.experiments.compare.hardware import Job
from nomul.experiments.compare.subject import Subject
from nomul.experiments.compare.tuning import tuned
from nomul.golden.network import Network
from nomul.sweep import cluster
from nomul.sweep.point import source_hash

STORE = Path("build", "compare", "store")
PERIOD_PS = 2000
RIVAL_IMAGES = 12

# What a bench may be given of a tile.
OPERANDS = ("w", "e", "entries", "x", "samples")

# Share of the test set that an imposed structure may lose before training is worth its time.
ENOUGH = 0.005

# Seconds of processor time that a row takes, about: of any, and per bit that a tile stores.
SECONDS = {"freepdk45": (6.0, 0.02), "ecp5": (25.0, 0.03)}
MOST_BITS = 1 << 13


def compare(
    subject: Subject,
    *,
    members: Iterable[str] = (),
    sizes: Iterable[str] = ("small",),
    target: str = "freepdk45",
    period_ps: int = PERIOD_PS,
    changes: Mapping[str, Mapping[str, str]] | None = None,
    without: Mapping[tuple[str, str, str], str] | None = None,
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
    without
        Why an array is left out, by target, member and size; its row says so.
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
        There is no such member, size, parameter or target, or nothing to compare.
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
        family, sizes, subject.net.act_bits, target != "freepdk45", changes or {},
        subject.net.weight_bits,
    )  # fmt: skip
    note(f"laying {subject.name} over {len(chosen)} arrays")
    for candidate in chosen:
        reason = (without or {}).get((target, candidate.member, candidate.size))
        result.entries.append(
            Entry(candidate.label, candidate.size, target, _nothing(), error=reason)
            if reason
            else _entry(subject, candidate, target, period_ps, results, finetune, store, note)
        )
    result.dropped = _held_by_nobody(result.entries)
    for name in able:
        if not names or name in names:
            result.entries += _rivals(name, subject, target, period_ps)
    if not result.entries:
        raise ValueError(f"{', '.join(names)} has no network for {subject.samples.name}")
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
    note: Callable[[str], None],
) -> Entry:
    """Return a row with what the candidate makes of the network, kept in the store."""
    try:
        cfg = configured(candidate, subject.net)
    except ValueError as error:
        return Entry(candidate.label, candidate.size, target, _nothing(), error=str(error))
    base = {"member": candidate.member, "config": cfg.to_dict(), "network": subject.digest}
    base |= {"sources": source_hash(), "own": _own(), "training": subject.training}
    about = ledger.kept(results, base | {"step": "fit"}, lambda: fit(subject, candidate))
    entry = Entry(candidate.label, candidate.size, target, about)
    lost = subject.own_accuracy - about["accuracy"]
    if finetune and about["structure"] == "imposed" and lost > ENOUGH:
        base |= {"step": "fit", "tuned": True}
        trained = ledger.kept(
            results,
            base,
            lambda: fit(subject, candidate, tuned(subject, candidate, store / "networks", note)),
        )
        entry.tuned = trained["accuracy"]
        if trained["accuracy"] > about["accuracy"]:
            # What the member holds now is what was imposed; the row says what that cost.
            first = {name: about[name] for name in ("structure", "accuracy")}
            entry.about = trained | first
    parts = tuple(
        {name: part[name] for name in OPERANDS if name in part}
        for part in entry.about["layers"]
        if "x" in part
    )
    entry.job = Job(
        name=candidate.member,
        config=cfg.to_json(),
        rival=False,
        target=target,
        period_ps=period_ps,
        parts=parts if target == "freepdk45" else (),
    )
    return entry


def _nothing() -> dict[str, Any]:
    """Return what is made of a network by an array that is not laid out."""
    return {"structure": "", "accuracy": None, "layers": []}


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
