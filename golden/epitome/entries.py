"""Patches of an epitome, what they make of a layer, and the rounds that compute it."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.epitome.config import Config
from nomul.golden.spimc.config import bits_for


class Entry(NamedTuple):
    """One patch: rows of E meet inputs, and columns are added to outputs.

    Attributes
    ----------
    input
        The first input, which meets row ``row``.
    row
        The first row of E.
    output
        The output to which the first column of the mask is added; the others follow in order.
    rows
        Rows of the patch.
    mask
        Columns of E, bit c for column c.
    """

    input: int
    row: int
    output: int
    rows: int
    mask: int

    @property
    def columns(self) -> list[int]:
        """Columns of the mask, ascending."""
        return [c for c in range(self.mask.bit_length()) if self.mask >> c & 1]

    @property
    def drive(self) -> tuple[int, int, int]:
        """What a round is made of: input, row and rows."""
        return self.input, self.row, self.rows


def checked(
    cfg: Config, entries: Iterable[Sequence[Any]], inputs: int, outputs: int | None = None
) -> list[Entry]:
    """Return entries of a layer of so many inputs, and of any outputs or at most so many.

    An entry is (input, row, output, rows, mask); a mask may also be a sequence of flags.

    Raises
    ------
    TypeError, ValueError
        An entry is not five integers, is outside of E or of the inputs, or leaves a gap in the
        outputs, or there are more than the table holds; the message has its number.
    """
    found = []
    for number, given in enumerate(entries):
        values = list(given)
        if len(values) == 5 and isinstance(values[4], list | tuple | np.ndarray):
            # Columns one by one: whether each is taken.
            values[4] = sum(1 << c for c, taken in enumerate(values[4]) if taken)
        if len(values) != 5 or any(not isinstance(v, int | np.integer) for v in values):
            rule = "input, row, output, rows and mask, integers"
            raise TypeError(f"epitome: entries[{number}] must be {rule}, not {given!r}")
        entry = Entry(*(int(v) for v in values))
        _inside(cfg, number, entry, inputs, outputs)
        found.append(entry)
    if not 1 <= len(found) <= cfg.entries:
        raise ValueError(f"epitome: entries must be 1..{cfg.entries}, not {len(found)}")
    reached = {entry.output + i for entry in found for i in range(len(entry.columns))}
    gap = next((i for i, output in enumerate(sorted(reached)) if i != output), None)
    if gap is not None:
        raise ValueError(f"epitome: no entry reaches output {gap}, of {max(reached) + 1}")
    return found


def _inside(cfg: Config, number: int, entry: Entry, inputs: int, outputs: int | None) -> None:
    """Raise ValueError for an entry outside of E, of the inputs or of the outputs."""
    most = outputs if outputs is not None else 1 << 62
    limits = {
        "rows": (1, cfg.rows, "rows of E"),
        "row": (0, cfg.rows - entry.rows, "rows of E"),
        "mask": (1, (1 << cfg.cols) - 1, "columns of E"),
        "input": (0, inputs - entry.rows, "inputs of the layer"),
        "output": (0, most - len(entry.columns), "outputs of the layer"),
    }
    for name, (low, high, of) in limits.items():
        value = getattr(entry, name)
        if not low <= value <= high:
            raise ValueError(
                f"epitome: entries[{number}].{name} must be in {low}..{high}, within the {of}, "
                f"not {value}"
            )


def rounds(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return entries by the rounds that compute them: those of equal inputs and rows share one.

    Rounds stand in the order of their first entries.
    """
    made: dict[tuple[int, int, int], list[Entry]] = {}
    for entry in entries:
        made.setdefault(entry.drive, []).append(entry)
    return list(made.values())


def in_order(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return the rounds that hardware makes: of entries of equal inputs and rows in succession."""
    return [list(part) for _, part in groupby(entries, key=lambda entry: entry.drive)]


def weights(cfg: Config, e: ArrayLike, entries: Iterable[Entry], inputs: int) -> Ints:
    """Return the layer's weights, int64[inputs, outputs reached]; overlapping patches add up."""
    e, entries = np.asarray(e, dtype=np.int64), list(entries)
    reached = max(entry.output + len(entry.columns) for entry in entries)
    w = np.zeros((inputs, reached), dtype=np.int64)
    for entry in entries:
        columns = entry.columns
        patch = e[entry.row : entry.row + entry.rows, columns]
        w[entry.input : entry.input + entry.rows, entry.output : entry.output + len(columns)] += (
            patch
        )
    return w


def words(cfg: Config, entries: Iterable[Entry]) -> dict[str, Ints]:
    """Return the words that load the table, bit by bit: ``entry`` int64[entries, table_bits].

    Entries stand in the order of their rounds. Errors as for :func:`checked`, of the layer's size.
    """
    entries = checked(cfg, entries, cfg.inputs, cfg.outputs)
    widths = (
        bits_for(cfg.inputs),
        bits_for(cfg.rows),
        bits_for(cfg.outputs),
        bits_for(cfg.rows),
        cfg.cols,
    )
    table = []
    for entry in (entry for part in rounds(entries) for entry in part):
        fields = (entry.input, entry.row, entry.output, entry.rows - 1, entry.mask)
        pairs = zip(fields, widths, strict=True)
        table.append([value >> i & 1 for value, width in pairs for i in range(width)])
    return {"entry": np.array(table, dtype=np.int64)}


def cover(
    cfg: Config,
    height: int,
    breadth: int,
    row_step: int = 1,
    column_step: int = 1,
    turn: int = 0,
) -> list[Entry]:
    """Return entries that make a layer of patches of E, each of so many rows and columns.

    The layer is cut into patches; from one to the next along the inputs the place in E moves by
    ``row_step`` rows, along the outputs by ``column_step`` columns, around the ends. Patches that
    lie above each other in E's rows share rounds. Outputs of one column of E are equal then, unless
    the place also moves by ``turn`` rows along the outputs, which takes rounds of their own.

    Raises
    ------
    ValueError
        A patch is larger than E, or of nothing.
    """
    for name, value, most, of in (
        ("height", height, cfg.rows, "rows"),
        ("breadth", breadth, cfg.cols, "columns"),
    ):
        if not 1 <= value <= most:
            raise ValueError(f"epitome: {name} must be in 1..{most}, the {of} of E, not {value}")
    found = []
    for number, first in enumerate(range(0, cfg.inputs, height)):
        rows = min(height, cfg.inputs - first)
        for across, output in enumerate(range(0, cfg.outputs, breadth)):
            count = min(breadth, cfg.outputs - output)
            column = across * column_step % (cfg.cols - count + 1)
            row = (number * row_step + across * turn) % (cfg.rows - rows + 1)
            found.append(Entry(first, row, output, rows, ((1 << count) - 1) << column))
    return found


def patches(cfg: Config) -> list[Entry]:
    """Return patches with which networks can learn, see :mod:`nomul.train.networks.settle`.

    They are as wide as E and a quarter as high. Those of other outputs stand elsewhere in its rows,
    as far apart as there is room, or outputs would be equal.

    Raises
    ------
    ValueError
        The table has too little room for them.
    """
    height = max(1, cfg.rows // 4)
    turn = max(1, (cfg.rows - height + 1) // -(-cfg.outputs // cfg.cols))
    found = cover(cfg, height, cfg.cols, height, 1, turn)
    return checked(cfg, found, cfg.inputs, cfg.outputs)
