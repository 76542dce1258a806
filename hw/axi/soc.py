"""Blocks on one AXI4-Lite bus, as a processor sees them: every stream and every flag a register."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Shape, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from nomul.hw.axi import notes
from nomul.hw.axi.bank import Bank
from nomul.hw.axi.ports import Port, ports, status
from nomul.hw.axi.registers import Field, Map, fields_of, identity, stack
from nomul.hw.once import place
from nomul.hw.reset import Clocking
from nomul.hw.skid import Skid

WINDOW = 0x100


def address_map(name: str, about: str, tops: Mapping[str, wiring.Component]) -> Map:
    """Return what software sees of blocks on a bus.

    The identity is at address 0. Each block has a window, all of one size, a power of two and at
    least 256 bytes; the first one begins behind that of the identity. In it are, by the block's
    name and ``_``: ``streams``, which says of each input whether it has room and of each output
    whether it has a word; flags and counters; and the streams, inputs to write and outputs to read.
    Their words are the payloads of the block's ports, ``last`` in its place.

    Parameters
    ----------
    name, about
        Of the whole.
    tops
        The blocks by name.
    """
    entries = {block: _entries(block, top) for block, top in tops.items()}
    ends = [stack(found)[-1] for found in entries.values()]
    size = max([WINDOW, *(last.address + last.size for last in ends)])
    window = 1 << (size - 1).bit_length()
    registers = [identity()]
    for number, found in enumerate(entries.values(), 1):
        registers += stack(found, number * window)
    return Map(name, about, tuple(registers))


def _entries(block: str, top: wiring.Component) -> dict[str, Any]:
    """Return the registers of one block by name: fields, kind, meaning."""
    state = []
    for number, port in enumerate(ports(top)):
        stream = "_".join(port.path)
        name, said = ("valid", "has a word.") if port.outward else ("ready", "has room for a word.")
        state.append(Field(f"{stream}_{name}", number, 1, about=f"{stream} {said}"))
    found: dict[str, Any] = {}
    if state:
        about = "Which streams can be written or read without waiting."
        found[f"{block}_streams"] = (tuple(state), "status", about)
    for register in status(top)[1:]:
        found[f"{block}_{register.name}"] = (register.fields, "status", register.about)
    contract, parts = notes.members(type(top)), getattr(top, "notes", {})
    for port in ports(top):
        stream = "_".join(port.path)
        kind, note = "pop" if port.outward else "push", notes.about(port.path[0], contract)
        fields = fields_of(port.shape, stream, parts.get(stream))
        found[f"{block}_{stream}"] = (fields, kind, note)
    return found


class Soc(wiring.Component):
    """Puts blocks behind one AXI4-Lite bus.

    A write into an input goes into a buffer of two words, and waits while that is full; a read of
    an output waits until there is a word. Software that must not wait looks at ``streams`` first.
    Words wider than 32 bits are written and read lowest part first.

    Parameters
    ----------
    tops : mapping of str to :class:`wiring.Component`
        The blocks by name. Their inputs are streams.
    name, about : str
        Of the register map.

    Members
    -------
    aclk, aresetn : ``In(1)``
        Clock, and reset, active low.
    s_axil_awaddr, ...
        AXI4-Lite, see :class:`nomul.hw.axi.bank.Bank`; its map is in the attribute ``map``.
    """

    clocking = Clocking("aclk", "aresetn", "low")

    def __init__(self, tops: Mapping[str, wiring.Component], name: str = "soc", about: str = ""):
        if not tops:
            raise ValueError("a bus needs at least one block")
        self.tops = dict(tops)
        self.map = address_map(name, about, self.tops)
        self._bank = Bank(self.map)
        super().__init__({"aclk": In(1), "aresetn": In(1)} | self._bank.bus_members())

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains.sync = ClockDomain(async_reset=getattr(platform, "async_reset", False))
        m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        m.submodules.bank = self._bank
        self._bank.connect_bus(m, self)
        for name, top in self.tops.items():
            place(m, name, top, platform)
            for port in ports(top):
                self._connect_stream(m, name, top, port)
            flat = {
                "_".join(map(str, path)): value for path, _, value in top.signature.flatten(top)
            }
            for register in status(top)[1:]:
                seen = self._of(name, register.name)
                m.d.comb += Value.cast(seen).eq(Value.cast(flat[register.name]))
        return m

    def _of(self, block: str, name: str) -> Any:
        return getattr(self._bank, f"{block}_{name}")

    def _connect_stream(self, m: Module, block: str, top: wiring.Component, port: Port) -> None:
        """Put a buffer between a stream and its register."""
        stream = "_".join(port.path)
        inner, outer = port.of(top), self._of(block, stream)
        skid = Skid(unsigned(Shape.cast(port.shape).width))
        m.submodules[f"skid_{block}_{stream}"] = skid
        state = self._of(block, "streams")
        if port.outward:
            m.d.comb += [
                skid.i.payload.eq(Value.cast(inner.payload)),
                skid.i.valid.eq(inner.valid),
                inner.ready.eq(skid.i.ready),
                outer.payload.eq(skid.o.payload),
                outer.valid.eq(skid.o.valid),
                skid.o.ready.eq(outer.ready),
                state[f"{stream}_valid"].eq(skid.o.valid),
            ]
        else:
            m.d.comb += [
                skid.i.payload.eq(outer.payload),
                skid.i.valid.eq(outer.valid),
                outer.ready.eq(skid.i.ready),
                Value.cast(inner.payload).eq(skid.o.payload),
                inner.valid.eq(skid.o.valid),
                skid.o.ready.eq(inner.ready),
                state[f"{stream}_ready"].eq(skid.i.ready),
            ]
