"""What the members of a component mean, read from the section ``Members`` of its docstring."""

import re
from collections.abc import Mapping

_MARKUP = re.compile(r"(?::\w+:)?`+([^`]+)`+")


def members(kind: type) -> dict[str, str]:
    """Return what a component's numpydoc ``Members`` say about each, inherited ones included.

    An entry is for all names before its colon. One that ends in ``...`` is also for the same names
    with other numbers at their ends.
    """
    from docstring_parser import numpydoc

    parser = numpydoc.NumpydocParser()
    parser.add_section(numpydoc.ParamSection("Members", "member"))
    notes: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        for entry in parser.parse(base.__dict__.get("__doc__") or "").params:
            if entry.args[0] == "member":
                said = _MARKUP.sub(r"\1", " ".join((entry.description or "").split()))
                notes |= dict.fromkeys([n.strip() for n in entry.arg_name.split(",")], said)
    return notes


def about(name: str, notes: Mapping[str, str]) -> str:
    """Return the note on a member: its own, or that of one which differs in its number alone."""
    if name in notes:
        return notes[name]
    if "..." in notes or any("..." in key for key in notes):
        stem = name.rstrip("0123456789")
        for key, said in notes.items():
            if key.rstrip("0123456789") == stem != key:
                return said
    return ""
