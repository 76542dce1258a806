"""Place and route for ECP5, iCE40 and Gowin: the clock with wires, and what the design occupies."""

import json
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from nomul.runs import folders, programs, progress
from nomul.synth import yosys
from nomul.synth.emit import Emitted
from nomul.synth.map.synthesize import synthesize
from nomul.synth.place import families
from nomul.synth.place.families import Family
from nomul.synth.yosys import ToolError

SEEDS = (1, 2, 3)


class PnrError(ToolError):
    """Place and route failed."""


class DoesNotFitError(PnrError):
    """The design fits no device that was tried."""


@dataclass(frozen=True)
class Placed:
    """A placed and routed design.

    Attributes
    ----------
    period_ps
        Smallest clock period over the paths between registers, wires included.
    utilisation
        Number of used sites of each kind, by nextpnr's names; what surrounds the ports included.
    device, seed
        What it was placed on, and the seed of the placement.
    tools
        Version of nextpnr.
    available
        Number of sites of each kind that the device has.
    """

    period_ps: float
    utilisation: dict[str, int]
    device: str
    seed: int
    tools: dict[str, str]
    tool: str = "nextpnr-ecp5"
    available: dict[str, int] | None = None

    @property
    def fmax_mhz(self) -> float:
        """Highest clock frequency."""
        return 1e6 / self.period_ps


def place_and_route(
    emitted: Emitted,
    target: str,
    seeds: Sequence[int] = SEEDS,
    *,
    device: str | None = None,
    netlist_json: Path | None = None,
    folder: Path | None = None,
) -> Placed:
    """Place and route a design once for each seed, and return the result of median clock.

    Every port but the clock gets a register around the design, so that paths from and to the ports
    count: out of context on ECP5, in a shift register on iCE40 and Gowin.

    Parameters
    ----------
    emitted
        The design.
    target
        ``ecp5`` (speed grade 6), ``ice40`` or ``gowin``.
    seeds
        Of the placements, odd in number.
    device
        By nextpnr's name; the smallest that the design fits if None.
    netlist_json
        What :func:`nomul.synth.map.synthesize.synthesize` left for the target; made here if None.
    folder
        Where netlist, report and log stay; a temporary one if None.

    Raises
    ------
    DoesNotFitError
        No device is large enough.
    PnrError
        The design cannot be routed, or has no path between registers.
    ValueError
        There is no such target or device, or an even number of seeds.
    """
    family = families.get(target)
    candidates = family.candidates(device)
    if len(seeds) % 2 == 0:
        raise ValueError(f"seeds must be odd in number, not {tuple(seeds)!r}")
    if folder is None:
        with folders.scratch() as scratch:
            options = {"device": device, "netlist_json": netlist_json, "folder": scratch}
            return place_and_route(emitted, target, seeds, **options)  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    if netlist_json is None:
        netlist_json = synthesize(emitted, target, folder=folder).netlist_json
    assert netlist_json is not None
    surround(emitted.name, netlist_json, family, folder)
    first = next((name for name in candidates if run(family, name, seeds[0], folder)), None)
    if first is None:
        raise DoesNotFitError(
            f"{emitted.name} fits no {target} ({', '.join(candidates)}); "
            f"see {folder / 'nextpnr.log'}"
        )
    results = [read(family, first, seeds[0], folder, emitted.name)]
    for seed in seeds[1:]:
        if not run(family, first, seed, folder):
            raise PnrError(f"{emitted.name} fits {first} with seed {seeds[0]} but not with {seed}")
        results.append(read(family, first, seed, folder, emitted.name))
    middle = statistics.median(placed.period_ps for placed in results)
    return next(placed for placed in results if placed.period_ps == middle)


def surround(name: str, netlist_json: Path, family: Family, folder: Path) -> None:
    """Put registers around a mapped design, and leave the whole as ``pnr.json``."""
    (folder / "pnr_inner.json").write_bytes(netlist_json.read_bytes())
    ports = json.loads(netlist_json.read_text())["modules"][name]["ports"]
    (folder / "pnr_outer.v").write_text(family.harness(name, ports))
    commands = ["read_json pnr_inner.json", "read_verilog pnr_outer.v"]
    yosys.run([*commands, "hierarchy -top outer", "flatten", "write_json pnr.json"], folder)


def pins(name: str, netlist_json: Path, high: Sequence[str], folder: Path, family: Family) -> None:
    """Add outputs that are always one to a mapped design, and leave the whole as ``pnr.json``."""
    (folder / "pnr_inner.json").write_bytes(netlist_json.read_bytes())
    commands = ["read_json pnr_inner.json", f"hierarchy -top {name}", "flatten", f"cd {name}"]
    for port in high:
        commands += [f"add -output {port} 1", f"connect -set {port} 1'1"]
    yosys.run([*commands, "cd ..", *family.pads(), "write_json pnr.json"], folder)


def run(
    family: Family,
    device: str,
    seed: int,
    folder: Path,
    extra: Sequence[str] = (),
    *,
    on_pins: bool = False,
) -> bool:
    """Run nextpnr on ``pnr.json``; False if the device is too small.

    Parameters
    ----------
    extra
        Further options of nextpnr, for instance a file of pins and one for the result.
    on_pins
        Whether ports are tied to pins.

    Raises
    ------
    PnrError
        nextpnr stopped for another reason.
    """
    for name, text in ({} if on_pins else family.files(device)).items():
        (folder / name).write_text(text)
    options = [*family.options(device, on_pins), "--json", "pnr.json", "--seed", str(seed)]
    options += ["--timing-allow-fail", "--report", "pnr_report.json", *extra]
    (folder / "pnr_report.json").unlink(missing_ok=True)
    options += ["--log", "nextpnr.log", "--quiet"]
    what = f"{family.tool} {device}, seed {seed}"
    done = programs.python(
        family.program(), options, folder, lambda: progress.stage(f"{what}{_stage(folder)}")
    )
    if done.returncode == 0:
        return True
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    reason = errors[0] if errors else done.stderr.strip()
    if any(words in reason.lower() for words in _TOO_SMALL):
        return False
    raise PnrError(f"{family.tool} stopped in {folder}: {reason}")


def _stage(folder: Path) -> str:
    """Return what nextpnr is at: the last step that its log begins."""
    steps = re.findall(
        r"^Info: (Packing|Placing|Running|Routing|Creating)\b",
        progress.tail(folder / "nextpnr.log"),
        re.MULTILINE,
    )
    return f", {steps[-1].lower()}" if steps else ""


_TOO_SMALL = (
    *("unable to find a placement location", "unable to find legal placement"),
    *("unable to place", "no bels"),
    *("failed to expand region", "failed to place"),
)


def read(family: Family, device: str, seed: int, folder: Path, name: str) -> Placed:
    """Return what nextpnr reported.

    Raises
    ------
    PnrError
        There is no path between registers.
    """
    report = json.loads((folder / "pnr_report.json").read_text())
    clocks = [clock["achieved"] for clock in report["fmax"].values()]
    if not clocks:
        raise PnrError(f"{name} has no path between registers, so no clock")
    sites = {kind: counts for kind, counts in report["utilization"].items() if counts["used"]}
    return Placed(
        period_ps=round(1e6 / min(clocks), 1),
        utilisation={kind: counts["used"] for kind, counts in sites.items()},
        device=family.devices[device][0],
        seed=seed,
        tools={family.tool: version(family.package)},
        tool=family.tool,
        available={kind: counts["available"] for kind, counts in sites.items()},
    )
