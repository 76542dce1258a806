"""A design's registers for a program of the user: what it reads and writes goes over the bus."""

import os
from typing import Any

import cocotb
from cocotb.task import bridge, resume
from cocotbext.axi import AxiResp

from nomul.sim import harness
from nomul.sim.axi_host import hold_reset, lite_master

# Where the pipes are; the C header has the same names.
REQUESTS, ANSWERS = "NOMUL_REQUESTS", "NOMUL_ANSWERS"


@cocotb.test()
async def a_program_uses_the_registers(dut):
    """Carry out requests until the program closes its pipe; what is right is up to the program.

    A request is a line, ``read ADDRESS 0`` or ``write ADDRESS WORD`` in hexadecimal; the answer is
    ``k WORD``, or ``e RESPONSE`` where the bus refuses.
    """
    master = lite_master(dut)
    await hold_reset(dut)
    dut.aresetn.value = 1

    async def transfer(kind: str, address: int, word: int) -> str:
        if kind == "read":
            answer = await master.read(address, 4)
            found = int.from_bytes(answer.data, "little")
        else:
            answer, found = await master.write(address, word.to_bytes(4, "little")), 0
        return f"k {found:x}" if answer.resp == AxiResp.OKAY else f"e {int(answer.resp)}"

    harness.record(compared=await bridge(serve)(resume(transfer)))


def serve(transfer: Any) -> int:
    """Answer requests one after the other, and return how many there were."""
    served = 0
    with open(os.environ[REQUESTS]) as requests, open(os.environ[ANSWERS], "w") as answers:
        for line in requests:
            kind, address, word = line.split()
            print(transfer(kind, int(address, 16), int(word, 16)), file=answers, flush=True)
            served += 1
    return served
