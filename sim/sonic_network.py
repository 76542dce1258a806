"""Bench of SONIC's accelerator: a whole network, the result of each layer fed to the next."""

import os
from pathlib import Path

import cocotb
import numpy as np

from nomul.golden import sonic_network
from nomul.sim import harness
from nomul.sim.sonic import COUNTERS, Accelerator, Job, check_counters
from nomul.sim.stream import assert_equal


@cocotb.test()
async def an_image_passes_through_all_layers(dut):
    """Layer by layer through the hardware; activations, counters and the class are the model's."""
    unit = Accelerator(dut)
    layers = sonic_network.load(Path(os.environ["NOMUL_NETWORK"]))
    with np.load(os.environ["NOMUL_STIMULI"]) as file:
        image = file["image"].astype(np.int64)
    await unit.bench.reset()
    jobs: list[Job] = []
    counted: list[dict[str, int]] = []
    results: dict[str, list] = {"fc": [], "conv": []}
    x = image
    for layer in layers:
        before = unit.counters(layer.kind)
        operand = x.ravel() if layer.kind == "fc" else x
        job = Job(
            layer.kind,
            layer.codes,
            operand,
            layer.scale,
            layer.bias,
            layer.shift,
            layer.relu,
            layer.pool,
        )
        unit.load(layer.levels)
        unit.start(job, layer.levels)
        jobs.append(job)
        got = (await unit.results(jobs))[layer.kind][-1]
        result, expected = job.expected(unit.cfg, layer.levels)
        results[layer.kind].append(result)
        assert_equal(got, expected.ravel(), f"layer {len(jobs)} z")
        after = unit.counters(layer.kind)
        counted.append({name: after[name] - before[name] for name in COUNTERS})
        # What the hardware gave, and not what the model did, goes into the next layer.
        x = got.reshape(expected.shape)
    check_counters(unit, results)
    whole, _ = sonic_network.run(unit.cfg, layers, image[None])
    assert_equal(x, whole[0], "logits")
    harness.record(layers=counted, label=int(np.argmax(x)), total_cycles=unit.bench.cycle)
