"""Table neurons: tables of several bits whose values are added, clipped and moved."""

from collections.abc import Iterator

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Value

from nomul.golden.arrays import Ints
from nomul.golden.lutnet import TableNeuron
from nomul.golden.lutnet.neurons import Sum, summed
from nomul.hw.compressor import shared_sum
from nomul.hw.lutnet.combinational import Combinational
from nomul.hw.lutnet.operators import look_up, settle


class Neurons(Combinational):
    """Table neurons: the digits of their tables' values, compressor trees, clipping and offset.

    What a neuron adds are the values above each table's least one, which have fewer digits than
    signed values and need no sign extension. The least ones, the lower bound and the offset are one
    constant, which hides in the tables as far as their digits have room.
    """

    def describe(self, m: Module) -> Value:
        layer = self.layer
        assert isinstance(layer, TableNeuron)
        idx: list[list[int]] = []
        tt: list[int] = []
        sums = [summed(layer, neuron) for neuron in range(layer.n_out)]
        for own in sums:
            for table, values in zip(own.tables, own.values, strict=True):
                lanes, size = layer.idx[table].tolist(), layer.in_bits
                digits = packed(values)
                tt += digits
                idx += [[lane * size + bit for lane in lanes for bit in range(size)]] * len(digits)
        bits = iter(list(look_up(m, self.x, idx, tt)) if tt else [])
        return Cat(self.lane(m, own, bits) for own in sums)

    def lane(self, m: Module, own: Sum, bits: Iterator[Value]) -> Value:
        """Return what leaves for one neuron; takes the digits of its tables from ``bits``."""
        width = own.width
        columns: list[list[Value]] = [[] for _ in range(width)]
        for values in own.values:
            for weight in range(int(values.max()).bit_length()):
                columns[weight].append(next(bits))
        for weight in range(width):
            if own.constant >> weight & 1:
                columns[weight].append(Const(1, 1))
        while columns and not columns[-1]:
            columns.pop()
        if max(map(len, columns), default=0) <= 1:
            total: Value = Cat(*(column[0] if column else Const(0, 1) for column in columns))
        else:
            total = shared_sum(m, columns, self.adder)
        total = settle(m, total, width)
        if own.span is not None:
            total = clip(m, total, own)
        return settle(m, total, self.after.width)


def clip(m: Module, total: Value, own: Sum) -> Value:
    """Return a neuron's total clipped to 0 .. span, and moved."""
    assert own.span is not None
    negative = total[-1] if own.least < 0 else Const(0, 1)
    bits = total[: len(total) - (own.least < 0)]
    size = own.span.bit_length()
    over: Value = Const(0, 1)
    if own.most > own.span:
        # All codes of the lane are in use as a rule, and then the upper bits decide.
        full = own.span + 1 == 1 << size
        over = settle(m, bits[size:].any() if full else bits > own.span, 1)
    clipped = Mux(negative, 0, Mux(over, own.span, bits))
    return (settle(m, clipped, size) + own.moved) if own.moved else clipped


def packed(values: Ints) -> list[int]:
    """Return unsigned values as a table per digit, the lowest first."""
    digits = int(values.max()).bit_length()
    bits = ((values[None, :] >> np.arange(digits)[:, None]) & 1).astype(np.uint8)
    rows = np.packbits(bits, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in rows]
