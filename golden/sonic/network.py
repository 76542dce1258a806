"""A network of pruned and clustered layers in integers, as SONIC computes it."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.foreign.archives import arrays
from nomul.golden.foreign.numbers import integer, integers, shown
from nomul.golden.foreign.refusals import reading
from nomul.golden.sonic.config import Config
from nomul.golden.sonic.dot import Result, conv, fc
from nomul.golden.sonic.output import post


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer: codes of its weights, their levels, and what follows the sums.

    Attributes
    ----------
    codes
        int[R, J] (fully connected) or int[O, I, kh, kw] (convolution).
    levels
        int[<= 2**code_bits], the codebook.
    scale, bias, shift
        Batch norm in fixed point, of :func:`nomul.golden.sonic.post`.
    relu, pool
        What follows.
    """

    codes: Ints
    levels: Ints
    scale: Ints
    bias: Ints
    shift: int
    relu: bool = True
    pool: int = 1

    @property
    def kind(self) -> str:
        """``fc`` or ``conv``."""
        return "conv" if self.codes.ndim == 4 else "fc"

    @property
    def sparsity(self) -> float:
        """Which part of the weights is zero."""
        return float((self.levels[self.codes] == 0).mean())

    def run(self, cfg: Config, x: ArrayLike) -> tuple[Ints, Result]:
        """Return the activations that follow, and what the units did; ``x`` may be a batch."""
        if self.kind == "conv":
            result = conv(cfg, self.codes, self.levels, x, self.pool)
        else:
            result = fc(cfg, self.codes, self.levels, x)
        follows = self.scale, self.bias, self.shift
        return post(cfg, result.y, *follows, relu=self.relu, pool=self.pool), result


def run(cfg: Config, layers: list[Layer], images: ArrayLike) -> tuple[Ints, list[Result]]:
    """Return the last layer's activations int64[B, classes] of images [B, I, H, W].

    And what the units did, layer by layer, summed over the images.
    """
    x, results = np.asarray(images, dtype=np.int64), []
    for layer in layers:
        if layer.kind == "fc":
            x = x.reshape(len(x), -1)
        x, result = layer.run(cfg, x)
        results.append(result)
    return x, results


def accuracy(
    cfg: Config, layers: list[Layer], images: Ints, labels: Ints, batch: int = 250
) -> float:
    """Return the fraction of images whose largest activation is at their label."""
    right = 0
    for start in range(0, len(images), batch):
        y, _ = run(cfg, layers, images[start : start + batch])
        right += int((y.argmax(axis=1) == labels[start : start + batch]).sum())
    return right / len(images)


def save(path: Path, layers: list[Layer]) -> None:
    """Write layers into an npz file."""
    stored: dict[str, Any] = {}
    for number, layer in enumerate(layers):
        for field in dataclasses.fields(Layer):
            value = np.asarray(getattr(layer, field.name))
            small = np.uint16 if field.name == "codes" else value.dtype
            stored[f"{number}.{field.name}"] = value.astype(small)
    np.savez_compressed(path, **stored)


def load(path: Path) -> list[Layer]:
    """Return the layers that :func:`save` wrote.

    Raises
    ------
    ValueError
        A field is missing or unknown, or its values do not fit the layer; the message names it.
    """
    found = arrays(path)
    layers: list[Layer] = []
    fields = [field.name for field in dataclasses.fields(Layer)]
    with reading(path):
        while f"{len(layers)}.codes" in found:
            place = f"{len(layers)}."
            for name in fields:
                if place + name not in found:
                    raise ValueError(f"{place}{name} is missing")
            layers.append(_layer(place, {name: found.pop(place + name) for name in fields}))
        if found or not layers:
            raise ValueError(f"entries {', '.join(found) or 'none'} are no layers of SONIC")
    return layers


def _layer(place: str, values: dict[str, Any]) -> Layer:
    """Return a layer of a file's arrays, every value checked."""
    codes = values["codes"]
    if codes.ndim not in (2, 4) or not codes.size:
        raise ValueError(f"{place}codes must be [R, J] or [O, I, kh, kw], not {list(codes.shape)}")
    levels = integers(values["levels"], f"{place}levels", 1)
    outputs = codes.shape[0]
    follows = {}
    for name in ("scale", "bias"):
        follows[name] = integers(values[name], f"{place}{name}", values[name].ndim)
        if follows[name].shape not in ((), (outputs,)):
            raise ValueError(f"{place}{name} must have {outputs} entries")
    relu = values["relu"]
    if relu.dtype != np.bool_ or relu.ndim:
        raise ValueError(f"{place}relu must be true or false, not {shown(relu)}")
    return Layer(
        codes=integers(codes, f"{place}codes", codes.ndim, 0, len(levels) - 1),
        levels=levels,
        shift=integer(values["shift"], f"{place}shift", 0, 62),
        relu=bool(relu),
        pool=integer(values["pool"], f"{place}pool", 1, 1 << 16),
        **follows,
    )
