"""The training unit: the Verilog against the model, presets and corners; mutations."""

import pytest
from amaranth.hdl import Mux, Signal

from nomul.golden.sgd import Config
from nomul.hw.sgd import Top
from nomul.sim.harness import BenchError

pytestmark = pytest.mark.needs("icarus")

TESTS = 9

CORNERS = {
    "one of everything": {"sizes": (1, 1), "pes": 1, "bits": 2, "fraction": 1, "residue": 1},
    "one element": {"sizes": (16, 8, 4), "pes": 1, "serial": 8},
    "one element, streams": {
        "sizes": (9, 8, 7, 3),
        "pes": 1,
        "update": "essop",
        "stream_bits": 16,
        "serial": 8,
    },
    "more elements than outputs": {"sizes": (5, 2), "pes": 8, "rounding": "floor", "serial": 2},
    "no power of two": {"sizes": (7, 5, 4), "pes": 3, "rounding": "zero", "serial": 3},
    "stochastic all over": {
        "update": "essop",
        "stream_bits": 16,
        "serial": 8,
        "rounding": "stochastic",
    },
    "streams of two bits": {
        "sizes": (1, 1),
        "bits": 2,
        "fraction": 1,
        "serial": 2,
        "rate_log2": 0,
        "residue": None,
        "update": "essop",
        "stream_bits": 2,
    },
    "wide": {
        "sizes": (9, 8, 5),
        "bits": 16,
        "fraction": 12,
        "serial": 5,
        "pes": 7,
        "update": "essop",
        "stream_bits": 64,
    },
    "all of an update is residue": {"bits": 2, "fraction": 1, "rate_log2": 15, "residue": 16},
    "shifts beyond the product": {
        "rate_log2": 16,
        "fraction": 7,
        "residue": 1,
        "rounding": "stochastic",
    },
    "whole numbers": {"bits": 5, "fraction": 0, "rate_log2": 0, "residue": None, "serial": 5},
}


def test_rtl_equals_model(simulate):
    assert simulate("sgd", Config.preset("small")).tests == TESTS


def test_stochastic_updates_equal_the_model(simulate):
    cfg = Config.preset("essop", rounding="stochastic")
    simulate("sgd", cfg, tests="steps.*random.*random|cycles")


@pytest.mark.long
@pytest.mark.parametrize("preset", ["parallel", "essop", "digits"])
def test_other_presets_equal_the_model(simulate, preset):
    assert simulate("sgd", Config.preset(preset)).tests == TESTS


@pytest.mark.long
@pytest.mark.parametrize("name", CORNERS)
def test_rtl_equals_model_at_the_corners(simulate, name):
    simulate("sgd", Config.from_dict(CORNERS[name]))


def test_bench_notices_weights_that_are_read_along_rows_going_back(simulate, monkeypatch):
    """Mutation: the gradients of hidden layers see rows of the weights, not columns."""
    monkeypatch.setattr("nomul.hw.sgd.ring.Ring._line", lambda self, b: self.line)
    cfg = Config.preset("small", pes=5)  # a size of its own: modules are made once
    with pytest.raises(BenchError, match=r"weights, step \d\["):
        simulate("sgd", cfg, top=Top(cfg), tests="steps.*never.*never")


@pytest.mark.long
def test_bench_notices_a_gradient_that_is_not_gated(simulate, monkeypatch):
    """Mutation: gradients go through neurons that were off."""

    def ungated(self, m, passes, result, judged):
        wrong = Signal.like(result)
        m.d.comb += wrong.eq(result - judged)
        return Mux(passes.last, wrong, Mux(passes.backward, result, Mux(result[-1], 0, result)))

    monkeypatch.setattr(Top, "_result", ungated)
    cfg = Config.preset("small")
    with pytest.raises(BenchError, match=r"weights, step \d\["):
        simulate("sgd", cfg, top=Top(cfg), tests="steps.*never.*never")
