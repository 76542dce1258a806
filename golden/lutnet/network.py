"""A network of look-up tables: its data model, its files, and its answer to the bit.

One file, since what a file holds, what is checked of it and what is computed from it change
together.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Ints
from nomul.golden.foreign.archives import arrays
from nomul.golden.foreign.documents import field, mapping, only, sequence, text_document
from nomul.golden.foreign.numbers import integer, shown
from nomul.golden.foreign.refusals import contents, reading
from nomul.golden.lutnet.heads import Argmax, GroupSum, LutNetTiled, TableNeuron, Thermometer
from nomul.golden.lutnet.layers import (
    MAX_LANES,
    DirectLut,
    Lanes,
    Layer,
    LutLayer,
    Samples,
    Xnor,
)
from nomul.golden.lutnet.quantiser import Quantiser
from nomul.golden.lutnet.stream import Kernels, Windows

# Files say 2 where the network has a quantiser, which readers of version 1 do not know, else 1.
VERSION = 2
KINDS: dict[str, type[Layer]] = {
    kind.kind: kind
    for kind in (
        *(Xnor, LutLayer, LutNetTiled, DirectLut, GroupSum, Thermometer, Argmax, TableNeuron),
        *(Kernels, Windows),
    )
}
_FIELDS = ("format", "version", "inputs", "input_bits", "about", "layers")

# Objects in objects of what is remembered of a network's origin.
_DEEP = 32

# Samples worked on at a time.
_BATCH = 1 << 14


class Network:
    """Layers in order, and what they take.

    Parameters
    ----------
    layers
        At least one; each must fit the one before.
    inputs
        Number of inputs.
    input_bits
        Bits of each: 1 for bits, more for the unsigned codes that a :class:`Thermometer` or a
        :class:`TableNeuron` takes.
    about
        Whatever is worth remembering of its origin: plain values that JSON can carry.
    quantiser
        Makes the codes of real features, on the host; the hardware begins with the codes. None:
        the network takes the codes themselves.
    """

    def __init__(
        self,
        layers: Iterable[Layer],
        inputs: int,
        input_bits: int = 1,
        about: Mapping[str, Any] | None = None,
        quantiser: Quantiser | None = None,
    ):
        self.layers = tuple(layers)
        self.inputs = integer(inputs, "inputs", 1, MAX_LANES)
        self.input_bits = integer(input_bits, "input_bits", 1, 16)
        self.about = dict(about or {})
        self.quantiser = quantiser
        if not self.layers:
            raise ValueError("a network needs at least one layer")
        if quantiser is not None:
            if len(quantiser.edges) != self.inputs:
                raise ValueError(
                    f"quantiser.edges must have a list per input, {self.inputs}, "
                    f"not {len(quantiser.edges)}"
                )
            if quantiser.bits > self.input_bits:
                raise ValueError(
                    f"input_bits must be at least the quantiser's {quantiser.bits}, "
                    f"not {self.input_bits}"
                )
        lanes = [Lanes(self.inputs, 0, (1 << self.input_bits) - 1)]
        for number, layer in enumerate(self.layers):
            try:
                lanes.append(layer.lanes(lanes[-1]))
            except ValueError as error:
                raise ValueError(f"layer {number}: {error}") from None
        self.lanes = tuple(lanes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    @property
    def body(self) -> tuple[Layer, ...]:
        """The layers up to the class scores: without a final :class:`Argmax`."""
        return self.layers[:-1] if isinstance(self.layers[-1], Argmax) else self.layers

    @property
    def n_tables(self) -> int:
        """Number of tables of K inputs."""
        return sum(len(layer.tt) for layer in self.layers if hasattr(layer, "tt"))

    @property
    def tiled(self) -> list[int]:
        """Numbers of the tiled layers, whose weights are in a memory."""
        return [i for i, layer in enumerate(self.layers) if isinstance(layer, LutNetTiled)]

    @property
    def streamed(self) -> bool:
        """Whether its hardware takes an image pixel by pixel: kernels and windows come first."""
        return isinstance(self.layers[0], Kernels)

    def with_weights(self, number: int, weight: ArrayLike) -> Self:
        """Return the network whose ``number``-th tiled layer stores other weights."""
        layers, place = list(self.layers), self.tiled[number]
        layers[place] = dataclasses.replace(layers[place], weight=weight)  # type: ignore[type-var]
        return type(self)(layers, self.inputs, self.input_bits, self.about, self.quantiser)

    def quantise(self, x: ArrayLike) -> Ints:
        """Return the codes int64[n, inputs] that the hardware takes, of real features[n, inputs].

        Raises
        ------
        ValueError
            The network takes codes as they are, or ``x`` does not fit; see
            :meth:`Quantiser.codes`.
        """
        if self.quantiser is None:
            raise ValueError("the network has no quantiser: it takes codes")
        return self.quantiser.codes(x)

    @property
    def coded(self) -> Self:
        """The network without its quantiser, which takes codes: what the hardware computes."""
        if self.quantiser is None:
            return self
        return type(self)(self.layers, self.inputs, self.input_bits, self.about)

    def to_dict(self) -> dict[str, Any]:
        """Return the network as plain values."""
        values = {
            "format": "nomul-lutnet",
            "version": 1 if self.quantiser is None else VERSION,
            "inputs": self.inputs,
            "input_bits": self.input_bits,
            "about": self.about,
        }
        if self.quantiser is not None:
            values["quantiser"] = self.quantiser.to_dict()
        return {**values, "layers": [layer.to_dict() for layer in self.layers]}

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Inverse of :meth:`to_dict`."""
        if not isinstance(values, dict) or values.get("format") != "nomul-lutnet":
            raise ValueError("not a network: no format 'nomul-lutnet'")
        version = values.get("version")
        if type(version) is not int or version not in (1, VERSION):
            raise ValueError(f"version must be 1 or {VERSION}, not {shown(version)}")
        only(values, _FIELDS if version == 1 else (*_FIELDS, "quantiser"), "a network")
        about = mapping(field(values, "about"), "about")
        _check_depth(about, _DEEP)
        layers = []
        for number, fields in enumerate(sequence(field(values, "layers"), "layers")):
            rest = dict(mapping(fields, f"layer {number}"))
            kind = rest.pop("kind", None)
            if not isinstance(kind, str) or kind not in KINDS:
                raise ValueError(
                    f"layer {number}: kind {shown(kind)} is none of {', '.join(KINDS)}"
                )
            try:
                layers.append(KINDS[kind].from_dict(rest))
            except (TypeError, ValueError) as error:
                raise ValueError(f"layer {number}: {error}") from None
        quantiser = None
        if version == VERSION:
            quantiser = Quantiser.from_dict(field(values, "quantiser"))
        bits = values.get("input_bits", 1)
        return cls(layers, field(values, "inputs"), bits, about, quantiser)

    def save(self, path: Path | str) -> None:
        """Write the network: ``.json`` as text, ``.npz`` compressed."""
        path, values = Path(path), self.to_dict()
        if path.suffix == ".json":
            path.write_text(_lines(values))
        elif path.suffix == ".npz":
            text = json.dumps(values, separators=(",", ":"), allow_nan=False).encode()
            with path.open("wb") as file:
                np.savez_compressed(file, network=np.frombuffer(text, dtype=np.uint8))
        else:
            raise ValueError(f"a network file ends in .json or .npz, not {path.name!r}")

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what :meth:`save` wrote; what does not fit is refused with the place.

        Raises
        ------
        ValueError
            The message names file, field and reason.
        OSError
            There is no such file.
        """
        path = Path(path)
        with reading(path):
            if path.suffix == ".npz":
                text = stored(arrays(path), "network")
            elif path.suffix == ".json":
                text = contents(path)
            else:
                raise ValueError("a network file ends in .json or .npz")
            return cls.from_dict(text_document(text))


def stored(found: Mapping[str, NDArray[Any]], name: str) -> bytes:
    """Return the text of a network in an archive, as :meth:`Network.save` puts it there."""
    if name not in found:
        raise ValueError(f"has no entry {name!r}; it has {', '.join(found)}")
    if found[name].dtype != np.uint8 or found[name].ndim != 1:
        raise ValueError(f"entry {name!r} must be uint8[n], the text of a network")
    return found[name].tobytes()


def _check_depth(value: Any, left: int) -> None:
    """Require that what is remembered is not nested so deeply that it cannot be written."""
    if left == 0:
        raise ValueError(f"about must not be nested deeper than {_DEEP}")
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            _check_depth(part, left - 1)


def _lines(values: dict[str, Any]) -> str:
    """Return JSON with one field per line, so that two versions of a network can be compared."""
    layers = [
        "  {" + ",\n   ".join(f"{json.dumps(n)}: {json.dumps(v)}" for n, v in fields.items()) + "}"
        for fields in values["layers"]
    ]
    head = [
        f"{json.dumps(n)}: {json.dumps(v, allow_nan=False)}"
        for n, v in values.items()
        if n != "layers"
    ]
    return "{" + ",\n".join(head) + ',\n"layers": [\n' + ",\n".join(layers) + "\n]}\n"


class Configured(Protocol):
    """A configuration that says which network it is of."""

    def load(self) -> Network:
        """Return the network."""


def model(network: Network | Configured, x: ArrayLike) -> Ints:
    """Return the network's exact answer, in integers only.

    addr = sum_k x[idx_k] << k; y = (tt >> addr) & 1; pc_ml = sum of y over the operators of m;
    acc_m = bias_m + sum_l alpha_l pc_ml; h_m = [acc_m >= T_m] xor flip_m.

    Parameters
    ----------
    network
        The network, or a configuration of it.
    x
        int[n, inputs]: bits, or codes of ``network.input_bits`` bits; real[n, inputs]: features, if
        the network has a quantiser.

    Returns
    -------
    int64[n, outputs]: bits or values of the last layer; class scores where an argmax follows.

    Raises
    ------
    ValueError
        ``x`` is of another shape, or a value is out of range.
    """
    network = network if isinstance(network, Network) else network.load()
    x = network.quantise(x) if network.quantiser is not None else np.asarray(x)
    if x.ndim != 2 or x.shape[1] != network.inputs:
        raise ValueError(f"x must be of shape [n, {network.inputs}], not {list(x.shape)}")
    if x.dtype.kind not in "iub" and x.size:
        raise ValueError(f"x must hold integers, not {x.dtype}")
    most = (1 << network.input_bits) - 1
    if x.size and (x.min() < 0 or x.max() > most):
        i, j = (int(v) for v in np.argwhere((x < 0) | (x > most))[0])
        raise ValueError(f"x[{i}][{j}] must be in 0..{most}, not {x[i, j]}")
    last = network.lanes[len(network.body)]
    result = np.empty((len(x), last.count), dtype=np.int64)
    for start in range(0, len(x), _BATCH):
        part = x[start : start + _BATCH].astype(np.int64, copy=False)
        signal = Samples(len(part), network.lanes[0], codes=part)
        for layer in network.body:
            signal = layer.apply(signal)
        result[start : start + _BATCH] = signal.integers()
    return result


def predict(network: Network | Configured, x: ArrayLike) -> Ints:
    """Return the classes, int64[n].

    Of several outputs it is the index of the largest, of equal ones the lowest. Of one output, the
    score of class 1 against class 0, it is 1 where that is positive.
    """
    y = model(network, x)
    return (y[:, 0] > 0).astype(np.int64) if y.shape[1] == 1 else y.argmax(axis=1)


def ideal(
    products: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    mu: ArrayLike,
    var: ArrayLike,
    eps: float,
) -> NDArray[np.float64]:
    """Return the batch-normalised sum of +-1 ``products[n, m, ops]`` in float64, [n, m].

    What a layer's output bit is the sign of; :func:`fold_batchnorm` is its exact integer form.
    """
    s = np.asarray(products, dtype=np.float64).sum(axis=-1)
    sigma = np.sqrt(np.asarray(var, dtype=np.float64) + eps)
    return np.asarray(np.asarray(gamma) * (s - np.asarray(mu)) / sigma + np.asarray(beta))
