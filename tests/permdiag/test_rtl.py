"""Permuted diagonals: the Verilog against the model, presets and corners; a mutation."""

import pytest
from products.ladder import WRONG_SUM, Ladder

from nomul.golden.permdiag import Config
from nomul.hw.permdiag import Top
from nomul.sim.harness import BenchError

pytestmark = pytest.mark.needs("icarus")

CORNERS = {
    "one of everything": {"inputs": 1, "outputs": 1, "p": 1, "pes": 1, "muls": 1, "lanes": 1},
    "one bit": {"inputs": 3, "outputs": 2, "p": 2, "act_bits": 1, "weight_bits": 1},
    "dense": {"inputs": 6, "outputs": 5, "p": 1, "pes": 3, "muls": 1, "lanes": 4},
    "a block larger than the matrix": {"inputs": 5, "outputs": 3, "p": 11, "lanes": 2},
    "all at once": {"inputs": 9, "outputs": 8, "p": 2, "pes": 9, "muls": 9, "lanes": 100},
    "beats longer than blocks": {"inputs": 23, "outputs": 9, "p": 3, "lanes": 11},
    "blocks of eight, a vector in a beat": {"inputs": 24, "outputs": 16, "p": 8, "lanes": 24},
    "stored": {
        "inputs": 11,
        "outputs": 7,
        "p": 3,
        "k": (2, 0, 1, 1, 2, 2, 0, 0, 1, 2, 1, 0),
        "pes": 1,
        "lanes": 7,
    },
    "steps, bit by bit, unsigned": {
        "inputs": 7,
        "outputs": 12,
        "p": 2,
        "product": "bitserial",
        "lanes": 3,
        "act_bits": 3,
        "act_signed": False,
    },
    "powers of two, unsigned": {
        "inputs": 7,
        "outputs": 6,
        "p": 2,
        "product": "pow2",
        "act_signed": False,
        "weight_bits": 2,
    },
    "loaded, several steps": {
        "inputs": 11,
        "outputs": 13,
        "p": 3,
        "k": "loaded",
        "pes": 1,
        "lanes": 7,
    },
    "loaded, shifts wider than weights": {
        "inputs": 9,
        "outputs": 8,
        "p": 5,
        "k": "loaded",
        "weight_bits": 2,
        "product": "pow2",
    },
    "loaded, blocks of one": {"inputs": 3, "outputs": 2, "p": 1, "k": "loaded", "act_bits": 4},
    "wide": {"inputs": 4, "outputs": 4, "p": 4, "act_bits": 16, "weight_bits": 17},
}


class TestVerilog(Ladder):
    config, corners, tests = Config, CORNERS, 11
    presets = ("bitserial", "pow2", "loaded")


def test_bench_notices_a_diagonal_that_is_shifted(simulate):
    """Mutation: one block of the hardware has another shift, so its sums go into wrong rows."""
    cfg = Config.preset("small")
    shifts = tuple(block % cfg.p for block in range(cfg.block_rows * cfg.block_columns))
    wrong = cfg.replace(k=(*shifts[:-1], (shifts[-1] + 1) % cfg.p))
    with pytest.raises(BenchError, match=WRONG_SUM):
        simulate("permdiag", cfg, top=Top(wrong), tests="products")
