"""The demo: one training step's weight update, computed by ESSOP hardware from real operands.

A small ReLU network learns scikit-learn's digits until its gradients look like those of training.
The 16 x 16 layer in its middle then takes one step whose outer products come from the emitted
Verilog: simulated, compared count by count with the golden model, and synthesized.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul import flow, present, registry

if TYPE_CHECKING:
    from nomul.golden.arrays import Floats

EPOCHS, BATCH, RATE = 3, 64, 0.25
MEASURED = (
    ("essop", "paper", "freepdk45"),
    ("fp16mul", "ieee", "freepdk45"),
    ("essop", "paper", "ecp5"),
)
PAPER_RATIO = 0.063  # 1 - 0.937, from the abstract of arXiv 2003.11256
LAYER = 1  # of the network's three: 16 inputs after a ReLU, 16 outputs


def run(folder: Path, seed: int = 1) -> dict[str, Any]:
    """Run the demo and return its results as plain values.

    Parameters
    ----------
    folder
        Where Verilog, operands, logs and ``results.json`` go.
    seed
        Of the network's first weights, the order of its images, and the bench's stalls.

    Raises
    ------
    BenchError
        A count of the hardware differs from the model's.
    """
    import numpy as np

    from nomul.golden import essop

    block = registry.get("essop")
    cfg: Any = block.config().preset("paper")
    folder.mkdir(parents=True, exist_ok=True)
    with present.steps() as step:
        with step("train a ReLU network on scikit-learn's digits"):
            training = Training(seed)
            operands = encode(cfg, training.activations, training.gradients)
            np.savez(folder / "operands.npz", **operands)
        with step(f"run {BATCH} of its vector pairs through the Verilog, against the model"):
            report = flow.simulate(
                block,
                cfg,
                folder,
                tests="rows_equal_the_model",
                seed=seed,
                environment={"NOMUL_STIMULI": str((folder / "operands.npz").resolve())},
            )
        units = {}
        for unit, preset, target in MEASURED:
            with step(f"synthesize {unit} for {target}"):
                units[f"{unit} {target}"] = measure(unit, preset, target, folder)
        vectors = {name: operands[name] for name in ("x", "sx", "d", "sd")}
        counts = essop.model(cfg, **vectors)
        exponent = essop.unit_exponent(cfg, operands["e_x"], operands["e_d"])
        products = np.ldexp(counts, exponent[:, None, None])
        results = {
            "network": training.results(products.mean(axis=0).T),
            "update": accuracy(products, training.activations, training.gradients),
            "hardware": {
                "pairs": report.records["pairs"],
                "products": report.records["products"],
                "cycles": report.records["cycles"],
                "compared": report.compared,
            },
            "units": units,
        }
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    return results


def measure(name: str, preset: str, target: str, folder: Path) -> dict[str, Any]:
    """Return the row of a unit with its products per cycle, and area per product and cycle."""
    block = registry.get(name)
    cfg: Any = block.config().preset(preset)
    into = folder / f"{name}-{target}"
    row = flow.measure(block, cfg, into, preset=preset, target=target, seeds=(1,)).to_dict()
    products = cfg.rows * cfg.cols if name == "essop" else 1
    row["products_per_cycle"] = products / cfg.interval
    if row["area_um2"] is not None:
        row["area_per_product_um2"] = row["area_um2"] / row["products_per_cycle"]
    return row


def show(results: dict[str, Any]) -> None:
    """Print the results as tables."""
    hardware, units = results["hardware"], results["units"]
    present.pairs(
        f"One training step: a layer of 16 x 16, {hardware['pairs']} pairs of real vectors",
        {
            "products": hardware["products"],
            "clock cycles": hardware["cycles"],
            "values equal to the model, under four stall patterns": hardware["compared"],
            **results["update"],
            **results["network"],
        },
    )
    cells = {
        name.split()[0]: [
            u["area_um2"],
            1e6 / u["timing"]["period_ps"],
            u["products_per_cycle"],
            u["area_per_product_um2"],
        ]
        for name, u in units.items()
        if u["area_um2"] is not None
    }
    present.table(
        "\nFreePDK45 standard cells, not placed",
        ("", "area (um2)", "clock (MHz)", "products per cycle", "area per product and cycle (um2)"),
        [[name, *values] for name, values in cells.items()],
    )
    ratio = cells["essop"][-1] / cells["fp16mul"][-1]
    present.line(
        f"ESSOP takes {ratio:.2f} times the area per product of the FP16 multiplier; "
        f"the paper has {PAPER_RATIO} (quoted: 93.7% better at 14 nm, its array is not public)."
    )
    fpga = [
        [
            name.split()[0],
            u["resources"]["luts"],
            u["resources"]["ffs"],
            1e6 / u["timing"]["period_ps"],
        ]
        for name, u in units.items()
        if u["area_um2"] is None
    ]
    present.table("\nECP5, placed and routed", ("", "LUT", "FF", "clock (MHz)"), fpga)


class Training:
    """A network some epochs into training, and the operands of its next update.

    Attributes
    ----------
    activations
        float64[V, M], what enters the layer: outputs of a ReLU.
    gradients
        float64[V, N], of the loss with respect to the layer's sums.
    """

    def __init__(self, seed: int):
        import numpy as np

        from nomul.train import digits

        rng = np.random.default_rng(seed)
        self.data = digits.load(seed)
        self.weights = digits.train(self.data, rng, EPOCHS)
        batch = rng.permutation(len(self.data.x))[:BATCH]
        self.operands = digits.backward(self.weights, self.data.x[batch], self.data.labels[batch])
        self.activations = self.operands[LAYER].activations
        self.gradients = self.operands[LAYER].gradients

    def results(self, update: "Floats") -> dict[str, float]:
        """Return the loss before and after the step, exact and with ``update`` for the layer.

        The other layers take their exact update in both cases.
        """
        from nomul.train import digits

        def after(updates: list["Floats"]) -> float:
            pairs = zip(self.weights, updates, strict=True)
            stepped = [weight - RATE * update for weight, update in pairs]
            return digits.loss(stepped, self.data.x, self.data.labels)

        exact = [digits.exact_update(operands) for operands in self.operands]
        mixed = [*exact[:LAYER], update, *exact[LAYER + 1 :]]
        return {
            "loss before the step": digits.loss(self.weights, self.data.x, self.data.labels),
            "loss after the exact step": after(exact),
            "loss after the ESSOP step": after(mixed),
        }


def encode(cfg: Any, activations: "Floats", gradients: "Floats") -> dict[str, Any]:
    """Return vector pairs as the hardware takes them: magnitudes, signs and block exponents."""
    from nomul.golden import essop

    x, sx, e_x = essop.quantise(activations, cfg.width)
    d, sd, e_d = essop.quantise(gradients, cfg.width)
    return {"x": x, "sx": sx, "d": d, "sd": sd, "e_x": e_x, "e_d": e_d}


def accuracy(products: "Floats", activations: "Floats", gradients: "Floats") -> dict[str, float]:
    """Return relative RMS errors against the exact outer products, float64[V, M, N].

    Of single products, and of their mean over the batch, which is what the weights see.
    """
    import numpy as np

    exact = activations[:, :, None] * gradients[:, None, :]

    def error(got: "Floats", wanted: "Floats") -> float:
        return float(np.sqrt(((got - wanted) ** 2).sum() / (wanted**2).sum()))

    return {
        "relative RMSE, one outer product": error(products, exact),
        "relative RMSE, mean over the batch": error(products.mean(axis=0), exact.mean(axis=0)),
    }
