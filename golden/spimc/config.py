"""Parameters of the macro, and of one tile of compressed weights."""

import dataclasses
from typing import Any, ClassVar, Literal, get_args

from nomul.golden import config

Format = Literal["dense", "coo", "rl", "nm", "bitmap"]
FORMATS: tuple[Format, ...] = get_args(Format)
Store = Literal["ff", "latch", "rowserial"]
STORES: tuple[Store, ...] = get_args(Store)

# Bits of the sticky error register, least significant first, and what each says. Where one beat
# breaks several rules it raises the first of them.
RULES = {
    "E_HDR": "A tile was opened in a format that is not there, or with parameters out of range.",
    "E_SLOTS": "A column had more entries than slots.",
    "E_NMCNT": "A column had another number of entries than its N:M or its bitmap header says.",
    "E_RANGE": "A row was at or above the length, or index bits above the active width were set.",
    "E_RLRUN": "The runs of a column led beyond the length.",
    "E_DUP": "A row came twice in a column, or in a group.",
    "E_ORDER": "Rows did not ascend within a column, or a group.",
    "E_TRUNC": "A start came while the tile was loaded, and the tile was forgotten.",
    "E_NOTLOADED": "A start came without a valid tile.",
    "E_XLAST": "The last activation was marked too early or too late, and there was no product.",
}
FLAGS = tuple(RULES)

