"""Plane of product cells: the RTL against the units' models, and what its error is."""

import numpy as np
import pytest

from nomul.experiments.essop.errors import network_pairs
from nomul.golden import essop, intouter, plane
from nomul.golden.plane import Config
from nomul.hw import plane as hardware
from nomul.sim.harness import BenchError

TINY = {"rows": 3, "cols": 4}


@pytest.mark.parametrize("preset", Config.presets)
def test_rtl_equals_model(simulate, preset):
    simulate("plane", Config.preset(preset))


PRODUCTS = [
    {"stream_bits": 16, "source": "sobol"},
    {"stream_bits": 4, "source": "sobol_xor"},
    {"stream_bits": 1},
    {"stream_bits": 8, "width": 3},
    {"product": "popcount", "source": "lfsr", "stream_bits": 4},
    {"product": "popcount", "source": "lfsr", "stream_bits": 8, "bits_per_cycle": 2},
    {"product": "popcount", "sng": "wbg"},
    {"product": "snapshot", "source": "sobol_xor", "stream_bits": 4},
    {"product": "snapshot", "row_levels": 2},
    {"row_levels": 2, "stream_bits": 16, "registered": False},
    {"row_levels": 4, "source": "sobol_xor"},
    {"hold": "enable"},
    {"product": "popcount", "stream_bits": 16},
    {"product": "multiply", "source": "lfsr", "bits": 2},
    {"product": "multiply", "source": "lfsr", "bits": 8, "rounding": "nearest"},
    {"product": "multiply", "source": "lfsr", "bits": 3, "registered": False},
]


@pytest.mark.parametrize("values", PRODUCTS)
def test_rtl_equals_model_for_other_products(simulate, values):
    """Both sides stalled; the presets pass under all stalls."""
    assert simulate("plane", Config(**(TINY | values)), tests="random.*random").tests == 1


@pytest.mark.long
@pytest.mark.parametrize("values", PRODUCTS)
def test_other_products_under_all_stalls(simulate, values):
    assert simulate("plane", Config(**(TINY | values))).tests == 4


def test_bench_notices_one_wrong_product(simulate):
    """Mutation: the lowest bit of one product is stuck."""

    class Stuck(hardware.Top):
        def elaborate(self, platform):
            m = super().elaborate(platform)
            m.d.comb += self.y.payload.y[5][0].eq(0)
            return m

    cfg = Config(**TINY)
    with pytest.raises(BenchError, match=r"magnitude\[\d+, 1, 1\] is 0x"):
        simulate("plane", cfg, top=Stuck(cfg), tests="equal.*never.*never")


def test_prefix_and_popcount_are_the_same_products():
    """The model has one answer for both ways of counting, that of the row-wise unit."""
    cfg = Config(**TINY)
    pairs = plane.stimuli(cfg, np.random.default_rng(1))
    operands = {name: pairs[name] for name in ("x", "sx", "d", "sd")}
    unit = essop.Config(**TINY, stream_bits=8)
    y = plane.model(cfg, **operands)
    assert np.array_equal(y, plane.model(cfg.replace(product="popcount"), **operands))
    assert np.array_equal(y, essop.model(unit, **operands))


def test_eight_scrambled_bits_err_less_than_sixteen_ideal_ones():
    """0.508 against 0.556, the figure of independent bits at BL 16 in tests/essop/test_essop.py."""
    pairs = network_pairs()
    assert plane.relative_error(Config(), pairs) < 0.95 * 0.556
    # Rows of four levels cost a twentieth of it, and are still better.
    assert plane.relative_error(Config(row_levels=4), pairs) < 0.96 * 0.556
    int4 = Config(product="multiply", source="lfsr")
    assert plane.relative_error(int4, pairs) == pytest.approx(0.276, rel=0.05)


def test_full_scale():
    assert plane.full_scale(Config(stream_bits=16)) == 16
    assert plane.full_scale(Config(product="multiply", source="lfsr", bits=4)) == 49
    assert isinstance(Config(product="multiply", source="lfsr").unit, intouter.Config)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"product": "add"},
            "plane.product must be one of popcount, snapshot, prefix, multiply, not 'add'",
        ),
        ({"source": "lfsr"}, "plane.source must be a counted one for product 'prefix', not 'lfsr'"),
        ({"bits_per_cycle": 2}, "plane.bits_per_cycle must be absent for product 'prefix', not 2"),
        (
            {"product": "snapshot", "registered": False},
            "plane.registered must be true where cells count, not False",
        ),
        ({"sng": "wbg"}, "plane.sng must be comparator for product 'prefix', not 'wbg'"),
        ({"rows": 200, "cols": 200}, "plane.rows must be small enough for all products to leave"),
        ({"stream_bits": 5}, "essop.stream_bits must be a power of two in 1..256, not 5"),
    ],
)
def test_bad_parameters_are_named(values, message):
    with pytest.raises(ValueError, match="must be") as caught:
        Config(**values)
    assert message in str(caught.value)
