"""What nomul has to offer: one line per block, loaded only when it is used."""

import difflib
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Block:
    """A block, or a part that blocks share; the same name stands for it in every room."""

    name: str
    kind: str  # "block", "part" or "baseline"
    title: str
    paper: str = ""

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
    Block("essop", "block", "Stochastic outer product", "arXiv 2003.11256"),
    Block("spimc", "block", "Sparse in-memory-compute macro", "10.1109/CICC60959.2024.10529009"),
    Block("lutnet", "block", "Learned look-up tables", "arXiv 1904.00938, arXiv 1910.12625"),
    Block("sonic", "block", "Sparse vector-dot-product accelerator", "arXiv 2109.04459"),
    Block("sotfp", "block", "Floating point in a memory array", "arXiv 2003.01551"),
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
