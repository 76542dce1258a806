"""The model of a unit: how all of them are called, from what one makes of checked pairs."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, TypeVar

from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.outer.pairs import HasArray, pairs

C = TypeVar("C", bound=HasArray)


class Model(Generic[C]):
    """A unit's ``model``: checks operands, and takes all that the units' stimuli give.

    It decorates a function, whose name and docstring it has.

    Parameters
    ----------
    products
        Called with a configuration, magnitudes and signs of both sides, as
        :func:`nomul.golden.outer.pairs` gives them, and the pairs before; gives the results.
    """

    def __init__(self, products: Callable[[C, Ints, Ints, Ints, Ints, int], Ints]):
        self.products = products
        update_wrapper(self, products)
        vars(self).pop("__wrapped__")  # its signature is another one

    def __call__(
        self,
        cfg: C,
        x: ArrayLike,
        sx: ArrayLike,
        d: ArrayLike,
        sd: ArrayLike,
        n_vectors_before: int = 0,
        *,
        e_x: ArrayLike | None = None,
        e_d: ArrayLike | None = None,
    ) -> Ints:
        """Return the results of V pairs, int64[V, M, N]; see :func:`nomul.golden.essop.model`."""
        return self.products(cfg, *pairs(cfg, x, sx, d, sd), n_vectors_before)
