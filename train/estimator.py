"""What the estimators for scikit-learn share: their parameters, their seed and their network."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from nomul.golden import lutnet


class LutEstimator(BaseEstimator):  # type: ignore[misc]
    """Estimator made of look-up tables, to be trained by a subclass.

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
        What the subclass trained.
    """

    network_: lutnet.Network

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

    def draw_seed(self) -> int:
        """Return the seed that ``random_state`` says; another one each time where it is drawn."""
        seed = self.random_state
        if seed is None or not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(1 << 31)
        return int(seed)

    @property
    def network(self) -> lutnet.Network:
        """The trained network."""
        check_is_fitted(self)
        return self.network_
