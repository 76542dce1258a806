"""Sweep over lanes and units of SONIC: time, power and energy of a network by our definitions."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from numpy.typing import ArrayLike

from nomul.golden.sonic import devices as device
from nomul.golden.sonic import network
from nomul.golden.sonic.config import Config
from nomul.golden.sonic.dot import Result
from nomul.golden.sonic.network import Layer

DEFINITIONS = (
    "FPS: frames per second, one after the other, every layer's rounds without overlap.",
    "FPS/W: frames per joule, 1 / (energy of a frame); idle units draw nothing.",
    "FPS/W at full activity: FPS over the power of all units with all lanes active.",
    "energy per bit: energy of a frame over the bits of all operands that were kept, those of a "
    "gated lane included: (active + gated) (act_bits + code_bits).",
    "Laser and tuning power are left out everywhere.",
)


@dataclass(frozen=True)
class Point:
    """One choice of (n, m, N, K), and what a frame takes with it; see :data:`DEFINITIONS`."""

    conv_lanes: int
    fc_lanes: int
    conv_units: int
    fc_units: int
    rounds: int
    active_share: float
    fps: float
    full_power_w: float
    fps_per_watt: float
    fps_per_watt_full: float
    energy_per_bit_j: float


def point(cfg: Config, results: Iterable[Result], frames: int, devices: device.Table) -> Point:
    """Return the figures of one configuration from the counts of some frames.

    Parameters
    ----------
    results
        Of all layers, from the golden model or read from the hardware.
    frames
        How many frames they were counted over.
    """
    results = list(results)
    estimates = [device.device(cfg, result, devices) for result in results]
    time = sum(estimate.time for estimate in estimates) / frames
    energy = sum(estimate.energy for estimate in estimates) / frames
    products = sum(result.active + result.gated for result in results)
    lanes = products + sum(result.pad for result in results)
    full = device.full_mw(cfg, devices) * 1e-3
    return Point(
        cfg.conv_lanes,
        cfg.fc_lanes,
        cfg.conv_units,
        cfg.fc_units,
        rounds=sum(result.rounds for result in results) // frames,
        active_share=sum(result.active for result in results) / lanes,
        fps=1 / time,
        full_power_w=full,
        fps_per_watt=1 / energy,
        fps_per_watt_full=1 / (time * full),
        energy_per_bit_j=energy * frames / (products * (cfg.act_bits + cfg.code_bits)),
    )


def sweep(
    layers: list[Layer],
    images: ArrayLike,
    *,
    conv_lanes: Iterable[int] = (3, 5, 8),
    fc_lanes: Iterable[int] = (25, 50),
    conv_units: Iterable[int] = (25, 50),
    fc_units: Iterable[int] = (5, 10),
    cfg: Config | None = None,
    devices: device.Table | None = None,
) -> list[Point]:
    """Return a point for every (n, m, N, K), best frames per joule first.

    Parameters
    ----------
    layers
        A network of pruned and clustered layers.
    images
        int[B, I, H, W], the frames that are counted.
    cfg
        Everything but lanes and units; the paper's if None.
    devices
        The device table; the paper's if None.
    """
    cfg = Config.preset("paper") if cfg is None else cfg
    devices = device.load() if devices is None else devices
    points = []
    for n, m, many, few in itertools.product(conv_lanes, fc_lanes, conv_units, fc_units):
        choice = cfg.replace(conv_lanes=n, fc_lanes=m, conv_units=many, fc_units=few)
        out, results = network.run(choice, layers, images)
        points.append(point(choice, results, len(out), devices))
    return sorted(points, key=lambda p: -p.fps_per_watt)
