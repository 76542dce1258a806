"""Any top level behind AXI4-Stream, its status on AXI4-Lite: ready for a larger design."""

from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, ResetSignal, Shape, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.hw.axi import notes
from nomul.hw.axi.bank import Bank
from nomul.hw.axi.ports import LAST, Port, ports, pushes, status, words
from nomul.hw.axi.registers import Map, Register, fields_of, identity, stack
from nomul.hw.once import place
from nomul.hw.reset import Clocking
from nomul.hw.skid import Skid


class Axis(wiring.Component):
    """Puts a block behind AXI4-Stream, and its status behind AXI4-Lite.

    Each stream passes a skid buffer, so that no path leads combinationally from port to port, as
    the specification demands, and ``tvalid`` is low in reset. That adds a cycle to either side;
    beats still go one per cycle.

    Parameters
    ----------
    top : :class:`wiring.Component`
        Streams become AXI4-Stream, and outputs that are no streams registers. Streams that its
        attribute ``pushed`` names become registers too, which software writes.
    name, about : str
        Of the register map: the design's name, and what it is.

    Members
    -------
    aclk, aresetn : ``In(1)``
        Clock, and reset, active low.
    s_axis_<name>_tdata, _tvalid, _tready, _tlast
        An input stream. Payload from bit 0, padded to bytes; ``tlast`` takes the place of the
        payload's ``last``, where it has one.
    m_axis_<name>_tdata, ...
        An output stream. Padding copies the sign of the highest field if that is signed.
    s_axil_awaddr, ...
        AXI4-Lite, where the block has status: see :class:`nomul.hw.axi.bank.Bank`.

    Limits
    ------
    No ``tkeep``, ``tstrb``, ``tid``, ``tdest`` or ``tuser``: every beat is whole, and there is one
    sender to each stream.
    """

    clocking = Clocking("aclk", "aresetn", "low")

    def __init__(self, top: wiring.Component, name: str = "block", about: str = ""):
        self.top = top
        self.cfg = getattr(top, "cfg", None)
        self.pushes = pushes(top)
        self.ports = tuple(port for port in ports(top) if port not in self.pushes)
        shown = {"_".join(port.path) for port in self.ports}
        registers = _with_pushes(top, self.pushes)
        self.map = Map(name, about, registers, tuple(w for w in words(top) if w.name in shown))
        members: dict[str, Any] = {"aclk": In(1), "aresetn": In(1)}
        for port in self.ports:
            ahead, back = (Out, In) if port.outward else (In, Out)
            members[f"{port.name}_tdata"] = ahead(unsigned(8 * port.bytes))
            members[f"{port.name}_tvalid"] = ahead(1)
            members[f"{port.name}_tready"] = back(1)
            if port.has_last:
                members[f"{port.name}_tlast"] = ahead(1)
        if self.map.registers:
            self._bank = Bank(self.map)
            members |= self._bank.bus_members()
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains.sync = ClockDomain(async_reset=getattr(platform, "async_reset", False))
        m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        place(m, "block", self.top, platform)
        for port in self.ports:
            skid = Skid(unsigned(port.width + port.has_last))
            m.submodules[f"skid_{'_'.join(port.path)}"] = skid
            (self._connect_output if port.outward else self._connect_input)(m, port, skid)
        if self.map.registers:
            m.submodules.status = self._bank
            self._connect_status(m)
        return m

    def _signal(self, port: Port, name: str) -> Any:
        return getattr(self, f"{port.name}_{name}")

    def _connect_input(self, m: Module, port: Port, skid: Skid) -> None:
        last = [self._signal(port, "tlast")] if port.has_last else []
        word = Cat(self._signal(port, "tdata")[: port.width], *last)
        inner = port.of(self.top)
        m.d.comb += [
            skid.i.payload.eq(word),
            skid.i.valid.eq(self._signal(port, "tvalid")),
            self._signal(port, "tready").eq(skid.i.ready),
            Value.cast(inner.payload).eq(_payload(port, skid.o.payload)),
            inner.valid.eq(skid.o.valid),
            skid.o.ready.eq(inner.ready),
        ]

    def _connect_output(self, m: Module, port: Port, skid: Skid) -> None:
        inner = port.of(self.top)
        payload = Value.cast(inner.payload)
        parts = [payload[at : at + Shape.cast(shape).width] for _, shape, at, _ in port.fields]
        last = [inner.payload[LAST]] if port.has_last else []
        word = skid.o.payload[: port.width]
        m.d.comb += [
            skid.i.payload.eq(Cat(*parts, *last)),
            skid.i.valid.eq(inner.valid),
            inner.ready.eq(skid.i.ready),
            self._signal(port, "tdata").eq(word.as_signed() if port.signed else word),
            self._signal(port, "tvalid").eq(skid.o.valid),
            skid.o.ready.eq(self._signal(port, "tready")),
        ]
        if port.has_last:
            m.d.comb += self._signal(port, "tlast").eq(skid.o.payload[-1])

    def _connect_status(self, m: Module) -> None:
        members = self.top.signature.flatten(self.top)
        flat = {"_".join(map(str, path)): value for path, _, value in members}
        for port in self.pushes:
            given, inner = getattr(self._bank, "_".join(port.path)), port.of(self.top)
            m.d.comb += [
                Value.cast(inner.payload).eq(given.payload),
                inner.valid.eq(given.valid),
                given.ready.eq(inner.ready),
            ]
        for register in self.map.registers[1:]:
            if register.kind == "push":
                continue
            seen = Value.cast(getattr(self._bank, register.name))
            m.d.comb += seen.eq(Value.cast(flat[register.name]))
        self._bank.connect_bus(m, self)


def _with_pushes(top: wiring.Component, streams: tuple[Port, ...]) -> tuple[Register, ...]:
    """Return the registers of flags and counters, and one for each stream that is written."""
    shown = status(top)
    if not streams:
        return shown
    found = {register.name: (register.fields, register.kind, register.about) for register in shown}
    said, parts = notes.members(type(top)), getattr(top, "notes", {})
    for port in streams:
        name = "_".join(port.path)
        fields = fields_of(port.shape, name, parts.get(name))
        found[name] = (fields, "push", notes.about(port.path[0], said))
    del found[identity().name]
    return (identity(), *stack(found, 4))


def describe(top: Axis) -> dict[str, Any]:
    """Return, for the manifest, where the fields of each ``tdata`` and the registers lie."""
    return {
        "streams": [
            {
                "name": port.name,
                "stream": "_".join(port.path),
                "outward": port.outward,
                "bytes": port.bytes,
                "last": port.has_last,
                "signed": port.signed,
                "fields": [
                    {"name": name, "offset": at, "width": Shape.cast(shape).width}
                    for name, shape, _, at in port.fields
                ],
            }
            for port in top.ports
        ],
        "registers": top.map.to_list(),
    }


def _payload(port: Port, word: Value) -> Value:
    """Return the block's payload from the buffer's word, which has ``last`` at its end."""
    if not port.has_last:
        return word
    last = port.shape[LAST].offset
    places = {at: word[start : start + Shape.cast(s).width] for _, s, at, start in port.fields}
    places[last] = word[port.width]
    return Cat(*(places[at] for at in sorted(places)))
