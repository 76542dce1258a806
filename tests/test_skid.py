"""Stream register and skid buffer."""

import numpy as np
import pytest

from nomul.golden import skid
from nomul.hw.skid import Top
from nomul.sim.harness import BenchError


@pytest.mark.parametrize("preset", skid.Config.presets)
def test_rtl_equals_model(simulate, preset):
    simulate("skid", skid.Config.preset(preset))


def test_bench_notices_a_buffer_of_the_other_kind(simulate):
    """Mutation: a register where a skid buffer should be holds one word too few."""
    cfg = skid.Config.preset("skid")
    with pytest.raises(BenchError, match="words held is 0x1, expected 0x2"):
        simulate("skid", cfg, top=Top(cfg.replace(kind="register")), tests="holds_as_many")


def test_bench_notices_a_changed_payload(simulate):
    """Mutation: one bit of the payload is inverted."""

    class Inverted(Top):
        def elaborate(self, platform):
            m = super().elaborate(platform)
            m.d.comb += self.o.payload[0].eq(~m.submodules.buffer.o.payload[0])
            return m

    cfg = skid.Config.preset("skid")
    with pytest.raises(BenchError, match=r"word\["):
        simulate("skid", cfg, top=Inverted(cfg), tests="never.*never")


def test_words_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="x must hold words of 4 bits"):
        skid.model(skid.Config(width=4), np.array([16]))


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"skid.kind must be one of register, skid, not 'fifo'"):
        skid.Config(kind="fifo")
