"""What nomul has to offer: one line per block, loaded only when it is used."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

# What a block may be able to do, and how what it names is called. General code asks for these, so
# that it names no block.
CAPABILITIES = {
    "network": "class of its network files, which its parameter `network` names",
    "test_set": "(cfg, data set, folder, images, target) -> how to run and to judge it",
    "layer": "(weights, inputs, folder) -> configuration, bench and environment of a packed layer",
    "verify": "(format, operations, folder, rows) -> records of exhaustive comparisons",
}


@dataclass(frozen=True)
class Block:
    """A block, or a part that blocks share; the same name stands for it in every room.

    Parameters
    ----------
    name, kind, title, paper
        ``kind`` is ``block``, ``part`` or ``baseline``; ``paper`` the source, if there is one.
    capabilities
        What it can do besides, by the names of :data:`CAPABILITIES`: ``module:attribute`` each,
        imported when it is used.
    commands
        Commands that it brings to the command line: ``module:function`` by their words, such as
        ``train lutnet``. The functions have Typer's annotations, and their modules import no more
        than Typer as they are imported.
    """

    name: str
    kind: str
    title: str
    paper: str = ""
    capabilities: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    commands: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in self.capabilities.keys() - CAPABILITIES.keys():
            known = ", ".join(CAPABILITIES)
            raise ValueError(
                f"block {self.name}: there is no capability {name!r}; there are {known}"
            )
        for words in self.commands:
            if len(words.split()) > 1 and not re.fullmatch(r"train \S+", words):
                raise ValueError(f"block {self.name}: a command is one word or train and one word")

    def capability(self, name: str) -> Any:
        """Return what the block declares under one of :data:`CAPABILITIES`; None if nothing."""
        return load(self.capabilities[name]) if name in self.capabilities else None

    def golden(self) -> ModuleType:
        """Return the golden model's module."""
        return import_module(f"nomul.golden.{self.name}")

    def config(self) -> Any:
        """Return the class of its configuration."""
        return self.golden().Config

    def top(self, cfg: Any) -> Any:
        """Return the Amaranth component for a configuration."""
        return import_module(f"nomul.hw.{self.name}").Top(cfg)

    def metrics(self, cfg: Any) -> dict[str, Any]:
        """Return figures that need no hardware: what ``metrics(cfg)`` says, where a room has it.

        A function of that name in ``golden`` or of ``experiments/<block>/tables.py`` returns
        plain values by name, such as an error or a count of operations. A sweep makes columns of
        them.
        """
        modules = [self.golden()]
        tables = f"nomul.experiments.{self.name}"
        if find_spec(tables):
            modules.append(import_module(f"{tables}.tables"))
        functions = [vars(module).get("metrics") for module in modules]
        return {n: value for f in functions if f is not None for n, value in f(cfg).items()}

    @property
    def first_preset(self) -> str:
        """Name of the preset that is meant where none is named."""
        return str(next(iter(self.config().presets)))

    @property
    def bench(self) -> str:
        """Import name of the cocotb bench."""
        return f"nomul.sim.{self.name}"


_ALL = (
    Block(
        *("essop", "block", "Stochastic outer product", "arXiv 2003.11256"),
        commands={"train essop": "nomul.capabilities.essop:train"},
    ),
    Block(
        *("spimc", "block", "Sparse in-memory-compute macro", "10.1109/CICC60959.2024.10529009"),
        capabilities={"layer": "nomul.capabilities.spimc:layer"},
        commands={"pack": "nomul.capabilities.spimc:pack"},
    ),
    Block(
        *("lutnet", "block", "Learned look-up tables", "arXiv 1904.00938, arXiv 1910.12625"),
        capabilities={
            "network": "nomul.golden.lutnet:Network",
            "test_set": "nomul.capabilities.lutnet:test_set",
        },
        commands={"train lutnet": "nomul.capabilities.lutnet:train"},
    ),
    Block("sonic", "block", "Sparse vector-dot-product accelerator", "arXiv 2109.04459"),
    Block(
        *("sotfp", "block", "Floating point in a memory array", "arXiv 2003.01551"),
        capabilities={"verify": "nomul.capabilities.sotfp:verify"},
    ),
    Block("bitplanes", "block", "Matrix-vector product by bit planes", "arXiv 1905.13389"),
    Block(
        *("lif", "block", "Spiking layers", "arXiv 2411.01628, arXiv 2201.06993"),
        capabilities={
            "network": "nomul.golden.lif:Network",
            "test_set": "nomul.capabilities.lif:test_set",
        },
        commands={"train lif": "nomul.capabilities.lif:train"},
    ),
    Block("dense", "baseline", "Matrix-vector product by INTk multipliers"),
    Block("fp16mul", "baseline", "IEEE FP16 multiplier, three stages", "IEEE 754-2019, binary16"),
    Block("fp16outer", "baseline", "Outer product by FP16 multipliers"),
    Block("intouter", "baseline", "Outer product by INTk multipliers"),
    Block("plane", "part", "Plane of product cells, one product per cell and cycle"),
    Block("lfsr", "part", "Leap-forward linear-feedback shift register"),
    Block("bitstream", "part", "Bitstream source and comparator"),
    Block("codebook", "part", "Codebook of weight levels"),
    Block("compactor", "part", "Zero compactor"),
    Block("popcount", "part", "Population count"),
    Block("compressor", "part", "Compressor tree of look-up tables"),
    Block("pow2", "part", "Power-of-two operand scaler", "arXiv 2003.11256"),
    Block("skid", "part", "Stream register and skid buffer"),
)

BLOCKS = {block.name: block for block in _ALL}


class Blocks(dict[str, Block]):
    """Blocks by name, which show themselves as a table."""

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{b.name:{width}}  {b.kind:8}  {b.title}" for b in self.values())

    def _repr_html_(self) -> str:
        rows = ((b.name, b.kind, b.title, b.paper) for b in self.values())
        cells = ("".join(f"<td>{escape(text)}</td>" for text in row) for row in rows)
        return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def blocks() -> Blocks:
    """Return all blocks by name, in the order of their listing."""
    return Blocks(BLOCKS)


def able(capability: str) -> list[str]:
    """Return the names of the blocks that declare a capability."""
    return [name for name, block in BLOCKS.items() if capability in block.capabilities]


def commands() -> dict[str, str]:
    """Return ``module:function`` of the commands that blocks bring, by their words.

    Those of later blocks come first, as ``nomul train`` has always listed them.
    """
    brought = [block.commands for block in reversed(BLOCKS.values())]
    return {words: where for commands in brought for words, where in commands.items()}


def load(where: str) -> Any:
    """Return what ``module:attribute`` names."""
    module, _, attribute = where.partition(":")
    return getattr(import_module(module), attribute)


def room(name: str) -> ModuleType:
    """Return the package of a room, such as ``golden``."""
    return import_module(f"nomul.{name}")


def get(name: str) -> Block:
    """Return a block by name; an unknown one is refused with the names that exist."""
    if name in BLOCKS:
        return BLOCKS[name]
    near = difflib.get_close_matches(name, BLOCKS, n=1)
    ordered = near + [other for other in BLOCKS if other not in near]
    raise ValueError(f"there is no block {name!r}; there are {', '.join(ordered)}")
