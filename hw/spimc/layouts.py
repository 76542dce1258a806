"""Payloads and control words of the SP-IMC macro."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from nomul.golden import spimc
from nomul.golden.spimc import FIELDS, Config, bits_for
from nomul.golden.spimc.config import RULES


def lane_bits(cfg: Config) -> int:
    """Return log2 B: the bits of an index that choose a lane."""
    return bits_for(cfg.lanes)


def step_bits(cfg: Config) -> int:
    """Return the bits of a step number within a plane."""
    return max(1, bits_for(max(cfg.window, cfg.max_group)))


def slot_bits(cfg: Config) -> int:
    """Return the bits of a number of slots 0 .. R."""
    return bits_for(cfg.slots + 1)


def column_bits(cfg: Config) -> int:
    """Return the bits of a column's number."""
    return max(1, bits_for(cfg.columns))


def rows(cfg: Config) -> int:
    """Return how many slots of a column are read at once."""
    return 1 if cfg.store == "rowserial" else cfg.slots


def tile_layout() -> data.StructLayout:
    """Return the run-time configuration: format and its parameters."""
    return data.StructLayout({name: unsigned(width) for name, width in FIELDS.items()})


# What the fields of the ports mean, for register maps.
NOTES = {
    "errors": RULES,
    "command": {
        "op": "0 opens a tile, 1 starts a product, 2 clears the errors.",
        "tile_format": "0 dense, 1 coo, 2 rl, 3 nm, 4 bitmap.",
        "tile_act_bits": "Bits of an activation.",
        "tile_x_signed": "Whether activations are two's complement.",
        "tile_nnz_per_group": "N of N:M, entries kept in each group.",
        "tile_group": "M of N:M, rows of a group.",
        "tile_run_bits": "Bits of a run of zeros.",
        "tile_length": "Rows of the tile.",
    },
    "weight": {
        "value": "The weight, or rows of a bitmap's header.",
        "index": "Row of the window (coo), zeros before it (rl), row of the group (nm), or 0.",
        "last": "The last entry of its column.",
        "null": "The one entry of an empty column.",
    },
    "x": {"x": "An activation.", "last": "The last activation of the tile."},
    "y": {"y": "The sum of a column.", "last": "The last column."},
}


def command_layout() -> data.StructLayout:
    """Return the payload of ``command``: 0 opens a tile, 1 starts a product, 2 clears errors."""
    return data.StructLayout({"op": unsigned(2), "tile": tile_layout()})


def weight_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``weight``: one entry, or the null entry of an empty column."""
    return data.StructLayout(
        {
            "value": signed(cfg.weight_bits),
            "index": unsigned(cfg.ib),
            "last": unsigned(1),
            "null": unsigned(1),
        }
    )


def x_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``x``: one activation."""
    return data.StructLayout({"x": unsigned(cfg.act_bits), "last": unsigned(1)})


def y_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``y``: one sum."""
    return data.StructLayout({"y": signed(cfg.y_bits), "last": unsigned(1)})


def flags_layout() -> data.StructLayout:
    """Return the error bits, one per entry of :data:`nomul.golden.spimc.FLAGS`."""
    return data.StructLayout({flag: unsigned(1) for flag in spimc.FLAGS})


def write_layout(cfg: Config) -> data.StructLayout:
    """Return what the loader writes into a column: an entry, and at the column's end its count."""
    return data.StructLayout(
        {
            "enable": unsigned(1),
            "slot": unsigned(slot_bits(cfg)),
            "value": signed(cfg.weight_bits),
            "index": unsigned(cfg.ib),
            "commit": unsigned(1),
            "count": unsigned(slot_bits(cfg)),
        }
    )


def select_layout(cfg: Config) -> data.StructLayout:
    """Return what the columns compare their indices with in this cycle.

    ``valid``: a step is at work; ``last``: it ends its plane; ``step``: its number; ``row``: the
    slot read, where they are read one by one, and ``row_last`` its being the last.
    """
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "last": unsigned(1),
            "step": unsigned(step_bits(cfg)),
            "row": unsigned(slot_bits(cfg)),
            "row_last": unsigned(1),
            "rl": unsigned(1),
            "dense": unsigned(1),
        }
    )


def add_layout() -> data.StructLayout:
    """Return what the accumulators do with the partial sum of this cycle.

    ``valid``: add it; ``first``: start from zero; ``double``: a new plane begins; ``negate``: it is
    the sign plane; ``carry``: keep the sum of the passes before.
    """
    names = ("valid", "first", "double", "negate", "carry")
    return data.StructLayout({name: unsigned(1) for name in names})
