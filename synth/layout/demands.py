"""What a layout needs, asked for before minutes of synthesis and simulation are spent on it."""

import importlib.util

from nomul.synth.layout import placers, route
from nomul.synth.map.stdcells import StandardCells

# Packages that write masks and pictures, and what nobody could do without them.
_WRITERS = {"gdstk": "masks need gdstk", "matplotlib": "pictures need matplotlib"}


def density(share: float) -> None:
    """Demand a share of the rows that cells can fill.

    Raises
    ------
    ValueError
        It is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"density must be above 0 and at most 1, not {share}")


def tools(target: StandardCells, *, routed: bool) -> None:
    """Demand the programs and packages that lay out cells of a library.

    Parameters
    ----------
    routed
        Whether wires are to be routed.

    Raises
    ------
    ImportError, FileNotFoundError
        One is not installed; the message says how to install it.
    """
    placers.name()
    for package, need in _WRITERS.items():
        wanted = package != "gdstk" or target.gds() is not None
        if wanted and importlib.util.find_spec(package) is None:
            raise ImportError(f"{need}; try: pip install 'nomul[layout]'")
    if routed:
        route.demand()
