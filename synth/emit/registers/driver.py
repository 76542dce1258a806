"""A register map as a Python module that drives the design and needs nothing but Python."""

from collections.abc import Sequence

from nomul.hw.axi.registers import Field, Map
from nomul.synth.emit.registers.systemrdl import explained
from nomul.version import __version__

_CLASS = '''\
"""Registers and words of {name}: {about}

Emitted by nomul {version}.
This file belongs to whoever emitted it; nomul's licence makes no claim on it.
"""

NAME = {name!r}
IDENTITY = {identity}

# Name: address, words of 32 bits, access (r, w, rw), what it is, fields.
# A field is lowest bit, bits, signed, elements, what it means.
REGISTERS = {registers}

# Words of streams (tdata): what they are, fields.
WORDS = {words}


class Driver:
    """The registers of {name}, behind functions that read and write 32 bits.

    Parameters
    ----------
    read
        Takes an address in bytes and returns the word there.
    write
        Takes an address in bytes and a word.
    base
        Address of the design.
    """

    def __init__(self, read, write, base=0):
        self._read, self._write, self.base = read, write, base

    def check(self):
        """Raise an error unless the design is at its address."""
        found = self._read(self.base)
        if found != IDENTITY:
            raise ValueError(f"{{NAME}} is not at {{self.base:#x}}: identity {{found:#x}}")

    def read(self, name):
        """Return the fields of a register by name; of a single field, its value."""
        return _taken_apart(_entry(REGISTERS, name)[4], self.read_word(name))

    def read_word(self, name):
        """Return all bits of a register."""
        address, words, access, _, _ = _entry(REGISTERS, name)
        if "r" not in access:
            raise ValueError(f"{{name}} is for writing only")
        parts = [self._read(self.base + address + 4 * k) for k in range(words)]
        return sum(part << 32 * k for k, part in enumerate(parts))

    def write(self, name, *value, **values):
        """Write a register: fields by name, those not given 0, or the value of a single one."""
        self.write_word(name, _put_together(name, _entry(REGISTERS, name)[4], value, values))

    def write_word(self, name, word):
        """Write all bits of a register."""
        address, words, access, _, _ = _entry(REGISTERS, name)
        if "w" not in access:
            raise ValueError(f"{{name}} is for reading only")
        for k in range(words):
            self._write(self.base + address + 4 * k, word >> 32 * k & 0xFFFFFFFF)


def pack(name, *value, **values):
    """Return the word of a stream: fields by name, those not given 0, or that of a single one."""
    return _put_together(name, _entry(WORDS, name)[1], value, values)


def unpack(name, word):
    """Return the fields of a stream's word by name; of a single field, its value."""
    return _taken_apart(_entry(WORDS, name)[1], word)


def _entry(table, name):
    if name not in table:
        raise ValueError(f"{{NAME}} has no {{name!r}}; it has {{', '.join(table)}}")
    return table[name]


def _taken_apart(fields, word):
    found = {{name: _value(word, *field[:4]) for name, field in fields.items()}}
    return found if len(found) > 1 else next(iter(found.values()))


def _value(word, lsb, bits, signed, count):
    values = []
    for k in range(count):
        value = word >> lsb + k * bits & (1 << bits) - 1
        values.append(value - (1 << bits) if signed and value >> bits - 1 else value)
    return values if count > 1 else values[0]


def _put_together(name, fields, value, values):
    if value:
        if len(value) > 1 or len(fields) > 1 or values:
            raise ValueError(f"{{name}} has the fields {{', '.join(fields)}}: name them")
        values = {{next(iter(fields)): value[0]}}
    word = 0
    for field, given in values.items():
        if field not in fields:
            raise ValueError(f"{{name}} has no field {{field!r}}; it has {{', '.join(fields)}}")
        lsb, bits, signed, count = fields[field][:4]
        given = list(given) if count > 1 else [given]
        if len(given) != count:
            raise ValueError(f"{{name}}.{{field}} has {{count}} elements, not {{len(given)}}")
        least = -(1 << bits - 1) if signed else 0
        for k, one in enumerate(given):
            if not least <= one < least + (1 << bits):
                raise ValueError(f"{{name}}.{{field}} of {{bits}} bits cannot hold {{one}}")
            word |= (one & (1 << bits) - 1) << lsb + k * bits
    return word
'''


def text(about: Map) -> str:
    """Return a map as a Python module: a class ``Driver``, and ``pack`` and ``unpack`` of words."""
    registers = [
        (r.name, f"{r.address:#x}, {r.words}, {r.access!r}, ", r.about, r.fields)
        for r in about.registers
    ]
    words = [(w.name, "", w.about, w.fields) for w in about.words]
    identity = hex(about.registers[0].reset) if about.registers else "None"
    return _CLASS.format(
        name=about.name,
        about=about.about,
        version=__version__,
        identity=identity,
        registers=_table(registers),
        words=_table(words),
    )


def _table(entries: Sequence[tuple[str, str, str, Sequence[Field]]]) -> str:
    """Return entries as a literal: of each its name, the start of its tuple, text and fields."""
    lines = ["{"]
    for name, start, said, fields in entries:
        lines.append(f"    {name!r}: ({start}{said!r}, {{")
        for field in fields:
            place = f"{field.offset}, {field.width}, {field.signed}, {field.count}"
            lines.append(f"        {field.name!r}: ({place}, {explained(field)!r}),")
        lines.append("    }),")
    return "\n".join([*lines, "}"])
