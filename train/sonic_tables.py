"""Tables of SONIC on the trained network: layers, gating, crosstalk, and the sweep.

``python -m nomul.train.sonic_tables`` prints them in Markdown, as docs/sonic.md shows them.
"""

from pathlib import Path

from nomul.golden import sonic, sonic_device, sonic_network, sonic_sweep
from nomul.golden.sonic import Config, Result
from nomul.golden.sonic_network import Layer
from nomul.train import fashion
from nomul.train.sonic import pixels

FOLDER = Path(__file__).parent
NAMES = ("conv1", "conv2", "fc1", "fc2")


def trained(levels: int = 16) -> list[Layer]:
    """Return the trained network of 16 or of 64 levels."""
    return sonic_network.load(FOLDER / f"sonic_{levels}.npz")


def layers_table(cfg: Config, layers: list[Layer], results: list[Result], frames: int) -> str:
    """Return what every layer does per frame, and what gating saves of its energy."""
    names = ("weights", "zero", "passes", "rounds", "active", "gated", "pad", "time, us", "uJ")
    rows = [f"| layer | {' | '.join(names)} | saved by gating |", "| --- |" + " ---: |" * 10]
    for name, layer, result in zip(NAMES, layers, results, strict=True):
        time, energy = sonic.device(cfg, result)
        saved = sonic_device.gating_saves(cfg, result)
        counts = (result.passes, result.rounds, result.active, result.gated, result.pad)
        values = [f"{layer.codes.size:,}", f"{layer.sparsity:.0%}"]
        values += [f"{count / frames:,.0f}" for count in counts]
        values += [f"{time / frames * 1e6:.2f}", f"{energy / frames * 1e6:.2f}", f"{saved:.1%}"]
        rows.append(f"| {name} | {' | '.join(values)} |")
    return "\n".join(rows) + "\n"


def crosstalk_table(layers: list[Layer], test: fashion.Part) -> str:
    """Return the accuracy that is left where crosstalk limits both sides of every lane."""
    rows = ["| n, m | bits CONV, FC | accuracy |", "| --- | --- | ---: |"]
    for n, m in ((5, 50), (5, 15), (15, 15), (5, 5)):
        cfg = sonic_device.limited(Config(conv_lanes=n, fc_lanes=m))
        right = sonic_network.accuracy(cfg, layers, pixels(test), test.labels)
        rows.append(f"| {n}, {m} | {cfg.conv_resolution}, {cfg.fc_resolution} | {right:.2%} |")
    return "\n".join(rows) + "\n"


def main(frames: int = 200) -> None:
    """Print all tables; counts are those of the first test images."""
    test, layers, cfg = fashion.load("test"), trained(), Config.preset("paper")
    few = fashion.Part(test.images[: 10 * frames], test.labels[: 10 * frames])
    _, results = sonic_network.run(cfg, layers, pixels(test)[:frames])
    print(layers_table(cfg, layers, results, frames))
    print(crosstalk_table(layers, few))
    print(sonic_sweep.table(sonic_sweep.sweep(layers, pixels(test)[: frames // 10])))


if __name__ == "__main__":
    main()
