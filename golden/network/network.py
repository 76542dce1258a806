"""A quantised network: a chain of layers with optional skip additions, checked as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.network.arrays import Range, Shape, code_bits, integer, sizes
from nomul.golden.network.layers import Add, ArgMax, Conv2d, Dense, Layer

MAX_FEATURES = 1 << 24  # of one value, so that no file can ask for all the memory


@dataclass(frozen=True, eq=False)
class Network:
    """Layers, the shape and range of what they read, and how real numbers become codes.

    Attributes
    ----------
    layers
        In the order of computation. Layer n reads the value before it, or the one that its
        ``source`` names; value 0 is the input, value n + 1 the output of layer n.
    input_shape
        (features,) or (channels, height, width).
    weight_bits, act_bits
        Widths 1..8 that hold every weight (two's complement) and every code that feeds products
        (unsigned, or two's complement where codes are negative).
    input_low, input_high
        Range of the input's codes.
    input_scale, input_zero
        A real input is ``input_scale (code - input_zero)``.
    output_scale
        A real score is ``output_scale`` times the last layer's integer.
    notes
        Texts to keep with the network: where it came from, names of the classes.

    Errors
    ------
    TypeError
        A member is of the wrong kind.
    ValueError
        Sizes do not match, a code or a weight does not fit its width, or a sum does not fit 63
        bits; the message begins with the layer's number and name.
    """

    layers: Sequence[Layer]
    input_shape: Shape
    weight_bits: int = 8
    act_bits: int = 8
    input_low: int = 0
    input_high: int = 255
    input_scale: float = 1.0
    input_zero: int = 0
    output_scale: float = 1.0
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        for member in ("weight_bits", "act_bits"):
            integer(f"network.{member}", getattr(self, member), 1, 8)
        for member in ("input_low", "input_high", "input_zero"):
            integer(f"network.{member}", getattr(self, member), -255, 255)
        if self.input_low > self.input_high:
            raise ValueError(f"network.input_low must be at most input_high, not {self.input_low}")
        for member in ("input_scale", "output_scale"):
            value = getattr(self, member)
            if not isinstance(value, float) or not 0 < value < float("inf"):
                raise ValueError(f"network.{member} must be a positive number, not {value!r}")
        shape = tuple(self.input_shape)
        if len(shape) not in (1, 3):
            raise ValueError(
                f"network.input_shape must be [features] or [C, H, W], not {list(shape)}"
            )
        shape = sizes("network.input_shape", shape, len(shape), 1, MAX_FEATURES)
        object.__setattr__(self, "input_shape", shape)
        if not self.layers:
            raise ValueError("network.layers must not be empty")
        object.__setattr__(self, "_values", self._walk())

    def _walk(self) -> tuple[tuple[Shape, ...], tuple[Range, ...]]:
        shapes, ranges = [self.input_shape], [(self.input_low, self.input_high)]
        for number, layer in enumerate(self.layers):
            if not isinstance(layer, Layer):
                raise TypeError(f"layer {number} must be a layer, not {type(layer).__name__}")
            try:
                sources = self.sources(number)
                late = [source for source in sources if source > number]
                if late:
                    raise ValueError(f"reads value {late[0]}, which is not there yet")
                if isinstance(layer, ArgMax) and number + 1 < len(self.layers):
                    raise ValueError("must be the last layer")
                before = [shapes[s] for s in sources], [ranges[s] for s in sources]
                shapes.append(layer.shape(before[0]))
                if np.prod(shapes[-1], dtype=np.float64) > MAX_FEATURES:
                    raise ValueError(f"gives {list(shapes[-1])}, above {MAX_FEATURES} values")
                if isinstance(layer, Dense | Conv2d):
                    self._fits(layer, before[1][0])
                low, high = layer.bounds(*before)
                if max(abs(low), abs(high)) >= 1 << 62:
                    raise ValueError("its sums need more than 63 bits")
                ranges.append((low, high))
            except ValueError as error:
                raise ValueError(f"{self.place(number)}: {error}") from None
        return tuple(shapes), tuple(ranges)

    def _fits(self, layer: Dense | Conv2d, codes: Range) -> None:
        if code_bits(*codes) > self.act_bits:
            raise ValueError(
                f"reads codes in {codes[0]}..{codes[1]}, which {self.act_bits} bits do not hold, "
                "unsigned or signed"
            )
        limit = 1 << (self.weight_bits - 1)
        wrong = np.argwhere((layer.w < -limit) | (layer.w >= limit))
        if len(wrong):
            place = "".join(f"[{i}]" for i in wrong[0])
            raise ValueError(
                f"w{place} must be in {-limit}..{limit - 1} for {self.weight_bits} bits, "
                f"not {layer.w[tuple(wrong[0])]}"
            )

    def place(self, number: int) -> str:
        """Return what messages call a layer."""
        layer = self.layers[number]
        name = f", {layer.name}" if layer.name else ""
        return f"layer {number} ({layer.kind}{name})"

    def sources(self, number: int) -> tuple[int, ...]:
        """Return the numbers of the values that a layer reads."""
        layer = self.layers[number]
        first = number if layer.source is None else layer.source
        return (first, layer.other) if isinstance(layer, Add) else (first,)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Shapes of all values, without the batch: the input's first."""
        return self._values[0]  # type: ignore[attr-defined]

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Lowest and highest possible integer of each value: the input's first."""
        return self._values[1]  # type: ignore[attr-defined]

    @cached_property
    def products(self) -> int:
        """Products of a weight and an activation for one input."""
        return sum(
            layer.products([self.shapes[s] for s in self.sources(number)])
            for number, layer in enumerate(self.layers)
        )

    @cached_property
    def weights(self) -> int:
        """Number of weights."""
        return sum(layer.w.size for layer in self.layers if isinstance(layer, Dense | Conv2d))

    @cached_property
    def last_use(self) -> tuple[int, ...]:
        """For each value the number of the last layer that reads it; the output outlives all."""
        last = [-1] * (len(self.layers) + 1)
        for number in range(len(self.layers)):
            for source in self.sources(number):
                last[source] = number
        last[-1] = len(self.layers)
        return tuple(last)

    def encode(self, x: ArrayLike) -> Ints:
        """Return real inputs as codes: divided by the scale, rounded half to even, clipped.

        Inputs in single precision are divided in single precision, as other tools do it.

        Raises
        ------
        ValueError
            A value is not finite.
        """
        values = np.asarray(x)
        if values.dtype != np.float32:
            values = values.astype(np.float64)
        if not np.isfinite(values).all():
            raise ValueError("inputs must be finite")
        codes = np.rint(values / values.dtype.type(self.input_scale)) + self.input_zero
        return np.clip(codes, self.input_low, self.input_high).astype(np.int64)

    def replace(self, **changes: Any) -> "Network":
        """Return a copy with other members, checked again."""
        return replace(self, **changes)
