"""A block that has been mapped to cells: its figures, and what only a netlist can tell."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul.flow import figures, mapping
from nomul.flow.results import Result
from nomul.registry import Block

if TYPE_CHECKING:
    from nomul.golden.config import Config
    from nomul.synth.check.netcheck import Checked
    from nomul.synth.energy.power import Energy
    from nomul.synth.layout.layout import Layout
    from nomul.synth.measure import Row
    from nomul.synth.place.pnr import Placed


def fingerprint(folder: Path) -> str:
    """Return a hash of the netlist that a synthesis has left in a folder."""
    total = hashlib.sha256()
    for name in ("mapped.v", "mapped.json"):
        if (folder / name).is_file():
            total.update((folder / name).read_bytes())
    return total.hexdigest()


class Mapped(Result["Row"]):
    """What a block became on a target; :meth:`nomul.flow.Design.synthesize` makes it.

    Attributes
    ----------
    row
        What was measured, with tools and constraint; its fields are attributes of this object too.
    where
        The folder with ``mapped.v`` and the tools' logs. Methods that read the netlist raise a
        ValueError where another run has put its own there.

    Parameters
    ----------
    block, cfg, title
        What was mapped.
    row, where
        See above.
    target, liberty, models, defines
        As they were asked for.
    netlist
        Of the netlist: :func:`fingerprint`.
    """

    def __init__(
        self,
        block: Block,
        cfg: "Config",
        title: str,
        row: "Row",
        where: Path,
        target: str | None = None,
        liberty: mapping.Files = None,
        models: Path | None = None,
        defines: Sequence[str] = (),
        netlist: str = "",
    ):
        super().__init__(row, f"{title}, {row.target}", figures.measured(row), *figures.parts(row))
        self.block, self.cfg, self.row, self.where = block, cfg, row, where
        self._cells, self._netlist = (target, liberty, models, defines), netlist

    def _folder(self) -> Path:
        """Return the folder, if the netlist there is still the one that was measured."""
        if fingerprint(self.where) != self._netlist:
            raise ValueError(
                f"{self.where}: holds another run's netlist by now; synthesize into a folder that "
                "no other run has"
            )
        return self.where

    def energy(
        self, *, period_ps: int | None = None, glitches: bool = False, seed: int = 1
    ) -> Result["Energy"]:
        """Run the block's bench on the cells, and return the energy that they take.

        Parameters
        ----------
        period_ps
            Clock period of the estimate; that of the synthesis if None.
        glitches
            Give every cell a delay, and count what nets do before they settle.
        seed
            Of the bench's stimuli.

        Raises
        ------
        BenchError
            The netlist does not do what the model says.
        FileNotFoundError, ValueError
            The target has no standard cells, or no Verilog models of them.
        """
        cells = mapping.cells_with_models(*self._cells)
        period = self.row.period_ps if period_ps is None else period_ps
        options: dict[str, Any] = {"period_ps": period, "glitches": glitches, "seed": seed}
        spent = mapping.energy(self.block, self.cfg, self._folder(), cells, **options)
        unit = f"fJ per {spent.operation}"
        shown = figures.spent(spent), figures.shares(spent), unit
        return Result(spent, f"energy of {self.title}", *shown)

    def check(self, *, count: int = 1000) -> Result["Checked"]:
        """Run ``count`` recorded transfers on the cells, beside the design they were mapped from.

        Raises
        ------
        NetlistError
            An answer differs from that of the golden model, or does not come.
        """
        checked = mapping.check(self.block, self.cfg, self._folder(), *self._cells, count=count)
        return Result(
            checked, f"cells of {self.title}", {"words right on the cells": checked.words}
        )

    def layout(
        self, *, density: float = 0.8, energy: bool = True, route: bool | None = None, seed: int = 1
    ) -> Result["Layout"]:
        """Place the cells, and return their clock and energy without and with wires.

        Wires are routed, or estimated.

        DEF, SPEF, Verilog and a picture go into the folder ``layout`` beside the netlist.

        Parameters
        ----------
        density
            Share of the rows that cells fill.
        energy
            Run the block's bench on the cells too.
        route
            Route the wires, or estimate them. If None, they are routed where the router is there
            and the cells are 2,500 at most.
        seed
            Of the placement, and of the bench's stimuli.

        Raises
        ------
        BenchError
            The netlist does not do what the model says.
        PlacementError, RoutingError
            The cells do not fit, a tool has stopped, or its time is over.
        ImportError, FileNotFoundError, ValueError
            A tool is not installed, the target has no LEF files, or there is no such density.
        """
        _, liberty, *_ = self._cells
        if liberty:
            raise ValueError("a layout needs LEF files, and a target of --liberty has none")
        options: dict[str, Any] = {"density": density, "energy": energy, "seed": seed}
        if route is None:
            route = mapping.worth_routing(sum(self.row.cells.values()))
        options["routed"] = route
        made = mapping.layout(
            self.block,
            self.cfg,
            self._folder(),
            self.row.target,
            period_ps=self.row.period_ps,
            **options,
        )
        return Result(made, f"layout of {self.title}", figures.laid_out(made))

    def place(
        self, *, device: str | None = None, seeds: Sequence[int] = (1, 2, 3)
    ) -> Result["Placed"]:
        """Place and route the cells on an FPGA, once per seed; the clock is the median one.

        Parameters
        ----------
        device
            ``25k``, ``hx8k`` and so on; the smallest that holds the design if None.
        seeds
            Of the placement.

        Raises
        ------
        PnrError
            The block fits no device, or cannot be routed.
        ValueError
            The target is no FPGA that can be placed, or has no such device.
        """
        options: dict[str, Any] = {"device": device, "seeds": seeds}
        netlist = self._folder() / "mapped.json"
        placed = mapping.place(
            self.block, self.cfg, self.where, self.row.target, netlist_json=netlist, **options
        )
        return Result(placed, f"{self.title} {placed.device}", figures.placed(placed))

    def bitstream(self, board: str, *, seed: int = 1, link: str = "uart") -> Result[dict[str, Any]]:
        """Put the block on a board, with a serial line that feeds it, and write its bitstream.

        The serial line is mapped together with the block, so the block is mapped once more.

        Parameters
        ----------
        board
            Name of one that comes along, or a file ``NAME.toml`` of pins.
        seed
            Of the placement.
        link
            Kind of the line: ``uart`` or ``spi``.

        Raises
        ------
        PnrError
            The block does not fit the board, or is slower than its oscillator.
        ValueError
            There is no such board, or it carries another FPGA than the target.
        """
        about = mapping.bitstream(
            self.block,
            self.cfg,
            self.where / Path(board).stem,
            board,
            seed=seed,
            target=self.row.target,
            link=link,
        )
        shown = {"bitstream": about["bitstream"], "clock (MHz)": about["placed"]["fmax_mhz"]}
        return Result(about, f"{self.title} on {about['board']}", shown)
