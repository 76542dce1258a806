"""What nomul has to offer: one line per block, loaded only when it is used.

Other packages bring blocks too: each names its declaration, a :class:`nomul.block.Block`, under
the entry point group :data:`GROUP`.
"""

import difflib
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from nomul.block import CAPABILITIES as CAPABILITIES
from nomul.block import Block as Block
from nomul.block import load as load

GROUP = "nomul.blocks"

_ALL = (
    Block(
        *("essop", "block", "Stochastic outer product", "arXiv 2003.11256"),
        capabilities={"claim": "nomul.experiments.essop.claim:measure"},
        commands={"train essop": "nomul.capabilities.essop:train"},
    ),
    Block(
        *("spimc", "block", "Sparse in-memory-compute macro", "10.1109/CICC60959.2024.10529009"),
        hierarchical=("paper",),
        capabilities={
            "claim": "nomul.experiments.spimc.claim:measure",
            "layer": "nomul.capabilities.layers:layer",
            "words": "nomul.capabilities.layers:words",
        },
        commands={"pack": "nomul.capabilities.spimc:pack"},
    ),
    Block(
        *("lutnet", "block", "Learned look-up tables", "arXiv 1904.00938, arXiv 1910.12625"),
        capabilities={
            "network": "nomul.golden.lutnet:Network",
            "test_set": "nomul.capabilities.lutnet:test_set",
            "predict": "nomul.capabilities.lutnet:predict",
            "narrow": "nomul.capabilities.lutnet:narrow",
            "rivals": "nomul.capabilities.lutnet:rivals",
        },
        commands={"train lutnet": "nomul.capabilities.lutnet:train"},
    ),
    Block(
        *("sonic", "block", "Sparse vector-dot-product accelerator", "arXiv 2109.04459"),
        hierarchical=("small", "paper"),
    ),
    Block(
        *("sotfp", "block", "Floating point in a memory array", "arXiv 2003.01551"),
        capabilities={
            "verify": "nomul.capabilities.sotfp:verify",
            "claim": "nomul.experiments.sotfp.claim:measure",
        },
    ),
    Block("bitplanes", "block", "Matrix-vector product by bit planes", "arXiv 1905.13389"),
    Block(
        *("sgd", "block", "Perceptron that trains itself", "arXiv 2010.05197, arXiv 2003.11256"),
        hierarchical=("digits",),
        commands={"train sgd": "nomul.capabilities.sgd:train"},
    ),
    Block(
        *("permdiag", "block", "Permuted-diagonal matrix-vector product"),
        "arXiv 2004.10936",
        capabilities={"layer": "nomul.capabilities.tiles:permdiag"},
    ),
    Block(
        *("circulant", "block", "Circulant matrix-vector product"),
        "arXiv 1708.08917",
        capabilities={"layer": "nomul.capabilities.tiles:circulant"},
    ),
    Block(
        *("pow2basis", "block", "Powers of two times small bases"),
        "arXiv 2005.03403, arXiv 2101.01163",
        capabilities={"layer": "nomul.capabilities.tiles:pow2basis"},
    ),
    Block(
        *("pq", "block", "Matrix-vector product by table look-up", "arXiv 2305.18334"),
        capabilities={"layer": "nomul.capabilities.tiles:pq"},
    ),
    Block("epitome", "block", "Layers of patches of a small matrix", "arXiv 2311.07620"),
    Block(
        *("lif", "block", "Spiking layers", "arXiv 2411.01628, arXiv 2201.06993"),
        capabilities={
            "network": "nomul.golden.lif:Network",
            "test_set": "nomul.capabilities.lif:test_set",
        },
        commands={"train lif": "nomul.capabilities.lif:train"},
    ),
    Block(
        *("spdnn", "block", "Sparse DNN Graph Challenge", "arXiv 1909.05631, arXiv 2007.14152"),
    ),
    Block(
        *("engine", "block", "Quantised network on one member of the product family"),
        capabilities={
            "test_set": "nomul.capabilities.engine:test_set",
            "predict": "nomul.capabilities.engine:predict",
        },
        commands={"build": "nomul.capabilities.engine:build"},
    ),
    Block("mvmu", "block", "Core around matrix-vector units", "arXiv 1901.10351"),
    Block("dm", "block", "Bayesian layer by memorised products", "arXiv 2005.03857"),
    Block(
        *("dense", "baseline", "Matrix-vector product by INTk multipliers"),
        capabilities={"layer": "nomul.capabilities.tiles:dense"},
    ),
    Block("fp16mul", "baseline", "IEEE FP16 multiplier, three stages", "IEEE 754-2019, binary16"),
    Block("fp16outer", "baseline", "Outer product by FP16 multipliers"),
    Block("intouter", "baseline", "Outer product by INTk multipliers"),
    Block(
        *("plane", "part", "Plane of product cells, one product per cell and cycle"),
        hierarchical=("paper",),
    ),
    Block("faultmem", "part", "Memory that forgets writes", "arXiv 2308.02024"),
    Block("lfsr", "part", "Leap-forward linear-feedback shift register"),
    Block("bitstream", "part", "Bitstream source and comparator"),
    Block("codebook", "part", "Codebook of weight levels"),
    Block("compactor", "part", "Zero compactor"),
    Block("nmsort", "part", "N:M sorter, largest magnitudes of a group", "arXiv 2309.13015"),
    Block("pattern", "part", "Rows that regular dropout keeps", "arXiv 1805.08939"),
    Block("popcount", "part", "Population count"),
    Block("compressor", "part", "Compressor tree of look-up tables"),
    Block("pow2", "part", "Power-of-two operand scaler", "arXiv 2003.11256"),
    Block("residue", "part", "Residues that carry into weight levels", "arXiv 2102.05271"),
    Block("skid", "part", "Stream register and skid buffer"),
)

