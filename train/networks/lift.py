"""A network of integers as steps in real numbers, so that one that is quantised can be tuned."""

from dataclasses import replace

import numpy as np

from nomul.golden.network import (
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    Flatten,
    GlobalAvgPool,
    MaxPool2d,
    Network,
    Requant,
    reals,
)
from nomul.golden.network.reals import Graph


def lift(net: Network) -> Graph:
    """Return a graph in real numbers that computes what the network does but for its rounding.

    A requantiser becomes gain, shift and, where it cuts off what is negative, a ReLU. Codes become
    fractions of the largest one, so that weights are of a size that training is used to; the
    scores are the network's times its ``output_scale``.

    Raises
    ------
    ValueError
        A layer is none that can be trained, zero is not code 0, or padding is not zero.
    """
    if net.input_zero:
        raise ValueError(f"network.input_zero must be 0, not {net.input_zero}")
    steps: list[reals.Step] = []
    at = [0]  # the graph's number of each of the network's values
    code = 1.0 / ((1 << net.act_bits) - 1)
    units = [net.input_scale]  # the real value of one in each of the network's values
    for number, layer in enumerate(net.layers):
        sources = tuple(at[source] for source in net.sources(number))
        unit = units[net.sources(number)[0]]
        name = net.place(number)
        match layer:
            case Dense() | Conv2d():
                w = layer.w.astype(np.float64)
                if number + 1 == len(net.layers):
                    w, unit = w * net.output_scale / unit, net.output_scale
                outputs = w.shape[1] if w.ndim == 2 else len(w)
                step = reals.Product(sources=sources, name=name, w=w, bias=np.zeros(outputs))
                if isinstance(layer, Conv2d):
                    if layer.pad_value:
                        raise ValueError(f"{name}: pad_value must be 0, not {layer.pad_value}")
                    step = replace(
                        step, stride=layer.stride, padding=layer.padding, groups=layer.groups
                    )
                steps.append(step)
            case Requant():
                last = number + 1 == len(net.layers)
                factor, unit = 2.0**-layer.shift / unit, net.output_scale if last else code
                gain = layer.scale.astype(np.float64) * (factor * unit)
                shift = layer.bias.astype(np.float64) * (2.0**-layer.shift * unit)
                steps.append(reals.Affine(sources=sources, name=name, gain=gain, shift=shift))
                if layer.low >= 0:
                    steps.append(reals.Clip(sources=(len(steps),), name=name))
            case MaxPool2d() | AvgPool2d():
                mean = isinstance(layer, AvgPool2d)
                sizes = {"kernel": layer.kernel, "stride": layer.stride, "padding": layer.padding}
                steps.append(reals.Pool(sources=sources, name=name, mean=mean, **sizes))
                if mean:
                    steps.append(_times(len(steps), layer.kernel[0] * layer.kernel[1], name))
            case GlobalAvgPool():
                steps.append(reals.GlobalMean(sources=sources, name=name))
                places = int(np.prod(net.shapes[net.sources(number)[0]][1:]))
                steps.append(_times(len(steps), places, name))
            case Add():
                steps.append(reals.Sum(sources=sources, name=name))
            case Flatten():
                steps.append(reals.Flat(sources=sources, name=name))
            case _:
                raise ValueError(f"{name}: cannot be trained")
        at.append(len(steps))
        units.append(unit)
    return Graph(steps, net.input_shape)


def _times(source: int, factor: int, name: str) -> reals.Affine:
    gain = np.array([float(factor)])
    return reals.Affine(sources=(source,), name=name, gain=gain, shift=np.zeros(1))
