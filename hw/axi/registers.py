"""What software sees of a design: registers at addresses, words of streams, and their fields.

A design describes itself once, as a :class:`Map`; :class:`nomul.hw.axi.bank.Bank` is that map in
hardware, and :mod:`nomul.synth.emit.registers` writes it as SystemRDL, C99 and Python. So a
component that has registers of its own puts a bank in, connects it, and keeps its map in the
attribute ``map``; emission finds it there::

    BASE = Map("engine", "Runs a network, layer by layer.", (
        identity(),
        Register("control", 0x04, (
            Field("start", 0, 1, about="Begin with the next image."),
            Field("layers", 8, 8, about="Layers to run.", reset=1),
        ), "control"),
        Register("state", 0x08, (Field("busy", 0, 1, about="An image is at work."),), "status"),
        Register("program", 0x10, (Field("word", 0, 48, about="A layer."),), "push"),
        Register("label", 0x18, (Field("label", 0, 4, about="The class."),), "pop"),
    ))

    class Engine(wiring.Component):
        def __init__(self, cfg):
            self.map, self.bank = BASE, Bank(BASE)
            super().__init__(self.bank.bus_members() | {...})

        def elaborate(self, platform):
            m = Module()
            m.submodules.bank = bank = self.bank
            bank.connect_bus(m, self)
            with m.If(bank.control_written & bank.control.start): ...
            m.d.comb += bank.state.busy.eq(busy)
            wiring.connect(m, bank.program, wiring.flipped(program))  # a stream of 48 bits

One file, since field, register, word and map are one description.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

from amaranth.hdl import Shape
from amaranth.lib import data

IDENTITY = 0x6E6F6D75  # "nomu"
WORD = 32

Kind = Literal["constant", "status", "control", "push", "pop"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Field:
    """Bits of a register or of a stream's word.

    Parameters
    ----------
    name
        An identifier; fields within fields have both names, joined by ``_``.
    offset, width
        Lowest bit, and bits of each element.
    signed
        Whether each element is two's complement.
    count
        Elements, one above the other.
    about
        What it means, in a sentence.
    reset
        Value after reset, of a ``control``, or always, of a ``constant``.
    """

    name: str
    offset: int
    width: int
    signed: bool = False
    count: int = 1
    about: str = ""
    reset: int = 0

    @property
    def end(self) -> int:
        """The first bit above it."""
        return self.offset + self.width * self.count

    def __post_init__(self) -> None:
        _check_name("field", self.name)
        if self.width < 1 or self.count < 1 or self.offset < 0:
            raise ValueError(
                f"field {self.name} must have bits: offset {self.offset}, width {self.width}, "
                f"count {self.count}"
            )
        if not 0 <= self.reset < 1 << self.width * self.count:
            raise ValueError(f"field {self.name} has {self.width} bits, so no reset {self.reset}")


@dataclass(frozen=True)
class Register:
    """Words at an address, as software reads or writes them.

    Parameters
    ----------
    name
        An identifier.
    address
        Of its lowest word, in bytes.
    fields
        Lowest first.
    kind
        ``constant``: reads its fields' ``reset``. ``status``: reads what the hardware shows.
        ``control``: written and read back by software, seen by the hardware. ``push``: writing its
        highest word sends a beat into a stream, and waits until that is taken. ``pop``: reading its
        lowest word takes a beat from a stream, and waits until there is one.
    about
        What it is, in a sentence or two.
    """

    name: str
    address: int
    fields: tuple[Field, ...]
    kind: Kind = "status"
    about: str = ""

    @property
    def bits(self) -> int:
        """Bits that its fields take, gaps included."""
        return max(field.end for field in self.fields)

    @property
    def words(self) -> int:
        """Words of 32 bits that it takes."""
        return -(-self.bits // WORD)

    @property
    def size(self) -> int:
        """Bytes that it takes and is aligned to, a power of two."""
        return 4 << (self.words - 1).bit_length()

    @property
    def access(self) -> str:
        """What software may do: ``r``, ``w`` or ``rw``."""
        return {"control": "rw", "push": "w"}.get(self.kind, "r")

    @property
    def reset(self) -> int:
        """Value after reset."""
        return sum(field.reset << field.offset for field in self.fields)

    def __post_init__(self) -> None:
        _check_name("register", self.name)
        if self.kind not in KINDS:
            raise ValueError(f"{self.name}: kind must be {', '.join(KINDS)}, not {self.kind!r}")
        if not self.fields:
            raise ValueError(f"register {self.name} has no fields")
        _check_fields(self.name, self.fields)
        if self.kind not in ("push", "pop") and self.words > 1:
            raise ValueError(f"port {self.name} has {self.bits} bits, and a register has {WORD}")
        if self.address < 0 or self.address % self.size:
            raise ValueError(
                f"register {self.name} of {self.size} bytes cannot lie at {self.address:#x}"
            )


@dataclass(frozen=True)
class Word:
    """The word of an AXI stream, ``tdata``: it has fields, and no address."""

    name: str
    fields: tuple[Field, ...]
    outward: bool
    last: bool = False
    about: str = ""

    def __post_init__(self) -> None:
        _check_name("stream", self.name)
        _check_fields(self.name, self.fields)


@dataclass(frozen=True)
class Map:
    """Everything that software sees of a design.

    Parameters
    ----------
    name, about
        Of the design; its name, and what it is in a line.
    registers
        In the order of their addresses.
    words
        Of streams that are not behind registers.
    """

    name: str
    about: str
    registers: tuple[Register, ...]
    words: tuple[Word, ...] = ()

    def __post_init__(self) -> None:
        _check_name("map", self.name)
        names = [entry.name for entry in (*self.registers, *self.words)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"map {self.name} has {name} twice")
        for one, other in pairwise(self.registers):
            if one.address + 4 * one.words > other.address:
                raise ValueError(
                    f"map {self.name}: {other.name} at {other.address:#x} lies within {one.name} "
                    f"or before it"
                )

    @property
    def bytes(self) -> int:
        """Bytes from address zero to behind the last register."""
        return max((r.address + 4 * r.words for r in self.registers), default=0)

    @property
    def address_bits(self) -> int:
        """Width of an address, at least 3."""
        return max((self.bytes - 1).bit_length(), 3)

    def to_list(self) -> list[dict[str, Any]]:
        """Return the registers for the manifest."""
        return [_described(register) for register in self.registers]


def identity() -> Register:
    """Return the register at address zero, by which software knows that it is at the right place.

    Its value is :data:`IDENTITY`.
    """
    about = 'Always 0x6e6f6d75, "nomu": what software looks at first.'
    return Register("identity", 0, (Field("identity", 0, WORD, reset=IDENTITY),), "constant", about)


def stack(
    registers: Mapping[str, tuple[tuple[Field, ...], Kind, str]], base: int = 0
) -> tuple[Register, ...]:
    """Return registers one above the other from a base address, each aligned to its size."""
    stacked, address = list[Register](), base
    for name, (fields, kind, about) in registers.items():
        size = Register(name, 0, fields, kind).size
        address = -(-address // size) * size
        stacked.append(Register(name, address, fields, kind, about))
        address += size
    return tuple(stacked)


def fields_of(shape: Any, name: str, notes: Mapping[str, str] | None = None) -> tuple[Field, ...]:
    """Return the fields of a shape, those of structures within it included.

    Parameters
    ----------
    shape
        Of a port or of a payload.
    name
        Of the only field, where the shape has none of its own.
    notes
        What fields mean, by their names.
    """
    notes = notes or {}
    found = list(_flat(shape, "", 0))
    return tuple(
        Field(key or name, at, width, signed, count, notes.get(key, ""))
        for key, at, width, signed, count in found
    )


def _flat(shape: Any, path: str, at: int) -> Iterator[tuple[str, int, int, bool, int]]:
    if isinstance(shape, data.StructLayout):
        for key, inner in shape:
            below = f"{path}_{key}" if path else str(key)
            yield from _flat(inner.shape, below, at + inner.offset)
        return
    count = 1
    while isinstance(shape, data.ArrayLayout):
        count, shape = count * shape.length, shape.elem_shape
    plain = Shape.cast(shape)
    if plain.width and count:
        signed = plain.signed and not isinstance(shape, data.Layout)
        yield path, at, plain.width, signed, count


def _described(register: Register) -> dict[str, Any]:
    """Return a register as the manifest has it.

    ``width`` and ``signed`` are of the value, where there is only one field.
    """
    fields = [
        {
            "name": field.name,
            "offset": field.offset,
            "width": field.width,
            "signed": field.signed,
            "count": field.count,
            "about": field.about,
        }
        for field in register.fields
    ]
    return {
        "name": register.name,
        "address": register.address,
        "width": register.bits,
        "signed": len(fields) == 1 and register.fields[0].signed,
        "access": register.access,
        "kind": register.kind,
        "about": register.about,
        "fields": fields,
    }


_IDENTIFIER = re.compile(r"[A-Za-z]\w*\Z")


def _check_name(what: str, name: str) -> None:
    if not _IDENTIFIER.match(name):
        raise ValueError(f"{what} must be named by an identifier, not {name!r}")


def _check_fields(name: str, fields: tuple[Field, ...]) -> None:
    seen = set[str]()
    for one in fields:
        if one.name in seen:
            raise ValueError(f"{name} has the field {one.name} twice")
        seen.add(one.name)
    for one, other in pairwise(fields):
        if one.end > other.offset:
            raise ValueError(
                f"{name}: field {other.name} at bit {other.offset} lies within {one.name}"
            )
