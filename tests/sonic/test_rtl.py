"""SONIC's hardware: every preset and mode against the golden model, and what is malformed."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring

from nomul.golden.sonic import Config, devices
from nomul.hw.once import Once
from nomul.hw.sonic import Top
from nomul.hw.sonic.chunks import Chunks
from nomul.hw.sonic.vdu import VDU
from nomul.sim.harness import BenchError

SMALL = Config.preset("small")
ADC = {"adc_bits": 8, "adc_shift": 7}

# Units and lanes that divide nothing, few lanes behind a wide compactor, one of everything.
ODD = [
    SMALL.replace(**ADC),
    SMALL.replace(adc_bits=5, adc_shift=0, conv_resolution=5, fc_resolution=2),
    SMALL.replace(compactor_width=8, conv_lanes=2, fc_lanes=5, conv_units=7, fc_units=2),
    SMALL.replace(
        compactor_width=1, conv_lanes=1, fc_lanes=1, conv_units=1, fc_units=1, max_length=32
    ),
]


def test_rtl_equals_model(simulate):
    report = simulate("sonic", SMALL)
    assert report.records["fc_rounds"] > 20
    assert report.records["conv_gated"] > 100


@pytest.mark.parametrize("cfg", ODD, ids=["adc", "crosstalk", "odd", "one"])
def test_rtl_equals_model_in_every_mode(simulate, cfg):
    simulate("sonic", cfg)


@pytest.mark.long
def test_rtl_equals_model_on_the_paper_preset(simulate):
    simulate("sonic", Config.preset("paper"))


@pytest.mark.parametrize("cfg", [SMALL, SMALL.replace(**ADC)], ids=["exact", "adc"])
def test_what_is_malformed(simulate, cfg):
    simulate("sonic", cfg, bench="nomul.sim.sonic.edge")


@pytest.mark.parametrize("kind", ["fc", "conv"])
def test_unknown_values_stay_in_their_lanes(simulate, kind):
    cfg = SMALL.replace(**ADC)
    simulate(
        "sonic",
        cfg,
        bench="nomul.sim.sonic.vdu",
        top=VDU(cfg, kind),
        simulator="icarus",
        environment={"NOMUL_KIND": kind},
    )


@pytest.mark.parametrize("cfg", [SMALL, SMALL.replace(**ADC)], ids=["exact", "adc"])
def test_unknown_values_never_leave_the_accelerator(simulate, cfg):
    simulate("sonic", cfg, bench="nomul.sim.sonic.unknown", simulator="icarus")


def test_crosstalk_limits_rtl_as_it_limits_the_model(simulate):
    cfg = devices.limited(SMALL.replace(fc_lanes=50, conv_lanes=20, conv_units=1, fc_units=1))
    assert (cfg.fc_resolution, cfg.conv_resolution) == (2, 4)
    assert simulate("sonic", cfg, tests="layers_equal_the_model").tests == 4


class Macros(Top):
    """The accelerator whose chunk memories are outside, with memories put there."""

    def elaborate(self, platform):
        m, inside = Module(), Top(self.cfg, outside=True)
        m.submodules.inside = inside
        for kind, engine in self._engines.items():
            for name, size in engine.memories.items():
                m.submodules[f"{kind}_{name}"] = memory = Once("macro", Chunks, *size)
                wiring.connect(m, getattr(inside, f"{kind}_{name}"), memory.port)
        for name, member in self.signature.members.items():
            if member.is_signature:
                wiring.connect(m, getattr(inside, name), wiring.flipped(getattr(self, name)))
            else:
                m.d.comb += getattr(self, name).eq(getattr(inside, name))
        return m


def test_memories_may_be_outside(simulate):
    """What reaches for a memory macro finds there what the engine's own memory would hold."""
    assert simulate("sonic", SMALL, top=Macros(SMALL), tests="layers_equal_the_model").tests == 4


class Broken(Top):
    """Mutation: the lowest bit of every group's first FC result is inverted."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.fc_y.payload.z[0][0].eq(~self._engines["fc"].y.payload.z[0][0])
        return m


class Forgetful(Top):
    """Mutation: gated lanes of the CONV engine are not counted."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.conv_gated.eq(0)
        return m


@pytest.mark.parametrize(
    ("mutant", "message"), [(Broken, r"fc z\[0\] is"), (Forgetful, "conv_gated is 0x0")]
)
def test_bench_notices(simulate, mutant, message):
    with pytest.raises(BenchError, match=message):
        simulate("sonic", SMALL, top=mutant(SMALL), tests="layers_equal.*never.*never")


class Absorbing(Top):
    """Mutation: a flag of the FC engine looks at beats that nobody has offered."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        bit, other = Signal(), Signal(init=1)
        m.d.sync += [bit.eq(self.fc_vector.payload.last), other.eq(~self.fc_vector.payload.last)]
        m.d.comb += self.fc_gated.eq(self._engines["fc"].gated + (bit == other))
        return m


def test_unknown_values_find_what_known_ones_hide(simulate):
    """No known payload changes a result of this mutant; an unknown one reaches a counter."""
    options = {"top": Absorbing(SMALL), "simulator": "icarus"}
    assert simulate("sonic", SMALL, tests="layers_equal.*random.*random", **options).tests == 1
    with pytest.raises(BenchError, match="fc_gated"):
        simulate("sonic", SMALL, bench="nomul.sim.sonic.unknown", **options)
