"""What a page shows of arrays of the same throughput: a line per precision, and what wins."""

from collections.abc import Iterator
from typing import Any

from nomul.experiments.tables import Rows

# Figures of whole arrays, and what the one with the least is called.
WHOLE = {"um2 per product per cycle": "smallest", "fJ per product": "least energy"}
FPGA = {"LUT": "fewest LUT", "clock, MHz": "quickest"}
SHORT = {"um2 per product per cycle": "um2", "fJ per product": "fJ", "clock, MHz": "MHz"}

# An array that misses its period does as much more slowly, so that more of it is wanted for the
# same throughput.
AREA = "um2 per product per cycle"


def columns(found: Rows, period_ps: int) -> Rows:
    """Return the area of each kind of column by precision, and the smallest.

    Parameters
    ----------
    period_ps
        What columns were mapped for; areas of those that miss it grow by as much as they do.
    """
    lines = []
    for (acts, weights), own in _by_precision(found):
        areas = {str(row["array"]): round(_area(row, period_ps), 1) for row in own}
        lines.append(
            {"A": acts, "B": weights, **areas, "smallest": min(areas, key=areas.__getitem__)}
        )
    return lines


def whole(found: Rows, period_ps: int) -> Rows:
    """Return area and energy of whole arrays by precision, and the least of each.

    ``period_ps`` as in :func:`columns`.
    """
    lines = []
    for (acts, weights), own in _by_precision(found):
        line: dict[str, Any] = {"A": acts, "B": weights}
        for column, title in WHOLE.items():
            named = {str(row["array"]): float(row[column]) for row in own}
            if column == AREA:
                named = {str(row["array"]): round(_area(row, period_ps)) for row in own}
            line |= {f"{SHORT[column]}, {name}": value for name, value in named.items()}
            line[title] = min(named, key=named.__getitem__)
        lines.append(line)
    return lines


def fpga(found: Rows) -> Rows:
    """Return look-up tables and clocks on an FPGA by precision, and what has the best of each.

    The last column is the array with the fewest look-up tables for what it does in a second; the
    other resources are not part of that.
    """
    lines = []
    for (acts, weights), own in _by_precision(found):
        line: dict[str, Any] = {"A": acts, "B": weights}
        for column, title in FPGA.items():
            line |= {f"{SHORT.get(column, column)}, {row['array']}": row[column] for row in own}
            sign = -1 if column == "clock, MHz" else 1
            line[title] = min(own, key=lambda row: sign * row[column])["array"]
        line["DSP, dense"] = max(row["DSP"] for row in own)
        line["fewest LUT per throughput"] = min(own, key=_per_second)["array"]
        lines.append(line)
    return lines


def _by_precision(found: Rows) -> Iterator[tuple[tuple[int, int], Rows]]:
    for key in dict.fromkeys((row["A"], row["B"]) for row in found):
        yield key, [row for row in found if (row["A"], row["B"]) == key]


def _area(row: dict[str, Any], period_ps: int) -> float:
    return row[AREA] * max(1.0, row["period, ps"] / period_ps)


def _per_second(row: dict[str, Any]) -> float:
    return row["LUT"] / (row["products per cycle"] * row["clock, MHz"])
