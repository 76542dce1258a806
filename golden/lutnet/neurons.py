"""How the values of table neurons are added with few bits: what each table gives, and a constant.

A table's values are taken relative to its least one, so they are unsigned and as short as their
range allows. The least values, the bound that a sum is clipped from and the offset are one
constant, of which the tables take over as much as their digits have room for: what is left for the
adder is the constant with the fewest ones.
"""

from dataclasses import dataclass

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.lutnet.heads import TableNeuron

# How far the tables' room is searched for a constant with few ones.
_ROOM = 1 << 12


@dataclass(frozen=True)
class Sum:
    """What one neuron adds: total = constant + the tables' values, modulo 2**width.

    Attributes
    ----------
    tables
        Numbers of the tables in the layer; those of one value only are in the constant.
    values
        int64[2**(F in_bits)] of each of them, none below 0.
    constant
        0 .. 2**width - 1.
    width
        Bits of the total.
    least, most
        The total's range; it is signed where ``least`` is negative.
    span
        The total is clipped to 0 .. span; None: it needs no clipping.
    moved
        Added after clipping.
    """

    tables: tuple[int, ...]
    values: tuple[Ints, ...]
    constant: int
    width: int
    least: int
    most: int
    span: int | None
    moved: int

    def total(self, addresses: Ints) -> Ints:
        """Return the totals before clipping, int64[n], at int64[n, tables] of addresses."""
        total = np.full(len(addresses), self.constant, dtype=np.int64)
        for column, values in zip(addresses.T, self.values, strict=True):
            total += values[column]
        total %= 1 << self.width
        if self.least < 0:
            total -= (total >> (self.width - 1)) << self.width
        return total

    def result(self, addresses: Ints) -> Ints:
        """Return what leaves, int64[n]: the totals clipped and moved."""
        total = self.total(addresses)
        return total if self.span is None else np.clip(total, 0, self.span) + self.moved


def summed(layer: TableNeuron, neuron: int) -> Sum:
    """Return what a neuron of a layer adds."""
    tables = np.flatnonzero(layer.out == neuron)
    values = [layer.table[t] for t in tables]
    if len(tables) == 1:
        # Its clipping happens in the table itself.
        values = [np.clip(values[0], layer.low, layer.high)]
    least = [int(v.min()) for v in values]
    low, high = sum(least), sum(int(v.max()) for v in values)
    clips = low < layer.low or high > layer.high
    floor = layer.low if clips else -layer.offset
    low, high = low - floor, high - floor
    width = layer.result.width
    if clips:
        width = max(1, high.bit_length())
        if low < 0:
            width = max(high.bit_length(), (-low - 1).bit_length()) + 1
    varied = [i for i, v in enumerate(values) if int(v.max()) > least[i]]
    own = [np.asarray(values[i] - least[i]) for i in varied]
    room = [(1 << int(v.max()).bit_length()) - 1 - int(v.max()) for v in own]
    steps = np.arange(min(sum(room), _ROOM) + 1)
    left = (low - steps) % (1 << width)
    given = min(steps.tolist(), key=lambda s: (int(left[s]).bit_count(), s))
    constant = int(left[given])
    for i, most in enumerate(room):
        part = min(given, most)
        own[i] = own[i] + part
        given -= part
    return Sum(
        tables=tuple(int(tables[i]) for i in varied),
        values=tuple(own),
        constant=constant,
        width=width,
        least=low,
        most=high,
        span=layer.high - layer.low if clips else None,
        moved=layer.low + layer.offset if clips else 0,
    )
