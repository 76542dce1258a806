"""Bench of SONIC's accelerator: what is malformed, missing, too long or too large."""

from typing import Any

import cocotb
import numpy as np

from nomul.golden import sonic
from nomul.golden.sonic.stimuli import legal_rows, legal_shapes
from nomul.sim.sonic.bench import CONV, FC, LOAD, Accelerator, Job, book, check_counters, run
from nomul.sim.stream import STALLS, assert_equal, bit, bits


def loaded(dut, stalls: str = "never") -> tuple[Accelerator, np.ndarray]:
    """Return the accelerator with a codebook on its way, and the levels of that."""
    unit = Accelerator(dut, stalls, stalls)
    levels = book(unit.cfg, unit.bench.numpy_rng)
    unit.load(levels)
    return unit, levels


@cocotb.test()
@cocotb.parametrize(stalls=STALLS)
async def codes_that_were_not_loaded_count_as_zero(dut, stalls):
    """Half of the codes stand for nothing: they count as 0, and both engines say so."""
    unit = Accelerator(dut, stalls, stalls)
    rng, cfg = unit.bench.numpy_rng, unit.cfg
    levels = book(cfg, rng, 1 << (cfg.code_bits - 1))
    unit.load(levels)
    layers = sonic.layers(cfg, rng)
    jobs = [Job(kind, *layers[kind][0]) for kind in ("fc", "conv")]
    for job in jobs:  # in the smallest layer too
        job.codes.flat[0], job.x.flat[0] = (1 << cfg.code_bits) - 1, 1
    assert all(job.expected(cfg, levels)[0].unloaded for job in jobs)
    await run(unit, jobs, levels)


@cocotb.test()
async def an_empty_codebook_makes_everything_zero(dut):
    """Before any level is loaded, results are 0 and nothing hangs."""
    unit = Accelerator(dut)
    layers = sonic.layers(unit.cfg, unit.bench.numpy_rng)
    jobs = [Job(kind, *layers[kind][0]) for kind in ("fc", "conv")]
    await run(unit, jobs, np.zeros(1, dtype=np.int64))


@cocotb.test()
@cocotb.parametrize(stalls=STALLS)
async def zeros_give_zeros_and_no_pass(dut, stalls):
    """All-zero vectors and kernels: results 0, nothing counted, nothing hangs."""
    unit, levels = loaded(dut, stalls)
    cfg = unit.cfg
    rows, length = legal_rows(cfg, cfg.fc_units + 1), min(20, cfg.max_length)
    kernels, image = legal_shapes(cfg, (2, 1, 2, 2), (1, 4, 5))
    jobs = [
        Job("fc", np.ones((rows, length), dtype=np.int64), np.zeros(length, dtype=np.int64)),
        Job("conv", np.zeros(kernels, dtype=np.int64), np.ones(image, dtype=np.int64)),
    ]
    await run(unit, jobs, levels)
    assert all(unit.counters(kind)["passes"] == 0 for kind in ("fc", "conv"))


@cocotb.test()
@cocotb.parametrize(stalls=STALLS)
async def an_early_last_is_as_if_zeros_followed(dut, stalls):
    """End a vector, and each kernel, before its length: the rest counts as zeros."""
    unit, levels = loaded(dut, stalls)
    rng, cfg = unit.bench.numpy_rng, unit.cfg
    layers, results = sonic.layers(cfg, rng), {}
    cut = {"fc": cfg.fc_lanes + 1, "conv": cfg.conv_lanes + 2}
    jobs = []
    for kind in ("fc", "conv"):
        codes, x = (array.copy() for array in layers[kind][0])
        whole = x[None] if kind == "fc" else codes
        short = [vector.ravel()[: cut[kind]].copy() for vector in whole]
        for vector in whole.reshape(len(whole), -1):
            vector[cut[kind] :] = 0
        job = Job(kind, codes, x)
        jobs.append(job)
        unit.start(job, levels, short)
    await unit.bench.reset()
    got = await unit.results(jobs)
    for job in jobs:
        result, z = job.expected(cfg, levels)
        results[job.kind] = [result]
        assert_equal(got[job.kind][0], z.ravel(), f"{job.kind} z")
    check_counters(unit, results)


@cocotb.test()
async def elements_beyond_max_length_are_dropped_and_told(dut):
    """Send a vector longer than the chunk memory: its end is cut off, and a flag is raised."""
    unit, levels = loaded(dut)
    rng, cfg = unit.bench.numpy_rng, unit.cfg
    top = (1 << (cfg.act_bits - 1)) - 1
    codes = rng.integers(0, 1 << cfg.code_bits, (legal_rows(cfg, 2), cfg.max_length))
    job = Job("fc", codes, rng.integers(1, top, cfg.max_length))
    longer = np.concatenate([job.x, rng.integers(1, top, 3 * cfg.compactor_width + 1)])
    unit.start(job, levels, [longer])
    await unit.bench.reset()
    assert_equal(bits(dut.fc_overlong), 0, "fc_overlong before")
    got = await unit.results([job])
    assert_equal(got["fc"][0], job.expected(cfg, levels)[1], "fc z")
    assert_equal(bits(dut.fc_overlong), 1, "fc_overlong")
    assert_equal(bits(dut.conv_overlong), 0, "conv_overlong")


