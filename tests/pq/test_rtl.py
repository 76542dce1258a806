"""Product quantisation: the Verilog against the model, presets and corners; a mutation."""

import pytest
from products.ladder import WRONG_SUM, Ladder

from nomul.golden.pq import Config
from nomul.hw.pq import Top
from nomul.sim.harness import BenchError

pytestmark = pytest.mark.needs("icarus")

CORNERS = {
    "one of everything": {
        "inputs": 1,
        "outputs": 1,
        "length": 1,
        "prototypes": 1,
        "units": (1, 1, 1),
    },
    "one bit": {"inputs": 3, "outputs": 2, "length": 2, "act_bits": 1, "table_bits": 2},
    "all at once": {
        "inputs": 7,
        "outputs": 5,
        "length": 3,
        "prototypes": 4,
        "units": (9, 9, 9),
        "groups": 9,
    },
    "look-up is the longer part": {
        "inputs": 8,
        "outputs": 9,
        "length": 2,
        "prototypes": 4,
        "units": (2, 4, 1),
    },
    "one element and one prototype at a time, unsigned": {
        "inputs": 5,
        "outputs": 3,
        "length": 5,
        "prototypes": 3,
        "units": (1, 1, 3),
        "act_signed": False,
    },
    "squares": {"inputs": 6, "outputs": 3, "length": 3, "prototypes": 5, "metric": "l2"},
    "a subvector larger than the vector": {"inputs": 3, "outputs": 3, "length": 5},
    "a tree of one element, unsigned": {
        "inputs": 3,
        "outputs": 3,
        "length": 1,
        "metric": "tree",
        "act_signed": False,
    },
    "shared, in groups": {
        "inputs": 11,
        "outputs": 3,
        "length": 2,
        "prototypes": 3,
        "shared": True,
        "units": (2, 2, 2),
        "groups": 4,
    },
}


class TestVerilog(Ladder):
    config, corners, tests = Config, CORNERS, 11
    presets = ("compat", "tree")


def test_bench_notices_another_metric(simulate):
    """Mutation: the hardware takes the nearest by squares, which is another one at times."""
    cfg = Config.preset("small")
    with pytest.raises(BenchError, match=WRONG_SUM):
        simulate("pq", cfg, top=Top(cfg.replace(metric="l2")), tests="any_tables")
