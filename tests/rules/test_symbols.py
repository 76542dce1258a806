"""The page of symbols: every letter that a parameter's docstring begins with stands there."""

import inspect
import re
from pathlib import Path

import pytest

from nomul import registry

PAGE = (Path(__file__).parents[2] / "docs" / "symbols.md").read_text()

# A parameter whose text begins with symbols: "M and N; ...", "BL, words per ...", "n and m, ...".
DEFINED = re.compile(
    r"^(?P<fields>[a-z_0-9]+(?:, [a-z_0-9]+)*)\n    "
    r"(?P<symbols>[A-Za-z][A-Zem]?(?: and [A-Za-z][A-Zem]?)?)(?=[,;.] )",
    re.MULTILINE,
)


def rows():
    """Return the meanings on the page: (symbol, block) of each row, and its field."""
    meanings = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if line.startswith("| ") and len(cells) >= 4:
            for symbol in cells[0].split(", "):
                for block in cells[1].split(", "):
                    meanings[symbol, block] = cells[2]
    return meanings


def symbols(name):
    """Yield (field, symbol) of a block's parameters."""
    text = inspect.getdoc(registry.get(name).config())
    for found in DEFINED.finditer(text or ""):
        fields, letters = found["fields"].split(", "), found["symbols"].split(" and ")
        if len(fields) == len(letters):
            yield from zip(fields, letters, strict=True)


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_every_symbol_of_a_parameter_is_explained(name):
    meanings = rows()
    for field, symbol in symbols(name):
        assert f"`{field}`" in meanings.get((symbol, name), ""), (
            f"docs/symbols.md has no {symbol} of {name}, `{field}`"
        )


def test_symbols_are_found_in_docstrings():
    assert ("window", "K") in set(symbols("spimc"))
    assert ("conv_lanes", "n") in set(symbols("sonic"))
