"""What is declared of a block: its name, where its parts are, and what it can do besides.

A package that brings a block of its own imports this module and no other of nomul to declare it:
it needs the standard library alone.
"""

import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

# What a block may be able to do, and how what it names is called. General code asks for these, so
# that it names no block.
CAPABILITIES = {
    "network": "class of its network files, which its parameter `network` names",
    "test_set": "(cfg, data set, folder, images, target) -> how to run and to judge it",
    "narrow": "(cfg) -> component with few pins, and its bench; None where cfg has none",
    "layer": "(weights, inputs, folder, seed) -> configuration, bench, variables of a packed layer",
    "words": "(weights) -> the words of a packed layer for a host, as text by file name",
    "claim": "(settings, tell) -> what its paper claims beside what is measured in that size",
    "verify": "(format, operations, folder, rows) -> records of exhaustive comparisons",
    "rivals": "(data set) -> networks that were trained for it, each a :class:`Rival`",
    "predict": "(cfg, samples, words) -> a flow.results.Question to a board",
}
KINDS = ("block", "part", "baseline")
MODULES = ("golden", "hw", "sim", "tables")

NUMBERS = "baseline"  # folder of a package's committed rows and tables


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A network of a block's own kind that was trained for a data set, to compare others with.

    Attributes
    ----------
    preset
        The block's preset that computes it.
    accuracy
        Share of the whole test set that it recognises.
    bits, weights
        Bits that it stores, and among how many parameters.
    x
        int[n, inputs], the test set as its hardware takes it.
    """

    preset: str
    accuracy: float
    bits: int
    weights: int
    x: Any


@dataclass(frozen=True)
class Block:
    """A block, or a part that blocks share; the same name stands for it in every room.

    Parameters
    ----------
    name, kind, title, paper
        ``kind`` is ``block``, ``part`` or ``baseline``; ``paper`` the source, if there is one.
    home
        Import name of the package that it comes with, ``nomul`` for its own. Another package has
        its page in ``docs/<name>.md`` and its committed numbers in ``baseline/``, both in the
        folder of the package.
    modules
        Import names of ``golden``, ``hw``, ``sim`` and ``tables`` where they are not
        ``<home>.golden`` and so on; for nomul's own blocks ``nomul.golden.<name>`` and so on.
    hierarchical
        Presets that ``report`` maps with their hierarchy kept, since flat they take hours.
    capabilities
        What it can do besides, by the names of :data:`CAPABILITIES`: ``module:attribute`` each,
        imported when it is used.
    commands
        Commands that it brings to the command line: ``module:function`` by their words, such as
        ``train lutnet``. The functions have Typer's annotations, and their modules import no more
        than Typer as they are imported.

    Raises
    ------
    ValueError
        There is no such kind, room or capability, or a command is of other words.
    """

    name: str
    kind: str
    title: str
    paper: str = ""
    home: str = "nomul"
    modules: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    hierarchical: tuple[str, ...] = ()
    capabilities: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    commands: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        self._demand("kind", [self.kind], KINDS)
        self._demand("module", self.modules, MODULES)
        self._demand("capability", self.capabilities, CAPABILITIES)
        for words in self.commands:
            if len(words.split()) > 1 and not re.fullmatch(r"train \S+", words):
                raise ValueError(f"block {self.name}: a command is one word or train and one word")

    def _demand(self, what: str, given: Any, known: Any) -> None:
        for name in given:
            if name not in known:
                raise ValueError(
                    f"block {self.name}: there is no {what} {name!r}; there are {', '.join(known)}"
                )

    @property
    def own(self) -> bool:
        """Whether it is one of nomul's own blocks."""
        return self.home == "nomul"

    @property
    def folder(self) -> Path:
        """Folder of the package that it comes with."""
        found = importlib.util.find_spec(self.home)
        if found is None or not found.submodule_search_locations:
            raise ImportError(f"block {self.name}: {self.home} is no package", name=self.home)
        return Path(next(iter(found.submodule_search_locations)))

    @property
    def page(self) -> Path:
        """Page of its documentation; of nomul's own blocks packaged, or beside the source."""
        return self.folder / "docs" / f"{self.name}.md"

    @property
    def numbers(self) -> Path:
        """Folder of its committed rows and tables, which its first ``report --update`` makes."""
        return self.folder / ("experiments" if self.own else "") / NUMBERS

    def capability(self, name: str) -> Any:
        """Return what the block declares under one of :data:`CAPABILITIES`; None if nothing."""
        return load(self.capabilities[name]) if name in self.capabilities else None

    def module(self, name: str) -> str:
        """Return the import name of one of :data:`MODULES`."""
        if name in self.modules:
            return self.modules[name]
        if not self.own:
            return f"{self.home}.{name}"
        own_tables = f"nomul.experiments.{self.name}.tables"
        return own_tables if name == "tables" else f"nomul.{name}.{self.name}"

    def golden(self) -> ModuleType:
        """Return the golden model's module."""
        return import_module(self.module("golden"))

    def config(self) -> Any:
        """Return the class of its configuration."""
        return self.golden().Config

    def top(self, cfg: Any) -> Any:
        """Return the Amaranth component for a configuration."""
        return import_module(self.module("hw")).Top(cfg)

    def has_tables(self) -> bool:
        """Whether it has a module of measured tables; nothing is imported but what is above it."""
        name = self.module("tables")
        above, dot, _ = name.rpartition(".")
        return (not dot or is_there(above)) and is_there(name)

    def tables(self) -> ModuleType | None:
        """Return the module of its measured tables, or None if it has none."""
        return import_module(self.module("tables")) if self.has_tables() else None

    def metrics(self, cfg: Any) -> dict[str, Any]:
        """Return figures that need no hardware: what ``metrics(cfg)`` says, where a room has it.

        A function of that name in ``golden`` or in the module of tables returns plain values by
        name, such as an error or a count of operations. A sweep makes columns of them.
        """
        functions = [vars(m).get("metrics") for m in (self.golden(), self.tables()) if m]
        return {n: value for f in functions if f is not None for n, value in f(cfg).items()}

    @property
    def first_preset(self) -> str:
        """Name of the preset that is meant where none is named."""
        return str(next(iter(self.config().presets)))

    @property
    def bench(self) -> str:
        """Import name of the cocotb bench."""
        return self.module("sim")

    def sources(self) -> Iterator[Path]:
        """Yield the files of another package that a result may depend on.

        Those are all of the packages that its modules are in, without pages and committed numbers.
        """
        tops = {self.module(name).partition(".")[0] for name in MODULES[:3]}
        for top in sorted({self.home, *tops} - {"nomul"}):
            found = importlib.util.find_spec(top)
            if found is None:
                raise ImportError(f"block {self.name}: there is no module {top}", name=top)
            if not found.submodule_search_locations:
                yield Path(str(found.origin))
            for folder in found.submodule_search_locations or ():
                for path in sorted(Path(folder).rglob("*")):
                    inside = path.relative_to(folder).parts
                    if path.is_file() and not {NUMBERS, "docs", "__pycache__"} & {*inside}:
                        yield path


def is_there(name: str) -> bool:
    """Whether there is a module of that name; the package above it is imported."""
    return importlib.util.find_spec(name) is not None


def load(where: str) -> Any:
    """Return what ``module:attribute`` names."""
    module, _, attribute = where.partition(":")
    return getattr(import_module(module), attribute)
