"""The Sparse DNN Challenge: the Verilog against the model, every engine, and a mutation."""

import numpy as np
import pytest

from nomul.experiments.spdnn.around import Around
from nomul.golden import spdnn
from nomul.golden.spdnn import Config
from nomul.hw.spdnn import Top
from nomul.sim.harness import BenchError

pytestmark = pytest.mark.needs("icarus")


def test_rtl_equals_model(simulate):
    simulate("spdnn", Config.preset("class", neurons=64))


@pytest.mark.long
@pytest.mark.parametrize("preset", ["small", "class", "general"])
def test_presets_equal_the_model(simulate, preset):
    simulate("spdnn", Config.preset(preset))


@pytest.mark.long
@pytest.mark.parametrize(
    "values",
    [
        {"neurons": 64, "layers": 1, "adders": 1, "fraction": 4},
        {"neurons": 64, "layers": 8, "adders": 3, "fraction": 20},
        {"neurons": 256, "layers": 2, "adders": 1, "engine": "class"},
        {"neurons": 64, "layers": 2, "adders": 2, "fraction": 20, "engine": "general"},
    ],
)
def test_rtl_equals_model_at_odd_sizes(simulate, values):
    simulate("spdnn", Config(**values))


def test_bench_notices_a_bias_that_is_off_by_one(simulate):
    """Mutation: the last bit of the bias."""

    class Off(Config):
        @property
        def bias(self):
            return super().bias + 1

    cfg = Config.preset("class", neurons=64)
    wrong = Off(**cfg.to_dict())
    with pytest.raises(BenchError, match=r"y\["):
        simulate("spdnn", cfg, top=Top(wrong), tests="activations.*never.*never")


def test_the_table_lists_members_by_class():
    layers = spdnn.generate(2, [np.repeat(np.arange(4), 16)], 64)
    table = spdnn.members(Config(neurons=64, layers=2), layers)
    assert table.tolist() == list(range(64))


def test_edges_of_the_general_engine():
    layer = spdnn.Layer(64, np.array([5, 7]), np.array([1, 1]), np.array([1, -128]))
    words = spdnn.edges(Config(neurons=64, layers=1, engine="general"), [layer])
    assert len(words.row) == 63 + 2
    assert words.row[:4].tolist() == [0, 5, 7, 0]
    assert words.shift[:4].tolist() == [0, 0, 7, 0]
    assert words.negative[:4].tolist() == [0, 0, 1, 0]
    assert words.none[:4].tolist() == [1, 0, 0, 1]
    assert words.last[:4].tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize("weight", [3, 256, -5])
def test_a_weight_that_is_no_power_of_two_is_named(weight):
    layer = spdnn.Layer(64, np.array([5]), np.array([1]), np.array([weight]))
    with pytest.raises(ValueError, match=f"layer 1, edge 1: weight must be .*, not {weight}$"):
        spdnn.edges(Config(neurons=64, layers=1, engine="general"), [layer])


def test_networks_that_do_not_fit_the_hardware_are_refused():
    layers = spdnn.generate(2, neurons=64)
    with pytest.raises(ValueError, match="layers must be 3, as the hardware has, not 2"):
        spdnn.members(Config(neurons=64, layers=3), layers)
    with pytest.raises(ValueError, match="layer 1 has 64 neurons; the hardware has 128"):
        spdnn.members(Config(neurons=128, layers=2), layers)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"neurons": 100}, "spdnn.neurons must be a power of two, not 100"),
        ({"neurons": 32}, "spdnn.neurons must be in 64..65536, not 32"),
        ({"layers": 0}, "spdnn.layers must be in 1..1920, not 0"),
        ({"adders": 65}, "spdnn.adders must be in 1..64, not 65"),
        ({"fraction": 3}, "spdnn.fraction must be in 4..20, not 3"),
        ({"engine": "gpu"}, "spdnn.engine must be one of edge, class, general, not 'gpu'"),
    ],
)
def test_parameters_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        Config(**values)


@pytest.mark.parametrize("engine", ["class", pytest.param("edge", marks=pytest.mark.long)])
def test_memories_behind_ports_give_the_same(simulate, engine):
    """What reaches for memory macros finds there what the machine's own memories would hold."""
    cfg = Config(neurons=64, layers=7, adders=2, fraction=8, engine=engine)
    simulate("spdnn", cfg, top=Around(cfg), tests="activations.*never.*never")
