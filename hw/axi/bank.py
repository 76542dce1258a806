"""A register map in hardware: AXI4-Lite on one side, values and streams on the other."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.hw.axi import lite
from nomul.hw.axi.lite import OKAY, PREFIX, SLVERR
from nomul.hw.axi.registers import WORD, Field, Map, Register


class Bank(wiring.Component):
    """Answers AXI4-Lite with the registers of a map.

    A read takes two cycles, and a status is that of the cycle in which its address is taken; a
    write takes two as well. A ``pop`` whose stream is empty and the last word of a ``push`` whose
    stream is full wait, and reads do not wait for writes. Addresses without a register, accesses
    that a register has not, writes of less than a word, and bits that no field has are answered
    with SLVERR and change nothing.

    Parameters
    ----------
    about : :class:`nomul.hw.axi.registers.Map`
        The registers.

    Members
    -------
    <name> : ``In`` or ``Out`` of :func:`layout`
        One per register: in for a status, out for a control. A status with one signed field is
        extended to the word.
    <name>_written : ``Out(1)``
        Of a control: it was written in the cycle before, and holds the new value.
    <name> : ``Out`` or ``In`` of ``stream.Signature(unsigned(register.bits))``
        Of a push, and of a pop.
    awaddr, ..., rready
        AXI4-Lite, of 32 bits.
    """

    def __init__(self, about: Map):
        self.about = about
        members: dict[str, Any] = {}
        for register in about.registers:
            if register.kind in ("push", "pop"):
                words = stream.Signature(unsigned(register.bits))
                members[register.name] = Out(words) if register.kind == "push" else In(words)
            elif register.kind == "control":
                shape = layout(register)
                members[register.name] = Out(shape, init=shape.from_bits(register.reset))
                members[f"{register.name}_written"] = Out(1)
            elif register.kind == "status":
                members[register.name] = In(layout(register))
        super().__init__(members | lite.bus(about.address_bits))

    def bus_members(self) -> dict[str, wiring.Member]:
        """Return the members of a component around the bank: the bus, as ``s_axil_<name>``."""
        return {f"{PREFIX}{n}": m for n, m in lite.bus(self.about.address_bits).items()}

    def connect_bus(self, m: Module, outer: wiring.Component) -> None:
        """Connect the bus of a component that has :meth:`bus_members`."""
        for name, member in lite.bus(self.about.address_bits).items():
            there, here = getattr(outer, f"{PREFIX}{name}"), getattr(self, name)
            m.d.comb += here.eq(there) if member.flow == In else there.eq(here)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._read(m)
        self._write(m)
        return m

    def _value(self, register: Register) -> Any:
        """Return what a read of a register of one word gives."""
        if register.kind == "constant":
            return register.reset
        value = Value.cast(getattr(self, register.name))
        alone = len(register.fields) == 1 and register.fields[0].count == 1
        return value.as_signed() if alone and register.fields[0].signed else value

    def _read(self, m: Module) -> None:
        pops = [register for register in self.about.registers if register.kind == "pop"]
        waiting, which = Signal(), Signal(range(max(2, len(pops))))
        m.d.comb += self.arready.eq(~self.rvalid & ~waiting)
        # The address: what is known answers at once, and the lowest word of a pop waits.
        rest = {r.name: Signal(max(1, r.bits - WORD), name=f"rest_{r.name}") for r in pops}
        with m.If(self.arvalid & self.arready):
            m.d.sync += [self.rvalid.eq(1), self.rdata.eq(0), self.rresp.eq(SLVERR)]
            with m.Switch(self.araddr[2:]):
                for register in self.about.registers:
                    first = register.address // 4
                    if register.kind == "pop":
                        with m.Case(first):
                            m.d.sync += [waiting.eq(1), self.rvalid.eq(0)]
                            m.d.sync += [which.eq(pops.index(register)), self.rresp.eq(OKAY)]
                        for k in range(1, register.words):
                            word = rest[register.name][WORD * (k - 1) : WORD * k]
                            with m.Case(first + k):
                                m.d.sync += [self.rdata.eq(word), self.rresp.eq(OKAY)]
                    elif register.kind != "push":
                        with m.Case(first):
                            m.d.sync += self.rdata.eq(self._value(register))
                            m.d.sync += self.rresp.eq(OKAY)
        # A pop: its stream gives a beat, whose upper words stay for the reads that follow.
        with m.If(waiting):
            with m.Switch(which):
                for number, register in enumerate(pops):
                    beats = getattr(self, register.name)
                    with m.Case(number):
                        m.d.comb += beats.ready.eq(1)
                        with m.If(beats.valid):
                            m.d.sync += [waiting.eq(0), self.rvalid.eq(1)]
                            m.d.sync += self.rdata.eq(beats.payload[:WORD])
                            m.d.sync += rest[register.name].eq(beats.payload[WORD:])
        with m.If(self.rvalid & self.rready):
            m.d.sync += self.rvalid.eq(0)

    def _write(self, m: Module) -> None:
        """Take address and data in any order, act on both, then answer."""
        addressed, given = Signal(), Signal()
        address, word = Signal(len(self.awaddr)), Signal(WORD)
        whole = Signal()
        m.d.comb += [self.awready.eq(~addressed), self.wready.eq(~given)]
        with m.If(self.awvalid & self.awready):
            m.d.sync += [addressed.eq(1), address.eq(self.awaddr)]
        with m.If(self.wvalid & self.wready):
            m.d.sync += [given.eq(1), word.eq(self.wdata), whole.eq(self.wstrb.all())]
        for register in self.about.registers:
            if register.kind == "control":
                m.d.sync += getattr(self, f"{register.name}_written").eq(0)
        done, answer = Signal(), Signal(2, init=SLVERR)
        with m.If(addressed & given & ~self.bvalid):
            m.d.comb += done.eq(1)
            with m.Switch(address[2:]):
                for register in self.about.registers:
                    if "w" in register.access:
                        self._set(m, register, word, whole, done, answer)
        with m.If(done):
            m.d.sync += [self.bvalid.eq(1), self.bresp.eq(answer)]
            m.d.sync += [addressed.eq(0), given.eq(0)]
        with m.If(self.bvalid & self.bready):
            m.d.sync += self.bvalid.eq(0)

    def _set(
        self, m: Module, register: Register, word: Signal, whole: Signal, done: Signal, answer: Any
    ) -> None:
        """Act on a word for a register; ``done`` is lowered while a push waits."""
        member = getattr(self, register.name)
        lower = Signal(max(1, WORD * (register.words - 1)), name=f"lower_{register.name}")
        if register.kind == "push":
            # What is sent is stable while it waits, since the word is held.
            low = [lower] if register.words > 1 else []
            m.d.comb += member.payload.eq(Cat(*low, word))
        for k in range(register.words):
            with m.Case(register.address // 4 + k):
                with m.If(whole & ((word & ~_mask(register, k)) == 0)):
                    m.d.comb += answer.eq(OKAY)
                    if register.kind == "control":
                        m.d.sync += Value.cast(member).eq(word)
                        m.d.sync += getattr(self, f"{register.name}_written").eq(1)
                    elif k < register.words - 1:
                        m.d.sync += lower[WORD * k : WORD * (k + 1)].eq(word)
                    else:
                        m.d.comb += [member.valid.eq(1), done.eq(member.ready)]


def layout(register: Register) -> data.FlexibleLayout:
    """Return the fields of a register, each with its name."""
    return data.FlexibleLayout(
        register.bits,
        {field.name: data.Field(_shape(field), field.offset) for field in register.fields},
    )


def _shape(field: Field) -> Any:
    each = signed(field.width) if field.signed else unsigned(field.width)
    return each if field.count == 1 else data.ArrayLayout(each, field.count)


def _mask(register: Register, k: int) -> int:
    """Return the bits of a register's word that are in a field."""
    bits = sum((1 << field.width * field.count) - 1 << field.offset for field in register.fields)
    return bits >> WORD * k & (1 << WORD) - 1
