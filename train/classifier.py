"""A classifier for scikit-learn whose predictions are those of the hardware."""

from typing import Any, Self

from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from nomul.golden import lutnet
from nomul.train.estimator import LutEstimator
from nomul.train.fitted import fit


class LutClassifier(ClassifierMixin, LutEstimator):  # type: ignore[misc]
    """Classifier made of look-up tables, an estimator of scikit-learn.

    Its parameters are those of :class:`nomul.train.estimator.LutEstimator`.

    Attributes
    ----------
    network_ : nomul.golden.lutnet.Network
        What was trained; its ``save`` writes the file that ``nomul emit lutnet --network`` takes.
    classes_ : array
        The classes.
    n_features_in_ : int
        Number of features.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on samples X[n, features] of the classes y[n]."""
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        made = fit(
            *(X, y),
            luts=self.luts,
            bits=self.bits,
            edges=self.edges,
            epochs=self.epochs,
            seed=self.draw_seed(),
        )
        self.network_, self.classes_ = made.network, made.classes
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the classes [n] of samples X[n, features], by the integer model."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return self.classes_[lutnet.predict(self.network_, X)]
