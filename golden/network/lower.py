"""Integers for a network whose weights and activations are quantised: scales become requantisers.

Between two quantisers everything linear is carried along as y -> gain (y + offset) + shift per
channel, y being the integer sums, and is put into the one requantiser at the end. So a
normalisation costs nothing, and nothing is rounded twice.

One file, since it is one walk over one graph, whose steps hand on scales.
"""

from dataclasses import replace
from math import floor, log2

import numpy as np

from nomul.golden.network import layers, reals
from nomul.golden.network.arrays import code_bits, signed_bits
from nomul.golden.network.fixed_point import Codes, Sums, fixed_point
from nomul.golden.network.layers import SCALE_BITS, Layer
from nomul.golden.network.network import Network
from nomul.golden.network.pools import AvgPool2d, GlobalAvgPool, MaxPool2d
from nomul.golden.network.reals import Graph, Step

GUARD_BITS = 8  # of an addition whose branches are sums: 1 / 256 of a code of its result


def lower(graph: Graph) -> Network:
    """Return the network of integers that a quantised graph describes.

    Raises
    ------
    ValueError
        Weights or activations of a product are not quantised, a zero point does not fit, or
        something is rounded in a way that integers cannot follow; the message names the step.
    """
    return _Lowering(graph).network()


class _Lowering:
    def __init__(self, graph: Graph):
        self.graph = graph
        self.layers: list[Layer] = []
        self.shapes, self.ranges = [graph.input_shape], [(0, 0)]
        self.states: list[Codes | Sums | None] = [None]  # None: the input, not yet quantised
        self.input: Codes | None = None
        self.weight_bits = self.act_bits = 1
        self.output_scale = 1.0

    def network(self) -> Network:
        for number, step in enumerate(self.graph.steps):
            try:
                self.states.append(self._step(number, step))
            except ValueError as error:
                raise ValueError(f"{step.name}: {error}" if step.name else str(error)) from None
        if self.input is None:
            raise ValueError("the input is not quantised")
        self._output()
        if not self.layers:
            raise ValueError("the network has no layers")
        return Network(
            self.layers,
            self.graph.input_shape,
            weight_bits=self.weight_bits,
            act_bits=self.act_bits,
            input_low=self.input.low,
            input_high=self.input.high,
            input_scale=self.input.scale,
            input_zero=int(self.input.zero),
            output_scale=self.output_scale,
            notes=self.graph.notes,
        )

    def _emit(self, layer: Layer) -> int:
        """Append a layer and return the number of its value."""
        sources = [layer.source or 0, *([layer.other] if isinstance(layer, layers.Add) else [])]
        before = [self.shapes[s] for s in sources], [self.ranges[s] for s in sources]
        self.shapes.append(layer.shape(before[0]))
        self.ranges.append(layer.bounds(*before))
        if layer.source == len(self.layers):
            layer = replace(layer, source=None)
        self.layers.append(layer)
        return len(self.layers)

    # One method per kind of step ------------------------------------------------------------

    def _step(self, number: int, step: Step) -> Codes | Sums | None:
        states = [self.states[s] for s in step.sources]
        state = states[0]
        if isinstance(step, reals.Quant):
            return self._quantise_input(step) if state is None else self._quantise(step, state)
        if state is None or None in states:
            if isinstance(step, reals.Flat) and step.sources == (0,):
                raise ValueError("flattens reals: quantise the input before it")
            raise ValueError("reads the input before it is quantised")
        match step:
            case reals.Product():
                return self._product(step, state)
            case reals.Affine():
                if isinstance(state, Codes):
                    raise ValueError(
                        "a constant is added to or multiplied with what is quantised already, so "
                        "it would be rounded twice; import the float model instead"
                    )
                return self._affine(step, state)
            case reals.Clip():
                return self._clip(step, self._sums(state))
            case reals.Pool(mean=False):
                return self._largest(step, state)
            case reals.Pool() | reals.GlobalMean():
                return self._mean(step, state, self.graph.shapes[step.sources[0]])
            case reals.Sum():
                other = states[1]
                assert other is not None
                return self._add(number, step, state, other)
            case reals.Flat():
                return self._flatten(step, state)
            case reals.Largest():
                scores = self._scores(state, step.name)
                value = self._emit(layers.ArgMax(source=scores.value, name=step.name))
                return Codes(value, 1.0, 0, *self.ranges[value])
        raise ValueError(f"nothing is known of {type(step).__name__}")

    def _quantise_input(self, step: reals.Quant) -> Codes:
        if step.bipolar:
            raise ValueError("a bipolar input is not read: give the network its codes")
        if self.input is not None and (self.input.scale, self.input.zero) != (
            step.scale,
            step.zero,
        ):
            raise ValueError("the input is quantised in two ways")
        self.input = Codes(0, step.scale, step.zero, step.low, step.high)
        self.ranges[0] = (step.low, step.high)
        return self.input

    def _quantise(self, step: reals.Quant, state: Codes | Sums) -> Codes:
        low, high, scale = step.low - step.zero, step.high - step.zero, step.scale
        if isinstance(state, Codes):
            within = low <= state.low - state.zero and state.high - state.zero <= high
            if state.scale == scale and within and not step.bipolar:
                return state
            state = self._sums(state)
        if step.bipolar:
            # scale (2 z - 1), z = 1 where the real value is at least 0.
            self._unclipped(state)
            unit = float(np.abs(state.gain).max())
            value = self._requant(state, unit, 0, 1, step.name, step=True)
            return self._pooled(state, value, 2 * scale, 0.5, 0, 1, step.name)
        if state.low > -np.inf:
            low = max(low, int(np.rint(state.low / scale)))
        if state.high < np.inf:
            high = min(high, int(np.rint(state.high / scale)))
        if low > high:
            raise ValueError(f"no code is left between {state.low:g} and {state.high:g}")
        value = self._requant(state, scale, low, high, step.name)
        return self._pooled(state, value, scale, 0, low, high, step.name)

    def _pooled(
        self, state: Sums, value: int, scale: float, zero: float, low: int, high: int, name: str
    ) -> Codes:
        for pool in state.pools:
            value = self._emit(replace(pool, source=value))
        return Codes(value, scale, zero, low, high)

    def _product(self, step: reals.Product, state: Codes | Sums) -> Sums:
        if not isinstance(state, Codes):
            raise ValueError("its input is not quantised")
        if step.codes is None or step.scale is None:
            raise ValueError("its weights are not quantised")
        bits = code_bits(state.low, state.high)
        if bits > 8:
            raise ValueError(
                f"reads codes in {state.low}..{state.high} once their zero point is taken off, "
                "which 8 bits do not hold; quantise activations to symmetric int8"
            )
        self.act_bits = max(self.act_bits, bits)
        self.weight_bits = max(
            self.weight_bits, signed_bits(int(step.codes.min()), int(step.codes.max()))
        )
        if self.weight_bits > 8:
            raise ValueError(f"weights need {self.weight_bits} bits, more than 8")
        padded = any(step.padding)
        if padded and state.zero != int(state.zero):
            raise ValueError("pads bipolar activations with 0, which is none of their values")
        if step.codes.ndim == 2:
            value = self._emit(layers.Dense(step.codes, source=state.value, name=step.name))
            sums = step.codes.sum(axis=0)
        else:
            value = self._emit(
                layers.Conv2d(
                    step.codes,
                    step.stride,
                    step.padding,
                    int(state.zero) if padded else 0,
                    step.groups,
                    source=state.value,
                    name=step.name,
                )
            )
            sums = step.codes.sum(axis=(1, 2, 3))
        gain = state.scale * step.scale
        # The zero point is taken off as an integer, and so is a bias that the file has as one.
        bias = np.rint(step.bias / gain)
        whole = np.abs(bias * gain - step.bias) <= 1e-6 * np.abs(gain)
        whole &= np.abs(bias) < 1 << 47
        exact_zero = 2 * state.zero * sums
        offset = np.where(whole, bias, 0).astype(np.int64) - (exact_zero // 2).astype(np.int64)
        shift = np.where(whole, 0.0, step.bias) - gain * (exact_zero % 2) / 2
        return Sums(value, gain, offset, shift)

    def _sums(self, state: Codes | Sums) -> Sums:
        """Return codes as sums of one term."""
        if isinstance(state, Sums):
            return state
        whole = floor(state.zero)
        return Sums(
            state.value,
            np.array([state.scale]),
            np.array([-whole]),
            np.array([-state.scale * (state.zero - whole)]),
        )

    def _affine(self, step: reals.Affine, state: Sums) -> Sums:
        self._unclipped(state)
        if state.pools and (step.gain <= 0).any():
            raise ValueError("a negative factor stands behind a maximum")
        if (step.gain == 0).any():
            raise ValueError("a channel is multiplied by 0")
        return replace(
            state, gain=state.gain * step.gain, shift=state.shift * step.gain + step.shift
        )

    def _unclipped(self, state: Sums) -> None:
        if state.low > -np.inf or state.high < np.inf:
            raise ValueError("what is clipped must be quantised before it is used")

    def _clip(self, step: reals.Clip, state: Sums) -> Sums:
        low = min(max(state.low, step.low), step.high)
        high = max(min(state.high, step.high), step.low)
        return replace(state, low=low, high=high)

    def _largest(self, step: reals.Pool, state: Codes | Sums) -> Codes | Sums:
        pool = MaxPool2d(step.kernel, step.stride, step.padding, name=step.name)
        if isinstance(state, Sums):
            return replace(state, pools=(*state.pools, pool))
        return replace(state, value=self._emit(replace(pool, source=state.value)))

    def _mean(self, step: Step, state: Codes | Sums, shape: tuple[int, ...]) -> Sums:
        sums = self._sums(state)
        self._unclipped(sums)
        if sums.pools:
            raise ValueError("a mean stands behind a maximum that is not quantised")
        if isinstance(step, reals.Pool):
            if any(step.padding) and (sums.offset.any() or sums.shift.any()):
                raise ValueError("pads with 0 what has another zero point")
            n = step.kernel[0] * step.kernel[1]
            layer: Layer = AvgPool2d(
                step.kernel, step.stride, step.padding, source=sums.value, name=step.name
            )
        else:
            n = shape[1] * shape[2]
            layer = GlobalAvgPool(source=sums.value, name=step.name)
        return replace(sums, value=self._emit(layer), gain=sums.gain / n, offset=sums.offset * n)

    def _flatten(self, step: Step, state: Codes | Sums) -> Codes | Sums:
        shape = self.graph.shapes[step.sources[0]]
        if isinstance(state, Sums):
            if state.pools:
                raise ValueError("flattens a maximum that is not quantised")
            each = int(np.prod(shape[1:]))
            state = replace(
                state,
                gain=np.repeat(state.gain, each if state.gain.size > 1 else 1),
                offset=np.repeat(state.offset, each if state.offset.size > 1 else 1),
                shift=np.repeat(state.shift, each if state.shift.size > 1 else 1),
            )
        if len(shape) == 1:
            return state
        return replace(state, value=self._emit(layers.Flatten(source=state.value, name=step.name)))

    def _add(self, number: int, step: Step, first: Codes | Sums, second: Codes | Sums) -> Sums:
        """Bring both branches to one fine unit, and add them.

        Codes are multiplied without a shift, so nothing is rounded before the addition; sums, which
        are wide already, are rounded to 2^-GUARD_BITS of a code of the result.
        """
        branches = [self._sums(first), self._sums(second)]
        for branch in branches:
            self._unclipped(branch)
            if branch.pools:
                raise ValueError("adds a maximum that is not quantised")
        most = max(float(np.abs(b.gain).max()) for b in branches)
        scale = self._scale_after(number + 1) or most
        if isinstance(first, Codes) and isinstance(second, Codes):
            guard = max(0, SCALE_BITS - 2 - floor(log2(most / scale)))
            guard = min(guard, 30)
        else:
            guard = GUARD_BITS
        unit = scale * 2.0**-guard
        limit = 1 << 40
        values = [self._requant(b, unit, -limit, limit, step.name, whole=True) for b in branches]
        value = self._emit(layers.Add(values[1], source=values[0], name=step.name))
        return Sums(value, np.array([unit]), np.array([0]), np.array([0.0]))

    def _scale_after(self, value: int) -> float | None:
        """Return the scale of the one quantiser that a value reaches through clips and pools."""
        users = self.graph.users(value)
        if len(users) != 1:
            return None
        step = self.graph.steps[users[0]]
        if isinstance(step, reals.Quant):
            return step.scale
        through = isinstance(step, reals.Clip | reals.Pool | reals.Flat | reals.GlobalMean)
        return self._scale_after(users[0] + 1) if through else None

    def _requant(
        self,
        state: Sums,
        scale: float,
        low: int,
        high: int,
        name: str,
        *,
        step: bool = False,
        whole: bool = False,
    ) -> int:
        """Append the layer that brings sums to codes of a scale, and return its value's number.

        ``step`` compares with 0 instead of rounding; ``whole`` prefers factors without a shift, and
        narrows the range of the codes to what can occur.
        """
        reach = self.ranges[state.value]
        gain, shift = (np.asarray(v / scale) for v in (state.gain, state.shift))
        factors, bias, places = fixed_point(gain, state.offset, shift, reach)
        if step:  # just more than a half, so that 0 rounds up to 1
            if places == 0:
                factors, bias, places = factors * 2, bias * 2, 1
            bias = bias + (1 << (places - 1)) + 1
        if whole:
            ends = [f * end for f in factors.tolist() for end in reach]
            biases = [int(bias.min()), int(bias.max())]
            low = max(low, (min(ends) + biases[0]) >> places)
            high = min(high, ((max(ends) + biases[1]) >> places) + 1)
        layer = layers.Requant(factors, bias, places, low, high, source=state.value, name=name)
        return self._emit(layer)

    def _scores(self, state: Codes | Sums | None, name: str) -> Codes:
        """Return the last sums as integers of one scale, which is that of the largest gain.

        Where all gains are equal, only the bias is added, rounded to a unit of the sums.
        """
        if state is None:
            raise ValueError("the output is the input")
        if isinstance(state, Codes):
            return state
        scale = float(np.abs(state.gain).max())
        low, high = state.low / scale, state.high / scale
        limits = [
            int(np.clip(np.rint(end), -(1 << 40), 1 << 40)) if np.isfinite(end) else sign << 40
            for end, sign in ((low, -1), (high, 1))
        ]
        plain = (state.gain == scale).all() and not state.offset.any() and not state.shift.any()
        if plain and not np.isfinite([low, high]).any() and not state.pools:
            return Codes(state.value, scale, 0, *self.ranges[state.value])
        value = self._requant(state, scale, limits[0], limits[1], name or "scores", whole=True)
        return self._pooled(state, value, scale, 0, limits[0], limits[1], name)

    def _output(self) -> None:
        state = self._scores(self.states[-1], "scores")
        if state.value != len(self.layers):
            raise ValueError("the output is not the last value that is computed")
        self.output_scale = float(state.scale)
