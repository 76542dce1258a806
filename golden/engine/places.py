"""Where each value of a network stands while the layer program is written, and how long."""

from collections.abc import Sequence

from nomul.golden.engine.memories import Memory, Region
from nomul.golden.network.arrays import Range, Shape
from nomul.golden.network.layers import ArgMax, Conv2d, Dense, Flatten
from nomul.golden.network.network import Network


class Places:
    """Gives places to the values of a network, and takes them back when nobody reads them any more.

    Parameters
    ----------
    net
        The network.
    lanes
        Sums of a word.
    """

    def __init__(self, net: Network, lanes: int):
        self.net, self.lanes = net, lanes
        self.memories = {False: Memory(), True: Memory()}
        self.done: set[int] = set()
        self.wide: list[Range] = []
        # Values that stand in the same place: a Flatten's is its source's.
        self.root = list(range(len(net.layers) + 1))
        self.readers: list[list[int]] = [[] for _ in self.root]
        for number, layer in enumerate(net.layers):
            for source in net.sources(number):
                self.readers[source].append(number)
            if isinstance(layer, Flatten):
                self.root[number + 1] = self.root[net.sources(number)[0]]
        self.output = len(net.layers) - int(isinstance(net.layers[-1], ArgMax))
        self.regions: dict[int, Region] = {}

    @staticmethod
    def image(shape: Shape) -> Shape:
        """Return a shape as (channels, height, width)."""
        return shape if len(shape) == 3 else (shape[0], 1, 1)

    def take(self, value: int, wide: bool, shape: Shape, lanes: int | None = None) -> Region:
        """Return a place for a value, its own from now on; of sums ``lanes`` in a word."""
        lanes = (lanes or self.lanes) if wide else 1
        words = Region(wide, 0, shape, lanes).words
        region = Region(wide, self.memories[wide].take(words), shape, lanes)
        self.regions[value] = region
        if wide:
            self.wide.append(self.net.ranges[value])
        return region

    def place(self, value: int) -> Region:
        """Return where a value stands, as a vector if it is one."""
        region = self.regions[self.root[value]]
        return region.flat() if len(self.net.shapes[value]) == 1 else region

    def pending(self, value: int) -> list[int]:
        """Return the layers that have still to read what stands in a value's place."""
        same = [v for v, root in enumerate(self.root) if root == self.root[value]]
        left = [n for v in same for n in self.readers[v] if n not in self.done]
        return [n for n in left if not isinstance(self.net.layers[n], Flatten)]

    def feeds_products(self, value: int) -> bool:
        """Whether a layer of weights reads a value."""
        return any(isinstance(self.net.layers[n], Dense | Conv2d) for n in self.pending(value))

    def sole(self, value: int) -> int | None:
        """Return the one layer that reads a value, if there is only one."""
        readers = self.readers[value]
        return readers[0] if len(readers) == 1 and value != self.output else None

    def release(self, numbers: Sequence[int]) -> None:
        """Mark layers as done, and give back the places that nobody reads any more."""
        self.done |= set(numbers)
        for number in numbers:
            for source in self.net.sources(number):
                root = self.root[source]
                kept = self.root[self.output] == root or self.pending(root)
                if root in self.regions and not kept:
                    region = self.regions.pop(root)
                    self.memories[region.wide].free(region)
