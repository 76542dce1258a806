"""One layer of a digit classifier, forward and backward, every product and sum in the array."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nomul.golden import sotfp
from nomul.golden.sotfp import Config
from nomul.golden.sotfp import cost as sotfp_cost
from nomul.golden.sotfp.cost import Cost
from nomul.train import digits

Words = NDArray[np.int64]


@dataclass(frozen=True)
class Product:
    """A matrix product X Y^T in the array, and its judgement.

    ``left`` and ``right`` hold the factors of every sum, bit patterns [sums, k]. ``wrong`` counts
    the words that differ from the exact judge's; ``error`` is the largest difference from float64,
    over the largest value.
    """

    name: str
    shape: tuple[int, int, int]
    left: Words
    right: Words
    words: Words
    macs: int
    wrong: int
    error: float
    cost: Cost


def product(cfg: Config, name: str, x: Words, y: Words) -> Product:
    """Return X Y^T of bit patterns [n, k] and [m, k]: n m sums of k products, a lane for each."""
    (n, k), m = x.shape, len(y)
    left, right = np.repeat(x, m, axis=0), np.tile(y, (n, 1))
    got = sotfp.dot(cfg, left, right).astype(np.int64)
    expected = sotfp.reference_dot(cfg, left, right)
    real = np.einsum(
        "ij,ij->i",
        sotfp.decode(cfg, left.ravel()).reshape(left.shape),
        sotfp.decode(cfg, right.ravel()).reshape(right.shape),
    )
    error = np.abs(sotfp.decode(cfg, got) - real).max() / np.abs(real).max()
    chains, device = -(-n * m // cfg.lanes), sotfp_cost.device_of(cfg)
    begin, mac = (sotfp_cost.cost(sotfp.program(cfg, op), cfg.lanes, device) for op in sotfp.CHAIN)
    return Product(
        name,
        (n, k, m),
        left,
        right,
        got.reshape(n, m),
        n * m * k,
        int((got != expected).sum()),
        float(error),
        begin.times(chains) + mac.times(chains * (k - 1)),
    )


def layer(cfg: Config, images: int = 32, seed: int = 1) -> list[Product]:
    """Run the last layer of the network of :mod:`nomul.train.digits` on real digits.

    Forward: logits [n, 10] from activations [n, 16]. Backward: the weights' gradient [10, 16] and
    that of the activations [n, 16], from the softmax's gradient, which the host computes in
    float64 from the array's logits.
    """
    data = digits.load(seed)
    rng = np.random.default_rng(seed)
    weights = digits.train(data, rng, epochs=2)
    x, labels = data.x_test[:images], data.labels_test[:images]
    inputs = digits.forward(weights, x)[-2]
    activations, weight = (
        sotfp.encode(cfg, values.ravel()).reshape(values.shape) for values in (inputs, weights[-1])
    )
    forward = product(cfg, "forward", activations, weight)
    logits = sotfp.decode(cfg, forward.words.ravel()).reshape(forward.words.shape)
    delta = digits.probabilities(logits)
    delta[np.arange(images), labels] -= 1.0
    gradient = sotfp.encode(cfg, delta.ravel()).reshape(delta.shape)
    return [
        forward,
        product(cfg, "weight gradient", gradient.T, activations.T),
        product(cfg, "input gradient", gradient, weight.T),
    ]
