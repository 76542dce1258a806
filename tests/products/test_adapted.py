"""Older blocks as members of the family: their hardware, by the contract's sums and cycles."""

from importlib import import_module

import pytest

from nomul.golden import products
from nomul.sim import harness
from nomul.synth.emit import emit

SPIMC = {"window": 10, "columns": 3, "slots": 10, "lanes": 2}
SONIC = {
    "inputs": 10,
    "outputs": 3,
    "fc_lanes": 4,
    "fc_units": 2,
    "code_bits": 3,
    "conv_units": 1,
    "conv_lanes": 1,
    "compactor_width": 4,
    "max_length": 16,
    "address_bits": 6,
}


def simulate(name, folder, tests=None, otherwise=None, **values):
    """Run an adapted member's bench on its hardware, which may be made otherwise than it says."""
    cfg = products.member(name).Config(**values)
    built = cfg.replace(**(otherwise or {}))
    emitted = emit(import_module(f"nomul.hw.products.{name}").Top(built), name)
    emitted.write(folder)
    return harness.run(
        f"nomul.sim.products.{name}",
        top=name,
        verilog=[folder / f"{name}.v"],
        build_dir=folder / "sim",
        config=cfg.to_json(),
        simulator="icarus",
        tests=tests,
    )


@pytest.mark.needs("icarus")
def test_vectors_follow_one_another_in_spimc(tmp_path):
    report = simulate("spimc", tmp_path, formats=("dense", "bitmap"), **SPIMC)
    assert report.tests == 4
    assert report.records["products"] == 6 * 30


@pytest.mark.needs("icarus")
def test_vectors_follow_one_another_in_sonic(tmp_path):
    assert simulate("sonic", tmp_path, **SONIC).tests == 4


@pytest.mark.long
@pytest.mark.needs("icarus")
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("spimc", {**SPIMC, "formats": ("bitmap",), "act_bits": 4, "tree_regs": 2}),
        ("spimc", {**SPIMC, "formats": ("coo",), "lanes": 8}),
        ("spimc", {**SPIMC, "formats": ("coo",), "act_signed": False}),
        ("sonic", {**SONIC, "inputs": 16, "fc_lanes": 2, "fc_units": 4}),
        ("sonic", {**SONIC, "inputs": 1, "outputs": 1}),
        ("sonic", {**SONIC, "inputs": 13, "compactor_width": 2, "fc_lanes": 8}),
    ],
)
def test_cycles_of_other_configurations(name, values, tmp_path):
    assert simulate(name, tmp_path, "never.*never", **values).tests == 1


@pytest.mark.needs("icarus")
def test_the_bench_notices_a_cycle_too_many(tmp_path):
    """Hardware with a register in its trees that the bench does not know of."""
    with pytest.raises(harness.BenchError, match="cycles"):
        simulate("spimc", tmp_path, "never.*never", {"tree_regs": 1}, **SPIMC, tree_regs=0)
