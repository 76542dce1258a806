"""The host's side of a design behind AXI: agents of another project, its clock and its reset."""

import logging
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer
from cocotbext.axi import AxiLiteBus, AxiLiteMaster

from nomul.sim.stream import PERIOD_NS


def lite_master(dut: Any) -> AxiLiteMaster:
    """Return a master of the registers, which says nothing of what it does."""
    bus = AxiLiteBus.from_prefix(dut, "s_axil")
    master = AxiLiteMaster(bus, dut.aclk, dut.aresetn, reset_active_level=False)
    for agent in (master.read_if, master.write_if):
        agent.log.setLevel(logging.WARNING)
    return master


async def hold_reset(dut: Any) -> None:
    """Start the clock, and hold reset for three cycles; whoever calls lets it go."""
    dut.aresetn.value = 0
    await Timer(PERIOD_NS, "ns")  # no clock edge before every input is known
    Clock(dut.aclk, PERIOD_NS, unit="ns", impl="gpi").start()
    for _ in range(3):
        await RisingEdge(dut.aclk)
