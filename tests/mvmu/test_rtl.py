"""A core with matrix-vector units: the Verilog against the interpreter, and a mutation."""

import numpy as np
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


@pytest.mark.long
def test_the_digits_mlp_is_a_program_of_the_verilog(simulate, tmp_path):
    """Trained weights and test images: memory, scores in it, and cycles are the interpreter's."""
    pytest.importorskip("sklearn", reason="pip install scikit-learn")
    from nomul.experiments.mvmu import tables

    weights, x, _ = tables.trained()
    np.savez(tmp_path / "net.npz", x=x[:4], **{f"w{k}": w for k, w in enumerate(weights)})
    report = simulate(
        "mvmu",
        Config.preset("digits"),
        tests="a_perceptron_runs_as_a_program",
        environment={"NOMUL_STIMULI": str(tmp_path / "net.npz")},
    )
    assert report.compared > 1024
