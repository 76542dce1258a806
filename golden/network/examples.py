"""The trained networks that nomul keeps, by name: real input for whatever takes a network."""

from pathlib import Path

from nomul.golden.network.files import load
from nomul.golden.network.network import Network

FOLDER = Path(__file__).parent / "trained"


def names() -> list[str]:
    """Return what there is: data, kind of network, and width of weights and activations."""
    return sorted(path.stem for path in FOLDER.glob("*.npz"))


def example(name: str) -> Network:
    """Return a network, such as ``digits-mlp-int8``; :mod:`nomul.train.networks` trained them all.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    if name not in names():
        raise ValueError(f"network must be one of {', '.join(names())}, not {name!r}")
    return load(FOLDER / f"{name}.npz")
