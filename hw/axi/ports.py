"""What the ports of a top level are on AXI: streams with their fields, and registers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import data, wiring

from nomul.hw.axi import lite

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

    @property
    def signed(self) -> bool:
        """Whether padding copies the sign of the highest field, rather than being zero."""
        shape = self.fields[-1][1]
        while isinstance(shape, data.ArrayLayout):
            shape = shape.elem_shape
        return not isinstance(shape, data.Layout) and Shape.cast(shape).signed


def ports(top: wiring.Component) -> tuple[Port, ...]:
    """Return the streams of a component."""
    streams = []
    for path, member, outward in _walk(top.signature, ()):
        if member.is_signature:
            shape = member.signature.members["payload"].shape
            streams.append(Port(path, shape, outward, _fields(shape)))
    return tuple(streams)


def status(top: wiring.Component) -> tuple[lite.Register, ...]:
    """Return the registers of a component's flags and counters; none if it has no such port.

    Raises
    ------
    ValueError
        It has an input that is no stream, or a flag wider than a register.
    """
    values = []
    for path, member, outward in _walk(top.signature, ()):
        if member.is_port:
            if not outward:
                raise ValueError(f"input {'_'.join(path)} is no stream, so it has no place on AXI")
            shape = Shape.cast(member.shape)
            values.append(("_".join(path), shape.width, shape.signed))
    return lite.layout(values) if values else ()


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
