"""Payloads of the outer-product unit's streams."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from nomul.golden import essop
from nomul.golden.essop import Config

EXPONENT = signed(essop.EXPONENT_BITS)
UNIT_EXPONENT = signed(essop.EXPONENT_BITS + 2)


def pair_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``x_d``: one pair of vectors."""
    operand = unsigned(cfg.width + 1)
    fields = {
        "x": data.ArrayLayout(operand, cfg.rows),
        "sx": unsigned(cfg.rows),
        "d": data.ArrayLayout(operand, cfg.cols),
        "sd": unsigned(cfg.cols),
        "e_x": EXPONENT,
        "e_d": EXPONENT,
    }
    if cfg.accumulate:
        fields |= {"read": unsigned(1), "clear": unsigned(1)}
    return data.StructLayout(fields)


def row_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``y``: one row of results."""
    return data.StructLayout(
        {
            "row": unsigned(max(1, (cfg.rows - 1).bit_length())),
            "y": data.ArrayLayout(signed(cfg.y_bits), cfg.cols),
            "exponent": UNIT_EXPONENT,
            "last": unsigned(1),
        }
    )


def tail_fields(cfg: Config) -> dict[str, object]:
    """Return the fields of a pair that its results need after the last bits are drawn."""
    fields = {"sx": unsigned(cfg.rows), "sd": unsigned(cfg.cols), "unit": UNIT_EXPONENT}
    if cfg.accumulate:
        fields |= {"read": unsigned(1), "clear": unsigned(1)}
    if cfg.cell == "prefix":
        fields["lengths"] = unsigned(cfg.rows * cfg.count_bits)
    return fields
