"""The kinds of layer of a look-up-table network: their data, their rules, their exact answers.

One file, since the layers are told apart by comparing them, so they stand side by side.
"""

import dataclasses
import re
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Ints
from nomul.golden.foreign.documents import only, sequence
from nomul.golden.foreign.numbers import integer, integers, shown
from nomul.golden.lutnet import bits as packed
from nomul.golden.lutnet.bits import Words

MAX_K = 7

# Lanes of a layer, and entries of the table that says which operators a neuron adds: what a
# hundred bytes of a file could ask for, and no memory holds.
MAX_LANES = 1 << 20
MAX_MEMBERS = 1 << 25
MAX_THETA = 1 << 62
MAX_BIAS = 1 << 48

# Axes of what follows the sums, in every kind of layer that has it.
_SUMS = {"theta": 2, "flip": 1, "bias": 1}

_HEX = re.compile("[0-9a-fA-F]{1,64}")


@dataclasses.dataclass(frozen=True)
class Lanes:
    """What a layer hands on: ``count`` integers, each in low .. high."""

    count: int
    low: int
    high: int

    @property
    def width(self) -> int:
        """Bits of one lane, two's complement if it can be negative."""
        if self.low < 0:
            return max(self.high.bit_length(), (-self.low - 1).bit_length()) + 1
        return max(1, self.high.bit_length())

    @property
    def bits(self) -> int:
        """Bits of all lanes."""
        return self.count * self.width


BIT = (0, 1)


@dataclasses.dataclass(frozen=True)
class Samples:
    """Values of all lanes for n samples, packed as bits or as integers, whichever came first."""

    n: int
    lanes: Lanes
    words: Words | None = None
    codes: Ints | None = None

    def bits(self) -> Words:
        """Return the lanes' bits, packed: bit j of lane i is row i width + j."""
        if self.words is not None:
            return self.words
        assert self.codes is not None
        return packed.split(self.codes, self.lanes.width)

    def grouped(self, width: int) -> Ints:
        """Return the bits as codes of ``width`` bits, int64[n, bits / width]."""
        if self.codes is not None and self.lanes.width == width:
            return self.codes
        return packed.join(self.bits(), self.n, width)

    def integers(self) -> Ints:
        """Return the lanes' values, int64[n, lanes]."""
        return self.codes if self.codes is not None else self.grouped(self.lanes.width)


