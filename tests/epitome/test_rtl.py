"""Epitomes: the Verilog against the model, presets and corners; a mutation."""

import pytest
from amaranth.hdl import Const

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


def test_rtl_equals_model(simulate):
    assert simulate("epitome", Config.preset("small")).tests == 10


@pytest.mark.long
def test_the_other_preset_equals_the_model(simulate):
    assert simulate("epitome", Config.preset("wide")).tests == 10


@pytest.mark.long
@pytest.mark.parametrize("name", CORNERS)
def test_rtl_equals_model_at_the_corners(simulate, name):
    simulate("epitome", Config.from_dict(CORNERS[name]))


def test_bench_notices_rounds_that_are_all_shared(simulate, monkeypatch):
    """Mutation: whatever comes next is taken for an entry of the same round."""
    adder = controller.Controller._adder
    monkeypatch.setattr(
        controller.Controller,
        "_adder",
        lambda self, *given: adder(self, *given)._replace(same=Const(1)),
    )
    with pytest.raises(BenchError, match=r"y\[\d+, \d+\] is -?0x"):
        simulate("epitome", Config.preset("small"), tests="layers_equal")
