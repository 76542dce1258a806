"""Writes the layer program: a network as passes, in the order of its layers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nomul.golden.engine import walks
from nomul.golden.engine.memories import Region
from nomul.golden.engine.passes import Pass, Rescale, Target
from nomul.golden.engine.places import Places
from nomul.golden.engine.program import Program, code_format
from nomul.golden.network.arrays import Range, Shape, signed_bits
from nomul.golden.network.layers import Add, ArgMax, Conv2d, Dense, Flatten, Layer, Requant
from nomul.golden.network.network import Network
from nomul.golden.network.pools import AvgPool2d, GlobalAvgPool, MaxPool2d, Pool
from nomul.golden.products import Plan


def program(net: Network, cfg: Any) -> Program:
    """Return a network's layer program for an engine.

    Parameters
    ----------
    net
        The network.
    cfg
        :class:`nomul.golden.engine.Config`, or anything with its ``tile`` and ``plans``.

    Raises
    ------
    ValueError
        The engine has no way to do a layer; the message begins with the layer's number and name.
    """
    build = Compiler(net, cfg.tile, cfg.plans)
    for number in range(len(net.layers)):
        try:
            build.layer(number)
        except ValueError as error:
            raise ValueError(f"{net.place(number)}: {error}") from None
    return build.finished()


class Compiler(Places):
    """Goes through the layers, gives places to values, and writes passes."""

    def __init__(self, net: Network, tile: Any, plans: Mapping[int, Plan]):
        super().__init__(net, int(tile.y_lanes))
        self.tile, self.plans = tile, plans
        self.code_bits, self.code_signed = code_format(net)
        self.passes: list[Pass] = []
        self.table: list[tuple[int, int]] = []
        self.reduced: list[Range] = []
        self.scaled = [1]
        self.entry = self.take(0, False, self.image(net.input_shape))

    def layer(self, number: int) -> None:
        """Write the passes of a layer, and of those that are done with it."""
        layer = self.net.layers[number]
        if number in self.done or isinstance(layer, ArgMax):
            return
        match layer:
            case Flatten():
                self.place(number + 1)
                self.release([number])
            case Dense() | Conv2d():
                self.products(number, layer)
                self.release([number])
            case Add():
                self.sum(number)
            case Requant():
                after = self.sole(number + 1)
                pool = self.net.layers[after] if after is not None else None
                # The largest of rescaled sums is the largest sum rescaled, if scales are positive.
                if isinstance(pool, MaxPool2d) and (layer.scale > 0).all():
                    assert after is not None
                    self.reduce(number, after, pool, layer)
                else:
                    self.reduce(number, number, None, layer)
            case _:
                after = self.sole(number + 1)
                rescale = self.net.layers[after] if after is not None else None
                if isinstance(rescale, Requant):
                    assert after is not None
                    self.reduce(number, after, layer, rescale)
                else:
                    self.reduce(number, number, layer, None)

    def products(self, number: int, layer: Dense | Conv2d) -> None:
        """Write a pass for every tile of a layer with weights."""
        net, value = self.net, number + 1
        source = self.place(net.sources(number)[0])
        tiles = self.plans[number].tiles
        lanes = self.side_by_side([(int(t.columns[0]), len(t.columns)) for t in tiles])
        into = self.take(value, True, self.image(net.shapes[value]), lanes)
        seen: set[int] = set()
        for placed in tiles:
            column, used = int(placed.columns[0]), -(-len(placed.columns) // self.lanes)
            walk = walks.windows(
                layer, source, int(placed.rows[0]), len(placed.rows), int(self.tile.inputs)
            )
            target = Target(
                True,
                into.base + column // lanes,
                into.pitch - (used - 1),
                beats=used,
                add=column in seen,
            )
            seen.add(column)
            pad = layer.pad_value if isinstance(layer, Conv2d) else 0
            name = net.place(number)
            self.passes.append(Pass("product", walk, target, tile=placed, pad=pad, name=name))
        if self.feeds_products(value):
            self.copy(value)

    def side_by_side(self, tiles: Sequence[tuple[int, int]]) -> int:
        """Return how many channels share a word, so that each tile begins one; of first and size.

        As many as the member sends at once, or as a tile has, where that is less.
        """
        for lanes in range(self.lanes, 0, -1):
            begin = all(first % lanes == 0 for first, _ in tiles)
            if begin and (lanes == self.lanes or all(size <= lanes for _, size in tiles)):
                return lanes
        raise ValueError(
            f"tiles of {[size for _, size in tiles]} columns do not begin at multiples of the "
            f"{self.lanes} sums of a beat: choose other outputs"
        )

    def reduce(self, number: int, last: int, pool: Layer | None, rescale: Requant | None) -> None:
        """Write a pass over windows, or over single values: reduced, rescaled, written."""
        value, source = last + 1, self.net.sources(number)[0]
        low, high = self.net.ranges[value]
        least, most = (-(1 << (self.code_bits - 1)), 1 << (self.code_bits - 1))
        least, most = (least, most - 1) if self.code_signed else (0, 2 * most - 1)
        narrow = self.feeds_products(value) or least <= low <= high <= most
        into = self.take(value, not narrow, self.image(self.net.shapes[value]))
        self._vector(number, self.place(source), into, pool, rescale)
        self.release([number, last])

    def sum(self, number: int) -> None:
        """Write the passes of an addition: one operand is added to the other one in its place."""
        a, b = self.net.sources(number)
        value = number + 1
        for into, other in ((a, b), (b, a)):
            region, root = self.place(into), self.root[into]
            mine = set(self.pending(into)) == {number} and root != self.root[self.output]
            if region.wide and mine:
                self._vector(number, self.place(other), region, None, None, add=True)
                self.done.add(number)
                del self.regions[root]
                self.regions[value] = region
                self.wide.append(self.net.ranges[value])
                if root != self.root[other]:
                    self.release([number])
                break
        else:
            region = self.take(value, True, self.image(self.net.shapes[value]))
            self._vector(number, self.place(a), region, None, None)
            self._vector(number, self.place(b), region, None, None, add=True)
            self.release([number])
        if self.feeds_products(value):
            self.copy(value)

    def copy(self, value: int) -> None:
        """Write a pass that brings sums, which fit, to where codes are: weights meet them there."""
        before = self.regions[value]
        into = self.take(value, False, before.shape)
        self._vector(value - 1, before, into, None, None)
        self.memories[True].free(before)

    def _vector(
        self,
        number: int,
        source: Region,
        into: Region,
        pool: Layer | None,
        rescale: Requant | None,
        *,
        add: bool = False,
    ) -> None:
        """Write a pass that reduces windows, rescales what they give, and writes it."""
        channels, height, width = source.shape
        kernel: Shape = (1, 1)
        stride: Shape = (1, 1)
        padding: Shape = (0, 0, 0, 0)
        if isinstance(pool, Pool):
            kernel, stride, padding = pool.kernel, pool.stride, pool.padding
        elif isinstance(pool, GlobalAvgPool):
            kernel = (height, width)
        low, high = self.net.ranges[self.net.sources(number)[0]]
        if isinstance(pool, AvgPool2d | GlobalAvgPool):
            shapes = [self.net.shapes[s] for s in self.net.sources(number)]
            low, high = pool.bounds(shapes, [(low, high)])
        self.reduced.append((low, high))
        walk = walks.channels(source, kernel, stride, padding)
        if add and source.wide:  # sums are read to be added to in every other cycle
            walk = replace(walk, length=2 * walk.size)
        target = Target(
            into.wide,
            into.base,
            into.pitch,
            -(into.pixels - 1) * into.pitch if into.wide else 1,
            add=add,
            lanes=into.lanes,
        )
        self.passes.append(
            Pass(
                "vector",
                walk,
                target,
                self._rescale(rescale, channels, (low, high)),
                largest=isinstance(pool, MaxPool2d),
                name=self.net.place(number),
            )
        )

    def _rescale(self, layer: Requant | None, channels: int, of: Range) -> Rescale:
        """Return a requantiser's place in the table; none leaves values as they are."""
        first = len(self.table)
        if layer is None:
            self.scaled.append(max(map(abs, of)))
            self.table.append((1, 0))
            return Rescale(first, False, 0, *of)
        scale, bias = np.broadcast_arrays(layer.scale, layer.bias)
        if len(scale) not in (1, channels):
            raise ValueError(f"scales of {len(scale)} values meet {channels} channels")
        self.scaled.append(layer.largest(of) + (1 << layer.shift))  # rounding adds below a unit
        self.table += zip(scale.tolist(), bias.tolist(), strict=True)
        return Rescale(first, len(scale) > 1, layer.shift, layer.low, layer.high)

    def finished(self) -> Program:
        """Write the answer's pass, and return the program."""
        value = self.output
        region = self.place(value) if len(self.net.shapes[value]) == 1 else self.regions[value]
        self.passes.append(Pass("answer", walks.channels(region)))
        scale, bias = np.array(self.table, dtype=np.int64).reshape(-1, 2).T
        sums = max((signed_bits(*of) for of in self.wide), default=1)
        widths = {
            "code": self.code_bits,
            "sum": sums,
            "reduced": max((signed_bits(*of) for of in self.reduced), default=1),
            "scaled": max(self.scaled).bit_length() + 1,
            "score": signed_bits(*self.net.ranges[value]),
        }
        return Program(
            tuple(self.passes),
            self.entry,
            self.memories[False].depth,
            self.memories[True].depth,
            scale,
            bias,
            widths,
            self.code_signed,
        )
