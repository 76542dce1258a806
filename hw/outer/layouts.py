"""Payloads of an outer-product unit's streams, and what is broadcast to its cells."""

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data

from nomul.golden.outer import EXPONENT_BITS, Array

EXPONENT = signed(EXPONENT_BITS)
UNIT_EXPONENT = signed(EXPONENT_BITS + 2)


def requests(array: Array) -> dict[str, Shape]:
    """Return what a pair asks of the accumulators, if there are any."""
    return {"read": unsigned(1), "clear": unsigned(1)} if array.accumulators else {}


def pair_layout(array: Array) -> data.StructLayout:
    """Return the payload of ``x_d``: one pair of vectors."""
    operand = unsigned(array.width + 1)
    return data.StructLayout(
        {
            "x": data.ArrayLayout(operand, array.rows),
            "sx": unsigned(array.rows),
            "d": data.ArrayLayout(operand, array.cols),
            "sd": unsigned(array.cols),
            "e_x": EXPONENT,
            "e_d": EXPONENT,
            **requests(array),
        }
    )


def row_layout(array: Array) -> data.StructLayout:
    """Return the payload of ``y``: one row of results."""
    return data.StructLayout(
        {
            "row": unsigned(max(1, (array.rows - 1).bit_length())),
            "y": data.ArrayLayout(signed(array.y_bits), array.cols),
            "exponent": UNIT_EXPONENT,
            "last": unsigned(1),
        }
    )


def tail_fields(array: Array) -> dict[str, Shape]:
    """Return the fields of a pair that its results need after its last words are drawn."""
    signs = {"sx": unsigned(array.rows), "sd": unsigned(array.cols)}
    return signs | {"unit": UNIT_EXPONENT} | requests(array)


def control_layout(array: Array) -> data.StructLayout:
    """Return what the controller broadcasts to every cell.

    ``step``: the bits are valid, count them. ``clear``: the next bits are a vector's first.
    ``capture``: these were the last, take the total. ``shift``: hand the result on to the row
    above. With accumulators also ``left`` and ``right``, the distance to their unit, and ``rho``,
    the rounding term.
    """
    fields: dict[str, Shape | int] = {"step": 1, "clear": 1, "capture": 1, "shift": 1}
    if array.accumulators:
        fields["left"] = unsigned(array.accumulators.width.bit_length())
        fields["right"] = unsigned(array.max_right_shift.bit_length())
        fields["rho"] = unsigned(array.max_right_shift)
    return data.StructLayout(fields)
