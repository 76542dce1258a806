"""The layer program: passes, the requantisers' table, and the widths that they need."""

from dataclasses import dataclass

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.engine.members import beats
from nomul.golden.engine.memories import Region
from nomul.golden.engine.passes import Pass
from nomul.golden.network.arrays import code_bits, signed_bits
from nomul.golden.network.layers import Conv2d, Dense
from nomul.golden.network.network import Network


@dataclass(frozen=True, eq=False)
class Program:
    """What the engine's hardware is made from, beside the member.

    Attributes
    ----------
    passes
        In order; the last one is the answer.
    entry
        Where an input's codes go, in the order of the stream.
    codes, sums
        Words of the two memories that are needed.
    scale, bias
        int64[entries], the requantisers' table.
    widths
        Bits of words: ``code``, ``sum``, of a reduced window (``reduced``), of y scale + bias
        (``scaled``), of a score (``score``).
    code_signed
        Whether codes are two's complement.
    """

    passes: tuple[Pass, ...]
    entry: Region
    codes: int
    sums: int
    scale: Ints
    bias: Ints
    widths: dict[str, int]
    code_signed: bool

    @property
    def multiplies(self) -> bool:
        """Whether a scale is no power of two, so that the requantiser has a multiplier."""
        size = np.abs(self.scale)
        return bool((size & (size - 1)).any())

    @property
    def beats(self) -> int:
        """Words of weights that an input needs."""
        return sum(beats(p.tile.packed) for p in self.passes if p.kind == "product")

    @property
    def scores(self) -> int:
        """Values of an answer."""
        return self.passes[-1].walk.windows


def code_format(net: Network) -> tuple[int, bool]:
    """Return the width of codes, and whether they are signed: of the input and of what is fed.

    A network whose codes are negative somewhere has two's complement everywhere.
    """
    ranges = [net.ranges[0]]
    for number, layer in enumerate(net.layers):
        if isinstance(layer, Dense | Conv2d):
            low, high = net.ranges[net.sources(number)[0]]
            pad = layer.pad_value if isinstance(layer, Conv2d) and any(layer.padding) else low
            ranges.append((min(low, pad), max(high, pad)))
    signed = any(low < 0 for low, _ in ranges)
    return max((signed_bits if signed else code_bits)(*r) for r in ranges), signed
