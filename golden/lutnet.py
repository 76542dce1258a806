"""LUTNet: networks whose operators are learned look-up tables; data model and golden model.

After Wang, Davis, Cheung and Constantinides, "LUTNet: Rethinking Inference in FPGA Soft Logic"
(FCCM 2019) and "LUTNet: Learning FPGA Configurations for Highly Efficient Neural Network Inference"
(IEEE TC 2020). The file format, the integer thresholds and the tiled array are our own.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import compressor, config, lutnet_examples
from nomul.golden.lutnet_fold import expand, fold_batchnorm, reverse_address, share_xnor, support
from nomul.golden.lutnet_heads import Argmax, GroupSum, LutNetTiled, TableNeuron, Thermometer
from nomul.golden.lutnet_layers import MAX_K, DirectLut, Lanes, Layer, LutLayer, Samples, Xnor

Ints = NDArray[np.int64]

__all__ = [
    "MAX_K",
    "Argmax",
    "Config",
    "DirectLut",
    "GroupSum",
    "LutLayer",
    "LutNetTiled",
    "Network",
    "TableNeuron",
    "Thermometer",
    "Xnor",
    "expand",
    "fold_batchnorm",
    "ideal",
    "model",
    "predict",
    "reverse_address",
    "share_xnor",
    "stimuli",
    "support",
]

VERSION = 1
KINDS: dict[str, type[Layer]] = {
    kind.kind: kind
    for kind in (Xnor, LutLayer, LutNetTiled, DirectLut, GroupSum, Thermometer, Argmax, TableNeuron)
}

WEIGHTS = ("rom", "read", "load")

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
    """

    def __init__(
        self,
        layers: Iterable[Layer],
        inputs: int,
        input_bits: int = 1,
        about: Mapping[str, Any] | None = None,
    ):
        self.layers = tuple(layers)
        self.inputs, self.input_bits = int(inputs), int(input_bits)
        self.about = dict(about or {})
        if not self.layers:
            raise ValueError("a network needs at least one layer")
        if self.inputs < 1:
            raise ValueError(f"inputs must be at least 1, not {self.inputs}")
        if not 1 <= self.input_bits <= 16:
            raise ValueError(f"input_bits must be in 1..16, not {self.input_bits}")
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

    def with_weights(self, number: int, weight: ArrayLike) -> Self:
        """Return the network whose ``number``-th tiled layer stores other weights."""
        layers, place = list(self.layers), self.tiled[number]
        layers[place] = dataclasses.replace(layers[place], weight=weight)  # type: ignore[type-var]
        return type(self)(layers, self.inputs, self.input_bits, self.about)

    def to_dict(self) -> dict[str, Any]:
        """Return the network as plain values."""
        return {
            "format": "nomul-lutnet",
            "version": VERSION,
            "inputs": self.inputs,
            "input_bits": self.input_bits,
            "about": self.about,
            "layers": [layer.to_dict() for layer in self.layers],
        }

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Inverse of :meth:`to_dict`."""
        if not isinstance(values, dict) or values.get("format") != "nomul-lutnet":
            raise ValueError("not a network: no format 'nomul-lutnet'")
        if values.get("version") != VERSION:
            raise ValueError(f"version must be {VERSION}, not {values.get('version')!r}")
        layers = []
        for number, fields in enumerate(_field(values, "layers")):
            rest = dict(fields)
            kind = rest.pop("kind", None)
            if kind not in KINDS:
                raise ValueError(f"layer {number}: kind {kind!r} is none of {', '.join(KINDS)}")
            try:
                layers.append(KINDS[kind].from_dict(rest))
            except (TypeError, ValueError) as error:
                raise ValueError(f"layer {number}: {error}") from None
        return cls(layers, _field(values, "inputs"), values.get("input_bits", 1), values["about"])

    def save(self, path: Path | str) -> None:
        """Write the network: ``.json`` as text, ``.npz`` compressed."""
        path, values = Path(path), self.to_dict()
        if path.suffix == ".json":
            path.write_text(_lines(values))
        elif path.suffix == ".npz":
            text = json.dumps(values, separators=(",", ":")).encode()
            with path.open("wb") as file:
                np.savez_compressed(file, network=np.frombuffer(text, dtype=np.uint8))
        else:
            raise ValueError(f"a network file ends in .json or .npz, not {path.name!r}")

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what :meth:`save` wrote; what does not fit is refused with the place."""
        path = Path(path)
        try:
            if path.suffix == ".npz":
                with np.load(path) as file:
                    values = json.loads(file["network"].tobytes())
            elif path.suffix == ".json":
                values = json.loads(path.read_text())
            else:
                raise ValueError("a network file ends in .json or .npz")
            return cls.from_dict(values)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name}: {error}") from None


def _field(values: dict[str, Any], name: str) -> Any:
    if name not in values:
        raise ValueError(f"field {name!r} is missing")
    return values[name]


def _lines(values: dict[str, Any]) -> str:
    """Return JSON with one field per line, so that two versions of a network can be compared."""
    layers = [
        "  {" + ",\n   ".join(f"{json.dumps(n)}: {json.dumps(v)}" for n, v in fields.items()) + "}"
        for fields in values["layers"]
    ]
    head = [f"{json.dumps(n)}: {json.dumps(v)}" for n, v in values.items() if n != "layers"]
    return "{" + ",\n".join(head) + ',\n"layers": [\n' + ",\n".join(layers) + "\n]}\n"


