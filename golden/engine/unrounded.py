"""The network as if no requantiser rounded: what codes stand for, in real numbers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Floats
from nomul.golden.network.evaluate import Run, check
from nomul.golden.network.layers import ArgMax, Requant


class Unrounded(Run):
    """Computes every layer in float64, with codes that are clipped and never rounded."""

    def _type(self, number: int) -> Any:
        return np.float64

    def layer(self, number: int, inputs: list[NDArray[Any]]) -> NDArray[Any]:
        """Return the output of one layer, channels first."""
        layer = self.net.layers[number]
        if not isinstance(layer, Requant):
            return super().layer(number, inputs)
        axes = (-1,) + (1,) * (inputs[0].ndim - 1)
        scale, bias = (np.ldexp(v, -layer.shift).reshape(axes) for v in (layer.scale, layer.bias))
        return np.clip(inputs[0] * scale + bias, layer.low, layer.high)


def ideal(cfg: Any, x: ArrayLike) -> Floats:
    """Return the scores in real numbers, float64[V, scores], of codes x int[V, ...].

    As :func:`nomul.golden.engine.scores`, in float64 and without the requantisers' rounding.
    """
    net = cfg.net
    codes = check(net, x)
    values = Unrounded(net).values(codes, keep=True)
    last = values[-2] if isinstance(net.layers[-1], ArgMax) else values[-1]
    return np.asarray(last.swapaxes(0, 1).reshape(len(codes), -1), dtype=np.float64)
