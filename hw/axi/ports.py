"""What the ports of a top level are on AXI: streams with their fields, and registers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import data, wiring

from nomul.hw.axi import notes
from nomul.hw.axi.registers import Field, Kind, Register, Word, fields_of, identity, stack

LAST = "last"


@dataclass(frozen=True)
class Port:
    """A stream of the block, and how its payload lies in ``tdata``.

    Attributes
    ----------
    path, shape, outward
        Of the block's member.
    fields
        Name, shape, offset in the payload and offset in ``tdata`` of each field, lowest first. The
        field ``last`` is not there: it is ``tlast``. A plain payload is one field without a name.
    """

    path: tuple[str, ...]
    shape: Any
    outward: bool
    fields: tuple[tuple[str, Any, int, int], ...]

    @property
    def name(self) -> str:
        """Prefix of the AXI signals."""
        return f"{'m' if self.outward else 's'}_axis_{'_'.join(self.path)}"

    @property
    def width(self) -> int:
        """Bits of the payload without ``last``."""
        return sum(Shape.cast(shape).width for _, shape, _, _ in self.fields)

    @property
    def bytes(self) -> int:
        """Bytes of ``tdata``."""
        return (self.width + 7) // 8

    @property
    def has_last(self) -> bool:
        """Whether there is ``tlast``."""
        return isinstance(self.shape, data.Layout) and LAST in dict(iter(self.shape))

    def of(self, top: wiring.Component) -> Any:
        """Return the stream itself, of the component that it was found in."""
        member: Any = top
        for name in self.path:
            member = getattr(member, name)
        return member

    def described(self, notes: Mapping[str, str] | None = None) -> tuple[Field, ...]:
        """Return the fields of ``tdata``, those within them included, with what they mean."""
        found = list[Field]()
        for name, shape, _, at in self.fields:
            nested = isinstance(shape, data.StructLayout)
            for one in fields_of(shape, name or self.path[-1]):
                full = f"{name}_{one.name}" if nested else one.name
                about = (notes or {}).get(full, "")
                found.append(replace(one, name=full, offset=at + one.offset, about=about))
        return tuple(found)

    @property
    def signed(self) -> bool:
        """Whether padding copies the sign of the highest field, rather than being zero."""
        shape = self.fields[-1][1]
        while isinstance(shape, data.ArrayLayout):
            shape = shape.elem_shape
        return not isinstance(shape, data.Layout) and Shape.cast(shape).signed


def pushes(top: wiring.Component) -> tuple[Port, ...]:
    """Return the streams that software fills word by word, which the attribute ``pushed`` names."""
    return tuple(port for port in ports(top) if "_".join(port.path) in getattr(top, "pushed", ()))


def ports(top: wiring.Component) -> tuple[Port, ...]:
    """Return the streams of a component."""
    streams = []
    for path, member, outward in _walk(top.signature, ()):
        if member.is_signature:
            shape = member.signature.members["payload"].shape
            streams.append(Port(path, shape, outward, _fields(shape)))
    return tuple(streams)


def streams(top: wiring.Component) -> tuple[list[Port], list[Port]]:
    """Return the streams into a component and out of it; ValueError if it has another input."""
    status(top)  # refuses inputs that are no streams
    every = ports(top)
    inward = [port for port in every if not port.outward]
    return inward, [port for port in every if port.outward]


def status(top: wiring.Component) -> tuple[Register, ...]:
    """Return the registers of a component's flags and counters; none if it has no such port.

    The identity is first, and then a word for each. What they mean is from the component's
    docstring. What the fields of one mean is from its attribute ``notes``, texts by field by
    member; a port without fields that has as many bits as texts has them for fields.

    Raises
    ------
    ValueError
        It has an input that is no stream, or a flag wider than a register.
    """
    said, parts = notes.members(type(top)), getattr(top, "notes", {})
    values: dict[str, tuple[tuple[Field, ...], Kind, str]] = {}
    for path, member, outward in _walk(top.signature, ()):
        if member.is_port:
            name = "_".join(path)
            if not outward:
                raise ValueError(f"input {name} is no stream, so it has no place on AXI")
            about = notes.about(name, said)
            fields = fields_of(member.shape, name, parts.get(name))
            if len(fields) == 1 and fields[0].width == len(parts.get(name, ())):
                bits = enumerate(parts[name].items())
                fields = tuple(Field(bit, at, 1, about=said) for at, (bit, said) in bits)
            values[name] = (fields, "status", about)
    return (identity(), *stack(values, 4)) if values else ()


def words(top: wiring.Component) -> tuple[Word, ...]:
    """Return the words of a component's streams, as they lie in ``tdata``."""
    said, parts = notes.members(type(top)), getattr(top, "notes", {})
    return tuple(
        Word(
            "_".join(port.path),
            port.described(parts.get("_".join(port.path))),
            port.outward,
            port.has_last,
            notes.about(port.path[0], said),
        )
        for port in ports(top)
    )


def _fields(shape: Any) -> tuple[tuple[str, Any, int, int], ...]:
    if not isinstance(shape, data.StructLayout):
        return (("", shape, 0, 0),)
    fields, offset = [], 0
    for name, field in shape:
        if name != LAST:
            fields.append((str(name), field.shape, field.offset, offset))
            offset += field.width
    return tuple(fields)


def _walk(signature: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, bool]]:
    """Yield path, member and whether it leads outward, of every stream and plain port."""
    members: Mapping[str, wiring.Member] = signature.members
    for name, member in members.items():
        here = (*path, name)
        if member.is_signature and set(member.signature.members) != {"payload", "valid", "ready"}:
            yield from _walk(member.signature, here)
        else:
            yield here, member, member.flow == wiring.Out
