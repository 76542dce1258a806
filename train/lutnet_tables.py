"""Accuracy of LUTNet beside the pruned XNOR network: `python -m nomul.train.lutnet_tables`."""

import argparse

import numpy as np

from nomul.golden import lutnet
from nomul.train import lutnet as training
from nomul.train.lutnet_direct import Recipe
from nomul.train.lutnet_unrolled import Plan


def accuracy(data: str, seeds: list[int], plans: list[Plan], epochs: int) -> list[str]:
    """Return mean test accuracies, and the share of first-layer tables that an XNOR could do."""
    rows = [
        "| hidden | products kept | K | XNOR | LUTNet | tables that are XNORs |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    preset = training.Preset(
        data=data, noise=1.0, recipe=Recipe(epochs=epochs, batch=64, rate=0.01)
    )
    samples = training.load(data)
    for plan in plans:
        pairs = [training.train_lutnet(plan, preset, samples, seed) for seed in seeds]
        before, after = (np.mean([pair[i].accuracy for pair in pairs]) for i in (0, 1))
        layers = [pair[1].network.layers[1] for pair in pairs]
        share = np.mean(
            [lutnet.share_xnor(layer) for layer in layers if isinstance(layer, lutnet.LutLayer)]
        )
        kept = " + ".join(map(str, plan.keep))
        rows.append(
            f"| {plan.hidden} | {kept} | {plan.k} | {before:.1%} | {after:.1%} | {share:.0%} |"
        )
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--hidden", type=int, default=60)
    arguments = parser.parse_args()
    plans = [
        Plan(hidden=arguments.hidden, keep=keep, k=k)
        for keep in ((10, 8), (20, 12), (40, 24))
        for k in (2, 4, 6)
    ]
    seeds = list(range(1, arguments.seeds + 1))
    print("\n".join(accuracy(arguments.data, seeds, plans, arguments.epochs)))


if __name__ == "__main__":
    main()
