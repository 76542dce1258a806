"""What a design is mapped to: standard cells of a Liberty file, internal gates, or an FPGA."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nomul.synth import yosys
from nomul.synth.map.mapping import Target, report
from nomul.synth.map.stdcells import FreePdk45, Osu018, StandardCells

__all__ = ["TARGETS", "Fpga", "FreePdk45", "Gates", "Osu018", "StandardCells", "Target", "get"]


@dataclass(frozen=True)
class Gates(Target):
    """Yosys' internal gates: two-input gates, multiplexers and flip-flops, no library."""

    name: str = "generic"

    def commands(self, top: str, period_ps: int, hierarchical: bool, folder: Path) -> list[str]:
        """Map to gates; the period is not looked at."""
        flatten = "" if hierarchical else "-flatten"
        # Gates are internal cells, so `check -mapped` has nothing to say here.
        out = [c.replace("-mapped", "") for c in report("mapped", verilog="-noexpr")]
        return [f"synth -top {top} {flatten} -latches error", "opt_clean -purge", *out]

    def resources(self, cells: Mapping[str, int]) -> dict[str, int]:
        """Return gates and flip-flops."""
        flops = sum(count for cell, count in cells.items() if "DFF" in cell)
        return {"gates": sum(cells.values()) - flops, "ffs": flops}


@dataclass(frozen=True)
class Fpga(Target):
    """An FPGA family that Yosys has a script for.

    Parameters
    ----------
    synth
        The script and its options.
    counts
        For each cell type, what it occupies. A carry cell that takes the place of look-up tables
        counts as both.
    share
        Yosys' folder for the family.
    keep
        Option that keeps the hierarchy; ``flatten`` the one that does not.
    """

    name: str
    synth: str
    counts: Mapping[str, Mapping[str, int]] = field(hash=False)
    share: str = ""
    keep: str = "-noflatten"
    flatten: str = ""

    def commands(self, top: str, period_ps: int, hierarchical: bool, folder: Path) -> list[str]:
        """Run the family's own script; its period is a matter of place and route."""
        script = f"{self.synth} -top {top} {self.keep if hierarchical else self.flatten}"
        return [
            f"{script} -run :map_luts",
            # A comparison leaves wires of a thousand bits behind, which take minutes to split.
            "delete */w:*_TECHMAP_DONE_*",
            # Without this abc9 may give two wires one name, and Yosys aborts (its issue 4349).
            *(rf"rename -unescape w:{'*.' * dots}*\[* x:* %d" for dots in _DOTS),
            "splitnets",
            f"{script} -run map_luts:",
            "opt_clean -purge",
            *report("mapped"),
        ]

    def models(self) -> Path:
        """Return the path of Yosys' Verilog of the family's cells."""
        return yosys.share() / (self.share or self.name) / "cells_sim.v"

    def resources(self, cells: Mapping[str, int]) -> dict[str, int]:
        """Return LUTs, flip-flops, carry cells, DSP blocks and block RAMs."""
        total = dict.fromkeys(("luts", "ffs", "carry", "dsp", "bram"), 0)
        for cell, count in cells.items():
            for kind, each in self.counts.get(cell, {}).items():
                total[kind] += each * count
        return total


# `a.b[0]` and `a_b[0]` come to one name, which Yosys only sees of an earlier command: the deepest
# wires of a flattened hierarchy first.
_DOTS = (3, 2, 1, 0)

_LUT, _FF, _CARRY, _DSP, _BRAM = ({k: 1} for k in ("luts", "ffs", "carry", "dsp", "bram"))

_ECP5 = {
    "LUT4": _LUT,
    # A carry cell is two LUTs wide; sixteen words of four bits take three slices of two LUTs.
    "CCU2C": {"luts": 2, "carry": 1},
    "TRELLIS_DPR16X4": {"luts": 6},
    "TRELLIS_FF": _FF,
    "MULT18X18D": _DSP,
    "ALU54B": _DSP,
    "DP16KD": _BRAM,
    "PDPW16KD": _BRAM,
}

# On iCE40 and Xilinx a carry cell stands beside its LUT and takes none away.
_ICE40 = {"SB_LUT4": _LUT, "SB_CARRY": _CARRY, "SB_MAC16": _DSP, "SB_RAM40_4K": _BRAM} | {
    f"SB_DFF{kind}": _FF for kind in ("", "E", "SR", "R", "SS", "S", "ESR", "ER", "ESS", "ES")
}