# Widths of the run-time fields, in the order of the command's payload.
FIELDS = {
    "format": 3,
    "act_bits": 4,
    "x_signed": 1,
    "nnz_per_group": 9,
    "group": 9,
    "run_bits": 4,
    "length": 9,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tile(config.Config):
    """How the weights of one tile are to be read; what the command ``tile`` carries.

    Any values that fit the command's fields are accepted, so that malformed tiles can be described;
    :func:`header_fault` says whether a macro accepts them.

    Parameters
    ----------
    format
        ``dense``, ``coo``, ``rl``, ``nm`` or ``bitmap``.
    act_bits
        Bits of an activation.
    x_signed
        Whether activations are two's complement. A signed one-bit activation is 0 or -1.
    nnz_per_group
        N of N:M, entries kept in each group (NVIDIA's meaning).
    group
        M of N:M, rows of a group.
    run_bits
        ZB, bits of a run of zeros.
    length
        Rows of the tile; the macro's window if None.
    """

    block_name: ClassVar[str] = "spimc"

    format: Format = "coo"
    act_bits: int = 8
    x_signed: bool = False
    nnz_per_group: int | None = None
    group: int | None = None
    run_bits: int | None = None
    length: int | None = None

    def validate(self) -> None:
        """Check that every value fits its field."""
        self.check_choice("format")
        for name in ("act_bits", "nnz_per_group", "group", "run_bits", "length"):
            if getattr(self, name) is not None:
                self.check_range(name, 0, (1 << FIELDS[name]) - 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of the macro.

    Parameters
    ----------
    window
        K, rows of weights that a column can address, 1..256.
    columns
        C, products computed at once, 1..256.
    slots
        R, entries that a column stores, 1..256.
    weight_bits
        WB, 2..8.
    act_bits
        Most bits of an activation, 1..8; a tile may use fewer.
    index_bits
        Bits of the index stored with each weight; None: what a row number needs.
    lanes
        B, activations broadcast per step, a power of two up to the window; run length ignores it.
    formats
        Those that the hardware can read.
    max_group
        Largest M of N:M, a power of two up to 256; it may exceed the window.
    strict
        Whether a malformed entry makes the whole tile invalid. Otherwise the entry counts as 0.
    store
        ``ff``; ``latch``, a black box with a model of its own; ``rowserial``, a block RAM that
        reads one slot of every column per cycle.
    tree_regs
        Register levels inside the adder tree, 0 .. log2 R rounded up.
    """

    block_name: ClassVar[str] = "spimc"

    window: int = 128
    columns: int = 16
    slots: int = 32
    weight_bits: int = 8
    act_bits: int = 8
    index_bits: int | None = None
    lanes: int = 8
    formats: tuple[Format, ...] = FORMATS
    max_group: int = 16
    strict: bool = True
    store: Store = "ff"
    tree_regs: int = 1

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"window": 16, "columns": 4, "slots": 8, "lanes": 4},
        "paper": {},
        "rowserial": {
            "window": 16,
            "columns": 4,
            "slots": 4,
            "lanes": 4,
            "store": "rowserial",
            "tree_regs": 0,
        },
    }

    def validate(self) -> None:
        """Check the ranges, and fill in the default width of an index."""
        for name in ("window", "columns", "slots"):
            self.check_range(name, 1, 256)
        self.check_range("weight_bits", 2, 8)
        self.check_range("act_bits", 1, 8)
        self.check_range("lanes", 1, self.window)
        self.check("lanes", power_of_two(self.lanes), "a power of two")
        known = all(name in FORMATS for name in self.formats) and len(self.formats) > 0
        distinct = len(set(self.formats)) == len(self.formats)
        self.check("formats", known and distinct, f"distinct, some of {', '.join(FORMATS)}")
        self.check_range("max_group", 1, 256)
        self.check("max_group", power_of_two(self.max_group), "a power of two")
        self.check_choice("store")
        tree = 0 if self.store == "rowserial" else bits_for(self.slots)
        self.check_range("tree_regs", 0, tree)
        if self.index_bits is None:
            object.__setattr__(self, "index_bits", self.row_bits)
        low = self.row_bits if {"coo", "bitmap"} & set(self.formats) else 1
        self.check_range("index_bits", low, 12)

    @property
    def row_bits(self) -> int:
        """Bits of a row number: ceil(log2 K), at least 1."""
        return max(1, bits_for(self.window))

    @property
    def ib(self) -> int:
        """Bits of a stored index, as an integer for certain."""
        assert self.index_bits is not None
        return self.index_bits

    @property
    def y_bits(self) -> int:
        """Bits of a signed result: WB + AB + ceil(log2 K)."""
        return self.weight_bits + self.act_bits + bits_for(self.window)

    @property
    def latency(self) -> int:
        """L, registers from the selected bit plane to the accumulator."""
        return 1 + self.tree_regs

    @property
    def interval(self) -> int:
        """Cycles that one vector of the first format's full window computes."""
        return self.cycles(self.default_tile)

    @property
    def default_tile(self) -> Tile:
        """A full window in the first of the formats, at full precision."""
        group = min(4, self.max_group)
        return Tile(
            format=self.formats[0],
            act_bits=self.act_bits,
            x_signed=True,
            nnz_per_group=1,
            group=group,
            run_bits=min(4, self.ib),
            length=self.window,
        )

    def length(self, tile: Tile) -> int:
        """Return the rows of a tile: its own, or the window."""
        return self.window if tile.length is None else tile.length

    def passes(self, tile: Tile) -> int:
        """Return how often the slots are filled for one product: ceil(K / R) for dense tiles."""
        return -(-self.length(tile) // self.slots) if tile.format == "dense" else 1

    def steps(self, tile: Tile) -> int:
        """Return the steps of one bit plane in one pass."""
        rows = {
            "dense": 1,
            "coo": -(-self.length(tile) // self.lanes),
            "bitmap": -(-self.length(tile) // self.lanes),
            "rl": self.length(tile),
            "nm": -(-(tile.group or 1) // self.lanes),
        }[tile.format]
        return rows * self.slots if self.store == "rowserial" else rows

    def cycles(self, tile: Tile | int) -> int:
        """Return the cycles from the first bit plane to the finished accumulators of one product.

        Loading, activations coming in and the C beats of ``y`` going out are not counted. An
        integer n stands for n products of :attr:`default_tile`.
        """
        if isinstance(tile, int):
            return tile * self.cycles(self.default_tile)
        return self.passes(tile) * self.steps(tile) * tile.act_bits + self.latency

    def rewrites(self, tile: Tile) -> int:
        """Return the beats written again for one product: what of a dense tile R does not hold."""
        if tile.format != "dense":
            return 0
        return max(0, self.length(tile) - self.slots) * self.columns


def bits_for(count: int) -> int:
    """Return ceil(log2 count): the bits that tell ``count`` things apart."""
    return (count - 1).bit_length()


def power_of_two(number: int) -> bool:
    """Return whether a number is 1, 2, 4, ..."""
    return number > 0 and number & (number - 1) == 0