@cocotb.test()
async def one_weight_in_many_lanes_pads_the_rest(dut):
    """Compress a kernel to less than n: the lanes that are left hold nothing."""
    unit = Accelerator(dut)
    cfg, levels = unit.cfg, np.array([0, 1])
    unit.load(levels)
    shape, image = legal_shapes(cfg, (1, 1, 3, 3), (1, 5, 6))
    kernel = np.zeros(shape, dtype=np.int64)
    kernel[0, 0, shape[2] // 2, shape[3] // 2] = 1
    pixels = np.arange(np.prod(image)) % (1 << (cfg.act_bits - 1))
    job = Job("conv", kernel, pixels.reshape(image))
    await run(unit, [job], levels)
    assert_equal(unit.counters("conv")["pad"], job.count() * (cfg.conv_lanes - 1), "pad")


@cocotb.test()
async def saturations_are_counted_and_never_wrap(dut):
    """Full scale everywhere: every conversion clips where there is an ADC, and the sign stays."""
    unit = Accelerator(dut)
    cfg, levels = unit.cfg, book(unit.cfg, unit.bench.numpy_rng)
    unit.load(levels)
    low, length = -(1 << (cfg.act_bits - 1)), min(cfg.max_length, 3 * cfg.fc_lanes)
    full = np.full((legal_rows(cfg, cfg.fc_units), length), (1 << cfg.code_bits) - 1)
    jobs = [Job("fc", full, np.full(length, low)), Job("fc", full, np.full(length, -low - 1))]
    await run(unit, jobs, levels)
    if cfg.adc_bits is not None:
        expected = sum(job.expected(cfg, levels)[0].saturations for job in jobs)
        least = (-low - 1) * (1 << (cfg.level_bits - 1)) * min(length, cfg.fc_lanes)
        clips = least >> cfg.adc_shift > 1 << (cfg.adc_bits - 1)
        if clips and cfg.fc_resolution is None and length == 3 * cfg.fc_lanes:
            assert expected == 2 * len(full) * 3
        assert_equal(unit.counters("fc")["saturations"], expected, "saturations")


@cocotb.test()
async def commands_that_nobody_could_finish_are_refused(dut):
    """No such command; tasks without rows, kernels or sizes; a level for code 0."""
    unit = Accelerator(dut)
    levels, most = np.array([0, 1]), (1 << unit.cfg.address_bits) - 1
    sizes = {"count": 1, "kernels": 1, "width": 3, "plane": 9, "columns": 1}
    sizes |= {"kernel_width": 3, "kernel_height": 3}
    sizes = {name: min(size, most) for name, size in sizes.items()}
    bad = [{"op": 3}, {"op": FC}, *({"op": CONV, **sizes, name: 0} for name in sizes)]
    bad.append({"op": LOAD, "code": 0, "level": 1})
    await unit.bench.reset()
    for command in bad:
        unit.send(**command)
        await unit.bench.until(lambda: unit.command.done)
        await unit.bench.step()
        assert_equal(bits(dut.refused), 1, f"refused {command}")
        assert_equal(bits(dut.idle), 1, "idle")
        # The flag is sticky: reset for the next one.
        dut.rst.value = 1
        await unit.bench.step()
        dut.rst.value = 0
        await unit.bench.step()
        assert not bit(dut.refused)
    unit.load(levels)
    length = min(2, unit.cfg.max_length)
    job = Job("fc", np.ones((1, length), dtype=np.int64), np.array([1, -2])[:length])
    unit.start(job, levels)
    got = await unit.results([job])
    assert_equal(got["fc"][0], job.expected(unit.cfg, levels)[1], "z after refusals")


@cocotb.test()
@cocotb.parametrize(stalls=STALLS)
async def a_new_codebook_waits_for_the_layers_before(dut, stalls):
    """Levels that follow a task in the order of commands are not seen by it."""
    unit = Accelerator(dut, stalls, stalls)
    rng, cfg = unit.bench.numpy_rng, unit.cfg
    layers = sonic.layers(cfg, rng)
    jobs: list[Job] = []
    expected: dict[str, list[Any]] = {"fc": [], "conv": []}
    for number in range(3):
        levels = book(cfg, rng)
        unit.load(levels)
        for kind in ("fc", "conv"):
            job = Job(kind, *layers[kind][number % 2])
            unit.start(job, levels)
            jobs.append(job)
            expected[kind].append(job.expected(cfg, levels))
    await unit.bench.reset()
    got = await unit.results(jobs)
    for kind, parts in expected.items():
        for number, (_, z) in enumerate(parts):
            assert_equal(got[kind][number], z.ravel(), f"{kind} z")
    check_counters(unit, {kind: [part[0] for part in parts] for kind, parts in expected.items()})
