"""From the text of a Liberty file to its cells, by the library `liberty-parser`."""

import itertools
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from nomul.synth.map.cells import (
    ALWAYS,
    Cell,
    Condition,
    Floats,
    Internal,
    Leakage,
    Library,
    Pin,
    Slew,
    Table,
)


def parse(text: str) -> Library:
    """Return the cells of a Liberty file's text.

    Raises
    ------
    ValueError
        A unit, a table or a Boolean operator is of a kind that is not understood.
    """
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
            clock="true" in (_text(group.get(n, "")) for n in ("clock", "clock_gate_clock_pin")),
            function=condition(group, "function") if group.get("function") else None,
            gate=_text(group.get("clock_gate_out_pin", "")) == "true",
            max_capacitance=float(group.get("max_capacitance", math.inf)) * self.units.capacitance,
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
