"""The programs that place cells: Coloquinte, and Graywolf where that is missing.

Both get a :class:`Problem` in database units and give back a :class:`Solution`.
"""

import dataclasses
import importlib.util
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from subprocess import TimeoutExpired

from nomul.runs import programs
from nomul.synth.yosys import ToolError

COLOQUINTE, GRAYWOLF = "coloquinte", "graywolf"

# Widths of sites in Graywolf's units: its areas must stay within its integers.
_FINE = 10

# In a process of its own, since it writes its progress to the standard output. Lists of numbers
# come in and go out as JSON.
_CHILD = """
import json, sys
import coloquinte as c
d = json.load(open(sys.argv[1]))
turns = [c.CellOrientation.N, c.CellOrientation.FS]
k = c.Circuit(len(d["width"]))
k.cell_width, k.cell_height, k.cell_is_fixed = d["width"], d["height"], d["fixed"]
k.cell_is_obstruction = [not fixed for fixed in d["fixed"]]
k.cell_x, k.cell_y = d["x"], d["y"]
k.cell_orientation = [turns[0]] * len(d["width"])
k.cell_row_polarity = [c.CellRowPolarity.SAME] * len(d["width"])
k.rows = [c.Row(c.Rectangle(*box), turns[n % 2]) for n, box in enumerate(d["rows"])]
for net in d["nets"]:
    k.add_net(*net)
k.check()
p = c.ColoquinteParameters(d["effort"], d["seed"])
k.place_global(p)
if d["legal"]:
    k.legalize(p)
    k.place_detailed(p)
turned = [turn == turns[1] for turn in k.cell_orientation]
json.dump({"x": k.cell_x, "y": k.cell_y, "turned": turned}, open(sys.argv[2], "w"))
"""

# What Graywolf asks for and has no part in a placement, such as widths of wires, is 1.
_PARAMETERS = """RULES
    layer metal1 1 1 horizontal
    layer metal2 1 1 vertical
    via via12 metal1 metal2
    width metal1 1
    width metal2 1
    width via12 1
    spacing metal1 metal1 1
    spacing metal2 metal2 1
    overhang via12 metal1 1
    overhang via12 metal2 1
ENDRULES
*vertical_wire_weight : 1.0
*vertical_path_weight : 1.0
*padspacing : variable
*rowSep : 0.0 0
*track.pitch : 2
*minimum_pad_space : 2
*gridX : 2
*gridY : 2
*gridOffsetX : 0
*gridOffsetY : 0
*graphics.wait : off
*last_chance.wait : off
*random.seed : {seed}
TWMC*chip.aspect.ratio : 1.0
TWSC*feedThruWidth : 2 layer 1
TWSC*do.global.route : on
TWSC*ignore_feeds : true
TWSC*call_row_evener : true
TWSC*even_rows_maximally : true
GENR*row_to_tile_spacing : 1
GENR*numrows : {rows}
GENR*flip_alternate_rows : 1
"""


class PlacementError(ToolError):
    """The cells do not fit, or the placer stopped."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Cells, then ports, and the rows for them; the rows' corner is the origin.

    Attributes
    ----------
    width, height, fixed, x, y
        Of each: ports are fixed, have no size, and stand beside the rows; cells are at 0.
    rows
        Left, right, low and high of each row, from the lowest.
    site
        Width of a site, of which the cells' widths are multiples.
    nets
        For each net its cells or ports, and where on them its pins are.
    effort, seed
        Of the placer.
    legal
        Whether cells must stand in rows, each in a place of its own; else they gather roughly.
    """

    width: list[int]
    height: list[int]
    fixed: list[bool]
    x: list[int]
    y: list[int]
    rows: list[list[int]]
    site: int
    nets: list[tuple[list[int], list[int], list[int]]]
    effort: int
    seed: int
    legal: bool


@dataclass(frozen=True)
class Solution:
    """Lower left corners of cells and ports, and which cells are upside down."""

    x: list[int]
    y: list[int]
    turned: list[bool]


Placer = Callable[[Problem, Path, str, float], Solution]


def name() -> str:
    """Return the name of the placer that is here, of Graywolf only where Coloquinte is missing.

    Raises
    ------
    ImportError
        Neither is here.
    """
    if importlib.util.find_spec(COLOQUINTE):
        return COLOQUINTE
    if shutil.which(GRAYWOLF):
        return GRAYWOLF
    raise ImportError(
        "placement needs Coloquinte; try: pip install 'nomul[layout]' (or, slower, Graywolf: "
        "apt-get install --no-install-recommends graywolf)"
    )


def tools(placer: str) -> dict[str, str]:
    """Return a placer with its version, which Graywolf does not say."""
    return {placer: version(COLOQUINTE) if placer == COLOQUINTE else "unknown"}


def coloquinte(problem: Problem, folder: Path, stem: str, limit_s: float) -> Solution:
    """Place by Coloquinte, whose files are ``stem.in.json``, ``stem.out.json`` and ``stem.log``.

    Raises
    ------
    PlacementError
        It has stopped without a result, or its time is over.
    """
    files = [folder / f"{stem}.{suffix}" for suffix in ("in.json", "out.json", "log")]
    files[0].write_text(json.dumps(dataclasses.asdict(problem)))
    files[1].unlink(missing_ok=True)
    command = [sys.executable, "-c", _CHILD, *(file.name for file in files[:2])]
    _run(command, folder, files[2], files[1], limit_s)
    return Solution(**json.loads(files[1].read_text()))


