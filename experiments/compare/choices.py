"""What is compared: members of the family in three sizes, and how each is set up."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nomul.golden import products

# Rows and columns of a tile. Every array has about as many multipliers, or what stands for them, as
# do K C / 64 products of 8 x 8 bits per cycle: 1, 4 and 16.
SIZES = {"small": (16, 4), "medium": (32, 8), "large": (64, 16)}


# Weights of a word that loads a dense array: as wide as that of a small array of bit planes.
WORD = 8


@dataclass(frozen=True)
class Scale:
    """A size, and what a member's settings follow from.

    Attributes
    ----------
    inputs, outputs
        K and C of a tile.
    act_bits
        Of an activation.
    fpga
        Whether cells are those of an FPGA, which has multipliers.
    weight_bits
        Of a weight.
    """

    inputs: int
    outputs: int
    act_bits: int
    fpga: bool
    weight_bits: int = 8

    @property
    def rate(self) -> int:
        """Products per cycle that arrays of multipliers are made for."""
        return max(1, self.inputs * self.outputs // 64)


@dataclass(frozen=True)
class Candidate:
    """A member in one size.

    Attributes
    ----------
    label
        What rows call it.
    member
        Its name in the family.
    size
        Of :data:`SIZES`.
    settings
        Its own parameters.
    """

    label: str
    member: str
    size: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def _multipliers(scale: Scale) -> dict[str, Any]:
    # Weights come in words of eight, or of all that meet in a cycle: half of its time would be
    # loading else.
    load = max(1, WORD // scale.rate)
    kind = "operator" if scale.fpga else "smallest"
    return {"products": scale.rate, "multiplier": kind, "load": load}


def _bit_by_bit(scale: Scale) -> dict[str, Any]:
    return {"products": scale.rate * scale.act_bits, "array": "bitserial"}


def _planes(scale: Scale) -> dict[str, Any]:
    binary = {"encodings": ("and",), "rounding": False, "checks": False}
    return {"lanes": scale.inputs, "tree_regs": 1, **binary}


def _diagonals(scale: Scale) -> dict[str, Any]:
    rows = -(-scale.outputs // 4)
    return {"p": 4, "pes": 1, "muls": min(rows, scale.rate), "lanes": 4}


def _circulants(scale: Scale) -> dict[str, Any]:
    return {"k": 4, "units": max(1, min(-(-scale.outputs // 4), scale.rate // 4))}


def _circulants_bit_by_bit(scale: Scale) -> dict[str, Any]:
    return {"k": 4, "units": max(1, scale.rate * scale.act_bits // 4), "product": "bitserial"}


def _bases(scale: Scale) -> dict[str, Any]:
    return {"units": min(scale.outputs, max(2, scale.rate // 2))}


def _patches(scale: Scale) -> dict[str, Any]:
    # All rows and a quarter of the columns; sixteen patches, each a quarter of the rows high.
    columns = max(1, scale.outputs // 4)
    entries = 4 * -(-scale.outputs // columns)
    return {"rows": scale.inputs, "cols": columns, "entries": entries}


def _sparse(scale: Scale) -> dict[str, Any]:
    # As many slots as rows, so that a dense tile is held whole.
    return {"slots": scale.inputs, "lanes": 4, "formats": ("dense", "bitmap"), "tree_regs": 1}


def _tables(scale: Scale) -> dict[str, Any]:
    # Entries of eight bits, in units that let only the largest of four products saturate: fewer
    # bits give smaller products, which would all be zero in the units of eight.
    shift = max(0, scale.weight_bits + scale.act_bits - 7)
    return {"table_bits": 8, "table_shift": shift, "units": (4, 4, scale.outputs)}


def _levels(scale: Scale) -> dict[str, Any]:
    side = {1: 1, 4: 2, 16: 4}.get(scale.rate, 1)
    return {
        "code_bits": min(4, scale.weight_bits),
        "fc_lanes": side,
        "fc_units": max(1, scale.rate // side),
        "conv_lanes": 1,
        "conv_units": 1,
        "compactor_width": 4,
        "batchnorm_bits": 2,
        "max_length": scale.inputs,
        "address_bits": scale.outputs.bit_length(),
    }


# Rows of a member that has more than one, or parameters beside its sizes; a member that is not
# here has one row, with its own defaults.
SET_UP: dict[str, dict[str, Callable[[Scale], dict[str, Any]]]] = {
    "dense": {"dense": _multipliers, "dense, bit by bit": _bit_by_bit},
    "bitplanes": {"bitplanes": _planes},
    "permdiag": {"permdiag": _diagonals},
    "circulant": {"circulant": _circulants, "circulant, bit by bit": _circulants_bit_by_bit},
    "pow2basis": {"pow2basis": _bases},
    "pq": {"pq": _tables},
    "epitome": {"epitome": _patches},
    "spimc": {"spimc": _sparse},
    "sonic": {"sonic": _levels},
}


# What is compared if nothing is named.
NAMES = (*products.MEMBERS, *products.CONTROLLERS)


def candidates(
    names: Iterable[str],
    sizes: Iterable[str],
    act_bits: int,
    fpga: bool,
    changes: Mapping[str, Mapping[str, str]],
    weight_bits: int = 8,
) -> list[Candidate]:
    """Return the candidates of some members in some sizes.

    Parameters
    ----------
    names
        Members; all of the family if none is named.
    sizes
        Of :data:`SIZES`.
    act_bits, fpga, weight_bits
        See :class:`Scale`.
    changes
        Parameters to set otherwise, as text, by member.

    Raises
    ------
    TypeError, ValueError
        There is no such member, size or parameter.
    """
    chosen = list(names) or list(NAMES)
    for name in changes:
        if name not in chosen:
            raise ValueError(f"--set is for members that are compared, and {name!r} is none")
    made = []
    for size in sizes:
        if size not in SIZES:
            raise ValueError(f"there is no size {size!r}; there are {', '.join(SIZES)}")
        scale = Scale(*SIZES[size], act_bits, fpga, weight_bits)
        for name in chosen:
            kind = products.member(name).Config
            own = {field: kind.parse(field, text) for field, text in changes.get(name, {}).items()}
            for label, settings in SET_UP.get(name, {name: lambda _: {}}).items():
                made.append(Candidate(label, name, size, {**settings(scale), **own}))
    return made
