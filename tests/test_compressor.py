"""Compressor tree: the plan, the RTL against the model, and its cells against plain addition."""

import numpy as np
import pytest

from nomul.golden import compressor
from nomul.golden.compressor import Config
from nomul.hw.compressor import Top
from nomul.sim.harness import BenchError
from nomul.synth import yosys
from nomul.synth.emit import emit
from nomul.synth.map.synthesize import synthesize


@pytest.mark.parametrize("preset", Config.presets)
def test_rtl_equals_model(simulate, preset):
    simulate("compressor", Config.preset(preset))


@pytest.mark.parametrize("adder", ["lut6", "carry"])
@pytest.mark.parametrize("width", [1, 2, 3, 6, 7, 33, 64, 129])
def test_any_width(simulate, adder, width):
    cfg = Config(width=width, adder=adder)
    assert simulate("compressor", cfg, tests="never").tests


@pytest.mark.parametrize("width", [1, 5, 36, 200, 1024])
def test_a_level_loses_no_weight_and_ends(width):
    heights, rounds = [width], 0
    while any(compressor.counters(heights)):
        after = compressor.compressed(heights)
        assert sum(after) == sum(heights) - 3 * sum(compressor.counters(heights))
        heights, rounds = after, rounds + 1
    assert max(heights) <= 6
    assert rounds == compressor.levels(width, "lut6")


@pytest.mark.parametrize("width", range(32, 300))
def test_leaves_and_spare_bits_are_the_word(width):
    leaves = compressor.leaves(width)
    assert sum(leaves) + len(leaves) - 1 == width
    assert max(leaves) <= 7


def test_model_counts():
    cfg = Config(width=9)
    words = compressor.stimuli(cfg, np.random.default_rng(1))["x"]
    assert np.array_equal(compressor.model(cfg, words), compressor.ideal(words))
    with pytest.raises(ValueError, match=r"x must be of shape \[n, 9\], not \[2, 8\]"):
        compressor.model(cfg, np.zeros((2, 8)))


def test_bench_notices_a_lost_bit(simulate):
    """Mutation: the hardware ignores the top bit."""

    class Deaf(Top):
        def elaborate(self, platform):
            m = super().elaborate(platform)
            m.d.comb += m.submodules.stage.i.payload.eq(0)
            return m

    cfg = Config.preset("small")
    with pytest.raises(BenchError, match=r"count\["):
        simulate("compressor", cfg, top=Deaf(cfg), tests="equal.*never.*never")


def cells(width, adder, target):
    return synthesize(emit(Top(Config(width=width, adder=adder)), "compressor"), target).resources[
        "luts"
    ]


SIZES = [64, pytest.param(256, marks=pytest.mark.long), pytest.param(1024, marks=pytest.mark.long)]


@pytest.mark.parametrize("width", SIZES)
def test_a_quarter_fewer_cells_than_plain_addition_on_xc7(width, capsys):
    plus, tree = (cells(width, adder, "xc7") for adder in ("plus", "lut6"))
    with capsys.disabled():
        print(f"\nYosys {yosys.version()}, xc7, {width} bits: {tree} against {plus} LUTs")
    assert tree <= 0.75 * plus


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("target", ["ecp5", "ice40"])
def test_never_worse_than_plain_addition_on_small_tables(width, target, capsys):
    plus, tree = (cells(width, adder, target) for adder in ("plus", "carry"))
    with capsys.disabled():
        print(f"\nYosys {yosys.version()}, {target}, {width} bits: {tree} against {plus} LUTs")
    assert tree <= plus


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 0}, "compressor.width must be in 1..4096, not 0"),
        ({"adder": "fa"}, "compressor.adder must be one of lut6, carry, plus, not 'fa'"),
        ({"pipeline": -1}, "compressor.pipeline must be in 0..16, not -1"),
    ],
)
def test_bad_parameters_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        Config(**values)
