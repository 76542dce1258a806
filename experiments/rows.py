"""The committed rows of all presets: JSON files, comparison, and the table of the README."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nomul import registry
from nomul.synth.map.timing import Timing
from nomul.synth.measure import Row, measure

BASELINE = Path(__file__).parent / "baseline"
BASELINE_TARGETS = ("freepdk45", "ecp5", "ice40")
CLOCK_TOLERANCE = 0.10


def load(target: str, folder: Path = BASELINE) -> list[Row]:
    """Return the committed rows of a target; none if it has no file."""
    path = folder / f"{target}.json"
    if not path.is_file():
        return []
    return [Row.from_dict(values) for values in json.loads(path.read_text())]


def save(target: str, rows: Iterable[Row], folder: Path = BASELINE) -> Path:
    """Write the rows of a target, in the order of their names; return the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target}.json"
    ordered = sorted(rows, key=lambda row: row.key)
    path.write_text(json.dumps([row.to_dict() for row in ordered], indent=1) + "\n")
    return path


def wanted(
    blocks: Iterable[str] | None = None,
    targets: Sequence[str] = BASELINE_TARGETS,
    presets: Iterable[str] = (),
) -> list[tuple[str, str, str]]:
    """Return block, preset and target of what is asked for; None and nothing stand for all.

    Raises
    ------
    ValueError
        A preset that none of the blocks has.
    """
    names = list(registry.blocks() if blocks is None else blocks)
    there = [(name, preset) for name in names for preset in registry.get(name).config().presets]
    only = set(presets)
    for preset in only - {preset for _, preset in there}:
        raise ValueError(f"none of {', '.join(names)} has a preset {preset!r}")
    chosen = [pair for pair in there if not only or pair[1] in only]
    return [(*pair, target) for target in targets for pair in chosen]


def measure_preset(block: str, preset: str, target: str, **options: Any) -> Row:
    """Return the row of a preset, under the conditions of all committed rows.

    ``options`` are those of :func:`nomul.synth.measure.measure`.
    """
    entry = registry.get(block)
    cfg = entry.config().preset(preset)
    options = {"hierarchical": preset in entry.hierarchical, **options}
    return measure(entry.top(cfg), cfg, block, target, preset=preset, paper=entry.paper, **options)


def folders() -> list[Path]:
    """Return the folders of committed rows: nomul's own, and those of other packages' blocks."""
    return list(dict.fromkeys([BASELINE, *(b.numbers for b in registry.blocks().values())]))


def replace(row: Row, folder: Path | None = None) -> Path:
    """Put a row in the place of the committed one, drop its block's vanished presets; save.

    ``folder`` is that of the package which the block comes with if None.
    """
    block = registry.get(row.block)
    folder, presets = folder or block.numbers, block.config().presets
    others = [
        old
        for old in load(row.target, folder)
        if old.key != row.key and (old.block != row.block or old.preset in presets)
    ]
    return save(row.target, [*others, row], folder)


@dataclass(frozen=True)
class Difference:
    """One value that is not what the committed row says."""

    target: str
    key: str
    name: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.target} {self.key}: {self.name} was {self.old}, is {self.new}"


@dataclass(frozen=True)
class Comparison:
    """Differences, and what could not be compared because other tools measured it."""

    differences: list[Difference]
    skipped: list[str]

    @property
    def equal(self) -> bool:
        """Whether nothing differs; what was skipped does not count."""
        return not self.differences

    def __str__(self) -> str:
        lines = [*map(str, self.differences), *self.skipped]
        return "\n".join(lines) or "no differences"


