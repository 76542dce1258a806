"""The digits MLP on the core: accuracy and clipped reads, by how wide the converters are."""

import numpy as np

from nomul.experiments.captions import caption
from nomul.experiments.tables import Rows
from nomul.golden import mvmu
from nomul.golden.arrays import Floats, Ints
from nomul.golden.mvmu.config import POINT, Config

SEED, EPOCHS = 1, 15
ADC_BITS = (None, 8, 7, 6, 5, 4, 3)


def trained() -> tuple[list[Floats], Ints, Ints]:
    """Return the layers of a perceptron for digits, its test images in Q4.12, and their labels.

    Weights are halved: all scores are an eighth then, so the largest stays the largest, and nothing
    leaves -8..8.
    """
    from nomul.train import digits

    data = digits.load()
    weights = [w / 2 for w in digits.train(data, np.random.default_rng(SEED), EPOCHS)]
    x = np.rint(data.x_test * (1 << POINT)).astype(np.int64)
    return weights, x, data.labels_test


def scores(cfg: Config, weights: list[Floats], x: Ints) -> tuple[Ints, int]:
    """Return what the program of :func:`nomul.golden.mvmu.perceptron` leaves, and the clips.

    int64[V, outputs] of words; all images at once, layer by layer, as the program does one by one.
    """
    made, clips = mvmu.perceptron(cfg, weights, 1), 0
    values = np.zeros((len(x), cfg.inputs), dtype=np.int64)
    values[:, : x.shape[1]] = x
    for number, (matrix, layer) in enumerate(zip(made.matrices, weights, strict=True)):
        y, cut = mvmu.model(cfg, matrix, values)
        words, clips = mvmu.fixed(y), clips + cut
        if number == len(weights) - 1:
            return words[:, : len(layer)], clips
        values = np.zeros_like(values)
        values[:, : len(layer)] = np.maximum(words[:, : len(layer)], 0)
    raise ValueError("a perceptron has one layer at least")


@caption("The digits MLP 64-16-16-10 on the core, by the bits of its columns' converters.")
def converters() -> Rows:
    """Return accuracy and clipped reads per image for each width of the converters."""
    weights, x, labels = trained()
    rows: Rows = []
    for bits in ADC_BITS:
        cfg = Config.preset("digits", adc_bits=bits)
        y, clips = scores(cfg, weights, x)
        slices = -(-cfg.weight_bits // cfg.slice_bits)
        reads = len(weights) * cfg.outputs * cfg.act_bits * slices
        rows.append(
            {
                "converter, bits": "none" if bits is None else str(bits),
                "covers": None if bits is None else (1 << bits) - 1,
                "clipped reads per image": round(clips / len(x), 1),
                "of all reads, %": round(100 * clips / len(x) / reads, 2),
                "accuracy": f"{100 * (y.argmax(axis=1) == labels).mean():.1f} %",
            }
        )
    return rows


TABLES = {"T1": converters}
