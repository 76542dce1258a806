"""Epitomes: the Verilog against the model, presets and corners; a mutation."""

import pytest
from amaranth.hdl import Const
from products.ladder import WRONG_SUM, Ladder

from nomul.golden.epitome import Config
from nomul.hw.epitome import controller
from nomul.sim.harness import BenchError

pytestmark = pytest.mark.needs("icarus")

CORNERS = {
    "one of everything": {"inputs": 1, "outputs": 1, "rows": 1, "cols": 1, "entries": 1},
    "one entry": {"inputs": 3, "outputs": 2, "rows": 3, "cols": 2, "entries": 1},
    "outputs that no entry reaches": {
        "inputs": 3,
        "outputs": 9,
        "rows": 2,
        "cols": 2,
        "entries": 3,
    },
    "more columns than rows, unsigned": {
        "inputs": 5,
        "outputs": 11,
        "rows": 2,
        "cols": 6,
        "entries": 12,
        "act_signed": False,
    },
}


class TestVerilog(Ladder):
    config, corners, tests = Config, CORNERS, 10
    presets = ("wide",)


def test_bench_notices_rounds_that_are_all_shared(simulate, monkeypatch):
    """Mutation: whatever comes next is taken for an entry of the same round."""
    adder = controller.Controller._adder
    monkeypatch.setattr(
        controller.Controller,
        "_adder",
        lambda self, *given: adder(self, *given)._replace(same=Const(1)),
    )
    with pytest.raises(BenchError, match=WRONG_SUM):
        simulate("epitome", Config.preset("small"), tests="layers_equal")
