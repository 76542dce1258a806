"""Many networks in one file: a NumPy archive with an entry per network."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden.foreign.archives import arrays
from nomul.golden.foreign.documents import text_document
from nomul.golden.foreign.refusals import reading
from nomul.golden.lutnet.network import Network, stored


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
    found: dict[str, Any] = dict(arrays(path)) if path.is_file() else {}
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
    found, networks = arrays(path), {}
    with reading(path):
        for name in found:
            try:
                networks[name] = Network.from_dict(text_document(stored(found, name)))
            except (ValueError, TypeError) as error:
                raise ValueError(f"{name}: {error}") from None
    return networks
