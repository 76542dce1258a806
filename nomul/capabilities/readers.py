"""Readers of other tools' networks, by what becomes of them and by the format of the file.

One file, since it is one reader after the other, each of a few lines.
"""

import dataclasses
import inspect
import re
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nomul.capabilities import reader_options

Read = Callable[..., Any]

KINDS = ("tables", "matrix", "spiking")


@dataclasses.dataclass(frozen=True)
class Reader:
    """A way to read a file.

    Parameters
    ----------
    kind
        One of :data:`KINDS`: networks of look-up tables, of matrices, or of spiking neurons.
    format
        Its name.
    read
        Takes the path and the format's options, returns the network.
    source
        The function whose keywords the options are.
    """

    kind: str
    format: str
    read: Read
    source: Read

    @property
    def options(self) -> list[str]:
        """Names of the options."""
        parameters = list(inspect.signature(self.source).parameters.values())[1:]
        named = [p for p in parameters if p.kind is not p.VAR_KEYWORD]
        return [p.name for p in named if p.name != "calibration"]


@dataclasses.dataclass(frozen=True)
class Imported:
    """A network that was read: by which reader, and what the reader had to say."""

    network: Any
    reader: Reader
    notes: list[str]


def readers() -> list[Reader]:
    """Return all readers; of two that could read a file each is asked for by kind or format."""
    from nomul.capabilities import skops_files
    from nomul.golden import network as matrix
    from nomul.golden.foreign.refusals import reading
    from nomul.golden.foreign.states import state
    from nomul.golden.lif import files as spiking
    from nomul.golden.lif.importers import nir, snntorch
    from nomul.golden.lutnet import Network
    from nomul.golden.lutnet.importers import files, load

    def tables(name: str, function: Read) -> Reader:
        return Reader("tables", name, lambda path, **o: load(path, name, **o), function)

    def snn(path: Path, **options: Any) -> Any:
        with reading(path):
            return snntorch.load_state(state(path), **options)[0]

    foreign = [tables(name, function) for name, function in files.READERS.items()]
    return [
        *foreign,
        Reader("tables", "skops", skops_files.trees, files.READERS["xgboost"]),
        Reader("tables", "nomul", Network.load, lambda path: path),
        Reader("matrix", "nomul", matrix.load, lambda path: path),
        Reader("matrix", "onnx", matrix.load, matrix.quantise),
        Reader("spiking", "nomul", spiking.load, lambda path: path),
        Reader("spiking", "nir", lambda path, **o: nir.load(path, **o)[0], nir.load),
        Reader("spiking", "snntorch", snn, snntorch.load_state),
    ]


def recognised(path: Path) -> list[str]:
    """Return which readers a file is for, as ``kind/format`` each, by its names alone.

    Raises
    ------
    OSError
        There is no such file.
    ValueError
        The file is damaged.
    """
    if path.is_dir() or path.suffix == ".v":
        return ["tables/logicnets"]
    if path.suffix == ".json":
        from nomul.golden.foreign.documents import document

        return _document(document(path))
    if path.suffix == ".onnx":
        return ["tables/qonnx", "matrix/onnx"]
    if path.suffix == ".skops":
        return ["tables/skops"]
    if path.suffix == ".nir":
        return ["spiking/nir"]
    if path.suffix in (".npz", ".safetensors", ".pt", ".pth"):
        from nomul.golden.foreign.states import state

        return _entries(state(path))
    return []


# What to do with files that are not read as they are.
_INSTEAD = {
    ".ubj": "is XGBoost's binary form; save the model as .json: model.save_model('net.json')",
    ".deb": "is XGBoost's text for people; save the model as .json",
    ".csv": "is a table; nomul train lutnet --data trains a network on it",
    ".keras": "is a network of Keras; export it as .onnx",
    ".h5": "is a network of Keras; export it as .onnx",
    ".tflite": "is a network of TensorFlow; convert it to .onnx",
} | dict.fromkeys(
    (".pkl", ".pickle", ".joblib"),
    "is a pickle, which would run code: trees are saved by nomul.train.save_trees or as .skops, "
    "and perceptrons become networks by nomul.quantise",
)


