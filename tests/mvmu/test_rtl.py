"""A core with matrix-vector units: the Verilog against the interpreter, and a mutation."""

import pytest

from nomul.golden.mvmu import Config
from nomul.hw.mvmu import Top
from nomul.sim.harness import BenchError

pytestmark = pytest.mark.needs("icarus")


def test_rtl_equals_the_interpreter(simulate):
    simulate("mvmu", Config.preset("small"))


@pytest.mark.long
@pytest.mark.parametrize(
    "values",
    [
        Config.presets["digits"],
        {"inputs": 1, "outputs": 1, "units": 1, "registers": 8, "words": 32},
        {"inputs": 5, "outputs": 7, "weight_bits": 3, "act_bits": 2, "words": 40},
        {"inputs": 9, "outputs": 3, "slice_bits": 3, "adc_bits": 1, "units": 8, "words": 100},
    ],
)
def test_rtl_equals_the_interpreter_at_other_sizes(simulate, values):
    simulate("mvmu", Config(**values))


def test_bench_notices_another_converter(simulate):
    """Mutation: the columns' converters have a bit less."""
    cfg = Config.preset("small")
    with pytest.raises(BenchError, match=r"(memory|clips)"):
        simulate("mvmu", cfg, top=Top(cfg.replace(adc_bits=3)), tests="products.*never.*never")
