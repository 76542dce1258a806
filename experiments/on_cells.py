"""A design on standard cells for as long as it is asked about, and what its bench spends there."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nomul import ledger
from nomul.synth import yosys
from nomul.synth.emit import Emitted
from nomul.synth.energy import power
from nomul.synth.map.stdcells import StandardCells
from nomul.synth.map.synthesize import Result, synthesize
from nomul.synth.workload import Workload


@dataclass(frozen=True)
class OnCells:
    """A mapped design, in a folder of its own.

    Attributes
    ----------
    mapped
        Areas and clock.
    cells, period_ps
        What it is mapped to, and the clock period that was aimed at.
    folder
        Where its netlist is.
    """

    mapped: Result
    cells: StandardCells
    period_ps: float
    folder: Path

    def spend(self, work: Workload, **options: Any) -> power.Energy:
        """Return the energy of the measured test of a bench, without glitches.

        Registers hold zero before reset, unless ``options`` of
        :func:`nomul.synth.energy.power.measure` say otherwise.
        """
        folder, given = self.folder / "energy", {"start": 0, "period_ps": self.period_ps, **options}
        return power.measure(work, self.folder / "mapped.v", self.cells, folder=folder, **given)


def kept(
    store: Path, emitted: Emitted, make: Callable[[], dict[str, Any]], **about: Any
) -> dict[str, Any]:
    """Return what was measured of a design, from a store where it is known.

    Parameters
    ----------
    store
        Folder of what is known.
    emitted
        The design: another text of it is measured anew, and so is another version of Yosys.
    make
        Measures.
    about
        What else the result depends on.
    """
    named = {**about, "tool": yosys.version(), "design": ledger.digest(emitted.rtlil)}
    return ledger.kept(ledger.Folder(store), named, make)


@contextmanager
def on_cells(
    emitted: Emitted, cells: StandardCells, period_ps: int, *, hierarchical: bool = False
) -> Iterator[OnCells]:
    """Map a design to cells; its netlist is there within the ``with`` statement."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        options: dict[str, Any] = {"hierarchical": hierarchical, "period_ps": period_ps}
        mapped = synthesize(emitted, cells, folder=folder, **options)
        yield OnCells(mapped, cells, period_ps, folder)
