"""What makes integer codes of real features, in front of a network: edges per feature, codes out.

The code of a feature is the number of its edges that it reaches. Quantising happens on the host,
and codes enter the chip: a comparison of floats costs more than most of these networks.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Ints
from nomul.golden.foreign.documents import field, mapping, only, sequence
from nomul.golden.foreign.numbers import reals, shown

DTYPES = ("float32", "float64")
MAX_BITS = 16


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Quantiser:
    """Codes of real features: code_i = number of edges e of feature i with x_i >= e.

    A feature is rounded to ``dtype`` first, as the program does that the edges come from, so that
    codes are exactly those which its own comparisons would give. x > t is x >= e with e the next
    number after t (:meth:`after`).

    Parameters
    ----------
    edges
        Per feature, ascending numbers, exactly numbers of ``dtype``; a feature that no one looks at
        has none, and its code is 0.
    dtype
        ``float32`` (XGBoost, PyTorch) or ``float64``.
    """

    edges: Sequence[Any]
    dtype: str = "float32"

    fields: ClassVar[tuple[str, ...]] = ("dtype", "edges")

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(
                f"quantiser.dtype must be one of {', '.join(DTYPES)}, not {shown(self.dtype)}"
            )
        object.__setattr__(
            self, "edges", tuple(self._checked(i, e) for i, e in enumerate(self.edges))
        )

    def _checked(self, number: int, edges: Any) -> NDArray[np.float64]:
        name = f"quantiser.edges[{number}]"
        given = reals(np.asarray(edges, dtype=None if len(edges) else np.float64), name, 1)
        if len(given) >= 1 << MAX_BITS:
            raise ValueError(f"{name} must have less than {1 << MAX_BITS} entries")
        values: NDArray[np.float64] = given.astype(np.float64)
        with np.errstate(over="ignore"):
            exact = values.astype(self.dtype).astype(np.float64)
        for wrong, rule in (
            (exact != values, f"be a number of {self.dtype}"),
            (np.diff(values, prepend=-np.inf) <= 0, "be above the one before it"),
        ):
            if wrong.any():
                place = int(np.flatnonzero(wrong)[0])
                raise ValueError(f"{name}[{place}] must {rule}, not {float(values[place])}")
        values.flags.writeable = False
        return values

    @property
    def bits(self) -> int:
        """Bits of the widest code, at least one."""
        return max([1, *(len(edges).bit_length() for edges in self.edges)])

    def codes(self, x: ArrayLike) -> Ints:
        """Return codes int64[n, features] of real features[n, features].

        Raises
        ------
        ValueError
            ``x`` is of another shape, holds no numbers, or a feature is NaN: what a missing feature
            would mean is not kept here.
        """
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != len(self.edges):
            raise ValueError(f"x must be of shape [n, {len(self.edges)}], not {list(x.shape)}")
        if x.dtype.kind not in "iufb":
            raise ValueError(f"x must hold real numbers, not {x.dtype}")
        with np.errstate(over="ignore"):
            x = x.astype(self.dtype)
        wrong = np.argwhere(np.isnan(x))
        if len(wrong):
            raise ValueError(f"x[{wrong[0][0]}][{wrong[0][1]}] must be a number, not NaN")
        codes = np.zeros(x.shape, dtype=np.int64)
        for i, edges in enumerate(self.edges):
            codes[:, i] = np.searchsorted(edges, x[:, i].astype(np.float64), side="right")
        return codes

    @classmethod
    def of(
        cls, feature: ArrayLike, edge: ArrayLike, features: int, dtype: str = "float32"
    ) -> tuple[Self, Ints]:
        """Return the quantiser with given edges, and the code from which each of them is reached.

        Parameters
        ----------
        feature, edge
            int[n] and real[n]: pairs in any order, some of them equal. [x_feature >= edge] is
            [code_feature >= code] of the result.
        features
            Number of features.
        """
        feature, edge = np.asarray(feature), np.asarray(edge, dtype=np.float64)
        edges = [np.unique(edge[feature == i]) for i in range(features)]
        codes = [int(np.searchsorted(edges[f], e)) + 1 for f, e in zip(feature, edge, strict=True)]
        return cls(edges=edges, dtype=dtype), np.array(codes, dtype=np.int64)

    @classmethod
    def fit(cls, x: ArrayLike, bits: int) -> Self:
        """Return a quantiser to codes of ``bits`` bits with about equally many samples at each.

        Parameters
        ----------
        x
            real[n, features], the training set's, finite; taken as float32.
        bits
            1..16. A feature of few distinct values has fewer edges than 2**bits - 1, a constant one
            has none.
        """
        if not 1 <= bits <= MAX_BITS:
            raise ValueError(f"bits must be in 1..{MAX_BITS}, not {bits}")
        columns = reals(x, "x", 2).astype(np.float32)
        steps = np.arange(1, 1 << bits) / (1 << bits)
        edges = []
        for column in columns.T:
            places = np.ceil(steps * len(column)).astype(np.int64)
            chosen = np.unique(np.sort(column)[np.minimum(places, len(column) - 1)])
            # An edge at the least value would be reached by all.
            edges.append(chosen[chosen > column.min()] if len(column) else chosen)
        return cls(edges=edges)

    @staticmethod
    def after(values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Return the next number of the same kind: x > t is x >= after(t); infinite after all."""
        with np.errstate(over="ignore"):
            return np.nextafter(values, values.dtype.type(np.inf))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {"dtype": self.dtype, "edges": [edges.tolist() for edges in self.edges]}

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Inverse of :meth:`to_dict`."""
        values = mapping(values, "quantiser")
        only(values, cls.fields, "quantiser")
        edges = sequence(field(values, "edges", "quantiser."), "quantiser.edges")
        for i, listed in enumerate(edges):
            for j, value in enumerate(sequence(listed, f"quantiser.edges[{i}]")):
                if type(value) not in (int, float):
                    raise ValueError(
                        f"quantiser.edges[{i}][{j}] must be a number, not {shown(value)}"
                    )
        return cls(edges=edges, dtype=field(values, "dtype", "quantiser."))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantiser) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]
