"""Standard cells of a Liberty file: capacitances, slews, energies and leakage, in fixed units.

Everything comes out in volts, nanoseconds, femtofarads, femtojoules and nanowatts, whatever the
file's own units are.
"""

import dataclasses
import hashlib
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Goes into the names of cached extracts; a change of what is extracted changes it.
_FORMAT = 1


@dataclass(frozen=True)
class Table:
    """A look-up table over input slew (ns) and load (fF).

    ``slew`` or ``load`` is empty where the value does not depend on it; ``values`` has one row for
    each slew.
    """

    slew: tuple[float, ...]
    load: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def at(self, slew: ArrayLike, load: ArrayLike) -> Floats:
        """Return the values at slews and loads of one shape.

        Bilinear between the four neighbours; beyond the table's edge, the plane of its last four
        points.
        """
        grid = np.array(self.values, dtype=np.float64)
        i, a = _between(self.slew, np.asarray(slew, dtype=np.float64))
        j, b = _between(self.load, np.asarray(load, dtype=np.float64))
        right, below = np.minimum(j + 1, grid.shape[1] - 1), np.minimum(i + 1, grid.shape[0] - 1)
        upper = grid[i, j] * (1 - b) + grid[i, right] * b
        lower = grid[below, j] * (1 - b) + grid[below, right] * b
        return upper * (1 - a) + lower * a


def _between(axis: Sequence[float], at: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the left neighbours and the distances from them, in steps of the axis."""
    if len(axis) < 2:
        return np.zeros(at.shape, dtype=np.intp), np.zeros(at.shape)
    points = np.array(axis)
    left = np.clip(np.searchsorted(points, at, side="right") - 1, 0, len(points) - 2)
    return left, (at - points[left]) / (points[left + 1] - points[left])


@dataclass(frozen=True)
class Condition:
    """A Boolean function of a cell's pins as a truth table; pin 0 is bit 0 of the index."""

    pins: tuple[str, ...] = ()
    table: tuple[bool, ...] = (True,)

    def holds(self, values: Mapping[str, Bools]) -> Bools:
        """Return where it is true, for values of the pins of one shape."""
        index = sum((values[p].astype(np.intp) << k for k, p in enumerate(self.pins)), np.intp(0))
        return np.array(self.table)[index]


ALWAYS = Condition()


@dataclass(frozen=True)
class Pin:
    """A pin: ``input`` or ``output``, capacitance in fF, and what an output computes.

    ``function`` is in terms of pins and, in sequential cells, of the state variables.
    """

    name: str
    direction: str
    capacitance: float
    clock: bool
    function: Condition | None


@dataclass(frozen=True)
class Leakage:
    """Leakage power in nW while a condition holds."""

    when: Condition
    power: float


@dataclass(frozen=True)
class Internal:
    """Energy in fJ of a transition of ``pin``, without what charges its load.

    ``related`` is the input that caused it; empty for the energy that an input's own transition
    takes where no output moves.
    """

    pin: str
    related: str
    when: Condition
    rise: Table
    fall: Table


@dataclass(frozen=True)
class Slew:
    """Slew in ns of the transitions of ``pin`` that ``related`` causes.

    ``sense`` is that of the arc: ``positive_unate``, ``negative_unate`` or ``non_unate``.
    """

    pin: str
    related: str
    sense: str
    rise: Table
    fall: Table


@dataclass(frozen=True)
class Cell:
    """A cell of the library; ``state`` names the variables of its flip-flop or latch."""

    name: str
    pins: tuple[Pin, ...]
    state: tuple[str, ...]
    leakage_power: float
    leakage: tuple[Leakage, ...]
    internal: tuple[Internal, ...]
    slews: tuple[Slew, ...]

    def pin(self, name: str) -> Pin:
        """Return a pin by name."""
        return next(pin for pin in self.pins if pin.name == name)

    @property
    def inputs(self) -> list[str]:
        """Names of the input pins."""
        return [pin.name for pin in self.pins if pin.direction == "input"]

    @property
    def outputs(self) -> list[str]:
        """Names of the output pins."""
        return [pin.name for pin in self.pins if pin.direction == "output"]

    def states(self) -> dict[str, Bools]:
        """Return every combination of inputs and stored bits, bool[2**k] for each pin.

        Outputs follow from their functions; the second state variable is the complement of the
        first.
        """
        free = [*self.inputs, *self.state[:1]]
        values = {
            name: (np.arange(1 << len(free)) >> k & 1).astype(bool) for k, name in enumerate(free)
        }
        for name in self.state[1:2]:
            values[name] = ~values[self.state[0]]
        for pin in self.pins:
            if pin.name not in values:
                function = pin.function or ALWAYS
                values[pin.name] = np.broadcast_to(function.holds(values), (1 << len(free),))
        return values

    @property
    def clocks(self) -> list[str]:
        """Names of the clock pins."""
        return [pin.name for pin in self.pins if pin.clock]


@dataclass(frozen=True)
class Library:
    """Cells by name, and the supply voltage that they were characterised at."""

    name: str
    voltage: float
    cells: Mapping[str, Cell] = field(default_factory=dict)

    def cell(self, name: str) -> Cell:
        """Return a cell; one that is not there is an error that names the library."""
        if name not in self.cells:
            raise ValueError(f"library {self.name} has no cell {name}")
        return self.cells[name]


@cache
def read(path: Path) -> Library:
    """Return the cells of a Liberty file.

    Parsing takes seconds, so what was extracted is kept in the user's cache folder
    (``XDG_CACHE_HOME``), under the hash of the file.

    Raises
    ------
    ValueError
        A unit or a table is of a kind that is not understood; the message names it.
    """
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()[:16]
    kept = _cache_folder() / f"liberty-{_FORMAT}-{digest}.json"
    if kept.is_file():
        return _from_json(json.loads(kept.read_text()))
    library = parse(data.decode())
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(dataclasses.asdict(library)))
        partial.replace(kept)
    except OSError:  # a read-only home costs time, nothing else
        pass
    return library


