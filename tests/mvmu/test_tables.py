"""What a table computes for all images at once is what the program leaves, image by image."""

import numpy as np
import pytest

from nomul.experiments.mvmu import tables
from nomul.golden import mvmu
from nomul.golden.mvmu import Config, Core, assemble


@pytest.mark.parametrize("adc_bits", [None, 2])
def test_scores_are_those_of_the_program(adc_bits):
    rng = np.random.default_rng(3)
    cfg = Config(inputs=6, outputs=4, units=3, registers=8, words=64, adc_bits=adc_bits)
    weights = [rng.normal(0, 0.5, shape) for shape in ((4, 6), (3, 4), (2, 3))]
    x = np.rint(rng.random((3, 6)) * 4096).astype(np.int64)
    y, clips = tables.scores(cfg, weights, x)
    made = mvmu.perceptron(cfg, weights, len(x))
    core = Core(cfg, made.matrices, memory=x.ravel())
    core.run(assemble(cfg, made.text))
    assert core.memory[made.scores :][:6].reshape(3, 2).tolist() == y.tolist()
    assert core.clips == clips
    assert (clips > 0) == (adc_bits is not None)
