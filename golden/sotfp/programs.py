"""The programs of floating point in memory: addition, multiplication, and chains of both."""

import dataclasses
from functools import cache
from typing import Literal, get_args

from nomul.golden.sotfp import add, mul, shift
from nomul.golden.sotfp.microcode import ZERO, A, Builder, Program, Step
from nomul.golden.sotfp.nor import NorBuilder

Opset = Literal["sot", "nor", "sot+search", "nor+search"]
OPSETS: tuple[Opset, ...] = get_args(Opset)

OPS = ("add", "mul")

CHAIN = ("begin", "mac")


def builder(opset: str) -> Builder:
    """Return an empty builder for an operation set."""
    family, _, search = opset.partition("+")
    return {"sot": Builder, "nor": NorBuilder}[family](search == "search")


@cache
def compiled(ne: int, nm: int, mode: str, opset: str, op: str) -> Program:
    """Return the program of an operation on a format of ne and nm bits; one is built once."""
    if op not in (*OPS, *CHAIN):
        raise ValueError(f"sotfp has no operation {op!r}; it has {', '.join((*OPS, *CHAIN))}")
    if op == "begin":
        mac = compiled(ne, nm, mode, opset, "mac")
        clear = tuple(Step(column, ZERO, 0, 0) for column in mac.inputs[2])
        return dataclasses.replace(mac, code=clear + mac.code, inputs=mac.inputs[:2])
    b = builder(opset)
    x, y = shift.load(b, ne, nm), shift.load(b, ne, nm)
    inputs = [x.bits, y.bits]
    if op == "add":
        return b.program(inputs, add.add(b, x, y, mode))
    product = mul.mul(b, x, y, mode)
    if op == "mul":
        return b.program(inputs, product)
    z = shift.load(b, ne, nm)
    # The exponents were not loaded as they are now: no search finds them.
    b.searching = False
    inputs.append(z.bits)
    term = shift.Word(product[:nm], product[nm:-1], product[-1])
    code = b.program(inputs, add.add(b, z, term, mode))
    pairs = zip(code.inputs[2], code.output, strict=True)
    copies = tuple(Step(into, A, bit, 0, other=True) for into, bit in pairs)
    return dataclasses.replace(code, code=code.code + copies)
