"""Layers of a look-up-table network as combinational logic: one module per layer.

One file, since there is one module per kind of layer, in the order of the golden model's file.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add

import numpy as np
from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import lutnet
from nomul.golden.lutnet.absorb import absorb
from nomul.golden.lutnet.layers import Lanes, Layer, Summing
from nomul.hw.compressor import shared_sum
from nomul.hw.once import Described, Once


def table(tt: int, inputs: Sequence[Value]) -> Value:
    """Return the bit of a table at the address whose bit k is ``inputs[k]``."""
    return Const(tt, 1 << len(inputs)).bit_select(Cat(*inputs), 1)


def lane_shape(lanes: Lanes) -> Shape:
    """Return the shape of one lane."""
    return signed(lanes.width) if lanes.low < 0 else unsigned(lanes.width)


class Operators(Described):
    """The tables of a layer: bit i of ``y`` is table i at the address that its wires give.

    Combinational.

    Parameters
    ----------
    n_in : int
        Number of wires.
    idx : tuple of tuples of int
        Wires of each table; the k-th is address bit k.
    tt : tuple of int
        Tables of 2**K bits.

    Members
    -------
    x : ``In(n_in)``
        Wires.
    y : ``Out(n_tables)``
        Outputs.
    """

    def __init__(self, n_in: int, idx: tuple[tuple[int, ...], ...], tt: tuple[int, ...]):
        self.idx, self.tt = idx, tt
        super().__init__({"x": In(n_in), "y": Out(len(tt))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows = zip(self.tt, self.idx, strict=True)
        m.d.comb += self.y.eq(Cat(table(tt, [self.x[i] for i in row]) for tt, row in rows))
        return m

    def rtlil(self, name: str) -> str:
        """Return the module as RTLIL: one ``$lut`` cell per table.

        Yosys prints it as a constant shifted by an address. Where Amaranth would write that shift
        itself, Yosys maps barrel shifters, which takes it minutes for a thousand tables.
        """
        lines = [
            f"module \\{name}",
            f"  wire width {len(self.x)} input 0 \\x",
            f"  wire width {len(self.y)} output 1 \\y",
        ]
        for i, (tt, row) in enumerate(zip(self.tt, self.idx, strict=True)):
            k = len(row)
            # Concatenations begin with the most significant bit.
            address = " ".join(f"\\x [{wire}]" for wire in reversed(row))
            lines += [
                f"  cell $lut $table{i}",
                f"    parameter \\WIDTH {k}",
                f"    parameter \\LUT {1 << k}'{tt:0{1 << k}b}",
                f"    connect \\A {{ {address} }}",
                f"    connect \\Y \\y [{i}]",
                "  end",
            ]
        return "\n".join([*lines, "end", ""])


def look_up(m: Module, x: Value, idx: Sequence[Sequence[int]], tt: Sequence[int]) -> Value:
    """Return the outputs of a layer's tables, which are a module of their own."""
    part = Once("operators", Operators, len(x), tuple(map(tuple, idx)), tuple(tt))
    m.submodules.operators = part
    m.d.comb += part.x.eq(x)
    return part.y


class Sums(wiring.Component):
    """Adds the operators' outputs per neuron: sum_l alpha_l pc_ml, without the bias.

    Combinational. Scales that are powers of two are columns of one compressor tree; others
    multiply the count of their level by shifts and additions.

    Parameters
    ----------
    layer : :class:`nomul.golden.lutnet.layers.Summing`
        The layer.
    adder : str
        As :func:`nomul.hw.compressor.shared_sum` takes it.
    places : list of (int, int, int)
        Neuron, residual level and weight 2**w of each bit: those of the operators, or of sums of
        several operators.

    Members
    -------
    y : ``In(len(places))``
        Bits to add.
    acc : ``Out(n_out * width)``
        Sums, each as wide as the largest.
    """

    def __init__(self, layer: Summing, adder: str, places: list[tuple[int, int, int]]):
        self.layer, self.adder, self.places = layer, adder, places
        low, high = layer.bounds()
        self.width = max(1, int((high - low).max()).bit_length())
        super().__init__({"y": In(len(places)), "acc": Out(layer.n_out * self.width)})

    def elaborate(self, platform: object) -> Module:
        layer, m = self.layer, Module()
        own: list[list[list[list[Value]]]] = [[[] for _ in layer.alpha] for _ in range(layer.n_out)]
        for bit, (neuron, level, weight) in zip(list(self.y), self.places, strict=True):
            columns = own[neuron][level]
            columns += [[] for _ in range(weight + 1 - len(columns))]
            columns[weight].append(bit)
        acc = Signal(len(self.acc))
        for neuron, levels in enumerate(own):
            total = self.weighted(m, levels)
            m.d.comb += acc[neuron * self.width : (neuron + 1) * self.width].eq(total)
        m.d.comb += self.acc.eq(acc)
        return m

    def weighted(self, m: Module, levels: list[list[list[Value]]]) -> Value:
        """Return the sum of columns of bits scaled by their level's alpha."""
        alpha = [int(scale) for scale in self.layer.alpha]
        if all(scale & (scale - 1) == 0 for scale in alpha):
            shifts = [scale.bit_length() - 1 for scale in alpha]
            size = max(s + len(c) for s, c in zip(shifts, levels, strict=True))
            columns: list[list[Value]] = [[] for _ in range(max(1, size))]
            for shift, own in zip(shifts, levels, strict=True):
                for weight, bits in enumerate(own):
                    columns[shift + weight] += bits
            return shared_sum(m, columns, self.adder)
        counts = [shared_sum(m, own, self.adder) for own in levels]
        return reduce(add, (times(c, s) for c, s in zip(counts, alpha, strict=True)))


