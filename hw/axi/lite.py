"""The signals of an AXI4-Lite subordinate, after the specification."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.hw.axi.registers import WORD

OKAY, SLVERR = 0, 2
PREFIX = "s_axil_"


def bus(address_bits: int) -> dict[str, wiring.Member]:
    """Return the members of an AXI4-Lite subordinate of 32 bits."""
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
