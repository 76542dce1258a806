"""Energy of what a netlist does under its own bench, with glitches and without."""

import re

import numpy as np
import pytest

from nomul import flow, registry
from nomul.golden import lfsr, skid
from nomul.sim.harness import BenchError
from nomul.synth.energy import gatesim, netlist, power
from nomul.synth.map import targets

TARGET = targets.get("freepdk45")
HALF_V2 = 1.1**2 / 2  # fJ per fF and transition


def simulated(shift_register, library, name, **options):
    """Return the netlist of the LFSR and what its nets do under the LFSR's own bench."""
    block, cfg, folder = shift_register
    design = netlist.read(folder / "mapped.v", "lfsr", library, folder / name)
    files = folder / "mapped.v", TARGET.models_text(), block.bench, folder / name
    options = {"config": cfg.to_json(), "tests": flow.workload(block, cfg).tests} | options
    return design, gatesim.simulate(design, *files, **options)


def test_toggles_in_simulation_are_those_of_the_model(shift_register, library):
    """The netlist passes its bench, and its outputs toggle as often as the model's states do."""
    design, done = simulated(shift_register, library, "power")
    states = lfsr.model(shift_register[1], done.transfers)
    assert done.transfers == done.cycles > 10
    toggled = done.toggles(design)[design.outputs["o__payload"]].sum()
    changes = sum(int(a ^ b).bit_count() for a, b in zip(states[1:], states[:-1], strict=True))
    assert changes <= toggled <= changes + 8  # what led to the first state is in the window too
    assert done.unknown == 0


def test_delays_let_gates_glitch_and_registers_not(shift_register, library):
    """With a delay per cell registers move as before, gates as often or more often."""
    design, settled = simulated(shift_register, library, "settled", cycles=40)
    delays = gatesim.UnitDelay(cycles=40)
    _, moving = simulated(shift_register, library, "moving", delays=delays)
    assert settled.cycles == moving.cycles == settled.transfers == 40
    assert settled.share == moving.share < 1
    assert np.array_equal(settled.values, moving.values)
    before, after = settled.toggles(design), moving.toggles(design)
    stored = design.outputs["o__payload"]
    assert np.array_equal(before[stored], after[stored])
    assert (after >= before).all()
    assert after.sum() > before.sum()
    # A glitch goes there and back.
    assert ((after - before) % 2 == 0).all()
    calm, busy = power.estimate(design, settled).split, power.estimate(design, moving).split
    assert busy.clock == calm.clock
    assert busy.leakage_nw == pytest.approx(calm.leakage_nw)
    assert busy.internal > calm.internal
    assert busy.switching > calm.switching


def test_a_block_is_measured_with_its_own_bench(shift_register):
    block, cfg, folder = shift_register
    options = {"folder": folder / "e", "period_ps": 800}
    got = power.measure(flow.workload(block, cfg), folder / "mapped.v", TARGET, **options)
    assert got.operations > 0
    assert min(got.split.clock, got.split.internal, got.split.switching) > 0
    assert got.to_dict()["per_operation_fj"] == pytest.approx(got.total_fj / got.operations)


def test_glitches_are_counted_or_left_out_of_one_simulation(shift_register):
    block, cfg, folder = shift_register
    arguments = (flow.workload(block, cfg), folder / "mapped.v", TARGET)
    window = {"cycles": 40}
    calm = power.measure(*arguments, folder=folder / "calm", **window)
    delays = gatesim.UnitDelay(cycles=40)
    both = power.simulate(*arguments, folder=folder / "both", delays=delays, **window)
    assert both.energy(glitches=False) == calm
    assert both.energy().total_fj > calm.total_fj


def test_tests_of_the_bench_are_chosen_one_at_a_time(shift_register):
    block, cfg, folder = shift_register
    arguments = (flow.workload(block, cfg), folder / "mapped.v", TARGET)
    with pytest.raises(ValueError, match="lfsr must be reset exactly once; choose one test"):
        power.measure(*arguments, folder=folder / "all", tests=".*")
    with pytest.raises(BenchError):
        power.measure(*arguments, folder=folder / "none", tests="no_such_test")


def test_a_wrong_netlist_is_no_measurement(shift_register):
    """Mutation: one gate of another kind, and the bench refuses the netlist."""
    block, cfg, folder = shift_register
    text = (folder / "mapped.v").read_text()
    swapped = re.sub(r"\bOAI", "AOI", text, count=1)  # pins of these have the same names
    assert swapped != text
    (folder / "wrong.v").write_text(swapped)
    wrong = (flow.workload(block, cfg), folder / "wrong.v", TARGET)
    with pytest.raises(BenchError, match="tests failed"):
        power.measure(*wrong, folder=folder / "wrong")


def test_a_netlist_with_gated_clocks_passes_its_bench(tmp_path):
    """Through the flow: smaller than with multiplexers, and equal to the model in simulation."""
    block, cfg = registry.get("skid"), skid.Config.preset("register")
    areas = []
    for gating in (0, 3):
        folder = tmp_path / str(gating)
        row = flow.measure(block, cfg, folder, target="freepdk45", clock_gating=gating)
        areas.append(row.area_um2)
        for delays in (None, gatesim.UnitDelay(cycles=20)):
            options = {"folder": folder / "e", "cycles": 20, "delays": delays}
            work = flow.workload(block, cfg)
            energy = power.measure(work, folder / "mapped.v", TARGET, **options)
            assert energy.split.clock > 0
        assert ("CLKGATE_X1" in row.cells) == bool(gating)
    assert areas[1] < areas[0]
    with pytest.raises(ValueError, match="target ecp5 has no standard cells to gate clocks with"):
        flow.measure(block, cfg, tmp_path, target="ecp5", clock_gating=3)
