"""What a unit puts into the array: what lanes send, what cells compute, and what is behind lanes.

Equal strategies must be equal and hash alike, since lanes or cells that do the same are one module.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from amaranth.hdl import Module, Mux, Shape, Value, unsigned
from amaranth.lib import data

from nomul.golden.bitstream import Side
from nomul.golden.outer import Array
from nomul.hw.outer.readout import ReadOut

Sent = Mapping[Side, Sequence[Value]]


class Draw(ABC):
    """What a lane sends for its operand and the words of a cycle."""

    def prepare(self, m: Module, words: Sequence[Value], side: Side) -> list[Value]:
        """Return what all lanes of a side share of the words; the words themselves by default."""
        return list(words)

    @abstractmethod
    def send(self, words: Sequence[Value], operand: Value) -> Value:
        """Return what is sent, of words that :meth:`prepare` returned."""


class Product(ABC):
    """What a cell makes of what its row and its column send."""

    def row(self, array: Array, control: data.View, sent: Value) -> Value:
        """Return what a row sends its cells, of what its lane sends; the same by default."""
        return sent

    def column_shape(self, array: Array) -> Shape:
        """Return the shape of what a column sends its cells; that of a lane by default."""
        return unsigned(array.lane_bits)

    def column(self, m: Module, array: Array, control: data.View, sent: Value) -> Value:
        """Return what a column sends its cells, of what its lane sends; the same by default."""
        return sent

    @abstractmethod
    def total(self, m: Module, array: Array, control: data.View, a: Value, b: Value) -> Value:
        """Return a cell's product as it stands, this cycle's bits included."""

    def result(self, total: Value, negative: Value) -> Value:
        """Return the signed result of a product's magnitude and sign."""
        return signed_result(total, negative)


def signed_result(total: Value, negative: Value) -> Value:
    """Return an integer of a magnitude and a sign."""
    return Mux(negative, -total, total)


class Cells(ABC):
    """What becomes of what the lanes send, up to the read-out.

    Attributes
    ----------
    rows_send
        Whether the lanes of the rows send anything; they hold their operands in any case.
    """

    rows_send: bool = True

    def tail_fields(self, array: Array) -> dict[str, Shape]:
        """Return what is needed of a pair after its last words, by name; nothing by default."""
        return {}

    def tail(
        self, array: Array, operands: Sequence[Value], words: Sequence[Value]
    ) -> Mapping[str, Value]:
        """Return the values of :meth:`tail_fields`, of the rows' operands and words."""
        return {}

    @abstractmethod
    def describe(self, read_out: ReadOut, sent: Sent) -> None:
        """Describe the cells, and hand their products to the read-out.

        Parameters
        ----------
        read_out
            The unit's module, control and tail, and what sends results out.
        sent
            What the lanes of each side send.
        """
