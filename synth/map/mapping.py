"""The strategy by which a design is mapped and counted."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Set
from pathlib import Path


class Target(ABC):
    """How to map a design, and how to count what came out.

    A strategy: :func:`nomul.synth.map.synthesize.synthesize` runs the commands, reads the
    statistics and never asks which target it has.
    """

    name: str

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names of the results that :meth:`commands` leaves behind, ``<candidate>.v`` and so on."""
        return ("mapped",)

    @abstractmethod
    def commands(self, top: str, period_ps: int, hierarchical: bool, folder: Path) -> list[str]:
        """Return the Yosys commands that map a checked design, and put files they need in place.

        Each candidate leaves ``<candidate>.v`` and ``<candidate>.json``.
        """

    def resources(self, cells: Mapping[str, int]) -> dict[str, int]:
        """Return the counts that the target is known by, from the number of cells of each type."""
        return {"cells": sum(cells.values())}

    @property
    def warned(self) -> str:
        """Pattern of Yosys' passes whose warnings are shown and stop nothing; none if empty."""
        return ""

    def sequential(self) -> Set[str] | None:
        """Return the names of flip-flops and latches; None if the target's cells have no area."""
        return None

    def tools(self) -> dict[str, str]:
        """Return the versions of what the target adds to Yosys."""
        return {}


def report(candidate: str, verilog: str = "") -> list[str]:
    """Return the commands that check a mapped design and write it out."""
    return [
        "check -assert -mapped -nolatches",
        f"write_verilog -noattr -simple-lhs {verilog} {candidate}.v",
        f"write_json {candidate}.json",
    ]
