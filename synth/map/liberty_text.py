"""From the statements of a Liberty file to its cells."""

import re
from collections.abc import Mapping
from functools import cache

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
from nomul.synth.map.functions import truth_table
from nomul.synth.map.liberty_tidy import Statement


def extract(top: Statement) -> Library:
    """Return the cells of a library.

    Raises
    ------
    ValueError
        A unit, a table or a Boolean operator is of a kind that is not understood.
    """
    units = _Units(top)
    templates = {
        group.argument(): tuple(group.get(f"variable_{k}") for k in (1, 2, 3))
        for kind in ("lu_table_template", "power_lut_template")
        for group in top.groups(kind)
    }
    reader = _Extract(units, templates)
    cells = [reader.cell(group) for group in top.groups("cell")]
    return Library(top.argument(), units.voltage, {cell.name: cell for cell in cells})


class _Units:
    """The file's units as factors to ours."""

    def __init__(self, top: Statement):
        unit = next((s.values for s in top.body or () if s.name == "capacitive_load_unit"), None)
        if unit is None or len(unit) != 2:
            raise ValueError("the library has no capacitive_load_unit (number, unit)")
        text = "".join(value.strip('"') for value in unit)
        self.capacitance = _quantity("capacitive_load_unit", text, "f") / 1e-15
        self.time = _unit(top, "time_unit", "1ns") / 1e-9
        self.power = _unit(top, "leakage_power_unit", "1nW") / 1e-9
        volt = _unit(top, "voltage_unit", "1V")
        self.voltage = _number("nom_voltage", top.get("nom_voltage")) * volt
        # Liberty: the unit of internal energy is that of capacitance times voltage squared.
        self.energy = self.capacitance * volt**2


_PREFIX = {"a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0}


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, not {text!r}") from None


def _amount(group: Statement, name: str, unit: float, default: str = "0") -> float:
    return _number(name, group.get(name, default)) * unit


def _unit(top: Statement, name: str, default: str) -> float:
    return _quantity(name, top.get(name, default), "svw")


def _quantity(name: str, text: str, units: str) -> float:
    """Return what a text such as ``1ns`` is in seconds, volts, watts or farads."""
    found = re.fullmatch(rf"([\d.]*)([afpnum]?)[{units}]", text.replace(" ", "").lower())
    if found is None:
        raise ValueError(f"{name} is {text!r}, which is no unit known here")
    return _number(name, found[1] or "1") * _PREFIX[found[2]]


class _Extract:
    """Turns groups of the parser into the classes above."""

    def __init__(self, units: _Units, templates: Mapping[str, tuple[str, ...]]):
        self.units, self.templates = units, templates

    def cell(self, group: Statement) -> Cell:
        name = group.argument()
        state = [g.values for kind in ("ff", "latch") for g in group.groups(kind)]
        pins = [pin for pin in group.groups("pin")]
        leaks = group.groups("leakage_power")
        return Cell(
            name=name,
            pins=tuple(self.pin(pin) for pin in pins),
            state=tuple(name.strip('"') for names in state for name in names),
            leakage_power=_amount(group, "cell_leakage_power", self.units.power),
            leakage=tuple(
                Leakage(
                    condition(g, "when"),
                    _amount(g, "value", self.units.power),
                )
                for g in leaks
            ),
            internal=tuple(
                arc
                for pin in pins
                for g in pin.groups("internal_power")
                for arc in self.internal(pin.argument(), g)
            ),
            slews=tuple(
                arc
                for pin in pins
                for g in pin.groups("timing")
                for arc in self.slews(pin.argument(), g)
            ),
        )

    def pin(self, group: Statement) -> Pin:
        return Pin(
            name=group.argument(),
            direction=group.get("direction", "input"),
            capacitance=_amount(group, "capacitance", self.units.capacitance),
            clock="true" in (group.get(n) for n in ("clock", "clock_gate_clock_pin")),
            function=condition(group, "function") if group.get("function") else None,
            gate=group.get("clock_gate_out_pin") == "true",
            max_capacitance=_amount(group, "max_capacitance", self.units.capacitance, "inf"),
        )

    def internal(self, pin: str, group: Statement) -> list[Internal]:
        both = self.table(group, "power", self.units.energy)
        rise = self.table(group, "rise_power", self.units.energy) or both
        fall = self.table(group, "fall_power", self.units.energy) or both
        if rise is None or fall is None:
            return []
        related = group.get("related_pin").split() or [""]
        when = condition(group, "when")
        return [Internal(pin, name, when, rise, fall) for name in related]

    def slews(self, pin: str, group: Statement) -> list[Slew]:
        rise = self.table(group, "rise_transition", self.units.time)
        fall = self.table(group, "fall_transition", self.units.time)
        if rise is None and fall is None:
            return []
        sense = group.get("timing_sense", "non_unate")
        related = group.get("related_pin").split()
        rise, fall = rise or fall, fall or rise
        assert rise is not None
        assert fall is not None
        return [Slew(pin, name, sense, rise, fall) for name in related]

    def table(self, group: Statement, name: str, unit: float) -> Table | None:
        groups = group.groups(name)
        if not groups:
            return None
        table = groups[0]
        rows = table.numbers("values")
        template = table.argument() or "scalar"
        if template == "scalar":
            return Table((), (), _tuples(np.atleast_2d(rows) * unit))
        if template not in self.templates:
            raise ValueError(f"table {name} has no template {template}")
        kinds = [_axis(variable) for variable in self.templates[template] if variable]
        if len(kinds) > 2 or len(set(kinds)) != len(kinds):
            raise ValueError(f"table {name} of template {template} has axes {kinds}")
        axes = {
            kind: tuple(x for row in table.numbers(f"index_{k + 1}") for x in row)
            for k, kind in enumerate(kinds)
        }
        values = np.array([x for row in rows for x in row]) * unit
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


def condition(group: Statement, name: str) -> Condition:
    """Return a Boolean attribute of a parsed group as a truth table; true if there is none."""
    text = group.get(name)
    return _condition(text) if text else ALWAYS


@cache
def _condition(text: str) -> Condition:
    return Condition(*truth_table(text))
