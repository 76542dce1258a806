"""SOT-MRAM PIM, hardware side: the RTL against the model, under stalls, variants and faults."""

import numpy as np
import pytest

from nomul.golden import sotfp
from nomul.golden.sotfp import Config
from nomul.sim.harness import BenchError

E5M2 = {"exponent_bits": 5, "mantissa_bits": 2}
E4M3 = {"exponent_bits": 4, "mantissa_bits": 3}
E3M4 = {"exponent_bits": 3, "mantissa_bits": 4}

PARTIAL = r"partial_batches.*source=random/sink=random"
PARTIAL_PLAIN = r"partial_batches.*source=never/sink=never"


@pytest.mark.parametrize("preset", Config.presets)
def test_rtl_equals_model(simulate, preset):
    simulate("sotfp", Config.preset(preset))


@pytest.mark.parametrize(
    "values",
    [
        {"ports": "dual"},
        {"mode": "ftz", "opset": "sot+search"},
        {"opset": "nor"},
        {"opset": "nor+search", "ports": "dual", "lanes": 11},
        {"columns": 70, "lanes": 2},
    ],
    ids=lambda values: "-".join(str(value) for value in values.values()),
)
def test_variants(simulate, values):
    cfg = Config.from_dict({**E4M3, "lanes": 24, **values})
    report = simulate("sotfp", cfg, tests=PARTIAL)
    assert report.tests == 1
    report = simulate("sotfp", cfg, tests="results_equal", environment={"NOMUL_PAIRS": "5000:5060"})
    assert report.records["cycles_add"] == cfg.cycles(1, "add")
    assert report.records["cycles_mul"] == cfg.cycles(1, "mul")


@pytest.mark.parametrize("preset", ["fp16", "bf16", "fp32"])
def test_corners_in_256_lanes(simulate, preset):
    """Every pair of the corner patterns, and as many others."""
    simulate("sotfp", Config.preset(preset, lanes=256), tests="results_equal")


@pytest.mark.parametrize("values", [E5M2, E3M4], ids=["e5m2", "e3m4"])
def test_a_slice_of_all_pairs_in_256_lanes(simulate, values):
    """Zeros, subnormals and the smallest numbers times everything; all pairs in the long run."""
    simulate(
        "sotfp",
        Config.from_dict({**values, "lanes": 256}),
        tests="results_equal",
        environment={"NOMUL_PAIRS": "0:2048"},
    )


def _all_pairs(simulate, **values):
    report = simulate(
        "sotfp",
        Config.from_dict({**values, "lanes": 256}),
        tests="results_equal",
        environment={"NOMUL_PAIRS": "0:65536"},
    )
    assert report.compared > 4 * 65536


def test_all_pairs_in_256_lanes(simulate):
    """One format in every run: 65,536 sums and as many products."""
    _all_pairs(simulate, **E4M3)


@pytest.mark.long
@pytest.mark.parametrize(
    ("values", "mode"),
    [(E5M2, "ieee"), (E3M4, "ieee"), (E5M2, "ftz"), (E4M3, "ftz"), (E3M4, "ftz")],
    ids=["e5m2-ieee", "e3m4-ieee", "e5m2-ftz", "e4m3-ftz", "e3m4-ftz"],
)
def test_all_pairs_of_the_other_formats(simulate, values, mode):
    _all_pairs(simulate, **values, mode=mode)


CHAINS = "nomul.sim.sotfp.mac"


@pytest.mark.parametrize(
    "values",
    [
        {"lanes": 8},
        {"lanes": 5, "ports": "dual", "opset": "sot+search"},
        {"lanes": 8, "write_errors": 9000, "stuck_lanes": (2,)},
    ],
    ids=["plain", "dual-search", "faults"],
)
def test_chains_stay_in_the_array(simulate, values):
    """Multiply-accumulate between additions and products; one bench only with faults."""
    cfg = Config.from_dict({**E5M2, "mac": True, **values})
    tests = r"chains_between.*never.*never" if cfg.faulty else "chains_between"
    assert simulate("sotfp", cfg, bench=CHAINS, tests=tests).tests == (1 if cfg.faulty else 4)