_XC7 = (
    {f"LUT{n}": _LUT for n in range(1, 7)}
    | {f"FD{kind}E{inverted}": _FF for kind in "RSCP" for inverted in ("", "_1")}
    | {"INV": _LUT, "CARRY4": _CARRY, "DSP48E1": _DSP, "RAMB18E1": _BRAM, "RAMB36E1": {"bram": 2}}
    | {"SRL16E": _LUT, "SRLC32E": _LUT, "RAM32M": {"luts": 4}, "RAM64M": {"luts": 4}}
    | {"RAM32X1D": {"luts": 2}, "RAM64X1D": {"luts": 2}, "RAM128X1D": {"luts": 4}}
)

# Without the multiplexers that join LUT4s: with them a small register takes three times as many. An
# ALU takes the place of one LUT4.
_GOWIN = (
    {f"LUT{n}": _LUT for n in range(1, 5)}
    | {"ALU": {"luts": 1, "carry": 1}, "RAM16SDP4": {"luts": 6}}
    | {f"DFF{kind}{enable}": _FF for kind in ("", "S", "R", "P", "C") for enable in ("", "E")}
    | {f"DFFN{kind}{enable}": _FF for kind in ("", "S", "R", "P", "C") for enable in ("", "E")}
    | {f"{kind}{wide}": _DSP for kind in ("MULT", "MULTALU") for wide in ("9X9", "18X18", "36X36")}
    | {kind: _BRAM for kind in ("SP", "SPX9", "SDPB", "SDPX9B", "DPB", "DPX9B", "pROM", "pROMX9")}
)

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        FreePdk45(),
        Osu018(),
        Gates(),
        Fpga("ice40", "synth_ice40", _ICE40),
        Fpga("ecp5", "synth_ecp5", _ECP5),
        Fpga("gowin", "synth_gowin -family gw2a -noiopads -nowidelut", _GOWIN),
        Fpga(
            "xc7",
            "synth_xilinx -family xc7 -noiopad -noclkbuf",
            _XC7,
            share="xilinx",
            keep="",
            flatten="-flatten",
        ),
    )
}


def get(
    name: str,
    *,
    liberty: Path | Sequence[Path] | None = None,
    models: Path | None = None,
    defines: Sequence[str] = (),
) -> Target:
    """Return a target by name, or the standard cells of a Liberty file.

    Parameters
    ----------
    name
        One of :data:`TARGETS`; with ``liberty`` any name, which rows will carry.
    liberty
        A Liberty file, or several that share a library; gzipped or not. Nothing is known of its
        cells but what it says, so inputs have no driving
        cell, full adders are made of gates, and there are no tie cells.
    models
        Verilog of that library's cells, for energy.
    defines
        Macros that these want to be defined, ``NAME`` or ``NAME=VALUE``.

    Raises
    ------
    ValueError
        There is no target of that name, there are models without a library, or macros without
        models; or a macro has no name.
    FileNotFoundError
        There is no such Liberty file, or no such models.
    """
    if defines and models is None:
        raise ValueError("--define is for --models, and there are none")
    for define in defines:
        if not re.fullmatch(r"[A-Za-z_]\w*(=[^\n]*)?", define):
            raise ValueError(f"--define wants NAME or NAME=VALUE, not {define!r}")
    if isinstance(liberty, Path) or liberty:
        paths = [liberty] if isinstance(liberty, Path) else liberty
        first, *more = (path.resolve() for path in paths)
        cells = StandardCells(
            name,
            first,
            models.resolve() if models else Path(),
            more=tuple(more),
            defines=tuple(defines),
        )
        cells.library()
        if models:
            cells.models()
        return cells
    if models is not None:
        raise ValueError(
            f"{models} are models of cells, and --liberty does not say which library's"
        )
    if name in TARGETS:
        return TARGETS[name]
    near = difflib.get_close_matches(name, TARGETS, n=1)
    ordered = near + [other for other in TARGETS if other not in near]
    raise ValueError(f"there is no target {name!r}; there are {', '.join(ordered)}")
