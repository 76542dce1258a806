"""A register map as SystemRDL 2.0, from which other tools make IP-XACT, HTML and more."""

import json

from nomul.hw.axi.registers import WORD, Field, Map, Register
from nomul.version import __version__

# What software may do, and what the hardware does, with the fields of each kind of register. A
# stream is outside, since reading or writing it does more than that.
_FIELDS = {
    "constant": ("sw = r; hw = na;", ""),
    "status": ("sw = r; hw = w;", ""),
    "control": ("sw = rw; hw = r;", ""),
    "push": ("sw = w; hw = r; onwrite = wuser;", "external "),
    "pop": ("sw = r; hw = w; onread = ruser;", "external "),
}


def text(about: Map) -> str:
    """Return a map as SystemRDL.

    Registers of streams are ``external``, as wide as a power of two of words of 32 bits. SystemRDL
    has no arrays of fields: one with several elements is a single field, whose description says
    how many there are.
    """
    lines = [
        f"// {about.name}: emitted by nomul {__version__}.",
        "// This file belongs to whoever emitted it; nomul's licence makes no claim on it.",
        f"addrmap {about.name} {{",
        f"  name = {_string(about.name)};",
        *_described(about.about, "  "),
        f"  default accesswidth = {WORD};",
    ]
    for register in about.registers:
        properties, external = _FIELDS[register.kind]
        lines += [
            f"  {external}reg {{",
            f"    regwidth = {8 * register.size};",
            *_described(register.about, "    "),
        ]
        for field in register.fields:
            lines += _field(register, field, properties)
        lines.append(f"  }} \\{register.name} @ {register.address:#x};")
    return "\n".join([*lines, "};", ""])


def _field(register: Register, field: Field, properties: str) -> list[str]:
    reset = register.kind in ("constant", "control")
    width = field.width * field.count
    value = f" = {width}'h{field.reset:x}" if reset else ""
    said = explained(field)
    if not field.about and len(register.fields) == 1:
        said = f"{register.about} {said}".rstrip()
    return [
        "    field {",
        f"      {properties}",
        *_described(said, "      "),
        f"    }} \\{field.name}[{field.end - 1}:{field.offset}]{value};",
    ]


def explained(field: Field) -> str:
    """Return what a field means, with its sign and its elements."""
    notes = [field.about.rstrip(".")] if field.about else []
    if field.count > 1:
        notes.append(f"{field.count} elements of {field.width} bits, the first one lowest")
    if field.signed:
        notes.append("Two's complement")
    return "".join(f"{note}. " for note in notes).rstrip()


def _described(about: str, indent: str) -> list[str]:
    return [f"{indent}desc = {_string(about)};"] if about else []


def _string(text: str) -> str:
    """Return a string literal; SystemRDL knows two escapes, and takes other characters as such."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)