# nomul's own; :func:`blocks` returns those of other packages too.
BLOCKS = {block.name: block for block in _ALL}


class Blocks(dict[str, Block]):
    """Blocks by name, which show themselves as a table.

    Attributes
    ----------
    faults
        What is wrong with other packages' blocks that cannot be used, by the block's name.
    """

    def __init__(self, blocks: Mapping[str, Block], faults: dict[str, str]):
        super().__init__(blocks)
        self.faults = faults

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{b.name:{width}}  {b.kind:8}  {b.title}" for b in self.values())

    def _repr_html_(self) -> str:
        rows = ((b.name, b.kind, b.title, b.paper) for b in self.values())
        cells = ("".join(f"<td>{escape(text)}</td>" for text in row) for row in rows)
        return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def blocks() -> Blocks:
    """Return all blocks by name, in the order of their listing: nomul's own, then other packages'.

    A block of another package is only there if its declaration loads and its golden model has a
    ``Config`` of its name; ``faults`` says what is wrong with one that is not.
    """
    every = _every()
    return Blocks(every, every.faults)


@cache
def _every() -> Blocks:
    every = Blocks(BLOCKS, {})
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            block = _declared(point)
            if block.name in every:
                raise ValueError(f"{every[block.name].home} has a block of that name")
        except Exception as error:  # of a stranger's code; the other blocks are worth having
            every.faults[point.name] = fault(point.value, error)
        else:
            every[block.name] = block
    return every


def _declared(point: EntryPoint) -> Block:
    """Return the block that an entry point names, if it can be used."""
    block = point.load()
    if not isinstance(block, Block):
        raise TypeError(f"it names no nomul.block.Block, but {block!r}")
    if block.name != point.name:
        raise ValueError(f"the block there is called {block.name!r}")
    if block.own:
        raise ValueError("it says of no package that it is its home")
    kind = block.config()
    if kind.block_name != block.name or not kind.presets:
        raise ValueError(f"its Config is of {kind.block_name!r}, with {len(kind.presets)} presets")
    return block


def fault(where: str, error: Exception) -> str:
    """Return in one line what is wrong with something that another package names."""
    return f"{where}: {type(error).__name__}: {' '.join(str(error).split())}"


def able(capability: str) -> list[str]:
    """Return the names of the blocks that declare a capability."""
    return [name for name, block in blocks().items() if capability in block.capabilities]


def commands() -> dict[str, str]:
    """Return ``module:function`` of the commands that nomul's own blocks bring, by their words.

    Those of later blocks come first, as ``nomul train`` has always listed them.
    """
    brought = [block.commands for block in reversed(BLOCKS.values())]
    return {words: where for commands in brought for words, where in commands.items()}


def room(name: str) -> ModuleType:
    """Return the package of a room, such as ``golden``."""
    return import_module(f"nomul.{name}")


def get(name: str) -> Block:
    """Return a block by name; an unknown one is refused with the names that exist."""
    if not isinstance(name, str):
        raise TypeError(f"the name of a block is text, not {name!r}")
    every = blocks()
    if name in every:
        return every[name]
    if name in every.faults:
        raise ValueError(f"block {name!r} cannot be used: {every.faults[name]}")
    near = difflib.get_close_matches(name, every, n=1)
    ordered = near + [other for other in every if other not in near]
    raise ValueError(f"there is no block {name!r}; there are {', '.join(ordered)}")
