"""Training of a network of look-up tables whose count of ones is a number: a regression.

The network is a direct layer and one popcount. The host makes the number of a count, a count + b,
as it makes codes of features: what is on the chip are bits and integers.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nomul.golden import lutnet
from nomul.golden.arrays import Floats
from nomul.train.lutnet import budget, tabular
from nomul.train.lutnet.fit import fit

# Targets lie between these shares of the tables, so that a count can exceed either end.
LOW, HIGH = 0.1, 0.9


def train(
    plan: tabular.Plan,
    x: NDArray[Any],
    y: Floats,
    checkpoint: Path | None = None,
    advance: Callable[[float], None] = lambda _: None,
) -> tuple[lutnet.Network, int]:
    """Return a network trained on features x[n, features] and numbers y[n], and its budget's use.

    Its scale and offset, the best for the training samples, are in ``network.about``. Float network
    and integer model must agree on every sample, or this raises AssertionError.

    Raises
    ------
    ValueError
        No feature differs between samples, or the budget is too small.
    """
    size = budget.tables(plan.luts, 1)
    net, encoder, quantiser = tabular.begun(plan, x, 1, size)
    codes = torch.tensor(quantiser.codes(x))
    low, span = float(y.min()), float(np.ptp(y)) or 1.0
    shares = LOW + (HIGH - LOW) * (y - low) / span
    targets = torch.tensor(shares * size / net.temperature, dtype=torch.float32)[:, None]
    fit(
        *(net, codes, targets, tabular.recipe(plan, len(y)), encoder.bits),
        loss_of=nn.functional.mse_loss,
        checkpoint=checkpoint and tabular.own_checkpoint(checkpoint, plan, x, y),
        advance=advance,
    )
    network = tabular.assemble(net, encoder, quantiser, (lutnet.GroupSum(groups=1),))
    counts = lutnet.model(network, x)[:, 0]
    with torch.no_grad():
        parts = [net(encoder.bits(part, None))[:, 0] for part in codes.split(1000)]
    if not np.array_equal(np.rint(torch.cat(parts).numpy() * net.temperature), counts):
        raise AssertionError("training and integer model disagree")
    # The line through counts and numbers with the least squares; flat where all counts are equal.
    spread = counts - counts.mean()
    scale = float(spread @ (y - y.mean())) / (float(spread @ spread) or 1.0)
    network.about |= {
        "luts": budget.luts(1, size),
        "seed": plan.seed,
        "scale": scale,
        "offset": float(y.mean()) - scale * float(counts.mean()),
    }
    return network, budget.luts(1, size)
