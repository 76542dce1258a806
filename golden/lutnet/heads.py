"""Layers around and beside the look-up tables: encoder, tiles, table neurons, sums and argmax.

One file, since each class is short, and they are the whole of what may stand beside tables.
"""

import dataclasses
from typing import Any, ClassVar

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.lutnet import bits as packed
from nomul.golden.lutnet.layers import (
    BIT,
    MAX_LANES,
    Lanes,
    Layer,
    LutLayer,
    Samples,
    check_tables,
)

MAX_ADDRESS = 16


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Thermometer(Layer):
    """Encoder of integer codes: bit i is [code of feature_i >= threshold_i].

    Only the thresholds in use are listed, in any order.

    Parameters
    ----------
    feature, threshold
        int[n_bits].
    """

    feature: Any
    threshold: Any

    kind: ClassVar[str] = "thermometer"
    arrays: ClassVar[dict[str, int]] = {"feature": 1, "threshold": 1}

    def validate(self) -> None:
        """Check the lengths."""
        n = len(self.feature)
        self.require(n >= 1, "feature", "have an entry per bit, not none")
        have = len(self.threshold)
        self.require(have == n, "threshold", f"have {n} entries, not {have}")
        self.require_range("feature", 0, 1 << 40)

    def lanes(self, before: Lanes) -> Lanes:
        """Return one bit per threshold."""
        if int(self.feature.max()) >= before.count:
            place = int(np.argmax(self.feature))
            raise ValueError(
                f"{self.kind}.feature[{place}] must be in 0..{before.count - 1}, "
                f"not {int(self.feature[place])}"
            )
        self.require_range("threshold", before.low + 1, before.high)
        return Lanes(len(self.feature), *BIT)

    def apply(self, x: Samples) -> Samples:
        """Return the layer's exact answer."""
        bits = x.integers()[:, self.feature] >= self.threshold
        return Samples(x.n, Lanes(len(self.feature), *BIT), words=packed.pack(bits))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LutNetTiled(Layer):
    """LUTNet layer, tiled (K, P): one array of tables serves TM x TN tiles of the layer.

    Each table has K - P activations (address bits 0 .. K-P-1) and P stored weight bits above them.
    In tile (tm, tn) the array reads slice tn of the inputs and adds into the neurons of slice tm;
    after TN tiles the sums of that slice are compared with their thresholds. A vector takes TM TN
    cycles. The weights of tile (tm, tn) are at address tm TN + tn.

    Parameters
    ----------
    k, p
        Inputs of a table, and how many of them are weights, 1 <= P < K.
    n_in, n_out
        Inputs and neurons of the whole layer; TN divides the first, TM the second.
    tile_m, tile_n
        TM and TN.
    idx
        int[n_ops, K-P], wires within a slice: that of input n at residual level l is
        ``n + l n_in / TN``.
    tt
        Tables of 2**K bits.
    out
        int[n_ops], neuron within a slice.
    weight
        int[TM TN, n_ops], P bits each: bit j is address bit K-P+j.
    alpha, theta, flip, level, bias
        As for :class:`LutLayer`, of the whole layer.
    """

    k: int
    p: int
    n_in: int
    n_out: int
    tile_m: int
    tile_n: int
    idx: Any
    tt: Any
    out: Any
    weight: Any
    alpha: Any = (1,)
    theta: Any = None
    flip: Any = None
    level: Any = None
    bias: Any = None

    kind: ClassVar[str] = "tiled"
    arrays: ClassVar[dict[str, int]] = {"idx": 2, "out": 1, "weight": 2, "alpha": 1, "level": 1}

    def __post_init__(self) -> None:
        if self.level is None:
            object.__setattr__(self, "level", np.zeros(len(self.out), dtype=np.int64))
        super().__post_init__()

    def validate(self) -> None:
        """Check the tiles; the thresholds are checked by the unrolled form."""
        self.require(1 <= self.p < self.k, "p", f"be in 1..{self.k - 1}, not {self.p}")
        for name in ("n_in", "n_out", "tile_m", "tile_n"):
            self.require_range(name, 1, MAX_LANES)
        object.__setattr__(self, "tt", check_tables(self, self.k, self.tt, len(self.idx)))
        for name, tiles, size in (("tile_m", "n_out", self.n_out), ("tile_n", "n_in", self.n_in)):
            count = getattr(self, name)
            fits = count >= 1 and size >= 1 and size % count == 0
            self.require(fits, name, f"divide {tiles} {size}, not be {count}")
        self.require(self.idx.shape[1] == self.k - self.p, "idx", f"have {self.k - self.p} columns")
        self.require_range("idx", 0, self.n_in // self.tile_n * len(self.alpha) - 1)
        self.require_range("out", 0, self.n_out // self.tile_m - 1)
        shape = (self.tile_m * self.tile_n, len(self.idx))
        self.require(self.weight.shape == shape, "weight", f"be of shape {list(shape)}")
        self.require_range("weight", 0, (1 << self.p) - 1)
        unrolled = self.unroll()
        for name in ("theta", "flip", "bias"):
            object.__setattr__(self, name, getattr(unrolled, name))
        object.__setattr__(self, "_unrolled", unrolled)

    def unroll(self) -> LutLayer:
        """Return the same layer with an operator of K-P inputs per operator and tile."""
        few, ops = self.k - self.p, np.arange(len(self.idx))
        slice_in, slice_out = self.n_in // self.tile_n, self.n_out // self.tile_m
        level, local = self.idx // slice_in, self.idx % slice_in
        idx, tt, out, levels = [], [], [], []
        for tile in range(self.tile_m * self.tile_n):
            tm, tn = divmod(tile, self.tile_n)
            idx.append(level * self.n_in + tn * slice_in + local)
            out.append(tm * slice_out + self.out)
            levels.append(self.level)
            words = self.weight[tile]
            mask = (1 << (1 << few)) - 1
            tt += [(self.tt[o] >> (int(words[o]) << few)) & mask for o in ops]
        return LutLayer(
            k=few,
            idx=np.concatenate(idx),
            tt=tt,
            out=np.concatenate(out),
            n_out=self.n_out,
            alpha=self.alpha,
            theta=self.theta,
            flip=self.flip,
            level=np.concatenate(levels),
            bias=self.bias,
        )

    def lanes(self, before: Lanes) -> Lanes:
        """Return one bit per neuron and level, or the sums."""
        wanted = self.n_in * len(self.alpha)
        self.require(before.bits == wanted, "n_in", f"give the {before.bits} bits before it")
        return self.unrolled.lanes(before)

    @property
    def unrolled(self) -> LutLayer:
        """The result of :meth:`unroll`, kept."""
        layer: LutLayer = self._unrolled  # type: ignore[attr-defined]
        return layer

    def apply(self, x: Samples) -> Samples:
        """Return the layer's exact answer."""
        return self.unrolled.apply(x)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TableNeuron(Layer):
    """Tables of several bits in and out, summed where a neuron has more than one.

    z_m = clip(sum over the tables of m, low, high) + offset: LogicNets with one table per neuron,
    KANELE with one per used edge.

    Parameters
    ----------
    in_bits
        Bits of an input code.
    idx
        int[n_tables, F], input codes of a table; column j is at address bits j in_bits and up.
    table
        int[n_tables, 2**(F in_bits)], its values; F in_bits is at most 16.
    out
        int[n_tables], the neuron that adds the table's value.
    n_out
        Number of neurons.
    low, high
        Range to which a sum is clipped.
    offset
        Added after that; ``-low`` makes the result an unsigned code.
    """

    in_bits: int
    idx: Any
    table: Any
    out: Any
    n_out: int
    low: int
    high: int
    offset: int = 0

    kind: ClassVar[str] = "table"
    arrays: ClassVar[dict[str, int]] = {"idx": 2, "table": 2, "out": 1}

    def validate(self) -> None:
        """Check shapes and ranges."""
        address = self.in_bits * self.idx.shape[1]
        fits = self.in_bits >= 1 and 1 <= address <= MAX_ADDRESS
        self.require(fits, "idx", f"make an address of 1..{MAX_ADDRESS} bits, not {address}")
        shape = (len(self.idx), 1 << address)
        self.require(self.table.shape == shape, "table", f"be of shape {list(shape)}")
        fits = 1 <= self.n_out <= MAX_LANES
        self.require(fits, "n_out", f"be in 1..{MAX_LANES}, not {self.n_out}")
        have = len(self.out)
        self.require(have == len(self.idx), "out", f"have {len(self.idx)} entries, not {have}")
        self.require_range("idx", 0, 1 << 40)
        self.require_range("out", 0, self.n_out - 1)
        self.require_range("table", -(1 << 30), 1 << 30)
        for name in ("low", "high", "offset"):
            self.require_range(name, -(1 << 30), 1 << 30)
        self.require(self.low <= self.high, "high", f"be at least low {self.low}, not {self.high}")

    def lanes(self, before: Lanes) -> Lanes:
        """Return one code per neuron."""
        self.require(before.low >= 0, "input", "be unsigned, not sums or signed values")
        fits = before.bits % self.in_bits == 0
        self.require(fits, "in_bits", f"divide {before.bits} bits, not be {self.in_bits}")
        codes = Lanes(before.bits // self.in_bits, 0, (1 << self.in_bits) - 1)
        if self.idx.size and int(self.idx.max()) >= codes.count:
            place = np.argwhere(self.idx >= codes.count)[0]
            raise ValueError(
                f"{self.kind}.idx[{place[0]}][{place[1]}] must be in 0..{codes.count - 1}, "
                f"not {int(self.idx[tuple(place)])}"
            )
        return self.result

    @property
    def result(self) -> Lanes:
        """The range of the codes that leave."""
        return Lanes(self.n_out, min(0, self.low + self.offset), max(1, self.high + self.offset))

    def apply(self, x: Samples) -> Samples:
        """Return the layer's exact answer."""
        codes = x.grouped(self.in_bits)
        total = np.zeros((self.n_out, x.n), dtype=np.int64)
        for idx, table, out in zip(self.idx, self.table, self.out, strict=True):
            address = np.zeros(x.n, dtype=np.int64)
            for j, lane in enumerate(idx):
                address |= codes[:, lane] << (j * self.in_bits)
            total[out] += table[address]
        z: Ints = np.clip(total.T, self.low, self.high) + self.offset
        return Samples(x.n, self.result, codes=z)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class GroupSum(Layer):
    """Head of direct layers: score g is the number of ones in the g-th block of equal size.

    Parameters
    ----------
    groups
        Number of classes.
    """

    groups: int

    kind: ClassVar[str] = "groupsum"

    def validate(self) -> None:
        """Check the count."""
        self.require(self.groups >= 1, "groups", f"be at least 1, not {self.groups}")

    def lanes(self, before: Lanes) -> Lanes:
        """Return one count per class."""
        fits = before.low >= 0 and before.bits % self.groups == 0
        self.require(fits, "groups", f"divide {before.bits} bits, not be {self.groups}")
        return Lanes(self.groups, 0, before.bits // self.groups)

    def apply(self, x: Samples) -> Samples:
        """Return the layer's exact answer."""
        bits = x.bits()
        rows = np.arange(len(bits)).reshape(self.groups, -1)
        return Samples(x.n, self.lanes(x.lanes), codes=packed.gather_count(bits, rows, x.n))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Argmax(Layer):
    """Index of the largest score; of equal ones the lowest."""

    kind: ClassVar[str] = "argmax"

    def lanes(self, before: Lanes) -> Lanes:
        """Return one index."""
        return Lanes(1, 0, max(1, before.count - 1))

    def apply(self, x: Samples) -> Samples:
        """Return the layer's exact answer."""
        index = x.integers().argmax(axis=1).astype(np.int64)[:, None]
        return Samples(x.n, self.lanes(x.lanes), codes=index)
