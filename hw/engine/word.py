"""The layer program as words of a memory, and the words that load it."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from nomul.golden.engine.rows import Rows


class Words:
    """Shapes of a pass, of an entry of the requantisers' table, and of a word that loads either.

    Parameters
    ----------
    rows
        Fields and their widths.
    """

    def __init__(self, rows: Rows):
        self.rows, self.program = rows.rows, rows.program
        self.address_bits, self.place_bits = rows.address_bits, rows.place_bits
        self.pads, self.shifts, self.result_bits = rows.pads, rows.shifts, rows.result_bits
        self.loads, self.multiplies, self.table = rows.loads, rows.multiplies, rows.table
        self.layout = data.StructLayout({n: unsigned(bits) for n, bits in rows.sizes.items()})
        scale, bias = rows.table_bits
        self.entry = data.StructLayout({"scale": signed(scale), "bias": signed(bias)})
        self.load = program_layout(rows.bits)


def program_layout(bits: int) -> data.StructLayout:
    """Return the payload of ``program``: a row, whether it is one of the table, and the end."""
    return data.StructLayout({"row": unsigned(bits), "entry": unsigned(1), "last": unsigned(1)})