def times(value: Value, scale: int) -> Value:
    """Return a value times a constant, by shifts and additions."""
    return reduce(add, (value << i for i in range(scale.bit_length()) if scale >> i & 1))


def at_least(acc: Value, most: int, threshold: int) -> Value:
    """Return whether an unsigned sum of at most ``most`` reaches a threshold, in range or not."""
    if threshold <= 0:
        return Const(1, 1)
    return acc >= threshold if threshold <= most else Const(0, 1)


def outputs(m: Module, layer: Summing, sums: Value, width: int, tile: Value | None = None) -> Value:
    """Return the wires that a summing layer hands on, from its sums without bias.

    Parameters
    ----------
    layer
        The layer; its thresholds, flips and biases hold for all tiles one after another.
    sums
        As many sums of ``width`` bits as a tile has neurons.
    tile
        Which slice of the neurons these are; None: all of them.
    """
    size = len(sums) // width
    slices = layer.n_out // size
    low, high = layer.bounds()
    first, second = [], []
    for i in range(size):
        acc = sums[i * width : (i + 1) * width]
        rows = [i + size * t for t in range(slices)]
        if not layer.levels_out:
            lanes = layer.lanes(Lanes(1 << 40, 0, 1))
            biased = [signed_sum(acc, int(layer.bias[r]), lanes.width) for r in rows]
            first.append(settle(m, choose(biased, tile), lanes.width))
            continue

        def reached(column: int, rows: list[int] = rows, acc: Value = acc) -> Value:
            hits = [
                at_least(acc, int(high[r] - low[r]), int(layer.theta[r, column] - low[r]))
                ^ int(layer.flip[r])
                for r in rows
            ]
            return settle(m, choose(hits, tile), 1)

        first.append(reached(0))
        if layer.levels_out == 2:
            second.append(Mux(first[-1], reached(2), reached(1)))
    return Cat(*first, *second)


def signed_sum(acc: Value, bias: int, width: int) -> Value:
    """Return a sum with its bias, cut to the lane's width."""
    return (
        (acc + Const(bias, signed(bias.bit_length() + 1)))[:width]
        if bias
        else acc | Const(0, width)
    )


def choose(values: Sequence[Value], index: Value | None) -> Value:
    """Return ``values[index]``; the only one where there is no choice."""
    return values[0] if index is None or len(values) == 1 else Array(values)[index]


def settle(m: Module, value: Value, width: int) -> Signal:
    """Return an expression as a signal, since Amaranth prints one again at every use."""
    result = Signal(width)
    m.d.comb += result.eq(value)
    return result


