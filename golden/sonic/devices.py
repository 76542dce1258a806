"""Device model of SONIC's photonic core: time and energy from what the units did.

Nothing optical is built or simulated here: latencies and powers of single devices, taken from a
table, are added up over the passes and lanes that the digital side counted.
"""

import dataclasses
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nomul.golden.sonic.config import Config
from nomul.golden.sonic.dot import Result


@dataclasses.dataclass(frozen=True)
class Table:
    """Latencies in ns and powers in mW of single devices, and the wavelength grid in nm."""

    eo_tuning_ns: float
    to_tuning_ns: float
    vcsel_ns: float
    vcsel_mw: float
    photodetector_ns: float
    photodetector_mw: float
    dac_activation_ns: float
    dac_activation_mw: float
    dac_weight_ns: float
    dac_weight_mw: float
    adc_ns: float
    adc_mw: float
    fsr_nm: float
    quality: float
    wavelength_nm: float


def load(path: Path | None = None) -> Table:
    """Return the device table of a TOML file; that of the paper if None.

    Raises
    ------
    ValueError
        An entry is missing, or is not a number of at least 0; the message names it.
    """
    source = files("nomul.golden.sonic") / "devices.toml" if path is None else path
    content = tomllib.loads(source.read_text(encoding="utf-8"))
    return Table(**{field.name: _entry(content, field.name) for field in dataclasses.fields(Table)})


def _entry(content: dict[str, Any], name: str) -> float:
    device, _, unit = name.rpartition("_")
    if unit in ("ns", "mw"):
        section, key = device, {"ns": "latency_ns", "mw": "power_mw"}[unit]
    else:
        section, key = "crosstalk", name
    value = content.get(section, {}).get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError(f"device table: {section}.{key} must be a number of 0 or more")
    return float(value)


class Estimate(NamedTuple):
    """Time in seconds and energy in joules, before laser and tuning."""

    time: float
    energy: float


def pass_ns(devices: Table) -> float:
    """Return the latency of one pass: DAC, EO tuning, photodetector, ADC.

    The VCSEL settles while the ring is being tuned, which takes longer.
    """
    d = devices
    settle = max(d.eo_tuning_ns, d.vcsel_ns)
    return d.dac_activation_ns + settle + d.photodetector_ns + d.adc_ns


def conversion_mw(devices: Table, kind: str) -> tuple[float, float]:
    """Return the power of a kept lane's dense DAC, and of an active lane's sparse DAC and VCSEL.

    An FC unit has activations on its dense side, a CONV unit weights.
    """
    activation, weight = devices.dac_activation_mw, devices.dac_weight_mw
    dense, sparse = (activation, weight) if kind == "fc" else (weight, activation)
    return dense, sparse + devices.vcsel_mw


def unit_mw(devices: Table, kind: str, active: int, gated: int = 0) -> float:
    """Return the power of one unit with so many lanes active and gated, in mW.

    A gated lane has its sparse DAC and its VCSEL off; a lane that holds nothing its dense DAC too.
    """
    dense, sparse = conversion_mw(devices, kind)
    fixed = devices.photodetector_mw + devices.adc_mw
    return (active + gated) * dense + active * sparse + fixed


def full_mw(cfg: "Config", devices: Table) -> float:
    """Return the power of all units with all lanes active, before laser and tuning, in mW."""
    return sum(cfg.units(k) * unit_mw(devices, k, cfg.lanes(k)) for k in ("fc", "conv"))


def activation_dac_share(cfg: "Config", devices: Table) -> float:
    """Return which part of :func:`full_mw` the DACs of activations take."""
    lanes = sum(cfg.units(kind) * cfg.lanes(kind) for kind in ("fc", "conv"))
    return lanes * devices.dac_activation_mw / full_mw(cfg, devices)


def device(cfg: "Config", result: "Result", table: Table | None = None) -> Estimate:
    """Return time and energy of a layer from the counts of its result.

    Rounds follow each other without overlap, since the paper does not say how passes are
    pipelined; a unit draws power for the length of its passes, and an idle one draws none. Laser
    and tuning powers are left out, as in the paper's full-activity figures that we reproduce.

    Parameters
    ----------
    result
        Of the golden model, or filled with counters read from the hardware. Where its ``kind`` is
        empty, the lanes per pass tell it.
    table
        Devices; those of the paper if None.

    Returns
    -------
    Estimate
        Time in seconds, energy in joules.

    Raises
    ------
    ValueError
        The lanes do not add up to the passes of either kind of unit.
    """
    devices = load() if table is None else table
    lanes = result.active + result.gated + result.pad
    kinds = [k for k in ("fc", "conv") if lanes == result.passes * cfg.lanes(k)]
    if result.kind:
        kinds = [k for k in kinds if k == result.kind]
    if not kinds:
        raise ValueError(
            f"result has {lanes} lanes in {result.passes} passes; a unit has "
            f"{cfg.fc_lanes} (fc) or {cfg.conv_lanes} (conv)"
        )
    dense, sparse = conversion_mw(devices, kinds[0])
    one = pass_ns(devices)
    fixed = devices.photodetector_mw + devices.adc_mw
    power = (result.active + result.gated) * dense + result.active * sparse + result.passes * fixed
    return Estimate(result.rounds * one * 1e-9, power * one * 1e-12)


def gating_saves(cfg: "Config", result: "Result", table: Table | None = None) -> float:
    """Return which part of a layer's energy gating saves, 0..1.

    Against the same layer with no lane that holds an element ever switched off.
    """
    ungated = dataclasses.replace(result, active=result.active + result.gated, gated=0)
    whole = device(cfg, ungated, table).energy
    return 1 - device(cfg, result, table).energy / whole if whole else 0.0


def crosstalk_bits(wavelengths: int, devices: Table | None = None) -> float:
    """Return the resolution in bits that crosstalk leaves to a bank of rings; inf for a single one.

    log2(1 / max_i sum over j != i of phi_ij), phi = delta^2 / ((dlambda)^2 + delta^2), delta =
    lambda / 2Q, wavelengths spaced evenly over the free spectral range (CrossLight, arXiv
    2102.06960).
    """
    if wavelengths < 1:
        raise ValueError(f"wavelengths must be at least 1, not {wavelengths!r}")
    devices = load() if devices is None else devices
    delta = devices.wavelength_nm / (2 * devices.quality)
    position = np.arange(wavelengths) * devices.fsr_nm / wavelengths
    distance = position[:, None] - position[None, :]
    phi = delta**2 / (distance**2 + delta**2)
    worst = float((phi.sum(axis=1) - 1).max())
    return float(np.log2(1 / worst)) if wavelengths > 1 else float("inf")


def limited(cfg: "Config", devices: Table | None = None) -> "Config":
    """Return the configuration with the resolution that crosstalk leaves, whole bits, at least 2.

    One waveguide carries as many wavelengths as a unit has lanes.
    """
    bits = {k: min(crosstalk_bits(cfg.lanes(k), devices), 16) for k in ("fc", "conv")}
    return cfg.replace(
        fc_resolution=max(2, int(bits["fc"])), conv_resolution=max(2, int(bits["conv"]))
    )