def model(network: Network, x: ArrayLike) -> Ints:
    """Return the network's exact answer, in integers only.

    addr = sum_k x[idx_k] << k; y = (tt >> addr) & 1; pc_ml = sum of y over the operators of m;
    acc_m = bias_m + sum_l alpha_l pc_ml; h_m = [acc_m >= T_m] xor flip_m.

    Parameters
    ----------
    network
        The network.
    x
        int[n, inputs]: bits, or codes of ``network.input_bits`` bits.

    Returns
    -------
    int64[n, outputs]: bits or values of the last layer; class scores where an argmax follows.

    Raises
    ------
    ValueError
        ``x`` is of another shape, or a value is out of range.
    """
    x = np.asarray(x)
    if x.ndim != 2 or x.shape[1] != network.inputs:
        raise ValueError(f"x must be of shape [n, {network.inputs}], not {list(x.shape)}")
    most = (1 << network.input_bits) - 1
    wrong = np.argwhere((x < 0) | (x > most))
    if len(wrong):
        i, j = (int(v) for v in wrong[0])
        raise ValueError(f"x[{i}][{j}] must be in 0..{most}, not {x[i, j]}")
    last = network.lanes[len(network.body)]
    result = np.empty((len(x), last.count), dtype=np.int64)
    for start in range(0, len(x), _BATCH):
        part = x[start : start + _BATCH].astype(np.int64)
        signal = Samples(len(part), network.lanes[0], codes=part)
        for layer in network.body:
            signal = layer.apply(signal)
        result[start : start + _BATCH] = signal.integers()
    return result


def predict(network: Network, x: ArrayLike) -> Ints:
    """Return the index of the largest output, int64[n]; of equal ones the lowest."""
    return np.asarray(model(network, x).argmax(axis=1), dtype=np.int64)


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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of a network's hardware.

    Parameters
    ----------
    network
        Path of a network file, or the name of an example of
        :mod:`nomul.golden.lutnet_examples`, or of a trained network that comes with nomul.
    adder
        How ones are added: ``lut6``, ``carry`` or ``plus``, as in :mod:`nomul.golden.compressor`.
    registers
        ``layers``: one after every layer. ``end``: one after the last, and after tiled layers.
    weights
        Of tiled layers: ``rom``, ``read`` (a port reads them) or ``load`` (it writes them too).
    """

    network: str = "unrolled"
    adder: str = "lut6"
    registers: str = "layers"
    weights: str = "rom"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"network": "unrolled"},
        "residual": {"network": "residual", "adder": "plus"},
        "tiled": {"network": "tiled"},
        "reload": {"network": "tiled", "weights": "load", "registers": "end"},
        "direct": {"network": "direct", "registers": "end"},
        "table": {"network": "table", "adder": "carry"},
        "digits-xc7": {"network": "digits-xc7"},
        "digits-hx1k": {"network": "digits-hx1k", "adder": "carry", "registers": "end"},
    }

    def validate(self) -> None:
        """Check the choices, and that the network exists and is one."""
        self.check_choice("adder", compressor.ADDERS)
        self.check_choice("registers", ("layers", "end"))
        self.check_choice("weights", WEIGHTS)
        known = [*lutnet_examples.KINDS, *trained()]
        self.check(
            "network",
            self.network in known or Path(self.network).is_file(),
            f"a file or one of {', '.join(known)}",
        )
        tiled = self.load().tiled
        self.check("weights", self.weights == "rom" or bool(tiled), "rom: no layer is tiled")

    def load(self) -> Network:
        """Return the network."""
        return self._loaded

    @cached_property
    def _loaded(self) -> Network:
        if self.network in lutnet_examples.KINDS:
            rng = np.random.default_rng(1)
            return Network(**lutnet_examples.KINDS[self.network](rng))
        return Network.load(trained().get(self.network, Path(self.network)))

    @property
    def stages(self) -> list[tuple[Layer, ...]]:
        """The layers between two registers, in order; a tiled layer stands alone."""
        groups: list[list[Layer]] = []
        fresh = True
        for layer in self.load().layers:
            if fresh or self.registers == "layers" or isinstance(layer, LutNetTiled):
                groups.append([])
            groups[-1].append(layer)
            fresh = isinstance(layer, LutNetTiled)
        return [tuple(group) for group in groups]

    @property
    def latency(self) -> int:
        """Cycles from a vector to its answer: one per register, TM TN + 1 per tiled layer."""
        return sum(map(_latency, self.stages))

    @property
    def interval(self) -> int:
        """Cycles between two vectors, without stalls."""
        return max(_latency(s) - 1 if isinstance(s[0], LutNetTiled) else 1 for s in self.stages)

    def cycles(self, n: int) -> int:
        """Cycles from the first vector's transfer to the last answer's, inclusive, unstalled."""
        return self.latency + (n - 1) * self.interval + 1


def _latency(stage: tuple[Layer, ...]) -> int:
    first = stage[0]
    return first.tile_m * first.tile_n + 1 if isinstance(first, LutNetTiled) else 1


def trained() -> dict[str, Path]:
    """Return the trained networks that come with nomul, by name."""
    folder = Path(__file__).parent
    return {path.stem.removeprefix("lutnet_"): path for path in folder.glob("lutnet_*.json")}


def stimuli(cfg: Config, rng: np.random.Generator, n: int = 130) -> Ints:
    """Return inputs int64[n, inputs]: all zero, all ones, and every density between."""
    network = cfg.load()
    most = (1 << network.input_bits) - 1
    density = np.linspace(0, 1, n)[:, None]
    corner = rng.random((n, network.inputs)) < density
    noise = rng.integers(0, most + 1, (n, network.inputs))
    mixed = np.where(corner, most, 0)
    mixed[2::2] = noise[2::2]
    mixed[-1] = most
    return mixed.astype(np.int64)
