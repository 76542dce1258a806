"""How the training of the digits was chosen: on held-out training images, never on the test set."""

import dataclasses
from itertools import product
from typing import Any

from nomul.experiments.captions import caption
from nomul.train import data

NETWORKS = ("digits-32", "digits")
SPLITS = (1, 2)
RATES = (1e-3, 2e-3, 4e-3, 8e-3)
DROPOUTS = (0.1, 0.2)


@caption("Accuracy on held-out training images of digits, by learning rate and dropout.")
def rows() -> list[dict[str, Any]]:
    """Return for each network and choice how many held-out images it labels right.

    Each choice is trained once on each of two splits, which leave a fifth of the training images
    out. The test set is not looked at.
    """
    return [_row(name, *choice) for name in NETWORKS for choice in product(RATES, DROPOUTS)]


def best(found: list[dict[str, Any]], name: str) -> tuple[float, float]:
    """Return rate and dropout with most held-out images right; of equals the lowest ones."""
    from nomul.train import lif  # PyTorch is optional

    hidden = "-".join(map(str, lif.PRESETS[name].hidden))
    own = [row for row in found if row["hidden"] == hidden]
    row = min(own, key=lambda row: (-row["right"], row["rate"], row["dropout"]))
    return row["rate"], row["dropout"]


def _row(name: str, rate: float, dropout: float) -> dict[str, Any]:
    from nomul.train import lif  # PyTorch is optional

    options = dataclasses.replace(lif.PRESETS[name], rate=rate, dropout=dropout)
    right, images = 0, 0
    for split in SPLITS:
        held = data.load("digits").held_out(seed=split)
        images += len(held.x_test)
        right += round(lif.fit(held, options).accuracy * len(held.x_test))
    return {
        "hidden": "-".join(map(str, options.hidden)),
        "rate": rate,
        "dropout": dropout,
        "right": right,
        "held out": images,
        "accuracy": f"{100 * right / images:.1f} %",
    }