def _unknown(path: Path, fit: Iterable[str], names: Iterable[str], kind: str | None) -> str:
    """Return what is to be said of a file that no reader takes that was asked for."""
    if path.suffix in _INSTEAD:
        return _INSTEAD[path.suffix]
    kinds = {name.partition("/")[0] for name in fit}
    if kinds:
        return f"becomes {' or '.join(sorted(kinds))} by nomul import, not {kind}"
    return f"is no format that is known; say it: {', '.join(names)}"


def _document(values: Any) -> list[str]:
    """Return what a JSON document is for."""
    if not isinstance(values, dict):
        return []
    if "learner" in values:
        return ["tables/xgboost"]
    if values.get("format") == "nomul-lutnet":
        return ["tables/nomul"]
    if values and all(re.fullmatch(r"\d+_\d+_\d+", key) for key in values):
        return ["tables/kanele"]
    return []


def _entries(values: dict[str, Any]) -> list[str]:
    """Return what a state dictionary is for."""
    ends = {key.rpartition(".")[2] for key in values} | {
        ".".join(key.split(".")[-2:]) for key in values
    }
    if set(values) == {"network"}:
        return ["tables/nomul"]
    if "network" in values:
        return ["spiking/nomul"]
    if "header" in values:
        return ["matrix/nomul"]
    signs = {
        "tables/dwn": {"luts"},
        "tables/torchlogix": {"weight", "connections.indices"},
        "tables/difflogic": {"indices", "weights"},
        "spiking/snntorch": {"weight", "beta", "threshold"},
    }
    found = [name for name, wanted in signs.items() if wanted <= ends]
    if {"indices", "gate"} <= ends:
        found.append("tables/difflogic")
    if "tables/torchlogix" in found:
        found = [name for name in found if name != "tables/difflogic"]
    return found


def load(
    path: Path,
    format: str = "auto",
    kind: str | None = None,
    options: Iterable[str] = (),
    calibration: Any = None,
) -> Imported:
    """Return the network in a file of another tool.

    Parameters
    ----------
    path
        The file, or a folder of Verilog.
    format
        Name of a format, or ``auto``.
    kind
        One of :data:`KINDS`, where a file can become several.
    options
        ``name=value`` each, of the format's reader.
    calibration
        Real inputs that choose the scales of a network of real numbers.

    Raises
    ------
    OSError
        There is no such file.
    ValueError
        The format is unknown, or none or several can be read from the file; the message names the
        choices.
    """
    path = path if path.name else path.resolve()
    path.stat()  # there is such a file
    if kind is not None and kind not in KINDS:
        raise ValueError(f"--as must be one of {', '.join(KINDS)}, not {kind!r}")
    known = [r for r in readers() if kind in (None, r.kind)]
    names = list(dict.fromkeys(r.format for r in known))
    if format == "auto":
        fit = set(recognised(path))
        chosen = [r for r in known if f"{r.kind}/{r.format}" in fit]
        if not chosen:
            raise ValueError(f"{path}: {_unknown(path, fit, names, kind)}")
    else:
        chosen = [r for r in known if r.format == format]
        if not chosen:
            raise ValueError(f"format must be one of auto, {', '.join(names)}, not {format!r}")
        if len(chosen) > 1:
            fit = set(recognised(path))
            chosen = [r for r in chosen if f"{r.kind}/{r.format}" in fit] or chosen
    if len(chosen) == 1:
        return _read(path, chosen[0], options, calibration)
    done, reasons, notes = [], [], list[str]()
    for reader in chosen:
        try:
            done.append(_read(path, reader, options, calibration))
        except ValueError as error:
            reasons.append(f"as {reader.kind} ({reader.format}): {error}")
            notes += getattr(error, "__notes__", ())
    if len(done) == 1:
        return done[0]
    if not done:
        refused = ValueError("; ".join(reasons))
        refused.__notes__ = notes
        raise refused
    ways = " or ".join(f"--as {one.reader.kind}" for one in done)
    raise ValueError(f"{path.name}: can be read in several ways: say {ways}")


