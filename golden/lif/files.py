"""Networks in files: one NumPy archive with the weights and one line of JSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden.foreign.archives import arrays as stored
from nomul.golden.foreign.documents import mapping, only, sequence, text_document
from nomul.golden.foreign.numbers import integer, shown
from nomul.golden.foreign.refusals import reading
from nomul.golden.lif.layer import Layer
from nomul.golden.lif.network import Network

FORMAT = "nomul-lif"
VERSION = 1
_FIELDS = ("coder", "readout", "steps", "pixel_bits")


def save(path: Path | str, network: Network) -> None:
    """Write a network as ``.npz``: ``network`` is its description, ``w0``, ``w1``, ... weights.

    The same network gives the same bytes.
    """
    about = {
        "format": FORMAT,
        "version": VERSION,
        **{name: getattr(network, name) for name in _FIELDS},
        "layers": [layer_dict(layer) for layer in network.layers],
    }
    arrays = {"network": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)}
    for number, w in enumerate(network.weights):
        arrays[f"w{number}"] = w.astype(np.int8 if np.abs(w).max(initial=0) < 128 else np.int16)
    with Path(path).open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def layer_dict(layer: Layer) -> dict[str, Any]:
    """Return the parameters of a layer alone, whatever class it is of, but for its lanes."""
    values = layer.to_dict()
    return {name: values[name] for name in Layer.names() if name != "lanes"}


def load(path: Path | str) -> Network:
    """Return the network of a file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It is no network of this version; the message names file, field and value.
    """
    path = Path(path)
    arrays = stored(path)
    with reading(path):
        return _network(arrays)


def _network(arrays: dict[str, Any]) -> Network:
    if "network" not in arrays:
        raise ValueError(f"has no entry 'network', but {', '.join(arrays) or 'nothing'}")
    about = text_document(arrays["network"].tobytes())
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise ValueError(f"network.format must be {FORMAT!r}")
    version = about.get("version")
    if type(version) is not int or version != VERSION:
        raise ValueError(f"network.version must be {VERSION}, not {shown(version)}")
    only(about, ("format", "version", *_FIELDS, "layers"), "network")
    missing = [name for name in (*_FIELDS, "layers") if name not in about]
    if missing:
        raise ValueError(f"network lacks {', '.join(missing)}")
    listed = sequence(about["layers"], "network.layers")
    expected = {"network", *(f"w{number}" for number in range(len(listed)))}
    if set(arrays) != expected:
        raise ValueError(
            f"must hold {', '.join(sorted(expected))}, not {', '.join(sorted(arrays))}"
        )
    layers = []
    for number, values in enumerate(listed):
        try:
            layers.append(Layer.from_dict(mapping(values, "it")))
        except (TypeError, ValueError) as error:
            raise ValueError(f"network.layers[{number}]: {error}") from None
    weights = tuple(arrays[f"w{number}"] for number in range(len(layers)))
    for name in ("steps", "pixel_bits"):
        integer(about[name], f"network.{name}")
    return Network(layers=tuple(layers), weights=weights, **{name: about[name] for name in _FIELDS})