def parse(text: str) -> Library:
    """Return the cells of a Liberty file's text; as :func:`read`, without the cache."""
    from liberty.parser import parse_liberty

    top = parse_liberty(text)
    units = _Units(top)
    templates = {
        group.args[0]: tuple(_text(group.get(f"variable_{k}", "")) for k in (1, 2, 3))
        for kind in ("lu_table_template", "power_lut_template")
        for group in top.get_groups(kind)
    }
    extract = _Extract(units, templates)
    cells = [extract.cell(group) for group in top.get_groups("cell")]
    return Library(_text(top.args[0]), units.voltage, {cell.name: cell for cell in cells})


class _Units:
    """The file's units as factors to ours."""

    def __init__(self, top: Any):
        size, unit = top["capacitive_load_unit"]
        self.capacitance = float(size) * _PREFIX[_text(unit).lower()[0]] / 1e-15
        self.time = _unit(top, "time_unit", "1ns") / 1e-9
        self.power = _unit(top, "leakage_power_unit", "1nW") / 1e-9
        volt = _unit(top, "voltage_unit", "1V")
        self.voltage = float(top["nom_voltage"]) * volt
        # Liberty: the unit of internal energy is that of capacitance times voltage squared.
        self.energy = self.capacitance * volt**2


_PREFIX = {"a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "v": 1.0, "w": 1.0}


def _unit(top: Any, name: str, default: str) -> float:
    text = _text(top.get(name, default))
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzWVAHF")
    prefix = text[len(number) :].lower()[:1]
    if prefix not in _PREFIX:
        raise ValueError(f"{name} is {text!r}, which is no unit known here")
    return float(number or 1) * _PREFIX[prefix]


class _Extract:
    """Turns groups of the parser into the classes above."""

    def __init__(self, units: _Units, templates: Mapping[str, tuple[str, ...]]):
        self.units, self.templates = units, templates

    def cell(self, group: Any) -> Cell:
        state = [g.args for kind in ("ff", "latch") for g in group.get_groups(kind)]
        pins = [pin for pin in group.get_groups("pin")]
        leaks = group.get_groups("leakage_power")
        return Cell(
            name=_text(group.args[0]),
            pins=tuple(self.pin(pin) for pin in pins),
            state=tuple(_text(name) for names in state for name in names),
            leakage_power=float(group.get("cell_leakage_power", 0.0)) * self.units.power,
            leakage=tuple(
                Leakage(condition(g, "when"), float(g["value"]) * self.units.power) for g in leaks
            ),
            internal=tuple(
                found
                for pin in pins
                for g in pin.get_groups("internal_power")
                for found in self.internal(_text(pin.args[0]), g)
            ),
            slews=tuple(
                found
                for pin in pins
                for g in pin.get_groups("timing")
                for found in self.slews(_text(pin.args[0]), g)
            ),
        )

    def pin(self, group: Any) -> Pin:
        return Pin(
            name=_text(group.args[0]),
            direction=_text(group.get("direction", "input")),
            capacitance=float(group.get("capacitance", 0.0)) * self.units.capacitance,
            clock=_text(group.get("clock", "false")) == "true",
            function=condition(group, "function") if group.get("function") else None,
        )

    def internal(self, pin: str, group: Any) -> list[Internal]:
        both = self.table(group, "power", self.units.energy)
        rise = self.table(group, "rise_power", self.units.energy) or both
        fall = self.table(group, "fall_power", self.units.energy) or both
        if rise is None or fall is None:
            return []
        related = _text(group.get("related_pin", "")).split() or [""]
        when = condition(group, "when")
        return [Internal(pin, name, when, rise, fall) for name in related]

    def slews(self, pin: str, group: Any) -> list[Slew]:
        rise = self.table(group, "rise_transition", self.units.time)
        fall = self.table(group, "fall_transition", self.units.time)
        if rise is None and fall is None:
            return []
        sense = _text(group.get("timing_sense", "non_unate"))
        related = _text(group.get("related_pin", "")).split()
        rise, fall = rise or fall, fall or rise
        assert rise is not None
        assert fall is not None
        return [Slew(pin, name, sense, rise, fall) for name in related]

    def table(self, group: Any, name: str, unit: float) -> Table | None:
        found = group.get_groups(name)
        if not found:
            return None
        table = found[0]
        values = np.atleast_2d(np.asarray(table.get_array("values"), dtype=np.float64)) * unit
        template = _text(table.args[0]) if table.args else "scalar"
        if template == "scalar":
            return Table((), (), _tuples(values))
        kinds = [_axis(variable) for variable in self.templates[template] if variable]
        if len(kinds) > 2 or len(set(kinds)) != len(kinds):
            raise ValueError(f"table {name} of template {template} has axes {kinds}")
        axes = {
            kind: tuple(np.asarray(table.get_array(f"index_{k + 1}")).ravel().tolist())
            for k, kind in enumerate(kinds)
        }
        values = values.reshape([len(axes[kind]) for kind in kinds])
        if kinds == ["load", "slew"]:
            values = values.T
        elif kinds == ["slew"]:
            values = values[:, None]
        elif kinds == ["load"]:
            values = values[None, :]
        slew = tuple(s * self.units.time for s in axes.get("slew", ()))
        load = tuple(c * self.units.capacitance for c in axes.get("load", ()))
        return Table(slew, load, _tuples(values))


def _axis(variable: str) -> str:
    if variable in ("input_transition_time", "input_net_transition"):
        return "slew"
    if variable == "total_output_net_capacitance":
        return "load"
    return variable


def _tuples(values: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in values.tolist())


def condition(group: Any, name: str) -> Condition:
    """Return a Boolean attribute of a parsed group as a truth table; true if there is none."""
    text = group.get(name)
    return _truth_table(_text(text)) if text else ALWAYS


@cache
def _truth_table(text: str) -> Condition:
    from liberty.boolean_functions import parse_boolean_function

    expression = parse_boolean_function(text)
    pins = tuple(sorted(str(symbol) for symbol in expression.free_symbols))
    rows = itertools.product((False, True), repeat=len(pins))
    return Condition(
        pins, tuple(_evaluate(expression, dict(zip(pins[::-1], row, strict=True))) for row in rows)
    )


def _evaluate(expression: Any, values: Mapping[str, bool]) -> bool:
    """Return the value of a sympy expression of And, Or, Xor, Not, symbols and constants."""
    if expression.is_Symbol:
        return values[str(expression)]
    kind, inner = type(expression).__name__, [_evaluate(arg, values) for arg in expression.args]
    known = {
        "And": all(inner),
        "Or": any(inner),
        "Xor": sum(inner) % 2 == 1,
        "Not": inner[:1] == [False],
        "BooleanTrue": True,
        "BooleanFalse": False,
    }
    if kind not in known:
        raise ValueError(f"Boolean operator {kind} in {expression} is not known here")
    return known[kind]


def _text(value: Any) -> str:
    return str(getattr(value, "value", value)).strip('"')


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nomul"


def _from_json(values: dict[str, Any]) -> Library:
    cells = {name: _cell_from(cell) for name, cell in values["cells"].items()}
    return Library(values["name"], values["voltage"], cells)


def _cell_from(v: dict[str, Any]) -> Cell:
    def when(c: Any) -> Condition:
        return Condition(tuple(c["pins"]), tuple(c["table"]))

    def table(t: Any) -> Table:
        return Table(tuple(t["slew"]), tuple(t["load"]), tuple(map(tuple, t["values"])))

    def tables(t: Any) -> dict[str, Table]:
        return {"rise": table(t["rise"]), "fall": table(t["fall"])}

    return Cell(
        name=v["name"],
        pins=tuple(
            Pin(**{**p, "function": when(p["function"]) if p["function"] else None})
            for p in v["pins"]
        ),
        state=tuple(v["state"]),
        leakage_power=v["leakage_power"],
        leakage=tuple(Leakage(when(x["when"]), x["power"]) for x in v["leakage"]),
        internal=tuple(
            Internal(x["pin"], x["related"], when(x["when"]), **tables(x)) for x in v["internal"]
        ),
        slews=tuple(Slew(x["pin"], x["related"], x["sense"], **tables(x)) for x in v["slews"]),
    )