def graywolf(problem: Problem, folder: Path, stem: str, limit_s: float) -> Solution:
    """Place by Graywolf, in a folder of its own, and spread its full rows over the wider ones.

    It says in which row a cell stands, and which are its neighbours; how dense rows are it does not
    take from outside. Cells keep their orientation but for that of their row.

    Raises
    ------
    PlacementError
        It has stopped without a result, or its time is over, or a row of it holds too much.
    """
    work = folder / f"{stem}.graywolf"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    parameters = _PARAMETERS.format(seed=problem.seed, rows=len(problem.rows))
    (work / "layout.par").write_text(parameters)
    (work / "layout.cel").write_text("\n".join([*_cells(problem), ""]))
    placed = work / "layout.pl1"
    _run([GRAYWOLF, "-n", "layout"], work, folder / f"{stem}.log", placed, limit_s)
    rows: list[list[tuple[float, int]]] = [[] for _ in problem.rows]
    for line in placed.read_text().splitlines():
        words = line.split()
        cell = int(words[0].removeprefix("c"))
        if not problem.fixed[cell]:
            rows[int(words[6]) - 1].append(((int(words[1]) + int(words[3])) / 2, cell))
    x, y = list(problem.x), list(problem.y)
    turned = [False] * len(x)
    longest = max((sum(problem.width[cell] for _, cell in row) for row in rows), default=1)
    for number, (row, (left, right, low, _)) in enumerate(zip(rows, problem.rows, strict=True)):
        scale = (right - left) / max(longest, 1) * problem.site / _FINE
        for cell, corner in _spread(sorted(row), problem, scale, left, right):
            x[cell], y[cell], turned[cell] = corner, low, number % 2 == 1
    return Solution(x, y, turned)


PLACERS: dict[str, Placer] = {COLOQUINTE: coloquinte, GRAYWOLF: graywolf}


def _run(
    command: Sequence[str | Path], folder: Path, log: Path, result: Path, limit_s: float
) -> None:
    with log.open("w") as out:
        try:
            code = programs.run(command, folder, log=out, timeout=limit_s).returncode
        except TimeoutExpired:
            raise PlacementError(f"placement took more than {limit_s:g} s") from None
    if code or not result.is_file():
        last = (log.read_text(errors="replace").splitlines() or [f"exit code {code}"])[-1]
        hint = "; try a lower density" if "Not all cells have been placed" in last else ""
        raise PlacementError(f"the placer stopped in {folder}: {last}{hint}")


def _cells(problem: Problem) -> Iterator[str]:
    """Yield Graywolf's lines: cells about their middles, and ports by the side they stand at."""

    def fine(value: int) -> int:
        return round(value * _FINE / problem.site)

    pins: list[list[tuple[int, int, int]]] = [[] for _ in problem.width]
    for net, members in enumerate(problem.nets):
        for cell, x, y in zip(*members, strict=True):
            pins[cell].append((net, x, y))
    right, high = problem.rows[-1][1], problem.rows[-1][3]
    for cell, fixed in enumerate(problem.fixed):
        width, height = fine(problem.width[cell]), fine(problem.height[cell])
        left, low = -(width // 2), -(height // 2)
        if fixed:
            side, share = _side(problem.x[cell], problem.y[cell], right, high)
            yield f"pad {cell + 1} name c{cell}"
            yield f"corners 4 -1 -1 -1 1 1 1 1 -1 restrict side {side} sidespace {share:.5f}"
            left, low = 0, 0
        else:
            yield f"cell {cell + 1} c{cell} nomirror"
            yield f"left {left} right {left + width} bottom {low} top {low + height}"
        for number, (net, x, y) in enumerate(pins[cell]):
            yield f"pin name p{number} signal n{net} layer 1 {left + fine(x)} {low + fine(y)}"


def _side(x: int, y: int, right: int, high: int) -> tuple[str, float]:
    """Return at which side a port stands, and which share of the way along it."""
    if 0 <= x <= right:
        return ("B" if y < 0 else "T"), x / right
    return ("L" if x < 0 else "R"), min(max(y / high, 0.0), 1.0)


def _spread(
    row: Sequence[tuple[float, int]], problem: Problem, scale: float, left: int, right: int
) -> Iterator[tuple[int, int]]:
    """Yield the cells of a row, of known middles, and corners on sites where none meets another."""
    site = problem.site
    corners = list[int]()
    end = left
    for middle, cell in row:
        wanted = left + round((middle * scale - problem.width[cell] / 2) / site) * site
        corners.append(max(wanted, end))
        end = corners[-1] + problem.width[cell]
    last = right // site * site
    for k in reversed(range(len(row))):
        corners[k] = min(corners[k], last - problem.width[row[k][1]])
        last = corners[k]
    if corners and corners[0] < left:
        raise PlacementError("Graywolf has filled a row beyond its end; try a lower density")
    yield from zip((cell for _, cell in row), corners, strict=True)
