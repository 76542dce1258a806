"""SP-IMC: a digital in-memory-compute macro that multiplies by compressed weights.

After Sridharan, Zhang, Seo and Fan, "SP-IMC: A Sparsity Aware In-Memory-Computing Macro in 28nm
CMOS with Configurable Sparse Representation for Highly Sparse DNN Workloads", CICC 2024, which
stores and processes coordinate, run-length and N:M weights along the columns, with tunable
precision. Geometry, widths, checks, broadcast lanes, and the dense and bitmap formats are our
reconstruction.
"""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import config

if TYPE_CHECKING:
    from nomul.golden.sparse import Packed

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FORMATS = ("dense", "coo", "rl", "nm", "bitmap")
STORES = ("ff", "latch", "rowserial")

# Bits of the sticky error register, least significant first. Where one beat breaks several rules
# it raises the first of them.
FLAGS = (
    "E_HDR",
    "E_SLOTS",
    "E_NMCNT",
    "E_RANGE",
    "E_RLRUN",
    "E_DUP",
    "E_ORDER",
    "E_TRUNC",
    "E_NOTLOADED",
    "E_XLAST",
)

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


class NotLoaded(ValueError):
    """A product was asked of a tile that the macro refuses: E_NOTLOADED."""


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

    format: str = "coo"
    act_bits: int = 8
    x_signed: bool = False
    nnz_per_group: int | None = None
    group: int | None = None
    run_bits: int | None = None
    length: int | None = None

    def validate(self) -> None:
        """Check that every value fits its field."""
        self.check_choice("format", FORMATS)
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

    window: int = 128
    columns: int = 16
    slots: int = 32
    weight_bits: int = 8
    act_bits: int = 8
    index_bits: int | None = None
    lanes: int = 8
    formats: tuple[str, ...] = FORMATS
    max_group: int = 16
    strict: bool = True
    store: str = "ff"
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
        self.check("lanes", _power_of_two(self.lanes), "a power of two")
        known = all(name in FORMATS for name in self.formats) and len(self.formats) > 0
        distinct = len(set(self.formats)) == len(self.formats)
        self.check("formats", known and distinct, f"distinct, some of {', '.join(FORMATS)}")
        self.check_range("max_group", 1, 256)
        self.check("max_group", _power_of_two(self.max_group), "a power of two")
        self.check_choice("store", STORES)
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


def _power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0


def header_fault(cfg: Config, tile: Tile) -> str | None:
    """Return why the macro refuses a tile's header (E_HDR), naming field and value, or None."""
    length = cfg.length(tile)
    rules = [
        ("format", tile.format in cfg.formats, f"one of {', '.join(cfg.formats)}"),
        ("act_bits", 1 <= tile.act_bits <= cfg.act_bits, f"in 1..{cfg.act_bits}"),
        ("length", 1 <= length <= cfg.window, f"in 1..{cfg.window}"),
    ]
    if tile.format == "nm":
        group, kept = tile.group or 0, tile.nnz_per_group or 0
        power = _power_of_two(group) and group <= cfg.max_group
        rules += [
            ("group", power, f"a power of two up to {cfg.max_group}"),
            ("nnz_per_group", 1 <= kept <= group, f"in 1..{group}"),
        ]
    if tile.format == "rl":
        fits = tile.run_bits is not None and tile.run_bits <= cfg.ib
        rules.append(("run_bits", fits, f"in 0..{cfg.ib}"))
    for name, ok, rule in rules:
        if not ok:
            return f"tile.{name} must be {rule}, not {getattr(tile, name)!r}"
    return None


