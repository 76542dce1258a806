"""Cells of the stochastic outer product that count for themselves."""

from dataclasses import dataclass
from functools import reduce
from operator import add

from amaranth.hdl import Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import data

from nomul.golden.outer import Array
from nomul.hw.outer import Product, running, valid_bits
from nomul.hw.popcount import popcount


@dataclass(frozen=True)
class Counter(Product):
    """U ANDs and a counter: c_ij = sum_n a_i[n] AND b_j[n]."""

    def row(self, array: Array, control: data.View, sent: Value) -> Value:
        """Return the bits that count."""
        return valid_bits(array, control, sent)

    def total(self, m: Module, array: Array, control: data.View, a: Value, b: Value) -> Value:
        """Return the count, this cycle's bits included."""
        both = Signal(array.lane_bits)
        m.d.comb += both.eq(a & b)
        now = self.ones(m, list(both))
        return running(m, array, control, lambda before: before + now)

    def ones(self, m: Module, bits: list[Value]) -> Value:
        """Return how many of U bits are one: added one by one."""
        return reduce(add, bits)


@dataclass(frozen=True)
class Popcount(Counter):
    """The same count, whose U bits a tree adds."""

    def ones(self, m: Module, bits: list[Value]) -> Value:
        """Return how many of U bits are one: added by a tree."""
        return popcount(m, bits)


@dataclass(frozen=True)
class Snapshot(Product):
    """The column's count, kept when the row's ones end.

    In ascending order of the rows' words a row's bits are ones, then zeros, so a cell follows its
    column's running count while they are ones.
    """

    def row(self, array: Array, control: data.View, sent: Value) -> Value:
        """Return the bits that count."""
        return valid_bits(array, control, sent)

    def column_shape(self, array: Array) -> Shape:
        """Return the shape of a count."""
        return unsigned(array.count_bits)

    def column(self, m: Module, array: Array, control: data.View, sent: Value) -> Value:
        """Return the running count of a column's bits."""
        bit = valid_bits(array, control, sent)
        return running(m, array, control, lambda count: count + bit)

    def total(self, m: Module, array: Array, control: data.View, a: Value, b: Value) -> Value:
        """Return what is kept."""
        return running(m, array, control, lambda before: Mux(a, b, before))