def _read(path: Path, reader: Reader, options: Iterable[str], calibration: Any) -> Imported:
    """Read a file one way; warnings become notes."""
    values = reader_options.parsed(reader.format, reader.options, reader.source, options)
    if calibration is not None:
        if (reader.kind, reader.format) != ("matrix", "onnx"):
            raise ValueError(f"--calibration is for real numbers in onnx, not for {reader.format}")
        values["calibration"] = calibration
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            network = reader.read(path, **values)
        except ValueError as error:
            if "must be given" in str(error):
                error.add_note(f"options of {reader.format}, by --set: {', '.join(reader.options)}")
            if "calibration data" in str(error) and calibration is None:
                error.add_note("--calibration X.npy gives real inputs to choose them by")
            raise
    return Imported(network, reader, [str(one.message) for one in caught])


def save(imported: Imported, path: Path) -> None:
    """Write a network in nomul's own form, ``.npz``, or ``.json`` for tables."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if imported.reader.kind == "tables":
        imported.network.save(path)
        return
    if path.suffix != ".npz":
        raise ValueError(f"a network of kind {imported.reader.kind} ends in .npz, not {path.name}")
    if imported.reader.kind == "matrix":
        from nomul.golden import network as matrix

        matrix.save(imported.network, path)
    else:
        from nomul.golden.lif import files

        files.save(path, imported.network)


def layers(imported: Imported) -> list[tuple[str, str]]:
    """Return a network's layers: what each is, and its size."""
    if imported.reader.kind == "spiking":
        return [("lif", " x ".join(map(str, w.shape))) for w in imported.network.weights]
    rows = []
    for layer in imported.network.layers:
        sizes = [("tables", "tt"), ("comparisons", "threshold"), ("weights", "weight")]
        shown = [f"{_count(layer, name)} {what}" for what, name in sizes if _count(layer, name)]
        rows.append((str(layer.kind), ", ".join(shown)))
    return rows


def _count(layer: Any, name: str) -> int:
    value = getattr(layer, name, None)
    size = getattr(value, "size", None)
    return int(size) if size is not None else len(value or ())


def answers(imported: Imported, x: Any) -> Any:
    """Return the classes int64[n] that a network gives samples x[n, ...]."""
    network = imported.network
    if imported.reader.kind == "tables":
        from nomul.golden import lutnet

        return lutnet.predict(network, x)
    if imported.reader.kind == "spiking":
        from nomul.golden import lif

        return lif.predict(network, x).label
    from nomul.golden import network as matrix

    scores = matrix.model(network, network.encode(x))
    return scores[:, 0] if scores.shape[1] == 1 else scores.argmax(axis=1)


def check(imported: Imported, path: Path) -> dict[str, Any]:
    """Return how often a network answers as the program it comes from.

    Parameters
    ----------
    path
        ``.npz`` with the samples ``x`` and the original's own classes ``y``, int[n].

    Raises
    ------
    ValueError
        There are no such arrays, or they do not fit each other or the network.
    """
    import numpy as np

    from nomul.golden.foreign.archives import arrays

    if path.suffix != ".npz":
        raise ValueError(f"{path.name}: --check takes an archive .npz with samples x and classes y")
    found = arrays(path)
    if set(found) != {"x", "y"}:
        raise ValueError(f"{path.name}: must hold x and y, not {', '.join(sorted(found))}")
    x, y = found["x"], found["y"]
    if y.ndim != 1 or y.dtype.kind not in "iub" or len(x) != len(y) or not len(y):
        raise ValueError(
            f"{path.name}: y must hold a class for each of {len(x)} samples, "
            f"not {list(y.shape)} of {y.dtype}"
        )
    if y.min() < 0:
        row = int(np.flatnonzero(y < 0)[0])
        raise ValueError(f"{path.name}: y[{row}] must be a class, 0 or more, not {y[row]}")
    same = answers(imported, x) == y
    return {"samples": len(y), "the same class": int(same.sum()), "share": round(same.mean(), 4)}
