"""The ways in: a network from a file, a model in memory, or a fitted estimator."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from nomul.golden.foreign import reading
from nomul.golden.network import chain as chains
from nomul.golden.network import estimators, files
from nomul.golden.network.arrays import Shape
from nomul.golden.network.calibrate import prepare
from nomul.golden.network.lower import lower
from nomul.golden.network.network import Network
from nomul.golden.network.onnx_graph import Reader
from nomul.golden.network.onnx_operators import OPERATORS
from nomul.golden.network.onnx_quantisers import QUANTISERS
from nomul.golden.network.reals import Graph

ENDINGS = ".npz (of nomul), .onnx, .safetensors"


def load(
    source: Any,
    calibration: ArrayLike | None = None,
    *,
    chain: Sequence[str] | None = None,
    input_shape: Shape | None = None,
    **options: Any,
) -> Network:
    """Return the network in a file, or in a model that is loaded already.

    Parameters
    ----------
    source
        Path of a network of nomul (``.npz``) or of an ``.onnx`` file, quantised by onnxruntime, by
        PyTorch or in QONNX, or of real numbers; or whatever else :func:`read` reads.
    calibration
        For real numbers: inputs [V, ...] like those that will come; see :func:`quantise`.
    chain, input_shape
        For a ``.safetensors`` file: which layers there are, in order; see
        :func:`nomul.golden.network.chain.graph`.
    options
        Of :func:`quantise`, for real numbers too.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ImportError
        A package is missing that reads the file; the message names it.
    ValueError
        The file is not understood; the message names the file and the place in it.
    """
    if not isinstance(source, str | Path):
        return _network(read(source), calibration, **options)
    path = Path(source)
    if path.suffix == ".npz":
        if calibration is not None or options:
            raise ValueError(f"{path.name}: is quantised already, and takes no calibration data")
        return files.load(path)
    graph = read(path, chain=chain, input_shape=input_shape)
    with reading(path):
        return _network(graph, calibration, **options)


def read(
    source: Any, *, chain: Sequence[str] | None = None, input_shape: Shape | None = None
) -> Graph:
    """Return a model as steps in real numbers; quantisers of the file are among them.

    Parameters
    ----------
    source
        Path of an ``.onnx`` or a ``.safetensors`` file, an onnx.ModelProto, or a fitted
        MLPClassifier or MLPRegressor.
    chain, input_shape
        For a ``.safetensors`` file; see :func:`nomul.golden.network.chain.graph`.
    """
    if isinstance(source, Graph):
        return source
    if isinstance(source, str | Path):
        path = Path(source)
        with reading(path):
            return _read_file(path, chain, input_shape)
    if estimators.is_estimator(source):
        return estimators.graph(source)
    if type(source).__name__ == "ModelProto":
        return _onnx(source)
    raise TypeError(
        "a model must be a path, an onnx.ModelProto, or a fitted MLPClassifier or MLPRegressor, "
        f"not {type(source).__name__}"
    )


def _read_file(path: Path, chain: Sequence[str] | None, input_shape: Shape | None) -> Graph:
    if path.suffix == ".onnx":
        return _onnx(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"must end in one of {ENDINGS}")
    if chain is None or input_shape is None:
        raise ValueError("holds weights only: name chain and input_shape")
    return chains.graph(chains.tensors_of(path), list(chain), tuple(input_shape))


def quantise(
    model: Any,
    calibration: ArrayLike,
    weight_bits: int = 8,
    act_bits: int = 8,
    *,
    powers_of_two: bool = False,
) -> Network:
    """Return a network of integers for a model of real numbers, after training.

    Weights get a symmetric scale per output, activations a scale per tensor, unsigned where nothing
    is negative. Batch normalisations vanish into weights.

    Parameters
    ----------
    model
        Whatever :func:`read` reads.
    calibration
        Real inputs [V, features] or [V, C, H, W] like those that will come; some hundred do.
    weight_bits, act_bits
        2..8 and 1..8.
    powers_of_two
        Take scales that are powers of two, so that nothing multiplies between the layers.

    Returns
    -------
    :class:`nomul.golden.network.Network`, whose ``encode`` makes codes of real inputs.

    Raises
    ------
    ValueError
        The model is quantised already or not understood, or the data does not fit it.
    """
    graph = read(model)
    return lower(prepare(graph, calibration, weight_bits, act_bits, powers_of_two=powers_of_two))


def _onnx(source: Any) -> Graph:
    return Reader(source, {**OPERATORS, **QUANTISERS}).graph()


def _network(graph: Graph, calibration: ArrayLike | None, **options: Any) -> Network:
    if graph.quantised:
        if calibration is not None or options:
            raise ValueError("is quantised already, and takes no calibration data")
        return lower(graph)
    if any(getattr(step, "codes", None) is not None for step in graph.steps):
        raise ValueError("has quantised weights, but no quantised activations")
    if calibration is None:
        raise ValueError("is in real numbers: calibration data must choose its scales")
    return quantise(graph, calibration, **options)
