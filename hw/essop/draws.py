"""Lanes of the stochastic outer product: operands become bits."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Value

from nomul.golden.bitstream import Generator, Side
from nomul.hw.bitstream import comparator, places, weighted
from nomul.hw.outer import Draw


@dataclass(frozen=True)
class Comparators(Draw):
    """One bit per word: whether the word is below the operand."""

    def send(self, words: Sequence[Value], operand: Value) -> Value:
        """Return the bits, in the order of the words."""
        return Cat(comparator(word, operand) for word in words)


@dataclass(frozen=True)
class Weighted(Draw):
    """One bit per word: the operand's at the place of the word's leading one.

    All lanes of a side share the search for that place.
    """

    def prepare(self, m: Module, words: Sequence[Value], side: Side) -> list[Value]:
        """Return the places."""
        return [places(m, word, f"place_{side.words}{k}") for k, word in enumerate(words)]

    def send(self, words: Sequence[Value], operand: Value) -> Value:
        """Return the bits, in the order of the words."""
        return Cat(weighted(place, operand) for place in words)


# By the name that ``sng`` has in the configurations.
GENERATORS: dict[Generator, Draw] = {"comparator": Comparators(), "wbg": Weighted()}
