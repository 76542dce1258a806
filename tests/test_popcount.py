"""Population count: the RTL against the model, and its number of adders."""

import numpy as np
import pytest

from nomul.golden import popcount
from nomul.hw.popcount import Top
from nomul.sim.harness import BenchError
from nomul.synth.emit import emit


@pytest.mark.parametrize("preset", popcount.Config.presets)
def test_rtl_equals_model(simulate, preset):
    simulate("popcount", popcount.Config.preset(preset))


def test_one_bit(simulate):
    simulate("popcount", popcount.Config(width=1))


def test_bench_notices_a_lost_bit(simulate):
    """Mutation: the hardware ignores the top bit."""

    class Deaf(Top):
        def elaborate(self, platform):
            m = super().elaborate(platform)
            m.d.comb += m.submodules.stage.i.payload.eq(0)
            return m

    cfg = popcount.Config.preset("small")
    with pytest.raises(BenchError, match=r"count\["):
        simulate("popcount", cfg, top=Deaf(cfg), tests="equal.*never.*never")


@pytest.mark.parametrize("width", [3, 7, 15, 64])
def test_takes_one_adder_per_removed_bit(width):
    """N bits become ones(n) fewer by as many full and half adders; full ones have two XORs."""
    cfg = popcount.Config(width=width)
    text = emit(Top(cfg), "popcount").rtlil
    adders = text.count("cell $add") + text.count("cell $or")
    assert adders <= width - bin(width).count("1") + cfg.count_bits


def test_model_counts():
    rng = np.random.default_rng(1)
    cfg = popcount.Config(width=9)
    words = popcount.stimuli(cfg, rng)["x"]
    assert np.array_equal(popcount.model(cfg, words), popcount.ideal(words))
    assert words[0].sum() == 0
    assert words[-1].sum() == 9


def test_a_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"x must be of shape \[n, 9\], not \[2, 8\]"):
        popcount.model(popcount.Config(width=9), np.zeros((2, 8)))
