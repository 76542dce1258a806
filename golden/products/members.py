"""The members of the family by name: blocks of their own, and older blocks that were adapted."""

import difflib
from importlib import import_module
from types import ModuleType
from typing import Any

# Where each member's golden functions are. Loaded by name when asked for, so that a member may use
# what the family shares.
MEMBERS = {
    "dense": "nomul.golden.dense",
    "bitplanes": "nomul.golden.bitplanes",
    "permdiag": "nomul.golden.permdiag",
    "circulant": "nomul.golden.circulant",
    "pow2basis": "nomul.golden.pow2basis",
    "pq": "nomul.golden.pq",
    "spimc": "nomul.golden.products.spimc",
    "sonic": "nomul.golden.products.sonic",
}

# Controllers over a member's array: planned and compared as members are, with ports of their own.
CONTROLLERS = {"epitome": "nomul.golden.products.epitome"}

# What a member calls a field of the family by another name.
NAMES: dict[str, dict[str, str]] = {
    "bitplanes": {"weight_bits": "weight_planes", "act_bits": "act_planes"},
    "spimc": {"inputs": "window", "outputs": "columns"},
    "sonic": {"weight_bits": "level_bits"},
}


def member(name: str) -> ModuleType:
    """Return a member's module: Config, compress, project, Packed, model, cycles, stimuli, ideal.

    Raises
    ------
    ValueError
        There is no such member; the message has the names that exist.
    """
    known = MEMBERS | CONTROLLERS
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        ordered = near + [other for other in known if other not in near]
        raise ValueError(f"there is no member {name!r}; there are {', '.join(ordered)}")
    return import_module(known[name])


def configure(name: str, **values: Any) -> Any:
    """Return a member's configuration from the family's names, and its own.

    Parameters
    ----------
    name
        The member.
    values
        ``inputs``, ``outputs``, ``weight_bits``, ``act_bits``, ``act_signed``, whatever the member
        calls them, and fields of its own.

    Raises
    ------
    TypeError, ValueError
        The member has no such field, or refuses the value; where it has no choice, as SONIC's
        units take signed activations only, the message says what it takes.
    """
    kind, own = member(name).Config, NAMES.get(name, {})
    given = {own.get(field, field): value for field, value in values.items()}
    fixed = {field for field in given if field not in kind.names() and hasattr(kind, field)}
    cfg = kind.from_dict({field: value for field, value in given.items() if field not in fixed})
    for field in sorted(fixed):
        if getattr(cfg, field) != given[field]:
            taken = getattr(cfg, field)
            raise ValueError(f"{name}.{field} must be {taken!r}, not {given[field]!r}")
    return cfg
