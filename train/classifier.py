"""A classifier for scikit-learn whose predictions are those of the hardware."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from nomul.golden import lutnet
from nomul.train.fitted import fit


class LutClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifier made of look-up tables, an estimator of scikit-learn.

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
        What was trained; its ``save`` writes the file that ``nomul emit lutnet --network`` takes.
    classes_ : array
        The classes.
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
        """Train on samples X[n, features] of the classes y[n]."""
        from sklearn.utils import check_random_state

        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        seed = self.random_state
        if seed is None or not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(1 << 31)
        made = fit(
            *(X, y),
            luts=self.luts,
            bits=self.bits,
            edges=self.edges,
            epochs=self.epochs,
            seed=int(seed),
        )
        self.network_, self.classes_ = made.network, made.classes
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the classes [n] of samples X[n, features], by the integer model."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return self.classes_[lutnet.predict(self.network_, X)]

    @property
    def network(self) -> lutnet.Network:
        """The trained network."""
        check_is_fitted(self)
        return self.network_
