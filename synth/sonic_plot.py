"""Plot of what gating saves: power of an FC and of a CONV unit over the lanes that are active.

``python -m nomul.synth.sonic_plot FILE.svg`` writes it; counters of layers, read from the hardware,
are put on the lines with ``layers``.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from nomul.golden import sonic_device
from nomul.golden.sonic import Config, Result
from nomul.synth import picture


def gating(
    path: Path, layers: Iterable[tuple[str, Result]] = (), cfg: Config | None = None
) -> None:
    """Write the plot.

    Parameters
    ----------
    path
        Of the file; its suffix says the format.
    layers
        Name and counts of layers, drawn as crosses.
    cfg
        Lanes of the units; the paper's if None.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "nomul", "svg.fonttype": "none"})
    from matplotlib import pyplot

    cfg = Config.preset("paper") if cfg is None else cfg
    devices = sonic_device.load()
    figure, axes = pyplot.subplots(figsize=(6.4, 3.6), layout="constrained")
    colours = {"fc": "tab:blue", "conv": "tab:orange"}
    for kind, colour in colours.items():
        lanes = cfg.lanes(kind)
        full = sonic_device.unit_mw(devices, kind, lanes)
        power = [sonic_device.unit_mw(devices, kind, a, lanes - a) / full for a in range(lanes + 1)]
        label = f"{kind.upper()} unit, {lanes} lanes, {full:.1f} mW at full activity"
        marker = "o" if lanes < 10 else ""
        shares = [100 * a / lanes for a in range(lanes + 1)]
        axes.plot(shares, [100 * p for p in power], color=colour, marker=marker, label=label)
    for number, (name, result) in enumerate(layers):
        share = 100 * result.active / (result.active + result.gated)
        left = 100 * (1 - sonic_device.gating_saves(cfg, result, devices))
        place = (5, -12) if number % 2 == 0 else (-30, 6)
        axes.plot(share, left, "x", color="black")
        axes.annotate(name, (share, left), textcoords="offset points", xytext=place)
    axes.set_xlabel("active lanes, % of those that hold an element")
    axes.set_ylabel("power, % of that without gating")
    axes.set_ylim(0, 105)
    axes.legend(loc="lower right", frameon=False)
    picture.save(
        figure,
        path,
        "What gating saves in an FC and in a CONV unit",
        "Power against the share of active lanes: steep for a CONV unit, whose gated side "
        "has 16-bit converters, flat for an FC unit. Crosses are layers of a real network.",
    )
    pyplot.close(figure)


if __name__ == "__main__":
    gating(Path(sys.argv[1]))
