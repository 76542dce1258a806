"""A regressor for scikit-learn whose counts are those of the hardware."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from nomul.golden import lutnet
from nomul.golden.arrays import Floats
from nomul.train.estimator import LutEstimator
from nomul.train.fitted import planned


class LutRegressor(RegressorMixin, LutEstimator):  # type: ignore[misc]
    """Regressor made of look-up tables, an estimator of scikit-learn.

    Its parameters are those of :class:`nomul.train.estimator.LutEstimator`.

    A number is a count of ones times a scale, plus an offset. The hardware counts; so few steps as
    there are tables are between the least number and the greatest.

    Attributes
    ----------
    network_ : nomul.golden.lutnet.Network
        What was trained, with ``scale`` and ``offset`` in its ``about``; its ``save`` writes the
        file that ``nomul emit lutnet --network`` takes.
    n_features_in_ : int
        Number of features.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on samples X[n, features] of the numbers y[n]."""
        from nomul.train.lutnet import regression

        X, y = validate_data(self, X, y, y_numeric=True, ensure_min_samples=2)
        numbers: Floats = column_or_1d(y, warn=True).astype(np.float64)
        values = self.luts, self.bits, self.edges, self.epochs, self.draw_seed()
        plan = planned(len(numbers), *values)
        self.network_, _ = regression.train(plan, np.asarray(X), numbers)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Return the numbers [n] of samples X[n, features], by the integer model."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        about = self.network_.about
        return lutnet.model(self.network_, X)[:, 0] * about["scale"] + about["offset"]
