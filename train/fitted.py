"""Networks of look-up tables for a user's own samples: one function, and what it returns."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import lutnet
from nomul.golden.arrays import Ints
from nomul.golden.foreign.numbers import integer

if TYPE_CHECKING:
    from nomul.train.lutnet import tabular

EDGES = ("quantile", "uniform")


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A trained network, and the classes that its answers number.

    Parameters
    ----------
    network
        Takes real features; its quantiser makes codes of them.
    classes
        Labels as they were given, ascending.
    luts
        Six-input look-up tables that tables, popcounts and arg-max are estimated to take.
    """

    network: lutnet.Network
    classes: NDArray[Any]
    luts: int

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the classes [n] of real features[n, inputs], by the integer model."""
        return self.classes[lutnet.predict(self.network, X)]

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Return the share of samples that are given their own class."""
        return float((self.predict(X) == np.asarray(y)).mean())


def fit(
    X: ArrayLike,
    y: ArrayLike,
    *,
    luts: int = 500,
    bits: int = 4,
    edges: str = "quantile",
    epochs: int | None = None,
    seed: int = 1,
    checkpoint: Path | None = None,
    advance: Callable[[float], None] = lambda _: None,
) -> Fitted:
    """Train a network of look-up tables on samples; the same every time.

    Each feature is compared with up to 2**bits - 1 edges, six-input tables learn which of these
    bits they look at and what they answer, and each class counts the ones among its own tables.
    Edges that no table looks at are left out of the network.

    Parameters
    ----------
    X
        real[n, features], finite.
    y
        [n], classes: numbers or texts.
    luts
        Most six-input look-up tables of the hardware without the features' comparators: tables,
        popcounts, arg-max and stream control, estimated from above by
        :func:`nomul.train.lutnet.budget.luts`.
    bits
        1..8, bits of a feature's code.
    edges
        ``quantile``: about equally many samples between two edges; ``uniform``: equal distances.
    epochs
        Passes over the samples; 8 to 60, fewer for many samples, if None.
    seed
        Seed of tables, wires, noise and the order of samples.
    checkpoint
        A file that is written after each epoch, from which an interrupted run of the same samples
        and parameters goes on; removed at the end.
    advance
        Called after each epoch with its mean loss.

    Raises
    ------
    ValueError
        A value is out of its range, there is one class only, or the budget is too small for the
        number of classes.
    """
    from nomul.train.lutnet import tabular

    samples = np.asarray(X)
    classes, labels = np.unique(np.asarray(y), return_inverse=True)
    if labels.ndim != 1 or samples.ndim != 2 or len(labels) != len(samples):
        raise ValueError(
            "X and y must be of shapes [n, features] and [n], "
            f"not {list(samples.shape)} and {list(np.shape(y))}"
        )
    if classes.dtype.kind == "f" and (np.trunc(classes) != classes).any():
        raise ValueError(
            "y must hold classes, texts or whole numbers; numbers are for nomul.LutRegressor"
        )
    if len(classes) < 2:
        raise ValueError(f"y must hold at least 2 classes, not {len(classes)} class")
    plan = planned(len(labels), luts, bits, edges, epochs, seed)
    whole: Ints = labels.astype(np.int64)
    network, cost = tabular.train(plan, samples, whole, len(classes), checkpoint, advance)
    network.about["classes"] = [str(name) for name in classes.tolist()]
    return Fitted(network, classes, cost)


def planned(
    samples: int, luts: int, bits: int, edges: str, epochs: int | None, seed: int
) -> "tabular.Plan":
    """Return the plan of a training on so many samples; values are those of :func:`fit`."""
    from nomul.train.lutnet import tabular

    if edges not in EDGES:
        raise ValueError(f"edges must be one of {', '.join(EDGES)}, not {edges!r}")
    return tabular.Plan(
        luts=integer(luts, "luts", 1),
        bits=integer(bits, "bits", 1, 8),
        edges=edges,
        epochs=default_epochs(samples) if epochs is None else integer(epochs, "epochs", 1),
        seed=integer(seed, "seed", 0),
    )


def default_epochs(samples: int) -> int:
    """Return how often training goes through so many samples: 8 to 60 times."""
    return max(8, min(60, 60_000 // max(1, samples)))
