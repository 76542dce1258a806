"""Circulants: the Verilog against the model, presets and corners; codes; mutations."""

import pytest
from amaranth.hdl import Cat
from products.ladder import WRONG_SUM, Ladder

from nomul.golden.circulant import Config
from nomul.hw.circulant import direct, transform
from nomul.sim.harness import BenchError

pytestmark = pytest.mark.needs("icarus")

NTT = {"engine": "ntt", "weight_bits": 4, "act_bits": 4}
CORNERS = {
    "one of everything": {"inputs": 1, "outputs": 1, "k": 1},
    "one bit": {"inputs": 3, "outputs": 2, "k": 2, "act_bits": 1, "weight_bits": 1},
    "a block larger than the matrix": {"inputs": 3, "outputs": 2, "k": 5},
    "all at once": {"inputs": 9, "outputs": 8, "k": 2, "units": 100},
    "unsigned": {"inputs": 7, "outputs": 9, "k": 3, "act_signed": False},
    "groups, bit by bit, unsigned": {
        "inputs": 7,
        "outputs": 12,
        "k": 2,
        "units": 2,
        "product": "bitserial",
        "act_bits": 3,
        "act_signed": False,
    },
    "wide": {"inputs": 4, "outputs": 4, "act_bits": 16, "weight_bits": 17},
    "one point": {"inputs": 5, "outputs": 3, "k": 1, "modulus_log2": 16, **NTT},
    "points of everything": {"inputs": 1, "outputs": 1, "k": 1, "modulus_log2": 8, **NTT},
    "points of int8": {"inputs": 16, "outputs": 8, "k": 8, "engine": "ntt"},
    "points, groups, unsigned": {
        "inputs": 9,
        "outputs": 12,
        "k": 2,
        "units": 2,
        "modulus_log2": 16,
        "act_signed": False,
        **NTT,
    },
    "points of a block larger than the matrix": {"inputs": 3, "outputs": 2, "k": 8, **NTT},
    "a small modulus": {
        "inputs": 4,
        "outputs": 4,
        "k": 4,
        "engine": "ntt",
        "modulus_log2": 8,
        "weight_bits": 2,
        "act_bits": 4,
    },
}


class TestVerilog(Ladder):
    config, corners, tests = Config, CORNERS, 11
    presets = ("bitserial", "ntt")


def test_bench_notices_weights_that_stand_still(simulate, monkeypatch):
    """Mutation: the register of a block does not go around."""
    monkeypatch.setattr(direct, "Cat", lambda *parts: Cat(*reversed(parts)))
    with pytest.raises(BenchError, match=WRONG_SUM):
        simulate("circulant", Config.preset("small"), tests="products")


def test_bench_notices_a_root_that_is_none(simulate, monkeypatch):
    """Mutation: the hardware's transforms turn by twice the root's exponent."""
    monkeypatch.setattr(transform, "root", lambda k, b: 4 * b // k)
    with pytest.raises(BenchError, match=WRONG_SUM):
        simulate("circulant", Config.preset("ntt"), tests="products")
