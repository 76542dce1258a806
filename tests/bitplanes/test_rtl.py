"""Bit planes: the array's Verilog against the model, presets and corners; mutations must fail."""

import pytest
from products.ladder import WRONG_SUM, Ladder

from nomul.golden.bitplanes import Config
from nomul.hw.bitplanes import Top
from nomul.sim.harness import BenchError

pytestmark = pytest.mark.needs("icarus")

SMALL = {"inputs": 7, "outputs": 3, "lanes": 3, "act_planes": 3, "weight_planes": 3}

CORNERS = {
    "one of everything": {"inputs": 1, "outputs": 1, "act_planes": 1, "weight_planes": 1},
    "one column": {**SMALL, "outputs": 1},
    "unsigned": {**SMALL, "act_signed": False, "weight_signed": False},
    "unsigned activations": {**SMALL, "act_signed": False, "tree_regs": 1},
    "unsigned weights": {**SMALL, "weight_signed": False, "slice_bits": 2},
    "levels only": {**SMALL, "encodings": ("xnor",), "rounding": False},
    "uneven pairs": {**SMALL, "act_planes": 7, "pairs": 3, "tree_regs": 1},
    "uneven slices": {**SMALL, "weight_planes": 7, "slice_bits": 3},
    "pairs and slices": {**SMALL, "act_planes": 5, "weight_planes": 5, "pairs": 2, "slice_bits": 3},
    "pairs and slices that clip": {
        **SMALL,
        "act_planes": 4,
        "weight_planes": 4,
        "pairs": 2,
        "slice_bits": 3,
        "adc_bits": 2,
    },
    "a single slice": {**SMALL, "slice_bits": 17, "pairs": 32},
    "many planes": {**SMALL, "act_planes": 17, "weight_planes": 9, "inputs": 2},
    "slow sums": {"inputs": 3, "outputs": 16, "act_planes": 4, "weight_planes": 4},
}


class TestVerilog(Ladder):
    config, corners, tests = Config, CORNERS, 17
    presets = ("pairs", "slices")


def test_bench_notices_lanes_that_are_not_masked(simulate):
    """Mutation: the classic one, padded lanes that count as levels of -1."""
    cfg = Config.preset("small").replace(encodings=("xnor",), rounding=False)
    full = cfg.replace(inputs=cfg.chunks * cfg.width)
    assert full.chunks == cfg.chunks
    assert full.y_bits == cfg.y_bits
    with pytest.raises(BenchError, match=WRONG_SUM):
        simulate("bitplanes", cfg, top=Top(full), tests="products.*never.*never")


@pytest.mark.long
def test_bench_notices_a_sign_that_is_none(simulate):
    """Mutation: the top plane of activations counts as positive."""
    cfg = Config.preset("small")
    with pytest.raises(BenchError, match=WRONG_SUM):
        simulate("bitplanes", cfg, top=Top(cfg.replace(act_signed=False)), tests="products")
