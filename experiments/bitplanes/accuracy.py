"""What fewer weight planes and odd levels do to trained networks: accuracies on whole test sets."""

from functools import partial
from typing import Any

import numpy as np

from nomul.experiments.captions import caption
from nomul.experiments.compare import fit, subject
from nomul.experiments.compare.subject import CALIBRATION, Subject
from nomul.experiments.tables import Rows
from nomul.golden.arrays import Ints
from nomul.golden.network import Conv2d, Dense, Network

NETWORKS = {"digits-mlp-int8": "digits", "fashion-convnet-int8": "fashion-mnist"}

# Trained again under fewer planes: what is quick.
RETRAINED = {"digits-mlp-int8": (1, 2, 3, 4), "fashion-convnet-int8": ()}
BITS = (1, 2, 3, 4)
EPOCHS, RATE = 60, 8e-3


def floored(w: Ints, used: int, planes: int = 8) -> Ints:
    """Return weights without their lowest planes, rounded down: what an array sums then."""
    rest = planes - used
    return w >> rest << rest


def middled(w: Ints, used: int, planes: int = 8) -> Ints:
    """Return weights as ``round`` corrects them: half of the lowest plane in use is added."""
    rest = planes - used
    return floored(w, used, planes) + (1 << rest >> 1)


def changed(net: Network, change: Any) -> Network:
    """Return a network whose weights are changed by a function."""
    from dataclasses import replace

    layers = [
        replace(layer, w=change(layer.w)) if isinstance(layer, Dense | Conv2d) else layer
        for layer in net.layers
    ]
    return net.replace(layers=layers)


def trained(chosen: Subject, bits: int, project: Any) -> float:
    """Return the accuracy after training with weights of some bits under a projection, or none."""
    import torch

    from nomul.train.networks.lift import lift
    from nomul.train.networks.tune import Tuned, tune

    samples = chosen.samples
    torch.set_num_threads(1)
    torch.manual_seed(1)
    start = Tuned(lift(chosen.net), samples.x[:CALIBRATION], bits, chosen.net.act_bits, project)
    x, labels = torch.from_numpy(samples.x), torch.from_numpy(samples.labels)
    tune(start, x, labels, EPOCHS, rate=RATE, relative=True)
    return chosen.accuracy(start.network())


@caption("Accuracy on whole test sets against weight planes used of eight.")
def planes() -> Rows:
    """Return the accuracy on whole test sets against weight planes used of eight."""
    rows = []
    for name, data in NETWORKS.items():
        chosen = subject.load(name, data)
        for used in range(8, 0, -1):
            plain = {
                "rounded down": chosen.accuracy(changed(chosen.net, partial(floored, used=used))),
                "with round": chosen.accuracy(changed(chosen.net, partial(middled, used=used))),
            }
            again = None
            if used in RETRAINED[name]:
                again = trained(chosen, 8, partial(floored, used=used))
            row = {"network": name, "planes used": used}
            row |= {f"{how}, %": round(100 * value, 2) for how, value in plain.items()}
            retrained = None if again is None else round(100 * again, 2)
            rows.append(row | {"rounded down, trained again, %": retrained})
    return rows


def odd(w: Ints, digits: int) -> Ints:
    """Return the nearest levels of so many digits of +-1, odd integers; a tie the greater."""
    top = (1 << digits) - 1
    return np.clip(2 * (w // 2) + 1, -top, top)


@caption("Digits trained with odd levels and with two's complement of as many bits.")
def levels() -> Rows:
    """Return the accuracy of digits with odd levels and with two's complement of as many bits.

    Levels of m digits of +-1 are the 2^m odd integers up to 2^m - 1, and zero is none of them; m
    bits of two's complement have zero, and here no least code, as symmetric weights have none.
    """
    chosen = subject.load("digits-mlp-int8", "digits")
    rows = []
    for bits in BITS:
        # Odd levels of m digits are integers of m + 1 bits.
        found = trained(chosen, bits + 1, partial(odd, digits=bits))
        plain = None if bits == 1 else trained(chosen, bits, None)
        zeros = _zeros(chosen, bits)
        rows.append(
            {
                "bits of a weight": bits,
                "odd levels, %": round(100 * found, 2),
                "two's complement, %": None if plain is None else round(100 * plain, 2),
                "weights that round to zero, %": zeros,
            }
        )
    return rows


def _zeros(chosen: Subject, bits: int) -> float | None:
    """Return which share of the network's weights is zero at so many symmetric bits."""
    if bits == 1:
        return None
    most = (1 << (bits - 1)) - 1
    every = [np.rint(layer.w * most / 127).ravel() for layer in fit.layers(chosen.net)]
    return round(100 * float((np.concatenate(every) == 0).mean()), 1)
