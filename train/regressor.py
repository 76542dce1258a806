"""A regressor for scikit-learn whose counts are those of the hardware."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from nomul.golden import lutnet
from nomul.golden.arrays import Floats
from nomul.golden.foreign.numbers import integer
from nomul.train.fitted import EDGES, default_epochs


class LutRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Regressor made of look-up tables, an estimator of scikit-learn.

    A number is a count of ones times a scale, plus an offset. The hardware counts; so few steps as
    there are tables are between the least number and the greatest.

    Parameters
    ----------
    luts
        Most six-input look-up tables of the hardware without the features' comparators.
    bits
        1..8, bits of a feature's code.
    edges
        ``quantile`` or ``uniform``.
    epochs
        Passes over the samples; 8 to 60, fewer for many samples, if None.
    random_state
        An integer, a generator of NumPy's old kind, or None for chance: the seed of all that is
        random.

    Attributes
    ----------
    network_ : nomul.golden.lutnet.Network
        What was trained, with ``scale`` and ``offset`` in its ``about``; its ``save`` writes the
        file that ``nomul emit lutnet --network`` takes.
    n_features_in_ : int
        Number of features.
    """

    def __init__(
        self,
        luts: int = 500,
        *,
        bits: int = 4,
        edges: str = "quantile",
        epochs: int | None = None,
        random_state: Any = 1,
    ):
        self.luts, self.bits, self.edges, self.epochs = luts, bits, edges, epochs
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on samples X[n, features] of the numbers y[n]."""
        from nomul.train.lutnet import regression, tabular

        X, y = validate_data(self, X, y, y_numeric=True, ensure_min_samples=2)
        numbers: Floats = column_or_1d(y, warn=True).astype(np.float64)
        if self.edges not in EDGES:
            raise ValueError(f"edges must be one of {', '.join(EDGES)}, not {self.edges!r}")
        seed = self.random_state
        if seed is None or not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(1 << 31)
        epochs = default_epochs(len(numbers)) if self.epochs is None else self.epochs
        plan = tabular.Plan(
            luts=integer(self.luts, "luts", 1),
            bits=integer(self.bits, "bits", 1, 8),
            edges=self.edges,
            epochs=integer(epochs, "epochs", 1),
            seed=int(seed),
        )
        self.network_, _ = regression.train(plan, np.asarray(X), numbers)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Return the numbers [n] of samples X[n, features], by the integer model."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        about = self.network_.about
        return lutnet.model(self.network_, X)[:, 0] * about["scale"] + about["offset"]

    @property
    def network(self) -> lutnet.Network:
        """The trained network."""
        check_is_fitted(self)
        return self.network_
