"""RTL of the spiking layers against the model: presets, reset rules, coders, readouts, chains."""

from itertools import pairwise

import numpy as np
import pytest

from nomul import flow, registry
from nomul.golden import lif
from nomul.golden.lif import Config, Layer, Network, files
from nomul.hw.lif import Top
from nomul.sim.harness import BenchError
from nomul.train import data

pytestmark = pytest.mark.filterwarnings("ignore:lif.leak 10 does nothing:UserWarning")

BASE = {"inputs": 21, "neurons": 7, "lanes": 3, "threshold": 24, "fraction": 2, "state_bits": 11}


def test_rtl_equals_model(simulate):
    """With stalls on both sides, cycles, counters, malformed input, and a reset in between."""
    report = simulate("lif", Config.preset("small"))
    assert report.tests == 7
    assert report.records["cycles"] > 0


@pytest.mark.long
@pytest.mark.parametrize("preset", [name for name in Config.presets if name != "small"])
def test_rtl_equals_model_on_other_presets(simulate, preset):
    assert simulate("lif", Config.preset(preset)).tests == 7


@pytest.mark.long
@pytest.mark.parametrize("rounding", lif.ROUNDINGS)
@pytest.mark.parametrize("reset", lif.RESETS)
def test_rtl_equals_model_for_every_reset_rule(simulate, reset, rounding):
    extra = {"reset_value": 5, "inhibit": -7} if reset == "spiker22" else {"rounding": rounding}
    leak = 3 if reset == "spiker22" else (2, 4)
    assert simulate("lif", Config(reset=reset, leak=leak, **BASE, **extra)).tests == 7


@pytest.mark.long
@pytest.mark.parametrize("readout", lif.READOUTS[1:])
@pytest.mark.parametrize("coder", lif.CODERS)
def test_rtl_equals_model_for_every_coder_and_readout(simulate, coder, readout):
    cfg = Config(coder=coder, readout=readout, steps=5, **BASE)
    assert simulate("lif", cfg).tests == 7


@pytest.mark.long
@pytest.mark.parametrize(
    "cfg",
    [
        Config(inputs=1, neurons=1, threshold=10),
        Config(inputs=5, neurons=9, lanes=16, threshold=tuple(range(10, 19)), form="events"),
        Config(inputs=9, neurons=5, lanes=2, threshold=(9, 8, 7, 6, 5), leak=0, chunk=64),
        Config(inputs=1, coder="accumulate", readout="potential", steps=7),
        Config(inputs=4, neurons=64, lanes=64, readout="first", steps=3),
    ],
    ids=["one neuron", "more lanes", "thresholds", "one pixel", "all at once"],
)
def test_rtl_equals_model_at_odd_sizes(simulate, cfg):
    assert simulate("lif", cfg).tests == 7


@pytest.fixture
def chain(tmp_path):
    """Return the file of a random network 12-10-5-3, with a coder and a readout."""
    rng = np.random.default_rng(1)
    sizes, layers, weights = (12, 10, 5, 3), [], []
    for number, (inputs, neurons) in enumerate(pairwise(sizes)):
        reset = ("subtract", "zero_now", "none")[number]
        layers.append(Layer(inputs=inputs, neurons=neurons, threshold=25, reset=reset))
        weights.append(rng.integers(-8, 24, (inputs, neurons)))
    network = Network(layers=tuple(layers), weights=tuple(weights), coder="accumulate",
                      readout="potential", steps=6)  # fmt: skip
    files.save(tmp_path / "chain.npz", network)
    return str(tmp_path / "chain.npz")


@pytest.mark.parametrize(
    ("weights", "lanes"),
    [("rom", 4), *(pytest.param(w, 3, marks=pytest.mark.long) for w in ("load", "large"))],
)
def test_layers_work_one_after_another(simulate, chain, weights, lanes):
    cfg = Config(network=chain, weights=weights, lanes=lanes)
    report = simulate("lif", cfg, tests=r"(random|never)/sink=random|malformed|formula|reset")
    assert report.tests >= 4


def test_a_frame_of_one_beat_may_lack_its_last(simulate, tmp_path):
    """The first beat, which the bench changes, is on the port before the clock runs."""
    layer = Layer(inputs=8, neurons=3, threshold=25)
    weights = np.random.default_rng(1).integers(-8, 24, (8, 3))
    network = Network(layers=(layer,), weights=(weights,), readout="counts", steps=3)
    files.save(tmp_path / "one.npz", network)
    cfg = Config(network=str(tmp_path / "one.npz"), lanes=3)
    assert simulate("lif", cfg, tests="malformed").tests == 1


def test_large_memories_hold_nothing_at_first():
    """Those that are asked for have no contents in the design, and all others still have."""
    designs = [
        flow.emit(registry.get("lif"), Config(network="digits-32", weights=weights))
        for weights in ("load", "large")
    ]
    filled = [design.rtlil.count("$meminit") for design in designs]
    assert filled[1] == filled[0] - 1
    assert designs[1].rtlil.count('ram_style "huge"') == 1


@pytest.mark.long
@pytest.mark.parametrize("counter_bits", [0, 5])
def test_counters_wrap_or_are_not_there(simulate, counter_bits):
    assert simulate("lif", Config(counter_bits=counter_bits)).tests == 7


def test_bench_notices_another_reset_rule(simulate):
    """Mutation: the hardware forgets the potential where it should subtract the threshold."""
    cfg = Config.preset("small")
    with pytest.raises(BenchError, match=r"spikes\["):
        simulate("lif", cfg, top=Top(cfg.replace(reset="zero")), tests="source=never/sink=never")


@pytest.mark.long
def test_bench_notices_a_slower_layer(simulate):
    """Mutation: with fewer lanes the trains are the same and the cycles are not."""
    cfg = Config(network="digits-32", lanes=8)  # constant weights: words of a load are lanes wide
    with pytest.raises(BenchError, match="cycles"):
        simulate("lif", cfg, top=Top(cfg.replace(lanes=4)), tests="formula")


@pytest.mark.long
@pytest.mark.parametrize(("network", "lanes"), [("digits-32", 8), ("digits", 16)])
def test_the_whole_test_set_of_digits_passes_through_the_rtl(simulate, tmp_path, network, lanes):
    """All 360 images: label and potential of each equal the model's."""
    digits = data.load("digits")
    np.savez(tmp_path / "stimuli.npz", x=digits.x_test)
    report = simulate(
        "lif",
        Config(network=network, lanes=lanes),
        tests=r"outputs_equal_the_model/source=never/sink=never",
        environment={"NOMUL_STIMULI": str(tmp_path / "stimuli.npz")},
    )
    assert report.tests == 1
    assert report.compared >= 2 * len(digits.x_test)
