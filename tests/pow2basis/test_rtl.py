"""Powers of two times bases: the Verilog against the model, presets and corners; a mutation."""

import pytest
from amaranth.hdl import Cat, Const
from products.ladder import WRONG_SUM, Ladder

from nomul.golden.pow2basis import Config
from nomul.hw.pow2basis import unit
from nomul.sim.harness import BenchError

pytestmark = pytest.mark.needs("icarus")

CORNERS = {
    "one of everything": {"inputs": 1, "outputs": 1, "size": 1, "units": 1},
    "one bit": {"inputs": 3, "outputs": 2, "size": 2, "act_bits": 1, "weight_bits": 1},
    "a basis larger than the matrix": {"inputs": 2, "outputs": 3, "size": 4, "units": 2},
    "all at once": {"inputs": 7, "outputs": 5, "units": 100},
    "unsigned": {"inputs": 7, "outputs": 5, "act_signed": False, "act_bits": 5},
    "nothing left out": {"inputs": 7, "outputs": 6, "units": 2, "skip": False},
    "rebuilt, nothing left out, unsigned": {
        "inputs": 7,
        "outputs": 5,
        "units": 2,
        "skip": False,
        "datapath": "rebuild",
        "act_signed": False,
    },
    "rebuilt bit by bit": {
        "inputs": 7,
        "outputs": 5,
        "units": 2,
        "datapath": "rebuild",
        "products": "bitserial",
        "act_bits": 3,
    },
    "bit by bit, unsigned": {
        "inputs": 8,
        "outputs": 5,
        "size": 2,
        "products": "bitserial",
        "act_bits": 5,
        "act_signed": False,
    },
    "wide": {"inputs": 4, "outputs": 3, "act_bits": 12, "weight_bits": 15, "basis_bits": 12},
}


class TestVerilog(Ladder):
    config, corners, tests = Config, CORNERS, 11
    presets = ("rebuild", "bitserial")


def test_bench_notices_a_sign_that_is_dropped(simulate, monkeypatch):
    """Mutation: coefficients shift, and never subtract."""
    right = unit.shifted
    monkeypatch.setattr(
        unit, "shifted", lambda m, v, code, width: right(m, v, Cat(code[:-1], Const(0, 1)), width)
    )
    with pytest.raises(BenchError, match=WRONG_SUM):
        simulate("pow2basis", Config.preset("small"), tests="products")
