"""Layers of a look-up-table network as combinational logic: one module per layer.

One file, since there is one module per kind of layer, in the order of the golden model's file.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add

from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import lutnet
from nomul.golden.lutnet.layers import Lanes, Layer, Summing
from nomul.hw.compressor import shared_sum
from nomul.hw.lutnet.combinational import Combinational
from nomul.hw.lutnet.neurons import Neurons
from nomul.hw.lutnet.operators import look_up, settle, summed
from nomul.hw.lutnet.scores import above, tournament


def lane_shape(lanes: Lanes) -> Shape:
    """Return the shape of one lane."""
    return signed(lanes.width) if lanes.low < 0 else unsigned(lanes.width)


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
    first: list[Value] = []
    second: list[Value] = []
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


class Table(Combinational):
    """LUTNet and XNOR layers: operators, sums, thresholds.

    With ``lut6`` the first level of the sums absorbs operators of few inputs.
    """

    def describe(self, m: Module) -> Value:
        layer = self.layer
        idx, tt, places = summed(layer, self.adder)
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
        width, negative = self.before.width, self.before.low < 0
        kept = self.adder == "lut6"

        def larger(a: Value, b: Value) -> Value:
            if kept:
                return above(m, list(a), list(b), (1,) * width, negative)
            return b.as_signed() > a.as_signed() if negative else b > a

        return tournament(m, self.values(width), self.after.width, larger, kept)


HARDWARE: dict[type[Layer], type[Combinational]] = {
    lutnet.Xnor: Table,
    lutnet.LutLayer: Table,
    lutnet.DirectLut: Direct,
    lutnet.Thermometer: Encoder,
    lutnet.GroupSum: Groups,
    lutnet.Argmax: Maximum,
    lutnet.TableNeuron: Neurons,
}
