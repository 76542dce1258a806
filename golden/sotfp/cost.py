"""Cost of floating point in a memory array: counts of programs, times a device's constants.

Every count comes from a program that was executed and verified; every constant from an editable
table. Published figures stand beside them, marked as quoted.
"""

import dataclasses
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from nomul.golden.sotfp.config import Config
from nomul.golden.sotfp.microcode import Program
from nomul.golden.sotfp.programs import OPS
from nomul.golden.sotfp.rom import program

CONSTANTS = ("t_read", "t_write", "t_search", "e_read", "e_write", "e_search")


@dataclasses.dataclass(frozen=True)
class Device:
    """Constants of one kind of cell.

    Parameters
    ----------
    name
        ``sot`` or ``nor``.
    values
        Times in ns; energies in fJ of one cell (search: of one lane).
    sources
        Where each value comes from.
    placeholders
        Names of the values that nobody measured.
    """

    name: str
    values: dict[str, float]
    sources: dict[str, str]
    placeholders: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a number of programs costs: phases, time in ns, energy in pJ."""

    steps: int
    reads: int
    writes: int
    searches: int
    time: float
    energy: float

    def times(self, n: int) -> "Cost":
        """Return the cost of n such."""
        return Cost(*(value * n for value in dataclasses.astuple(self)))

    def __add__(self, other: "Cost") -> "Cost":
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Cost(*(a + b for a, b in pairs))


def devices(path: Path | None = None) -> dict[str, Device]:
    """Read a table of device constants; the packaged one if ``path`` is None.

    Raises
    ------
    ValueError
        A constant is missing or negative, or has no source or placeholder flag.
    """
    packaged = files("nomul.golden.sotfp") / "devices.toml"
    text = packaged.read_text() if path is None else path.read_text()
    return {name: _device(name, table) for name, table in tomllib.loads(text).items()}


def _device(name: str, table: dict[str, Any]) -> Device:
    for constant in CONSTANTS:
        entry = table.get(constant, {})
        missing = [key for key in ("value", "source", "placeholder") if key not in entry]
        if missing:
            raise ValueError(f"device {name}.{constant} lacks {', '.join(missing)}")
        if entry["value"] < 0:
            raise ValueError(f"device {name}.{constant} must not be negative: {entry['value']}")
    return Device(
        name,
        {constant: float(table[constant]["value"]) for constant in CONSTANTS},
        {constant: str(table[constant]["source"]) for constant in CONSTANTS},
        tuple(constant for constant in CONSTANTS if table[constant]["placeholder"]),
    )


def cost(code: Program, lanes: int, device: Device) -> Cost:
    """Return what one program costs on ``lanes`` lanes.

    T = reads t_read + writes t_write + searches t_search, in phases that all lanes share;
    E = lanes (cells sensed e_read + cells written e_write + searches e_search).
    A predicated write is charged in every lane.
    """
    of = device.values
    time = code.reads * of["t_read"] + code.writes * of["t_write"] + code.searches * of["t_search"]
    energy = (
        code.sensed * of["e_read"] + code.writes * of["e_write"] + code.searches * of["e_search"]
    )
    return Cost(code.steps, code.reads, code.writes, code.searches, time, lanes * energy / 1000)


def device_of(cfg: Config, table: dict[str, Device] | None = None) -> Device:
    """Return the device that a configuration's operation set stands for."""
    return (table or devices())[cfg.opset.partition("+")[0]]


def floatpim_mul(exponent_bits: int, mantissa_bits: int) -> float:
    """Return FloatPIM's published number of NORs of a multiplication.

    12 Ne + 6.5 Nm**2 - 7.5 Nm - 2 (Imani et al., ISCA 2019, as the paper restates it).
    """
    return 12 * exponent_bits + 6.5 * mantissa_bits**2 - 7.5 * mantissa_bits - 2


def floatpim_add(exponent_bits: int, mantissa_bits: int) -> tuple[int, int]:
    """Return FloatPIM's published numbers of NORs and of searches of an addition.

    3 + 16 Ne + 19 Nm + Nm**2, and 2 Nm + 1.
    """
    ne, nm = exponent_bits, mantissa_bits
    return 3 + 16 * ne + 19 * nm + nm**2, 2 * nm + 1


def rows(cfg: Config, table: dict[str, Device] | None = None) -> list[dict[str, Any]]:
    """Return one row per operation: counts, columns, time and energy of one program."""
    device = device_of(cfg, table)
    result = []
    for op in OPS:
        code = program(cfg, op)
        of = cost(code, cfg.lanes, device)
        result.append({"op": op, **dataclasses.asdict(of), "columns": code.columns})
    return result