def compare(old: Iterable[Row], new: Iterable[Row]) -> Comparison:
    """Compare new rows with committed ones.

    Cycles must be equal. Cells must be equal, and the clock within 10 %, if the same versions of
    all tools measured both rows; else that part is skipped and said to be. A row that is only on
    one side is a difference.
    """
    before = {(row.target, row.key): row for row in old}
    after = {(row.target, row.key): row for row in new}
    differences, skipped = [], []
    for target, key in sorted(before.keys() | after.keys()):
        a, b = before.get((target, key)), after.get((target, key))
        if a is None or b is None:
            state = ("absent", "measured") if a is None else ("committed", "absent")
            differences.append(Difference(target, key, "row", *state))
            continue
        pairs = [(name, getattr(a, name), getattr(b, name)) for name in _EXACT]
        if a.tools == b.tools:
            pairs += _counts(a, b)
            if not _close(a.timing, b.timing):
                pairs.append(("period_ps", _period(a.timing), _period(b.timing)))
        else:
            skipped.append(f"{target} {key}: cells and clock not compared, {_versions(a, b)}")
        differences += [Difference(target, key, *pair) for pair in pairs if pair[1] != pair[2]]
    return Comparison(differences, skipped)


_EXACT = ("config", "latency", "interval", "cycles")


def _counts(a: Row, b: Row) -> list[tuple[str, Any, Any]]:
    cells = sorted(a.cells.keys() | b.cells.keys())
    pairs = [(f"number of {cell}", a.cells.get(cell, 0), b.cells.get(cell, 0)) for cell in cells]
    return [*pairs, ("area_um2", a.area_um2, b.area_um2)]


def _period(timing: Timing | None) -> float | None:
    return timing.period_ps if timing else None


def _close(a: Timing | None, b: Timing | None) -> bool:
    if a is None or b is None:
        return a is b
    return abs(b.period_ps - a.period_ps) <= CLOCK_TOLERANCE * a.period_ps


def _versions(a: Row, b: Row) -> str:
    names = sorted(a.tools.keys() | b.tools.keys())
    return ", ".join(
        f"{name} {a.tools.get(name, 'absent')} then, {b.tools.get(name, 'absent')} now"
        for name in names
        if a.tools.get(name) != b.tools.get(name)
    )


# For each target, the columns of the table: head, and the row's value.
_COLUMNS: dict[str, tuple[tuple[str, Any], ...]] = {
    "freepdk45": (
        ("45 nm area (µm²)", lambda row: f"{row.area_um2:,.0f}{' *' if row.hierarchical else ''}"),
        ("45 nm clock (MHz)", lambda row: _mhz(row)),
    ),
    "ecp5": (
        ("ECP5 LUT / FF / DSP", lambda row: _resources(row, "luts", "ffs", "dsp")),
        ("ECP5 clock (MHz)", lambda row: _mhz(row)),
    ),
    "ice40": (
        ("iCE40 LUT / FF", lambda row: _resources(row, "luts", "ffs")),
        ("iCE40 clock (MHz)", lambda row: _mhz(row)),
    ),
    "gowin": (
        ("Gowin LUT / FF", lambda row: _resources(row, "luts", "ffs")),
        ("Gowin clock (MHz)", lambda row: _mhz(row)),
    ),
}


def table(rows: Iterable[Row]) -> str:
    """Return a Markdown table: a line per block and preset, by name; columns per target."""
    rows = list(rows)
    by_place = {(row.key, row.target): row for row in rows}
    columns = [
        (target, head, show)
        for target in _COLUMNS
        if any(row.target == target for row in rows)
        for head, show in _COLUMNS[target]
    ]
    lines = [["block", "preset", *(head for _, head, _ in columns), "cycles per result"]]
    lines.append(["---", "---", *("---:" for _ in columns), "---:"])
    firsts = {row.key: row for row in rows}.values()
    for row in sorted(firsts, key=lambda row: (row.block, row.preset)):
        cells = [(by_place.get((row.key, target)), show) for target, _, show in columns]
        values = [show(there) if there else "" for there, show in cells]
        lines.append([row.block, row.preset, *values, str(row.interval)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _mhz(row: Row) -> str:
    return f"{row.timing.fmax_mhz:,.0f}" if row.timing else ""


def _resources(row: Row, *kinds: str) -> str:
    return " / ".join(f"{row.resources[kind]:,}" for kind in kinds)
