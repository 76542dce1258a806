"""PyTorch modules as ONNX, which is the one way that they come in."""

import contextlib
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import nn


def to_onnx(module: nn.Module, example: ArrayLike, path: Path | None = None) -> Any:
    """Return a module as an onnx.ModelProto, its batch open.

    Parameters
    ----------
    module
        It is exported as for inference, whatever mode it is in.
    example
        A batch of inputs.
    path
        Where to write it too.

    Raises
    ------
    ImportError
        A package is missing that PyTorch exports through.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"PyTorch exports through {error.name}; try: pip install 'nomul[train]'"
        ) from None
    training = module.training
    module.eval()
    x = torch.as_tensor(example, dtype=torch.float32)
    x = x if len(x) > 1 else torch.cat([x, x])  # a batch of one would be taken for fixed
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module, (x,), dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch")},)
            )
    finally:
        quiet.setLevel(level)
        module.train(training)
    assert program is not None
    model = program.model_proto
    if path is not None:
        onnx.save(model, str(path))
    return model
