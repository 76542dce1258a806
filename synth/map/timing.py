"""How fast a mapped netlist runs: OpenSTA where it is installed, else ABC's own estimate."""

import logging
import re
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nomul.runs import programs
from nomul.synth.map.targets import StandardCells
from nomul.synth.yosys import ToolError


class TimingError(ToolError):
    """The timing analyser stopped."""


@dataclass(frozen=True)
class Timing:
    """Clock of a design.

    Attributes
    ----------
    tool
        ``opensta``, ``abc`` or the name of the place and route tool: who says so.
    period_ps
        Smallest period at which every path fits. For standard cells inputs arrive with the clock
        edge and outputs are due at the next, so paths to and from the ports count; wires are those
        of a layout, else what the Liberty file's wire-load model says, if it names one. For an
        FPGA, paths between registers, with wires.
    slack_ps
        What is left of the period that was asked for, negative if the design is too slow; None for
        an FPGA, which was not asked.
    register_ps
        Smallest period if only paths between registers count; None where not known.
    wires
        What the period holds of wires: the name of the Liberty file's wire-load model, a layout's
        SPEF file, ``routed`` of an FPGA, or ``none``; empty where that was not recorded.
    """

    tool: str
    period_ps: float
    slack_ps: float | None = None
    register_ps: float | None = None
    wires: str = ""

    @property
    def fmax_mhz(self) -> float:
        """Highest clock frequency."""
        return 1e6 / self.period_ps


class Timer(ABC):
    """Says how fast a netlist of standard cells is; a strategy."""

    name: str

    @abstractmethod
    def measure(
        self, netlist: Path, top: str, target: StandardCells, period_ps: int, abc_ps: float
    ) -> Timing:
        """Return the timing of a mapped netlist.

        Parameters
        ----------
        netlist, top
            Verilog, and the name of its top-level module.
        target
            Whose cells it is made of.
        period_ps
            The period that was asked for.
        abc_ps
            The longest path through logic that ABC found while mapping.
        """

    def tools(self) -> dict[str, str]:
        """Return the version of the analyser."""
        return {}


@dataclass(frozen=True)
class AbcEstimate(Timer):
    """ABC's longest path through logic, plus what the target says a register takes.

    In a design with hierarchy ABC sees one module at a time, so this is a lower bound there.
    """

    name: str = "abc"

    def measure(
        self, netlist: Path, top: str, target: StandardCells, period_ps: int, abc_ps: float
    ) -> Timing:
        """Return the estimate; the netlist is not read."""
        if not target.buffered():
            raise TimingError(
                f"ABC times no library without a buffer, as {target.name} is; "
                "try: apt-get install opensta"
            )
        period = abc_ps + target.register_ps
        return Timing(self.name, round(period, 1), round(period_ps - period, 1))


@dataclass(frozen=True)
class OpenSta(Timer):
    """Static timing analysis of the netlist by OpenSTA, over the Liberty file's tables.

    Parameters
    ----------
    library
        Name, in the netlist's folder, of what is read in place of the target's Liberty file; that
        of the target if None.
    spef
        Name of a file there with capacitance and resistance of the wires; none if None, but those
        that OpenSTA estimates from fan-out where the Liberty file names a wire-load model.
    """

    name: str = "opensta"
    library: str | None = None
    spef: str | None = None

    def measure(
        self, netlist: Path, top: str, target: StandardCells, period_ps: int, abc_ps: float
    ) -> Timing:
        """Run ``sta`` in the netlist's folder; its script stays there as ``<netlist>.tcl``."""
        script = netlist.with_suffix(".tcl")
        script.write_text(self._script(netlist, top, target, period_ps))
        run = programs.run(["sta", "-no_splash", "-exit", script.name], netlist.parent)
        lines = (run.stderr + run.stdout).splitlines()
        trouble = [line for line in lines if line.startswith("Error") or _is_bug(line)]
        if trouble or run.returncode:
            raise TimingError(f"sta stopped in {netlist.parent}: {(trouble or lines or ['?'])[0]}")
        for line in lines:
            if line.startswith("Warning"):
                _warn(line.strip())
        slack = _slack(run.stdout, "every path")
        between = _slack(run.stdout, "between registers")
        if slack is None:
            raise TimingError(f"sta found no path in {netlist}")
        return Timing(
            self.name,
            round(period_ps - slack, 1),
            round(slack, 1),
            None if between is None else round(period_ps - between, 1),
            self.spef or ("none" if self.library else target.wire_load() or "none"),
        )

    def tools(self) -> dict[str, str]:
        """Return OpenSTA's version."""
        return {"opensta": _version()}

    def _script(self, netlist: Path, top: str, target: StandardCells, period_ps: int) -> str:
        drive = f"set_driving_cell -lib_cell {target.driver} $inputs\n" if target.driver else ""
        wires = f"read_spef {self.spef}\n" if self.spef else ""
        return f"""\
read_liberty {self.library or target.stage(netlist.parent)}
read_verilog {netlist.name}
link_design {top}
{wires}set_cmd_units -time ns -capacitance fF
set clk [get_ports -quiet clk]
create_clock -name clk -period {period_ps / 1000} $clk
set inputs {{}}
foreach port [all_inputs] {{
  if {{[get_property $port full_name] ne "clk"}} {{ lappend inputs $port }}
}}
set_input_delay 0 -clock clk $inputs
set_output_delay 0 -clock clk [all_outputs]
{drive}set_load {target.load_ff} [all_outputs]
puts "every path"
report_worst_slack -digits 4
puts "between registers"
set clock_pins [all_registers -clock_pins]
if {{[llength $clock_pins]}} {{
  report_checks -from $clock_pins -to [all_registers -data_pins] -format summary -digits 4
}}
"""


def installed() -> Timer:
    """Return OpenSTA if ``sta`` is on PATH, else ABC's estimate."""
    return OpenSta() if shutil.which("sta") else AbcEstimate()


def _slack(log: str, section: str) -> float | None:
    """Return the last number of a section of the log, in picoseconds."""
    text = log.partition(f"{section}\n")[2].partition("between registers\n")[0]
    numbers = re.findall(r"-?\d+\.\d{4}\b", text)
    return float(numbers[-1]) * 1000 if numbers else None


def _is_bug(line: str) -> bool:
    """Whether a warning says that the netlist is not what is measured: cells or pins are absent."""
    found = re.match("Warning.*(black box|(module|port|pin|net|instance) .*not )", line)
    return found is not None


@cache
def _warn(line: str) -> None:
    """Show a warning of the analyser once; it concerns the library, and the analysis goes on."""
    logging.getLogger(__name__).warning("OpenSTA: %s", line)


@cache
def _version() -> str:
    return programs.run(["sta", "-version"]).stdout.split()[-1]
