"""Weights in a safetensors file and the order of layers in words: a named chain."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Floats
from nomul.golden.foreign import Tensors
from nomul.golden.network import reals
from nomul.golden.network.arrays import Shape
from nomul.golden.network.reals import Graph, Step

WORDS = ("relu", "maxpool", "avgpool", "globalavgpool", "flatten", "argmax")
OPTIONS = ("stride", "padding", "groups")


def graph(tensors: Mapping[str, NDArray[Any]], chain: Sequence[str], input_shape: Shape) -> Graph:
    """Return the steps of a chain.

    Parameters
    ----------
    tensors
        ``NAME.weight`` of shape [outputs, inputs] or [outputs, inputs / groups, height, width], as
        PyTorch has them, and ``NAME.bias`` where there is one.
    chain
        What is computed in turn: the NAME of a layer, with ``stride=``, ``padding=`` and
        ``groups=`` of a convolution behind it (``conv1 padding=1``); ``relu``, ``maxpool 2``,
        ``avgpool 2`` (windows side by side unless ``stride=`` is given), ``globalavgpool``,
        ``flatten`` or ``argmax``.
    input_shape
        (features,) or (channels, height, width).

    Raises
    ------
    ValueError
        An entry is not understood, a tensor is missing or left over, or sizes do not match; the
        message names the entry.
    """
    steps: list[Step] = []
    used: set[str] = set()
    for number, entry in enumerate(chain):
        place = f"chain[{number}] {entry!r}"
        try:
            steps.append(_step(tensors, entry, used, len(steps), place))
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
    result = Graph(steps, tuple(input_shape))
    left = [name for name in tensors if name not in used]
    if left:
        raise ValueError(f"tensor {left[0]!r} is of no layer of the chain")
    return result


def _step(
    tensors: Mapping[str, NDArray[Any]], entry: str, used: set[str], source: int, place: str
) -> Step:
    name, *rest = entry.split()
    options = dict(part.split("=", 1) for part in rest if "=" in part)
    plain = [part for part in rest if "=" not in part]
    wrong = [key for key in options if key not in OPTIONS]
    if wrong:
        raise ValueError(f"{wrong[0]} must be one of {', '.join(OPTIONS)}")
    sources, members = (source,), {"name": place}
    if name in ("maxpool", "avgpool"):
        if len(plain) != 1:
            raise ValueError("wants the size of its windows")
        size = _count("size", plain[0], 1)
        stride = _count("stride", options.get("stride", plain[0]), 1)
        padding = (_count("padding", options.get("padding", "0"), 0),) * 4
        if padding[0] >= size:
            raise ValueError(f"padding must be below {size}, not {padding[0]}")
        return reals.Pool(
            sources=sources,
            mean=name == "avgpool",
            kernel=(size, size),
            stride=(stride, stride),
            padding=padding,
            name=place,
        )
    if plain or (name in WORDS and options):
        raise ValueError(f"{name} takes no {rest[0]!r}")
    if name in WORDS:
        kinds = {
            "relu": reals.Clip,
            "globalavgpool": reals.GlobalMean,
            "flatten": reals.Flat,
            "argmax": reals.Largest,
        }
        return kinds[name](sources=sources, **members)
    return _product(tensors, name, options, used, source, place)


def _product(
    tensors: Mapping[str, NDArray[Any]],
    name: str,
    options: dict[str, str],
    used: set[str],
    source: int,
    place: str,
) -> reals.Product:
    if f"{name}.weight" not in tensors:
        raise ValueError(
            f"there is no tensor {name}.weight, and the words are {', '.join(WORDS)}; tensors are "
            f"{', '.join(tensors)}"
        )
    w = _reals(tensors, f"{name}.weight", used)
    if w.ndim not in (2, 4):
        raise ValueError(f"{name}.weight must have 2 or 4 axes, not {w.ndim}")
    bias = np.zeros(len(w))
    if f"{name}.bias" in tensors:
        bias = _reals(tensors, f"{name}.bias", used)
        if bias.shape != (len(w),):
            raise ValueError(f"{name}.bias must have {len(w)} values, not {list(bias.shape)}")
    if w.ndim == 2:
        if options:
            raise ValueError(f"a dense layer takes no {next(iter(options))}")
        return reals.Product(sources=(source,), w=w.T, bias=bias, name=place)
    stride = _count("stride", options.get("stride", "1"), 1)
    padding = _count("padding", options.get("padding", "0"), 0)
    return reals.Product(
        sources=(source,),
        w=w,
        bias=bias,
        stride=(stride, stride),
        padding=(padding,) * 4,
        groups=_count("groups", options.get("groups", "1"), 1),
        name=place,
    )


def _reals(tensors: Mapping[str, NDArray[Any]], name: str, used: set[str]) -> Floats:
    used.add(name)
    array = tensors[name]
    if array.dtype.kind != "f":
        raise ValueError(f"{name} must be real numbers, not {array.dtype}")
    return array.astype(np.float64)


def _count(what: str, text: str, low: int) -> int:
    if not text.isdecimal() or len(text) > 4 or int(text) < low:
        raise ValueError(f"{what} must be a number of at least {low}, not {text!r}")
    return int(text)


def tensors_of(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a safetensors file.

    Raises
    ------
    ValueError
        The file is damaged, too large, or holds what are no numbers.
    """
    file = Tensors(path)
    return {name: file.read(name) for name in file.names}
