"""Chooses the size of a tile for a network: that of fewest cycles."""

from collections.abc import Mapping
from typing import Any

from nomul.golden.engine.config import Config

# Rows and columns that are tried; kernels of 3 x 3 over a few channels among them.
ROWS = (8, 9, 16, 18, 27, 32, 36, 48, 64, 72, 96, 144)
COLUMNS = 16


def tile(values: Mapping[str, Any], columns: int = COLUMNS) -> dict[str, int]:
    """Return ``inputs`` and ``outputs`` of fewest cycles per input, of so many columns or half.

    Of sizes that are equally fast the one with the fewest words of weights, then the smallest.

    Parameters
    ----------
    values
        The other fields of :class:`nomul.golden.engine.Config`.
    columns
        Of the tile.

    Raises
    ------
    TypeError, ValueError
        No size will do; the message is that of the smallest.
    """
    fits: list[tuple[int, int, int, int]] = []
    refused: Exception | None = None
    for rows, wide in ((rows, wide) for rows in ROWS for wide in (columns, columns // 2)):
        try:
            cfg = Config.from_dict({**values, "inputs": rows, "outputs": max(1, wide)})
        except ValueError as error:
            refused = refused or error
            continue
        fits.append((cfg.interval, cfg.program.beats, rows, max(1, wide)))
    if not fits:
        assert refused is not None
        raise refused
    return {"inputs": min(fits)[2], "outputs": min(fits)[3]}
