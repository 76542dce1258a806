"""A block in one configuration, and everything that can be done with it.

One file, since it is one class, most of whose lines document the arguments of calls.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul import registry
from nomul.flow import abilities, drawings, mapping, steps
from nomul.flow.mapped import Mapped, fingerprint
from nomul.flow.results import Result, html
from nomul.registry import Block
from nomul.runs import folders

if TYPE_CHECKING:
    from nomul.flow.drawings import Drawing
    from nomul.golden.config import Config
    from nomul.sim.harness import Report
    from nomul.synth.emit import Emitted
    from nomul.synth.emit.tinytapeout import Project


def design(name: str, /, preset: str | None = None, **settings: Any) -> "Design":
    """Return a block in one configuration, ready to be computed, emitted, simulated and mapped.

    Parameters
    ----------
    name
        One of those that :func:`nomul.blocks` lists.
    preset
        A named configuration of the block; its first one if None.
    settings
        Parameters that are to be other than the preset's.

    Raises
    ------
    TypeError, ValueError
        There is no such block, preset or parameter, or the block refuses a value. The message names
        it and the alternatives.

    Examples
    --------
    >>> import nomul
    >>> register = nomul.design("lfsr", width=4, seed=1)
    >>> register
    <lfsr small width=4 seed=1>
    >>> register.model(n=6)
    array([1, 2, 4, 9, 3, 6])
    """
    block = registry.get(name)
    kind = block.config()
    cfg = kind.preset(preset or next(iter(kind.presets)), **settings)
    return Design(block, cfg, preset, tuple(f"{n}={value}" for n, value in settings.items()))


class Design:
    """A block in one configuration; :func:`design` makes it.

    Where a method takes a ``folder`` and gets none, results go where the command line puts them:
    ``build/<block>/<preset>`` under the current folder.

    Parameters
    ----------
    block, cfg
        The block, and its validated configuration.
    preset
        The preset that the configuration comes from; the first one if None.
    changes
        What was set on top of it, ``name=value`` each, for titles.
    """

    def __init__(
        self, block: Block, cfg: "Config", preset: str | None = None, changes: Sequence[str] = ()
    ):
        self.block = block
        self.cfg: Any = cfg  # of the class that the block has
        self.preset, self.changes = preset or block.first_preset, tuple(changes)

    @classmethod
    def parse(cls, name: str, preset: str | None = None, settings: Iterable[str] = ()) -> "Design":
        """Return a design from text: ``settings`` are ``name=value`` each, as for ``--set``."""
        block, settings = registry.get(name), tuple(settings)
        return cls(block, steps.configure(block, preset, settings), preset, settings)

    @property
    def title(self) -> str:
        """The block's name, the preset, and what is changed of it."""
        return " ".join([self.block.name, self.preset, *self.changes])

    @property
    def folder(self) -> Path:
        """Where results go unless another folder is given."""
        return steps.default_folder(self.block, self.preset)

    def ideal(self, *values: Any, **named: Any) -> Any:
        """Return the paper's mathematics in float64, from the block's ``ideal``."""
        function = self.block.golden().ideal
        configured = next(iter(inspect.signature(function).parameters), "") == "cfg"
        given = (self.cfg, *values) if configured else values
        return _call(f"{self.block.name}.ideal", function, given, named)

    def model(self, *values: Any, **named: Any) -> Any:
        """Return the hardware's answer, bit for bit, from the block's ``model``.

        ``design.model(**design.stimuli())`` is the answer to typical and corner inputs.
        """
        function = self.block.golden().model
        return _call(f"{self.block.name}.model", function, (self.cfg, *values), named)

    def stimuli(self, seed: int = 1) -> Mapping[str, Any]:
        """Return typical and corner inputs by the names under which :meth:`model` takes them."""
        import numpy as np

        from nomul.golden.arrays import count

        rng = np.random.default_rng(count("seed", seed))
        stimuli: Mapping[str, Any] = self.block.golden().stimuli(self.cfg, rng)
        return stimuli

    def diagram(self) -> "Drawing":
        """Return streams, modules and the bits between them, drawn from the netlist.

        Raises
        ------
        FileNotFoundError
            Graphviz is not installed.
        """
        return drawings.diagram(self.block, self.cfg, self.title)

    def transaction(self, folder: Path | str | None = None, *, seed: int = 1) -> "Drawing":
        """Run the block's bench, and return the drawing of its first transaction.

        Raises
        ------
        BenchError
            The bench failed.
        """
        where = self.folder / "transaction" if folder is None else Path(folder)
        return drawings.transaction(self.block, self.cfg, where, seed)

    def top(self) -> Any:
        """Return the Amaranth component."""
        return self.block.top(self.cfg)

    def emit(
        self,
        folder: Path | str | None = None,
        *,
        axi: bool = False,
        reset: str = "sync",
        active: str = "high",
        testbench: bool = False,
        seed: int = 1,
        period_ps: int = 10_000,
    ) -> Result["Emitted"]:
        """Return Verilog and manifest, and write them with core and constraints into a folder.

        Parameters
        ----------
        folder
            Where to; nothing is written if None.
        axi
            Behind AXI4-Stream, with status on AXI4-Lite; its reset is low.
        reset, active
            ``sync`` or ``async``; ``high`` or ``low``.
        testbench
            Also a testbench in plain Verilog, with vectors recorded from the block's bench.
        seed
            Of the testbench's stimuli.
        period_ps
            Clock period of the constraints.

        Raises
        ------
        BenchError
            Of a testbench: the block does not do what its model says.
        """
        from nomul.hw.reset import Reset

        emitted = steps.emit(self.block, self.cfg, axi=axi, reset=Reset(reset, active))
        if testbench:
            emitted = steps.add_testbench(self.block, self.cfg, emitted, seed=seed)
        figures: dict[str, Any] = {
            "lines of Verilog": emitted.verilog.count("\n"),
            "ports": len(emitted.manifest["ports"]),
            "sha256": emitted.manifest["sha256"][:16],
        }
        if folder is not None:
            emitted.write(Path(folder), period_ps)
            figures["folder"] = str(folder)
        return Result(emitted, f"Verilog of {self.title}", figures)

    def tinytapeout(
        self,
        folder: Path | str | None = None,
        *,
        author: str = "nomul",
        liberty: Path | str | None = None,
        data: str | None = None,
        images: int | None = None,
        seed: int = 1,
    ) -> Result["Project"]:
        """Return a Tiny Tapeout project, and write it into a folder.

        Parameters
        ----------
        folder
            Where to; nothing is written if None.
        author
            Who submits it; part of the top module's name.
        liberty
            Cells to estimate the number of tiles with; FreePDK45's if None.
        data, images
            A test set whose words the project's test sends, and how many images of it; the bench's
            own stimuli if None.
        seed
            Of the stimuli.

        Raises
        ------
        BenchError
            The block does not do what its model says.
        ValueError
            It is too large, or has inputs that are no streams.
        """
        from nomul.flow import pins

        library = Path(liberty) if liberty is not None else None
        options: dict[str, Any] = {"author": author, "data": data, "images": images, "seed": seed}
        made = pins.tinytapeout(self.block, self.cfg, liberty=library, **options)
        figures: dict[str, Any] = {
            "top module": made.emitted.name,
            "NANDs of two inputs": made.gates,
            "tiles": made.tiles,
            "library": made.library,
        }
        if folder is not None:
            made.write(Path(folder))
            figures["folder"] = str(folder)
        return Result(made, f"Tiny Tapeout project of {self.title}", figures)

    def simulate(
        self,
        folder: Path | str | None = None,
        *,
        seed: int = 1,
        simulator: str | None = None,
        waves: bool = False,
        **options: Any,
    ) -> Result["Report"]:
        """Run the block's bench on its Verilog; every output is compared with the model's.

        Parameters
        ----------
        folder
            Where Verilog and simulation go.
        seed
            Of all random choices of the bench: stimuli and stalls.
        simulator
            ``icarus``, ``verilator``, or ``auto``, which changes from one to the other where that
            takes long; the one that is installed if None.
        waves
            Record a waveform.
        options
            Further ones of :func:`nomul.flow.simulate`: bench, top, tests, environment.

        Raises
        ------
        BenchError
            The bench failed, or checked nothing.
        """
        where = self.folder if folder is None else Path(folder)
        options |= {"seed": seed, "simulator": simulator, "waves": waves}
        report = steps.simulate(self.block, self.cfg, where, **options)
        figures = {"tests passed": report.tests, "values equal the model": report.compared}
        recorded = {"waveform": str(report.waves)} if report.waves else {}
        return Result(report, f"simulation of {self.title}", figures | report.records | recorded)

    def test(
        self,
        data: Path | str,
        target: str | None = None,
        *,
        folder: Path | str | None = None,
        images: int | None = None,
        **options: Any,
    ) -> Result["Report"]:
        """Run a test set through the Verilog, and count right answers of Verilog and model.

        Parameters
        ----------
        data
            A file of samples, or the name of a data set that the block knows.
        target
            Column of the file with the classes.
        folder
            Where the simulation and ``answers.csv`` go.
        images
            Only the first so many samples.
        options
            Further ones of :meth:`simulate`.

        Raises
        ------
        BenchError
            An answer differs from the model's.
        ValueError
            The block takes no test sets, or this one does not fit it.
        """
        where = self.folder if folder is None else Path(folder)
        with folders.private(where, beside=True) as work:
            trial = abilities.test_set(self.block, self.cfg, str(data), work, images, target)
            report = self.simulate(work, environment=trial.environment, **options)
            judged = trial.judge()
        told = {
            name: value.replace(str(work), str(where)) if isinstance(value, str) else value
            for name, value in judged.items()
        }
        return Result(report.value, f"test set through {self.title}", report.figures | told)

    def synthesize(
        self,
        target: str | None = None,
        folder: Path | str | None = None,
        *,
        liberty: Path | str | Sequence[Path] | None = None,
        models: Path | str | None = None,
        defines: Sequence[str] = (),
        period_ps: int = 1000,
        hierarchical: bool | None = None,
        seeds: Sequence[int] = (1, 2, 3),
        clock_gating: int = 0,
    ) -> Mapped:
        """Map the block to gates or to an FPGA, and return what was measured and can be.

        Parameters
        ----------
        target
            ``freepdk45`` if None; else ``generic``, ``ice40``, ``ecp5``, ``gowin``, ``xc7``.
        folder
            Where netlists and logs go; a folder named for the target below the default one if None.
        liberty, models
            Map to the cells of this file instead, or of several that share a library, and the
            Verilog of those cells, for energy.
        defines
            What that Verilog wants to be defined, ``NAME`` or ``NAME=VALUE``.
        period_ps
            Clock period to aim at.
        hierarchical
            Keep modules apart, and count each; None to do so where it saves minutes.
        seeds
            Of place and route; the clock is the median over them.
        clock_gating
            Smallest number of registers with a common enable that get a clock gate; 0 for none.

        Raises
        ------
        YosysError
            The design has a latch, or a wire without driver or with several; or a tool failed.
        FileNotFoundError, ValueError
            There is no such library, or target, or it has no standard cells to gate clocks with.
        """
        where = self.folder / (target or "cells") if folder is None else Path(folder)
        files = Path(liberty) if isinstance(liberty, str) else liberty or None
        cells = (files, Path(models) if models else None, defines)
        with folders.private(where) as work:
            row = mapping.measure(
                self.block,
                self.cfg,
                work,
                preset="" if self.changes else self.preset,
                target=target,
                liberty=cells[0],
                period_ps=period_ps,
                hierarchical=hierarchical,
                seeds=seeds,
                clock_gating=clock_gating,
            )
            netlist = fingerprint(work)
        return Mapped(self.block, self.cfg, self.title, row, where, target, *cells, netlist)

    def __eq__(self, other: object) -> bool:
        """Whether both are the same block in the same configuration, whatever preset names it."""
        if not isinstance(other, Design):
            return NotImplemented
        return (self.block.name, self.cfg) == (other.block.name, other.cfg)

    def __hash__(self) -> int:
        return hash((self.block.name, self.cfg))

    def __repr__(self) -> str:
        return f"<{self.title}>"

    def _repr_html_(self) -> str:
        about = {"block": f"{self.block.name}: {self.block.title}", "preset": self.preset}
        timing = {"latency": self.cfg.latency, "interval": self.cfg.interval}
        return html(self.title, {**about, **self.cfg.to_dict(), **timing})


def _call(what: str, function: Callable[..., Any], values: Sequence[Any], named: Any) -> Any:
    """Call one of a block's functions; arguments that it does not take are a TypeError with names.

    ``cfg`` comes first where the function takes it, and is nobody's argument to give.
    """
    signature = inspect.signature(function)
    takes = ", ".join(name for name in signature.parameters if name != "cfg")
    try:
        signature.bind(*values, **named)
    except TypeError as error:
        raise TypeError(f"{what} takes {takes}: {error}") from None
    return function(*values, **named)