@pytest.mark.parametrize("preset", ["fp16", "bf16"])
def test_a_layer_of_the_digits_network_in_rtl(simulate, tmp_path, preset):
    """Forward and both gradients on real digits, every product and sum in the RTL's array."""
    pytest.importorskip("sklearn", reason="try: pip install scikit-learn")
    from nomul.train import sotfp as sotfp_layer

    cfg = Config.preset(preset, mac=True, lanes=64)
    items = sotfp_layer.layer(cfg, images=4)
    path = tmp_path / "operands.npz"
    sides = {f"x{i}": item.left for i, item in enumerate(items)}
    sides |= {f"y{i}": item.right for i, item in enumerate(items)}
    np.savez(path, allow_pickle=False, **sides)
    report = simulate(
        "sotfp",
        cfg,
        bench=CHAINS,
        tests="a_chain_is",
        environment={"NOMUL_OPERANDS": str(path)},
    )
    assert [item.wrong for item in items] == [0, 0, 0]
    assert report.records["products"] == sum(item.macs for item in items)
    assert report.records["cycles"] > sum(2 * item.cost.steps for item in items)


@pytest.mark.parametrize("tests", ["results_equal.*op=mul", PARTIAL_PLAIN])
@pytest.mark.parametrize(
    "values",
    [
        {"write_errors": 3000, "stuck_lanes": (1, 5)},
        {"write_errors": 20000, "opset": "sot+search", "fault_seed": 99, "ports": "dual"},
    ],
    ids=["errors-and-stuck", "many-errors"],
)
def test_faults_are_those_of_the_model(simulate, values, tests):
    """One bench each, since a failed write leaves what the bench before has left."""
    cfg = Config.from_dict({**E5M2, "lanes": 16, **values})
    assert simulate("sotfp", cfg, tests=tests).tests == 1


def test_bench_notices_another_seed(simulate):
    cfg = Config.from_dict({**E5M2, "lanes": 16, "write_errors": 20000})
    from nomul.hw.sotfp import Top

    with pytest.raises(BenchError, match="differ"):
        simulate("sotfp", cfg, top=Top(cfg.replace(fault_seed=2)), tests=PARTIAL_PLAIN)


def test_bench_notices_one_wrong_function(simulate, monkeypatch):
    """Mutation: one bit of one step's truth table."""
    cfg = Config.from_dict({**E4M3, "lanes": 16})
    from nomul.hw.sotfp import Top

    words, low = sotfp.rom(cfg), 0
    for name, width in sotfp.rom_fields(cfg).items():
        if name == "f":
            break
        low += width
    words[20] ^= 1 << low
    monkeypatch.setattr(sotfp, "rom", lambda _: words)
    with pytest.raises(BenchError, match=r"add.* is 0x"):
        simulate("sotfp", cfg, top=Top(cfg), tests="results_equal.*op=add")


def test_bench_notices_a_sum_that_does_not_stay(simulate, monkeypatch):
    """Mutation: the last bit of the sum, its sign, is written to the wrong bank."""
    cfg = Config.from_dict({**E5M2, "lanes": 4, "mac": True})
    from nomul.hw.sotfp import Top

    words, fields = sotfp.rom(cfg), sotfp.rom_fields(cfg)
    assert list(fields)[-1] == "other"
    words[-1] ^= 1 << (sum(fields.values()) - 1)
    monkeypatch.setattr(sotfp, "rom", lambda _: words)
    with pytest.raises(BenchError, match=r"y.* is 0x"):
        simulate("sotfp", cfg, top=Top(cfg), bench=CHAINS, tests="chains.*never.*never")


def test_a_missing_end_is_flagged(simulate):
    cfg = Config.from_dict({**E5M2, "lanes": 4})
    report = simulate("sotfp", cfg, bench="nomul.sim.sotfp.flags")
    assert report.tests == 1
