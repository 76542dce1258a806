"""Dense: the array's Verilog against the model, presets and corners; a mutation that must fail."""

import pytest
from products.ladder import WRONG_SUM, Ladder

from nomul.golden.dense import Config
from nomul.hw.dense import Top
from nomul.sim.harness import BenchError

pytestmark = pytest.mark.needs("icarus")

CORNERS = {
    "one of everything": {"inputs": 1, "outputs": 1, "products": 1},
    "one bit": {"inputs": 3, "outputs": 2, "products": 2, "act_bits": 1, "weight_bits": 1},
    "all at once": {"inputs": 7, "outputs": 5, "products": 100},
    "unsigned": {"inputs": 7, "outputs": 5, "products": 3, "act_signed": False, "act_bits": 5},
    "crossed": {"inputs": 7, "outputs": 5, "products": 14, "multiplier": "crossed"},
    "crossed, unsigned": {
        "inputs": 5,
        "outputs": 3,
        "products": 3,
        "multiplier": "crossed",
        "act_signed": False,
        "weight_bits": 4,
    },
    "operator, unsigned": {
        "inputs": 5,
        "outputs": 3,
        "products": 6,
        "multiplier": "operator",
        "act_signed": False,
    },
    "groups, bit by bit": {
        "inputs": 6,
        "outputs": 7,
        "products": 2,
        "array": "bitserial",
        "act_bits": 3,
    },
    "lanes, bit by bit, unsigned": {
        "inputs": 9,
        "outputs": 5,
        "products": 12,
        "array": "bitserial",
        "act_bits": 3,
        "act_signed": False,
    },
    "several steps in a word": {"inputs": 7, "outputs": 5, "products": 3, "load": 4},
    "a word of more steps than there are": {"inputs": 2, "outputs": 2, "products": 1, "load": 8},
    "wide": {"inputs": 3, "outputs": 2, "products": 2, "act_bits": 16, "weight_bits": 17},
}


class TestVerilog(Ladder):
    config, corners, tests = Config, CORNERS, 10
    presets = ("dsp", "bitserial")


def test_bench_notices_a_sign_that_is_none(simulate):
    """Mutation: the hardware is built for unsigned activations, so a sign bit weighs +2^7."""
    cfg = Config.preset("small")
    with pytest.raises(BenchError, match=WRONG_SUM):
        simulate("dense", cfg, top=Top(cfg.replace(act_signed=False)), tests="products")
