"""Zero compactor: the model against its definition, and the RTL against the model."""

import numpy as np
import pytest

from nomul.golden import compactor
from nomul.golden.compactor import Config
from nomul.hw.compactor import Top
from nomul.sim.harness import BenchError


@pytest.mark.parametrize("preset", Config.presets)
def test_survivors_keep_their_order(preset):
    cfg = Config.preset(preset)
    for values, mask in compactor.vectors(cfg, np.random.default_rng(1)):
        beats = compactor.model(cfg, values, mask)
        assert np.array_equal(beats.values[beats.keep], compactor.ideal(values, mask))
        assert np.array_equal(values[beats.places[beats.keep]], beats.values[beats.keep])
        assert len(beats.last) == max(1, -(-int(mask.sum()) // cfg.lanes))
        assert beats.last.sum() == beats.last[-1] == 1
        assert beats.keep[:-1].all()
        assert not beats.values[~beats.keep].any()


def test_a_vector_without_survivors_is_one_empty_beat():
    beats = compactor.model(Config(lanes=2), [5, 6, 7], [0, 0, 0])
    assert (beats.keep.any(), beats.last.tolist()) == (False, [True])


@pytest.mark.parametrize("preset", Config.presets)
def test_rtl_equals_model(simulate, preset):
    cfg = Config.preset(preset)
    report = simulate("compactor", cfg)
    assert report.records["interval"] == cfg.interval


@pytest.mark.parametrize(("width", "lanes"), [(1, 1), (4, 1), (3, 7), (16, 5), (16, 16)])
def test_rtl_equals_model_at_odd_sizes(simulate, width, lanes):
    cfg = Config(width=width, lanes=lanes, value_bits=3, max_length=100)
    simulate("compactor", cfg)


def test_a_beat_per_cycle_at_8_and_16():
    assert [Config.preset(name).interval for name in ("narrow", "wide")] == [1, 1]
    assert [Config.preset(name).width for name in ("narrow", "wide")] == [8, 16]


def test_bench_notices_a_lost_survivor(simulate):
    """Mutation: element 1 never survives."""

    class Lossy(Top):
        def _pack(self, m, packed):
            super()._pack(m, packed)
            m.d.comb += packed.i.payload.elements[1].eq(0)

    cfg = Config.preset("narrow")
    with pytest.raises(BenchError, match=r"values\["):
        simulate("compactor", cfg, top=Lossy(cfg), tests="beats_equal.*never.*never")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Config(width=0), "compactor.width must be in 1..64, not 0"),
        (lambda: Config(lanes=300), "compactor.lanes must be in 1..256, not 300"),
        (lambda: compactor.model(Config(), [1], [1, 0]), "values and mask must be of one shape"),
        (lambda: compactor.model(Config(), [], []), "values must hold 1..4096 elements, not 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what is tested
        call()
    assert message in str(caught.value)