class Layer:
    """One layer; subclasses are frozen records of arrays that check themselves.

    ``kind`` names it in a file, ``arrays`` its integer arrays with their number of axes.
    """

    kind: ClassVar[str]
    arrays: ClassVar[dict[str, int]] = {}

    def __post_init__(self) -> None:
        for name, axes in self.arrays.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, self.integers(name, value, axes))
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            if field.type in (int, "int"):
                value = integer(getattr(self, field.name), f"{self.kind}.{field.name}")
                object.__setattr__(self, field.name, value)
        self.validate()

    def validate(self) -> None:
        """Raise ValueError, naming the field, for what is not a layer of this kind."""

    def lanes(self, before: Lanes) -> Lanes:
        """Return what the layer hands on, given what it takes; refuse what does not fit."""
        raise NotImplementedError

    def apply(self, x: Samples) -> Samples:
        """Return the layer's exact answer."""
        raise NotImplementedError

    def integers(self, name: str, value: Any, axes: int) -> Ints:
        """Return a field as int64 with the given number of axes."""
        array = np.asarray(value)
        if array.size == 0:
            array = array.astype(np.int64)
        if array.dtype.kind not in "iub":
            raise TypeError(f"{self.kind}.{name} must hold integers, not {array.dtype}")
        if array.dtype == np.uint64 and int(array.max()) > MAX_THETA:
            self.require(False, name, f"hold integers up to {MAX_THETA}, not {array.max()}")
        array = array.astype(np.int64)
        self.require(array.ndim == axes, name, f"have {axes} axes, not {array.ndim}")
        array.flags.writeable = False
        return array

    def require(self, ok: Any, name: str, rule: str) -> None:
        """Raise ValueError ``<kind>.<name> must <rule>`` unless ``ok``."""
        if not ok:
            raise ValueError(f"{self.kind}.{name} must {rule}")

    def require_range(self, name: str, low: int, high: int) -> None:
        """Require every entry of an array in low .. high; name the first that is not."""
        array = np.asarray(getattr(self, name))
        wrong = np.argwhere((array < low) | (array > high))
        if len(wrong):
            place = tuple(int(i) for i in wrong[0])
            where = "".join(f"[{i}]" for i in place)
            value = int(array[place])
            raise ValueError(f"{self.kind}.{name}{where} must be in {low}..{high}, not {value}")

    def require_bits(self, before: Lanes, idx: Ints, name: str = "idx") -> None:
        """Require every wire of ``idx`` among the bits of the layer before."""
        self.require(before.low >= 0, "input", "be unsigned, not sums or signed values")
        if idx.size and int(idx.max()) >= before.bits:
            place = np.argwhere(idx >= before.bits)[0]
            where = "".join(f"[{int(i)}]" for i in place)
            raise ValueError(
                f"{self.kind}.{name}{where} must be in 0..{before.bits - 1}, "
                f"not {int(idx[tuple(place)])}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values: lists, integers, and tables in hexadecimal."""
        values: dict[str, Any] = {"kind": self.kind}
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.name == "tt":
                value = [f"{table:x}" for table in value]
            elif isinstance(value, np.ndarray):
                value = value.tolist()
            if value is not None:
                values[field.name] = value
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_dict`; the tables as hexadecimal text or as integers.

        Raises
        ------
        ValueError
            A field is unknown or missing, or its values are not exactly what it takes: nothing is
            rounded, and true is no number.
        """
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        only(values, tuple(field.name for field in fields), cls.kind)
        axes_of = {**_SUMS, **cls.arrays}
        read: dict[str, Any] = {}
        for field in fields:
            name = f"{cls.kind}.{field.name}"
            if field.name not in values:
                if field.default is dataclasses.MISSING:
                    raise ValueError(f"{name} is missing")
            elif field.name == "tt":
                tables = sequence(values["tt"], name)
                read["tt"] = [_table(t, f"{name}[{i}]") for i, t in enumerate(tables)]
            elif field.name not in axes_of:
                read[field.name] = integer(values[field.name], name)
            else:
                listed = sequence(values[field.name], name)
                axes = axes_of[field.name]
                # One threshold per neuron may be written without inner lists.
                if field.name == "theta" and not any(isinstance(row, list) for row in listed):
                    axes = 1
                read[field.name] = integers(listed, name, axes)
        return cls(**read)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layer) and self.to_dict() == other.to_dict()

    __hash__ = object.__hash__


def _table(value: Any, name: str) -> int:
    """Return a table of a file: hexadecimal text, or an integer."""
    if not isinstance(value, str):
        return integer(value, name, 0, (1 << (1 << MAX_K)) - 1)
    if not _HEX.fullmatch(value):
        raise ValueError(f"{name} must be hexadecimal, not {shown(value)}")
    return int(value, 16)


def check_tables(layer: Any, k: int, tt: Any, n_tables: int) -> tuple[int, ...]:
    """Return tables as Python integers of 2**k bits, one per row of ``idx``."""
    layer.require(1 <= k <= MAX_K, "k", f"be in 1..{MAX_K}, not {k}")
    tables = tuple(integer(t, f"{layer.kind}.tt[{i}]", high=1 << 128) for i, t in enumerate(tt))
    layer.require(len(tables) == n_tables, "tt", f"have {n_tables} entries, not {len(tables)}")
    for i, table in enumerate(tables):
        layer.require(
            0 <= table < 1 << (1 << k), f"tt[{i}]", f"have {1 << k} bits, not be {table:#x}"
        )
    return tables


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Summing(Layer):
    """Common to the layers that add table outputs and compare the sum with a threshold.

    acc_m = bias_m + sum_l alpha_l pc_ml, where pc_ml counts the ones among the operators of neuron
    m at residual level l. The output is [acc_m >= theta_m] xor flip_m; with three thresholds there
    are two output bits, the second's threshold being entry 1 where the first is 0, else entry 2.
    Output bit j of neuron m is wire ``m + j n_out``. Without thresholds (``theta`` of width 0) the
    sums themselves leave.
    """

    idx: Any
    out: Any
    n_out: int
    alpha: Any = (1,)
    theta: Any = None
    flip: Any = None
    level: Any = None
    bias: Any = None

    arrays: ClassVar[dict[str, int]] = {
        "out": 1,
        "alpha": 1,
        "theta": 2,
        "flip": 1,
        "level": 1,
        "bias": 1,
    }

    def __post_init__(self) -> None:
        n_out = integer(self.n_out, f"{self.kind}.n_out", 1, MAX_LANES)
        if self.theta is None:
            object.__setattr__(self, "theta", np.zeros((n_out, 0), dtype=np.int64))
        elif np.ndim(self.theta) == 1:
            object.__setattr__(self, "theta", np.asarray(self.theta)[:, None])
        for name, length in (("flip", n_out), ("level", len(self.out)), ("bias", n_out)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.zeros(length, dtype=np.int64))
        super().__post_init__()

    def validate(self) -> None:
        """Check shapes and ranges of what the sums are made of."""
        n_ops = len(self.idx)
        self.require(len(self.alpha) >= 1, "alpha", "have an entry per residual level")
        for name, length in (
            ("out", n_ops),
            ("level", n_ops),
            ("theta", self.n_out),
            ("flip", self.n_out),
            ("bias", self.n_out),
        ):
            have = len(getattr(self, name))
            self.require(have == length, name, f"have {length} entries, not {have}")
        self.require_range("idx", 0, 1 << 40)
        self.require_range("out", 0, self.n_out - 1)
        self.require_range("level", 0, len(self.alpha) - 1)
        self.require_range("alpha", 1, 1 << 24)
        self.require_range("flip", 0, 1)
        self.require_range("theta", -MAX_THETA, MAX_THETA)
        self.require_range("bias", -MAX_BIAS, MAX_BIAS)
        most = int(np.bincount(self.out).max(initial=0))
        fits = most * self.n_out * len(self.alpha) <= MAX_MEMBERS
        self.require(fits, "out", f"spread over the neurons: one of {self.n_out} adds {most}")
        width = self.theta.shape[1]
        self.require(width in (0, 1, 3), "theta", f"have 0, 1 or 3 columns, not {width}")

    @property
    def levels_out(self) -> int:
        """Output bits per neuron; 0 where the sums leave."""
        return {0: 0, 1: 1, 3: 2}[int(self.theta.shape[1])]

    def bounds(self) -> tuple[Ints, Ints]:
        """Return the least and the largest sum of every neuron."""
        high = self.bias + np.bincount(
            self.out, weights=self.alpha[self.level], minlength=self.n_out
        ).astype(np.int64)
        return self.bias, high

    def lanes(self, before: Lanes) -> Lanes:
        """Return one bit per neuron and level, or the sums."""
        self.require_bits(before, self.idx)
        if self.levels_out:
            return Lanes(self.n_out * self.levels_out, *BIT)
        low, high = self.bounds()
        return Lanes(self.n_out, min(0, int(low.min())), max(0, int(high.max())))

    def thresholds(self, y: Words, n: int, before: Lanes) -> Samples:
        """Return what follows from the operators' outputs ``y``."""
        acc = np.tile(self.bias, (n, 1))
        for scale, rows in zip(self.alpha, self._members, strict=True):
            acc += scale * packed.gather_count(y, rows, n)
        lanes = self.lanes(before)
        if not self.levels_out:
            return Samples(n, lanes, codes=acc)
        h = [(acc >= self.theta[:, 0]) ^ (self.flip == 1)]
        if self.levels_out == 2:
            second = np.where(h[0], self.theta[:, 2], self.theta[:, 1])
            h.append((acc >= second) ^ (self.flip == 1))
        return Samples(n, lanes, words=packed.pack(np.concatenate(h, axis=1)))

    @cached_property
    def _members(self) -> list[Ints]:
        groups = []
        for level in range(len(self.alpha)):
            ops = np.flatnonzero(self.level == level)
            rows = packed.members(self.out[ops], self.n_out)
            groups.append(np.where(rows < 0, -1, ops[rows]) if len(ops) else rows)
        return groups


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Xnor(Summing):
    """Binary layer, the baseline: each operator is the product of one input and one weight.

    Parameters
    ----------
    idx
        int[n_ops], the input of each operator; that of residual level l is ``n + l n_in``.
    weight
        int[n_ops], 1 for +1 and 0 for -1.
    """

    weight: Any = ()

    kind: ClassVar[str] = "xnor"
    arrays: ClassVar[dict[str, int]] = {"idx": 1, "weight": 1, **Summing.arrays}

    def validate(self) -> None:
        """Check the weights."""
        super().validate()
        have = len(self.weight)
        self.require(have == len(self.idx), "weight", f"have {len(self.idx)} entries, not {have}")
        self.require_range("weight", 0, 1)

    def apply(self, x: Samples) -> Samples:
        """Return the layer's exact answer."""
        same = np.where(self.weight == 1, np.uint64(0), ~np.uint64(0))
        return self.thresholds(x.bits()[self.idx] ^ same[:, None], x.n, x.lanes)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LutLayer(Summing):
    """LUTNet layer, unrolled: each operator is a table over K inputs.

    y = (tt >> addr) & 1 with addr = sum_k x[idx_k] << k; a one means +1.

    Parameters
    ----------
    k
        K, inputs of a table, 1..7.
    idx
        int[n_ops, K], wires of the inputs; column k is address bit k.
    tt
        Tables, integers of 2**K bits; bit a is the output at address a.
    out
        int[n_ops], the neuron that adds the operator's output.
    n_out
        Number of neurons.
    alpha
        int[R], scale of each residual level.
    theta
        int[n_out], int[n_out, 2**R' - 1] for R' output levels, or None: the sums leave.
    flip
        int[n_out], 1 where the output bits are inverted.
    level
        int[n_ops], residual level of each operator.
    bias
        int[n_out], added to the sums.
    """

    k: int
    tt: Any

    kind: ClassVar[str] = "lut"
    arrays: ClassVar[dict[str, int]] = {"idx": 2, **Summing.arrays}

    def validate(self) -> None:
        """Check the tables."""
        super().validate()
        self.require(self.idx.shape[1] == self.k, "idx", f"have {self.k} columns")
        tables = check_tables(self, self.k, self.tt, len(self.idx))
        object.__setattr__(self, "tt", tables)

    def apply(self, x: Samples) -> Samples:
        """Return the layer's exact answer."""
        y = packed.look_up(x.bits(), self.idx, self._selectors)
        return self.thresholds(y, x.n, x.lanes)

    @cached_property
    def _selectors(self) -> NDArray[np.intp]:
        return packed.selectors(self.tt, self.k)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class DirectLut(Layer):
    """Layer whose tables' outputs are the next layer's bits.

    Parameters
    ----------
    k, idx, tt
        As for :class:`LutLayer`.
    """

    k: int
    idx: Any
    tt: Any

    kind: ClassVar[str] = "direct"
    arrays: ClassVar[dict[str, int]] = {"idx": 2}

    def validate(self) -> None:
        """Check the tables."""
        self.require(self.idx.shape[1] == self.k, "idx", f"have {self.k} columns")
        self.require(len(self.idx) >= 1, "idx", "have a row per table, not none")
        self.require_range("idx", 0, 1 << 40)
        object.__setattr__(self, "tt", check_tables(self, self.k, self.tt, len(self.idx)))

    def lanes(self, before: Lanes) -> Lanes:
        """Return one bit per table."""
        self.require_bits(before, self.idx)
        return Lanes(len(self.idx), *BIT)

    def apply(self, x: Samples) -> Samples:
        """Return the layer's exact answer."""
        y = packed.look_up(x.bits(), self.idx, self._selectors)
        return Samples(x.n, Lanes(len(self.idx), *BIT), words=y)

    @cached_property
    def _selectors(self) -> NDArray[np.intp]:
        return packed.selectors(self.tt, self.k)


def columns(values: ArrayLike) -> NDArray[np.int64]:
    """Return an integer array of two axes from one or two."""
    array = np.asarray(values, dtype=np.int64)
    return array[:, None] if array.ndim == 1 else array
