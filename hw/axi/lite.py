"""Status of a block on AXI4-Lite: each flag and counter is a word that software reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

IDENTITY = 0x6E6F6D75  # "nomu", the word at address zero
WORD = 32
OKAY, SLVERR = 0, 2


@dataclass(frozen=True)
class Register:
    """A word that can be read: the port it shows, its byte address, and its bits."""

    name: str
    address: int
    width: int
    signed: bool = False


def layout(ports: Sequence[tuple[str, int, bool]]) -> tuple[Register, ...]:
    """Return the registers of status ports, (name, width, signed) each, after the identity.

    Raises
    ------
    ValueError
        A port is wider than a word.
    """
    for name, width, _ in ports:
        if width > WORD:
            raise ValueError(f"port {name} has {width} bits, and a register has {WORD}")
    first = Register("identity", 0, WORD)
    rest = (Register(name, 4 * k, *about) for k, (name, *about) in enumerate(ports, 1))
    return (first, *rest)


def bus(address_bits: int) -> dict[str, wiring.Member]:
    """Return the members of an AXI4-Lite subordinate of 32 bits, after the specification."""
    return {
        "awaddr": In(address_bits),
        "awprot": In(3),
        "awvalid": In(1),
        "awready": Out(1),
        "wdata": In(WORD),
        "wstrb": In(WORD // 8),
        "wvalid": In(1),
        "wready": Out(1),
        "bresp": Out(2),
        "bvalid": Out(1),
        "bready": In(1),
        "araddr": In(address_bits),
        "arprot": In(3),
        "arvalid": In(1),
        "arready": Out(1),
        "rdata": Out(WORD),
        "rresp": Out(2),
        "rvalid": Out(1),
        "rready": In(1),
    }


class Status(wiring.Component):
    """Answers reads with the value of a port, and refuses writes: nothing can be set.

    A read takes two cycles, and the value is that of the cycle in which the address is taken.
    Reads beside the registers and all writes answer SLVERR, as the specification has it.

    Parameters
    ----------
    registers : sequence of :class:`Register`
        From :func:`layout`.

    Members
    -------
    value_<name> : ``In``
        One per register after the first; a signed one is extended to the word.
    awaddr, ..., rready
        AXI4-Lite, of 32 bits.
    """

    def __init__(self, registers: Sequence[Register]):
        self.registers = registers
        bits = max((4 * len(registers) - 1).bit_length(), 3)
        values = {
            f"value_{r.name}": In((signed if r.signed else unsigned)(r.width))
            for r in registers[1:]
        }
        super().__init__(values | bus(bits))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._read(m)
        self._refuse_writes(m)
        return m

    def _read(self, m: Module) -> None:
        m.d.comb += self.arready.eq(~self.rvalid)
        with m.If(self.arvalid & self.arready):
            m.d.sync += [self.rvalid.eq(1), self.rdata.eq(0), self.rresp.eq(SLVERR)]
            with m.Switch(self.araddr[2:]):
                for index, register in enumerate(self.registers):
                    with m.Case(index):
                        m.d.sync += [self.rdata.eq(self._value(register)), self.rresp.eq(OKAY)]
        with m.Elif(self.rready):
            m.d.sync += self.rvalid.eq(0)

    def _value(self, register: Register) -> object:
        return getattr(self, f"value_{register.name}") if register.address else IDENTITY

    def _refuse_writes(self, m: Module) -> None:
        """Take address and data in any order, then answer."""
        address, data = Signal(), Signal()
        m.d.comb += [self.awready.eq(~address), self.wready.eq(~data), self.bresp.eq(SLVERR)]
        with m.If(self.awvalid & self.awready):
            m.d.sync += address.eq(1)
        with m.If(self.wvalid & self.wready):
            m.d.sync += data.eq(1)
        with m.If(self.bvalid):
            with m.If(self.bready):
                m.d.sync += [self.bvalid.eq(0), address.eq(0), data.eq(0)]
        with m.Elif(address & data):
            m.d.sync += self.bvalid.eq(1)
