"""Networks of look-up tables from other tools, as one data model; what does not fit is refused."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nomul.golden.foreign.refusals import reading
from nomul.golden.lutnet.importers import difflogic, dwn, kanele, qonnx, trees, verilog
from nomul.golden.lutnet.network import Network

READERS: dict[str, Callable[..., Network]] = {
    "kanele": kanele.kanele,
    "logicnets": verilog.logicnets,
    "dwn": dwn.dwn,
    "difflogic": difflogic.difflogic,
    "torchlogix": difflogic.difflogic,
    "xgboost": trees.xgboost,
    "qonnx": qonnx.qonnx,
}


def load(path: Path | str, format: str, **options: Any) -> Network:
    """Return the network in a file of another tool.

    Parameters
    ----------
    path
        The file; for ``logicnets`` also a folder of Verilog files.
    format
        ``kanele`` (``truth_tables.json``; ``config.json`` is read beside it), ``logicnets``,
        ``dwn``, ``difflogic``, ``torchlogix`` (state dictionaries as ``.npz``, ``.safetensors`` or
        ``.pt``), ``xgboost`` (``save_model`` as JSON) or ``qonnx`` (binary layers; needs the
        package onnx).
    options
        Of the format: ``signed`` (logicnets), ``classes`` (dwn, difflogic), ``parametrization``
        (torchlogix), ``input_bits`` (dwn, difflogic, xgboost, qonnx), ``real`` (dwn, difflogic,
        xgboost), ``leaf_bits`` and ``iterations`` (xgboost).

    Raises
    ------
    ValueError
        The format is unknown, or the file does not fit it; the message names file, place and
        reason.
    OSError
        There is no such file.
    ImportError
        A package that reads it is missing; the message says how it is installed.

    Warns
    -----
    UserWarning
        The features are real numbers, so the network got a quantiser that makes codes of them, and
        nobody had asked for one by ``real=True``: its hardware takes those codes.
    """
    if format not in READERS:
        raise ValueError(f"format must be one of {', '.join(READERS)}, not {format!r}")
    path = Path(path)
    with reading(path):
        network = READERS[format](path, **options)
    if network.quantiser is not None and not options.get("real"):
        warnings.warn(
            f"{path.name}: its features are real numbers: the network compares them in its "
            "quantiser, and the hardware takes the codes that network.quantise makes of them; "
            "real=True says that this is meant, input_bits=N that the features are integers",
            stacklevel=2,
        )
    return network
