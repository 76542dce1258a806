"""Bench of SONIC's accelerator: a whole network, the result of each layer fed to the next."""

import os
from pathlib import Path
from typing import Any

import cocotb
import numpy as np

from nomul.golden.sonic import network
from nomul.golden.sonic.network import Layer
from nomul.sim import harness
from nomul.sim.sonic.bench import COUNTERS, Accelerator, Job, check_counters
from nomul.sim.stream import assert_equal


def job_of(layer: Layer, x: np.ndarray) -> Job:
    """Return a layer's work on what came out of the one before."""
    operand = x.ravel() if layer.kind == "fc" else x
    follows = layer.scale, layer.bias, layer.shift, layer.relu, layer.pool
    return Job(layer.kind, layer.codes, operand, *follows)


@cocotb.test()
async def images_pass_through_all_layers(dut):
    """Layer by layer through the hardware; activations, counters, cycles and classes: the model's.

    Counters and cycles are recorded by layer, summed over the images.
    """
    unit = Accelerator(dut)
    cfg, layers = unit.cfg, network.load(Path(os.environ["NOMUL_NETWORK"]))
    with np.load(os.environ["NOMUL_STIMULI"]) as file:
        images = file["images"].astype(np.int64)
    await unit.bench.reset()
    jobs: list[Job] = []
    counted = [dict.fromkeys((*COUNTERS, "cycles"), 0) for _ in layers]
    results: dict[str, list[Any]] = {"fc": [], "conv": []}
    whole, _ = network.run(cfg, layers, images)
    labels = []
    for image, logits in zip(images, whole, strict=True):
        x = image
        for layer, sums in zip(layers, counted, strict=True):
            job, before = job_of(layer, x), unit.counters(layer.kind)
            sink, source = unit.y[layer.kind], unit.vector[layer.kind]
            sent = len(source.sent)
            unit.load(layer.levels)
            unit.start(job, layer.levels)
            jobs.append(job)
            got = (await unit.results(jobs))[layer.kind][-1]
            result, expected = job.expected(cfg, layer.levels)
            results[layer.kind].append(result)
            assert_equal(got, expected.ravel(), f"layer {len(jobs)} z")
            cycles = sink.cycles[-1] - source.sent[sent] + 1
            assert_equal(cycles, job.cycles(cfg, layer.levels), f"layer {len(jobs)} cycles")
            after = unit.counters(layer.kind)
            for name in COUNTERS:
                sums[name] += after[name] - before[name]
            sums["cycles"] += cycles
            # What the hardware gave, and not what the model did, goes into the next layer.
            x = got.reshape(expected.shape)
        assert_equal(x, logits, "logits")
        labels.append(int(np.argmax(x)))
    check_counters(unit, results)
    harness.record(layers=counted, labels=labels, total_cycles=unit.bench.cycle)
