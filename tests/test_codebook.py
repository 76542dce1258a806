"""Codebook: the model against its definition, and the RTL against the model."""

import re

import pytest

from nomul.golden import codebook
from nomul.golden.codebook import Config
from nomul.hw.codebook import Top
from nomul.sim.harness import BenchError


def test_levels_are_looked_up_and_unloaded_codes_are_zero():
    looked = codebook.model(Config(code_bits=3, level_bits=8), [0, 5, -7], [[0, 1], [2, 3]])
    assert looked.level.tolist() == [[0, 5], [-7, 0]]
    assert looked.unloaded.tolist() == [[False, False], [False, True]]
    assert codebook.ideal([0, 5, -7], [2, 1]).tolist() == [-7, 5]


@pytest.mark.parametrize("preset", Config.presets)
def test_rtl_equals_model(simulate, preset):
    simulate("codebook", Config.preset(preset))


def test_bench_notices_a_wrong_level(simulate):
    """Mutation: the lowest bit of every level is inverted."""

    class Inverted(Top):
        def elaborate(self, platform):
            m = super().elaborate(platform)
            m.d.comb += self.level.payload.level[0].eq(~m.submodules.stage.o.payload.level[0])
            return m

    cfg = Config.preset("small")
    with pytest.raises(BenchError, match=r"level\["):
        simulate("codebook", cfg, top=Inverted(cfg), tests="levels_equal.*never.*never")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: Config(code_bits=6, level_bits=4), ValueError, "at most level_bits 4, not 6"),
        (lambda: codebook.model(Config(), [1], [0]), ValueError, "codebook[0] must be 0, not 1"),
        (lambda: codebook.model(Config(), [0], [64]), ValueError, "must be in 0..63, not 64"),
        (lambda: codebook.model(Config(), [0], [-1]), ValueError, "must be in 0..63, not -1"),
        (lambda: codebook.model(Config(), [0, 0.5], [0]), TypeError, "must be integers"),
        (lambda: codebook.model(Config(), [], [0]), ValueError, "must hold 1..64 levels"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()
