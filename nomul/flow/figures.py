"""The figures of a result that matter, by name, and how a number is written for people."""

from typing import Any

NAMED = 3  # nets at fault, of perhaps hundreds


def measured(row: Any) -> dict[str, Any]:
    """Return the values of a row that matter to its target."""
    clock = row.timing if row.timing and row.timing.period_ps else None  # cells without delays
    return {
        **({"area (um2)": row.area_um2} if row.area_um2 is not None else {}),
        **({"of it flip-flops": row.sequential_um2} if row.sequential_um2 is not None else {}),
        **row.resources,
        **({f"clock (MHz, {clock.tool})": clock.fmax_mhz} if clock else {}),
        **({f"smallest period (ps, {clock.tool})": clock.period_ps} if clock else {}),
        **({"wires in the clock": clock.wires} if clock and clock.wires else {}),
        **({"slack (ps)": clock.slack_ps} if clock and clock.slack_ps is not None else {}),
        "cycles per result": row.interval,
    }


def placed(result: Any) -> dict[str, Any]:
    """Return the clock of a placed design, and each kind of site with how many there are."""
    sites = {
        f"{kind} of {result.available[kind]:,}": used for kind, used in result.utilisation.items()
    }
    return {f"clock (MHz, {result.tool}, seed {result.seed})": result.fmax_mhz, **sites}


def laid_out(layout: Any) -> dict[str, Any]:
    """Return the size of a layout, its wires, and clock and energy without and with them."""
    broken = sum((layout.broken or {}).values())
    shown: dict[str, Any] = {
        "die (um x um)": f"{layout.width:.2f} x {layout.height:.2f}",
        "utilisation (%)": 100 * layout.utilisation,
        "cells": layout.cells,
        f"wires, {layout.method} (um)": layout.wire_um,
        "of it clock (um)": layout.clock_um,
    }
    if layout.method == "routed":
        shown |= {f"of it {layer} (um)": length for layer, length in layout.layer_um.items()}
        shown |= {
            "spanning trees (um)": layout.tree_um,
            "vias": layout.vias,
            "gaps closed": layout.mended,
            "nets not wired": len(layout.open),
            "nets wired together": len(layout.shorts),
            "working": layout.complete,
        }
        if layout.broken is not None:
            shown |= {f"broken rules, {why}": count for why, count in layout.broken.items()}
            shown["broken rules (Magic)"] = broken
        if layout.matches is not None:
            shown["wires match the netlist (Netgen)"] = layout.matches
    for case in layout.cases:
        wires = f"{case.wires}, {case.ff_per_um:.3f} fF/um" if case.ff_per_um else "without wires"
        if not layout.complete:
            wires += ", of a layout that does not work"
        elif broken:
            wires += f", of a layout that breaks {broken:,} rules"
        if case.timing:
            shown[f"smallest period (ps), {wires}"] = case.timing.period_ps
        if case.energy:
            shown[f"energy per {case.energy.operation} (fJ), {wires}"] = (
                case.energy.per_operation_fj
            )
    return shown


def faults(layout: Any) -> str:
    """Return in words why a routed layout does not work; nothing if it does."""
    more = ", ..." if max(len(layout.open), len(layout.shorts)) > NAMED else ""
    pairs = [" and ".join(pair) for pair in layout.shorts]
    said = {
        f"nets not wired: {len(layout.open)} ({', '.join(layout.open[:NAMED])}{more})": layout.open,
        f"nets wired together: {len(pairs)} ({', '.join(pairs[:NAMED])}{more})": pairs,
        f"connections that the router has given up: {layout.failed}": layout.failed,
        "Netgen does not find the netlist in the wires": layout.matches is False,
    }
    return "; ".join(text for text, fault in said.items() if fault)


def spent(energy: Any) -> dict[str, Any]:
    """Return an energy per operation, and what shares of it go where."""
    whole, split = energy.total_fj, energy.split
    shares = {
        "inside cells": split.internal,
        "on nets": split.switching,
        "clock": split.clock,
        "leakage": energy.leakage_fj,
    }
    time = energy.leakage_fj / split.leakage_nw
    parts = {
        f"of it module {name} (%)": 100 * (part.dynamic + part.leakage_nw * time) / whole
        for name, part in energy.parts.items()
        if len(energy.parts) > 1
    }
    return {
        f"energy per {energy.operation} (fJ)": energy.per_operation_fj,
        **{f"of it {name} (%)": 100 * share / whole for name, share in shares.items()},
        **parts,
        f"power (uW, at {energy.period_ps:,.0f} ps)": energy.power_uw,
    }


def parts(row: Any) -> tuple[dict[str, float], str]:
    """Return what a mapped design is made of, by module or kind of cell, and the unit."""
    if row.parts and row.area_um2 is not None:
        return {n: p.count * (p.area_um2 or 0.0) for n, p in row.parts.items()}, "um2"
    if row.area_um2 is not None:
        registers = row.sequential_um2 or 0.0
        return {"flip-flops": registers, "logic": row.area_um2 - registers}, "um2"
    return {name: float(count) for name, count in row.resources.items()}, "sites"


def shares(energy: Any) -> dict[str, float]:
    """Return where the energy of an operation goes, in femtojoules."""
    split, per = energy.split, energy.per_operation_fj / energy.total_fj
    whole = {"inside cells": split.internal, "on nets": split.switching, "clock": split.clock}
    whole["leakage"] = energy.leakage_fj
    return {name: per * share for name, share in whole.items()}


def number(value: Any) -> str:
    """Return a value as text: thousands apart, four significant digits of a fraction."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return str(value)