def faults(cfg: Config, packed: "Packed") -> NDArray[np.int8]:
    """Return for every entry the flag that it raises: int8[columns, width], -1 for none.

    Width is at least 1; the null beat of an empty column has place 0. The header is legal.
    """
    tile, length = packed.tile, cfg.length(packed.tile)
    value, index, count = packed.value, packed.index.astype(np.int64), packed.count
    columns, width = value.shape
    slot = np.arange(width)
    live = slot < count[:, None]
    flag = np.full((columns, width), -1, dtype=np.int8)

    def mark(name: str, where: Any) -> None:
        flag[np.broadcast_to(where, flag.shape)] = FLAGS.index(name)

    last = slot == np.maximum(count - 1, 0)[:, None]
    if tile.format == "coo":
        fits = index < length
        _order(mark, index, live & fits, np.zeros_like(slot))
        mark("E_RANGE", live & ~fits)
    elif tile.format == "nm":
        kept, group = tile.nnz_per_group or 1, tile.group or 1
        position = (slot // kept) * group + index
        fits = (index < group) & ((position < length) | (value == 0))
        _order(mark, index, live & fits, slot // kept)
        mark("E_RANGE", live & ~fits)
        wanted = kept * -(-length // group)
        mark("E_NMCNT", live & (slot >= wanted))
        mark("E_NMCNT", last & (count < wanted)[:, None])
    elif tile.format == "rl":
        mark("E_RLRUN", live & (positions(cfg, packed) >= length))
        mark("E_RANGE", live & (index >> (tile.run_bits or 0) != 0))
    elif tile.format == "bitmap":
        ones = packed.bits(length).sum(axis=1)
        mark("E_NMCNT", live & (slot >= ones[:, None]))
        mark("E_NMCNT", last & (count < ones)[:, None])
    else:
        mark("E_RANGE", live & (slot >= length))
    start = np.minimum(slot // cfg.slots, cfg.passes(tile) - 1) * cfg.slots
    mark("E_SLOTS", live & (slot - start >= cfg.slots))
    return flag


def _order(mark: Any, index: Ints, accepted: Any, group: Ints) -> None:
    """Mark entries whose index does not exceed that of the last accepted one of its group."""
    span = int(index.max(initial=0)) + 2
    # An entry that is refused for its order is below the highest so far, so it changes no maximum.
    key = np.where(accepted, index + 1, 0) + group * span
    highest = np.maximum.accumulate(key, axis=1)
    before = np.zeros_like(key)
    before[:, 1:] = highest[:, :-1]
    previous = before - group * span - 1
    mark("E_ORDER", accepted & (index < previous))
    mark("E_DUP", accepted & (index == previous))


def positions(cfg: Config, packed: "Packed") -> Ints:
    """Return the row of every entry, int64[columns, width]; see the table of formats."""
    tile, index = packed.tile, packed.index.astype(np.int64)
    slot = np.broadcast_to(np.arange(index.shape[1]), index.shape)
    if tile.format == "dense":
        return slot
    if tile.format == "nm":
        return (slot // (tile.nnz_per_group or 1)) * (tile.group or 1) + index
    if tile.format == "rl":
        return np.cumsum((index & ((1 << (tile.run_bits or 0)) - 1)) + 1, axis=1) - 1
    if tile.format == "bitmap":
        return packed.ranks(cfg.length(tile))
    return index


def check(cfg: Config, packed: "Packed") -> list[tuple[str, int, int]]:
    """Return what loading a tile flags: (flag, column, slot), in the order of the stream.

    A tile of fewer columns than the macro has is E_TRUNC when it is started. A slot is counted
    within its pass.
    """
    _require_shape(cfg, packed)
    if header_fault(cfg, packed.tile):
        return [("E_HDR", 0, 0)]
    flag = faults(cfg, packed)
    column, place = np.nonzero(flag >= 0)
    passes = np.minimum(place // cfg.slots, cfg.passes(packed.tile) - 1)
    order = np.lexsort((place, column, passes))
    found = [
        (FLAGS[flag[column[i], place[i]]], int(column[i]), int(place[i] - passes[i] * cfg.slots))
        for i in order
    ]
    if len(flag) < cfg.columns:
        found.append(("E_TRUNC", len(flag), 0))
    return found


def _require_shape(cfg: Config, packed: "Packed") -> None:
    columns, half = len(packed.count), 1 << (cfg.weight_bits - 1)
    if columns > cfg.columns:
        raise ValueError(f"packed has {columns} columns; the macro has {cfg.columns}")
    if packed.value.size and not -half <= packed.value.min() <= packed.value.max() < half:
        raise ValueError(f"packed.value does not fit {cfg.weight_bits} bits")


def effective(cfg: Config, packed: "Packed") -> Ints:
    """Return the weights that a loaded tile computes with, int64[length, columns].

    Entries that raise a flag count as 0.

    Raises
    ------
    NotLoaded
        The macro is strict and the tile is malformed, or its header is, or columns are missing.
    """
    found = check(cfg, packed)
    fatal = [f for f in found if cfg.strict or f[0] in ("E_HDR", "E_TRUNC")]
    if fatal:
        flag, column, slot = fatal[0]
        raise NotLoaded(f"E_NOTLOADED: {flag} in column {column}, slot {slot}")
    length = cfg.length(packed.tile)
    value = packed.value if not found else np.where(faults(cfg, packed) >= 0, 0, packed.value)
    return scatter(value, positions(cfg, packed), packed.count, length)


def scatter(value: Any, position: Ints, count: Any, length: int) -> Ints:
    """Return dense[k, c]: the sum of the live weights of column c whose row is k."""
    live = (np.arange(value.shape[1]) < np.asarray(count)[:, None]) & (value != 0)
    live &= position < length
    column, slot = np.nonzero(live)
    dense = np.zeros((length, len(value)), dtype=np.int64)
    np.add.at(dense, (position[column, slot], column), value[column, slot].astype(np.int64))
    return dense


def activations(tile: Tile, x: ArrayLike, length: int) -> Ints:
    """Return activations as int64[..., length], or raise ValueError naming what does not fit."""
    x = np.asarray(x)
    if x.dtype.kind not in "iub":
        raise TypeError(f"x must be integers, not {x.dtype}")
    x = x.astype(np.int64)
    if x.ndim not in (1, 2) or x.shape[-1] != length:
        raise ValueError(f"x must be of shape [{length}] or [V, {length}], not {list(x.shape)}")
    low, high = act_range(tile)
    if x.size and not low <= x.min() <= x.max() <= high:
        raise ValueError(f"x must be in {low}..{high}, not {x.min()}..{x.max()}")
    return x


def act_range(tile: Tile) -> tuple[int, int]:
    """Return the least and the greatest activation of a tile."""
    if tile.x_signed:
        return -(1 << (tile.act_bits - 1)), (1 << (tile.act_bits - 1)) - 1
    return 0, (1 << tile.act_bits) - 1


def ideal(w: ArrayLike, x: ArrayLike) -> Floats:
    """Return y = W^T x in float64: [C] for x [K], [V, C] for x [V, K]."""
    return np.asarray(x, dtype=np.float64) @ np.asarray(w, dtype=np.float64)


def model(cfg: Config, packed: "Packed", x: ArrayLike) -> Ints:
    """Return y_c = sum_k dense[k, c] x_k, as the hardware gives it.

    Parameters
    ----------
    packed
        A tile, from :func:`nomul.golden.sparse.pack` or built by hand, malformed ones included.
    x
        Activations [length], or V vectors of them.

    Returns
    -------
    int64[C], or int64[V, C]

    Raises
    ------
    NotLoaded
        The macro refuses to start the tile; see :func:`effective`.
    ValueError
        Shapes do not fit, or an activation is out of the tile's range.
    """
    weights = effective(cfg, packed)
    vectors = activations(packed.tile, x, len(weights))
    # Every partial sum is an integer below 2**24, so float64 is exact, and it has a fast product.
    return np.rint(vectors.astype(np.float64) @ weights.astype(np.float64)).astype(np.int64)


def model_by_planes(cfg: Config, packed: "Packed", x: ArrayLike) -> Ints:
    """Return the same as :func:`model`, one bit plane after the other as the hardware works.

    acc <- 2 acc + psum from the most significant plane on; a signed plane is subtracted.
    """
    weights, tile = effective(cfg, packed), packed.tile
    vectors = activations(tile, x, len(weights))
    acc = np.zeros((*vectors.shape[:-1], weights.shape[1]), dtype=np.int64)
    for plane in reversed(range(tile.act_bits)):
        psum = ((vectors >> plane) & 1) @ weights
        sign = tile.x_signed and plane == tile.act_bits - 1
        acc = 2 * acc + (-psum if sign else psum)
    return acc


def stimuli(
    cfg: Config, rng: np.random.Generator, tile: Tile, n_vectors: int = 4
) -> dict[str, Ints]:
    """Return weights [length, C] that a tile can hold, and vectors [V, length].

    Weights are sparse with Laplace-like magnitudes; the first column is empty, the last has the
    most negative weights. The first vectors are the extremes of the activations.
    """
    length, half = cfg.length(tile), 1 << (cfg.weight_bits - 1)
    magnitude = np.rint(rng.laplace(scale=half / 4, size=(length, cfg.columns)))
    dense = np.clip(magnitude, -half, half - 1).astype(np.int64)
    dense[:, -1] = -half
    if tile.format == "nm":
        kept, group = tile.nnz_per_group or 1, tile.group or 1
        groups = min(-(-length // group), cfg.slots // kept)
        noise = rng.random((-(-length // group) * group, cfg.columns))
        noise = noise.reshape(-1, group, cfg.columns)
        keep = (noise.argsort(axis=1).argsort(axis=1) < kept).reshape(-1, cfg.columns)[:length]
        keep[groups * group :] = False
        dense *= keep
    elif tile.format != "dense":
        full = min(cfg.slots, length)
        kept = full if tile.format != "rl" else max(1, full - (length >> (tile.run_bits or 0)))
        rank = rng.random((length, cfg.columns)).argsort(axis=0).argsort(axis=0)
        dense *= rank < rng.integers(0, kept + 1, cfg.columns)
    if cfg.columns > 1:
        dense[:, 0] = 0
    low, high = act_range(tile)
    x = rng.integers(low, high + 1, (n_vectors, length))
    for row, corner in enumerate((low, high)[: max(0, n_vectors - 1)]):
        x[row] = corner
    return {"w": dense, "x": x}
