"""The members of the family by name: blocks of their own, and older blocks that were adapted."""

import difflib
from importlib import import_module
from types import ModuleType

# Where each member's golden functions are. Loaded by name when asked for, so that a member may use
# what the family shares.
MEMBERS = {
    "dense": "nomul.golden.dense",
    "bitplanes": "nomul.golden.bitplanes",
    "spimc": "nomul.golden.products.spimc",
    "sonic": "nomul.golden.products.sonic",
}


def member(name: str) -> ModuleType:
    """Return a member's module: Config, compress, project, Packed, model, cycles, stimuli, ideal.

    Raises
    ------
    ValueError
        There is no such member; the message has the names that exist.
    """
    if name not in MEMBERS:
        near = difflib.get_close_matches(name, MEMBERS, n=1)
        ordered = near + [other for other in MEMBERS if other not in near]
        raise ValueError(f"there is no member {name!r}; there are {', '.join(ordered)}")
    return import_module(MEMBERS[name])
