"""nomul: neural-network hardware without multiplier arrays.

``nomul.blocks()`` lists what there is, and ``nomul.design("lfsr", width=12)`` takes one:
its model, Verilog, simulation and synthesis. Neither loads a hardware description language or a
tool before it needs one. ``nomul.LutClassifier(luts=500)`` and ``nomul.LutRegressor`` are
estimators of scikit-learn that train a network of look-up tables on samples of your own.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nomul.version import __version__ as __version__

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nomul.flow.design import Design
    from nomul.golden.network import Network
    from nomul.registry import Blocks
    from nomul.train.classifier import LutClassifier as LutClassifier
    from nomul.train.regressor import LutRegressor as LutRegressor

__all__ = ["LutClassifier", "LutRegressor", "__version__", "blocks", "design", "quantise"]


def blocks() -> "Blocks":
    """Return the blocks by name: a mapping that shows itself as a table."""
    from nomul import registry

    return registry.blocks()


def design(name: str, /, preset: str | None = None, **settings: Any) -> "Design":
    """Return a block in one configuration: see :func:`nomul.flow.design`.

    ``preset`` is the block's first one if None; ``settings`` are parameters set on top of it.
    """
    from nomul import flow

    return flow.design(name, preset, **settings)


def quantise(
    model: Any, calibration: "ArrayLike", weight_bits: int = 8, act_bits: int = 8, **options: Any
) -> "Network":
    """Return a network of integers for one of real numbers: see :mod:`nomul.golden.network`.

    Parameters
    ----------
    model
        Path of an ``.onnx`` file, an onnx.ModelProto, a PyTorch module, or a fitted MLPClassifier
        or MLPRegressor.
    calibration
        Real inputs [V, ...] like those that will come; some hundred do.
    weight_bits, act_bits
        2..8 and 1..8.
    options
        ``powers_of_two=True`` takes scales that only shift.
    """
    from nomul.golden import network

    if any(kind.__module__.startswith("torch.nn.") for kind in type(model).__mro__):
        from nomul.train.networks.export import to_onnx

        model = to_onnx(model, calibration)
    return network.quantise(model, calibration, weight_bits, act_bits, **options)


def __getattr__(name: str) -> Any:
    """Return what is imported when it is used: estimators need scikit-learn and PyTorch."""
    homes = {"LutClassifier": "classifier", "LutRegressor": "regressor"}
    if name in homes:
        try:
            return getattr(import_module(f"nomul.train.{homes[name]}"), name)
        except ImportError as error:
            raise ImportError(f"{error}; try: pip install 'nomul[train]'") from None
    raise AttributeError(f"module 'nomul' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