class Combinational(wiring.Component):
    """Base of the layers that answer within the cycle; ``describe`` is what they differ in.

    Parameters
    ----------
    layer : :class:`nomul.golden.lutnet.layers.Layer`
        The layer.
    before : :class:`nomul.golden.lutnet.layers.Lanes`
        What it takes.
    adder : str
        How ones are added.

    Members
    -------
    x : ``In(before.bits)``
        Lanes, lane 0 lowest.
    y : ``Out(layer.lanes(before).bits)``
        Lanes, lane 0 lowest.
    """

    def __init__(self, layer: Layer, before: Lanes, adder: str):
        self.layer, self.before, self.adder = layer, before, adder
        self.after = layer.lanes(before)
        super().__init__({"x": In(before.bits), "y": Out(self.after.bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.y.eq(self.describe(m))
        return m

    def describe(self, m: Module) -> Value:
        """Return the outputs."""
        raise NotImplementedError

    def values(self, width: int, shape: Callable[[int], Shape] = unsigned) -> list[Value]:
        """Return the inputs as numbers of ``width`` bits."""
        words = [self.x[i : i + width] for i in range(0, len(self.x), width)]
        return [word.as_signed() for word in words] if shape is signed else words


class Table(Combinational):
    """LUTNet and XNOR layers: operators, sums, thresholds.

    With ``lut6`` the first level of the sums absorbs operators of few inputs.
    """

    def describe(self, m: Module) -> Value:
        layer = self.layer
        if self.adder == "lut6":
            groups = absorb(layer)
            # A sum without inputs is a constant over any wire.
            idx = [group.wires or (0,) for group in groups for _ in group.digits]
            tt = [d if g.wires else d * 0b11 for g in groups for d in g.digits]
            places = [
                (group.neuron, group.level, weight)
                for group in groups
                for weight in range(len(group.digits))
            ]
        else:
            tables = getattr(layer, "tt", None)
            if tables is None:
                idx, tt = layer.idx[:, None].tolist(), [0b10 if w else 0b01 for w in layer.weight]
            else:
                idx, tt = layer.idx.tolist(), tables
            places = [
                (*place, 0) for place in zip(layer.out.tolist(), layer.level.tolist(), strict=True)
            ]
        m.submodules.popcount = sums = Sums(layer, self.adder, places)
        m.d.comb += sums.y.eq(look_up(m, self.x, idx, tt))
        return outputs(m, layer, sums.acc, sums.width)


class Direct(Combinational):
    """Direct layers: operators and nothing else."""

    def describe(self, m: Module) -> Value:
        return look_up(m, self.x, self.layer.idx.tolist(), self.layer.tt)


class Encoder(Combinational):
    """Thermometer: a comparison with a constant per bit."""

    def describe(self, m: Module) -> Value:
        shape = signed if self.before.low < 0 else unsigned
        codes = self.values(self.before.width, shape)
        pairs = zip(self.layer.feature.tolist(), self.layer.threshold.tolist(), strict=True)
        return Cat(codes[feature] >= threshold for feature, threshold in pairs)


class Groups(Combinational):
    """Group sums: one compressor tree per class."""

    def describe(self, m: Module) -> Value:
        size = len(self.x) // self.layer.groups
        groups = [list(self.x[i : i + size]) for i in range(0, len(self.x), size)]
        return Cat(settle(m, shared_sum(m, [g], self.adder), self.after.width) for g in groups)


class Maximum(Combinational):
    """Argmax: a tree of comparisons, whose ties go to the lower index."""

    def describe(self, m: Module) -> Value:
        shape = signed if self.before.low < 0 else unsigned
        scores = self.values(self.before.width, shape)
        best: list[tuple[Value, Value]] = [(s, Const(i)) for i, s in enumerate(scores)]
        while len(best) > 1:
            winners = []
            for (a, i), (b, j) in zip(best[0::2], best[1::2], strict=False):
                larger = settle(m, b > a, 1)
                score = Signal(shape(self.before.width))
                m.d.comb += score.eq(Mux(larger, b, a))
                winners.append((score, settle(m, Mux(larger, j, i), self.after.width)))
            best = winners + best[len(best) & ~1 :]
        return best[0][1]


class Neurons(Combinational):
    """Table neurons: one table of values per operator, sums, clipping and offset."""

    def describe(self, m: Module) -> Value:
        layer, size = self.layer, self.layer.in_bits
        idx, tt, widths = [], [], []
        for lanes, values in zip(layer.idx.tolist(), layer.table, strict=True):
            low, high = int(values.min()), int(values.max())
            widths.append(max(low.bit_length(), high.bit_length()) + 1)
            bits = ((values[None, :] >> np.arange(widths[-1])[:, None]) & 1).astype(np.uint8)
            packed = np.packbits(bits, axis=1, bitorder="little")
            tt += [int.from_bytes(row.tobytes(), "little") for row in packed]
            idx += [[lane * size + bit for lane in lanes for bit in range(size)]] * widths[-1]
        found, start = look_up(m, self.x, idx, tt), 0
        terms: list[list[Value]] = [[] for _ in range(layer.n_out)]
        for width, neuron in zip(widths, layer.out, strict=True):
            term = Signal(signed(width))
            m.d.comb += term.eq(found[start : start + width])
            terms[neuron].append(term)
            start += width
        return Cat(self.clip(m, group) for group in terms)

    def clip(self, m: Module, terms: list[Value]) -> Value:
        """Return the terms' sum, clipped and moved, as one lane."""
        layer = self.layer
        total = reduce(add, terms) if terms else Const(0, 1)
        sum_ = Signal(signed(len(total) + 1))
        m.d.comb += sum_.eq(total)
        clipped = Mux(sum_ < layer.low, layer.low, Mux(sum_ > layer.high, layer.high, sum_))
        return settle(m, clipped + layer.offset, self.after.width)


HARDWARE: dict[type[Layer], type[Combinational]] = {
    lutnet.Xnor: Table,
    lutnet.LutLayer: Table,
    lutnet.DirectLut: Direct,
    lutnet.Thermometer: Encoder,
    lutnet.GroupSum: Groups,
    lutnet.Argmax: Maximum,
    lutnet.TableNeuron: Neurons,
}
