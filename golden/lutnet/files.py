"""Many networks in one file: a NumPy archive with an entry per network."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nomul.golden.lutnet.network import Network


def add(path: Path, name: str, network: Network) -> None:
    """Put a network into an archive, which is made if there is none.

    Parameters
    ----------
    path
        The archive, ``.npz``.
    name
        What to find it by; an entry of that name is replaced.
    network
        The network.
    """
    found = {}
    if path.is_file():
        with np.load(path) as file:
            found = {key: file[key] for key in file.files}
    text = json.dumps(network.to_dict(), separators=(",", ":")).encode()
    found[name] = np.frombuffer(text, dtype=np.uint8)
    np.savez_compressed(path, **found)


def named(case: Mapping[str, object]) -> str:
    """Return the name of a trained case's network in the archive of its study."""
    return "-".join(map(str, case.values()))


def load_all(path: Path) -> dict[str, Network]:
    """Return the networks of an archive by name.

    Raises
    ------
    FileNotFoundError
        There is no such archive.
    ValueError
        An entry is no network; the message names it.
    """
    networks = {}
    with np.load(path) as file:
        for name in file.files:
            try:
                networks[name] = Network.from_dict(json.loads(file[name].tobytes()))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path.name}, {name}: {error}") from None
    return networks
