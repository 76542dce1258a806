"""The demo: one training step's weight update, computed by ESSOP hardware, and the paper's claim.

A small ReLU network learns scikit-learn's digits until its gradients look like those of training.
The 32 x 32 layer in its middle then takes one step whose outer products come from the emitted
Verilog of the plane that the claim is about: simulated, compared product by product with the golden
model, and mapped to cells beside an FP16 multiplier.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul import flow, present, registry
from nomul.runs import parallel

if TYPE_CHECKING:
    from nomul.golden.arrays import Floats

EPOCHS, BATCH, RATE = 3, 64, 0.05
SIZES = (64, 32, 32, 10)
LAYER = 1  # of the network's three: 32 inputs after a ReLU, 32 outputs
BLOCK, PRESET = "plane", "paper"

# The parts that take long, one per core at a time, the longest first.
PLANE, FP16, BENCH = "plane", "fp16mul", "bench"


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
        A product of the hardware differs from the model's.
    """
    import numpy as np

    from nomul.golden import essop

    cfg: Any = registry.get(BLOCK).config().preset(PRESET)
    folder.mkdir(parents=True, exist_ok=True)
    with present.working("demo") as tell:
        training = Training(seed)
        tell("trained a ReLU network on scikit-learn's digits")
        operands = encode(cfg, training.activations, training.gradients)
        np.savez(folder / "operands.npz", **operands)
        parts = [(part, str(folder), seed) for part in (PLANE, FP16, BENCH)]
        made = {}
        for place, result in parallel.each(_part, parts):
            made[parts[place][0]] = result
            tell(_told(parts[place][0], result))
    vectors = {name: operands[name] for name in ("x", "sx", "d", "sd")}
    exponent = essop.unit_exponent(cfg.unit, operands["e_x"], operands["e_d"])
    products = np.ldexp(_model(cfg, vectors), exponent[:, None, None])
    results = {
        "network": training.results(products.mean(axis=0).T),
        "update": accuracy(products, training.activations, training.gradients),
        "hardware": made[BENCH],
        "units": units(made[PLANE], made[FP16]),
    }
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    return results


def _model(cfg: Any, vectors: dict[str, Any]) -> Any:
    return registry.get(BLOCK).golden().model(cfg, **vectors)


def _part(asked: tuple[str, str, int]) -> dict[str, Any]:
    """Do one of the parts that take long, in a process of its own."""
    part, folder, seed = asked
    if part == BENCH:
        return simulate(Path(folder), seed)
    from nomul.experiments.essop import candidates

    entry = registry.get(part)
    if part == PLANE:  # the longest part, and nobody asks for its glitches here
        return vars(candidates.measure(entry.config().preset(PRESET), most_with_glitches=0))
    return vars(candidates.measure(entry.config().preset("ieee")))


def simulate(folder: Path, seed: int) -> dict[str, Any]:
    """Run the vector pairs through the Verilog; every product is compared with the model's."""
    block = registry.get(BLOCK)
    stimuli = str((folder / "operands.npz").resolve())
    report = flow.simulate(
        block,
        block.config().preset(PRESET),
        folder,
        tests="products_equal_the_model",
        seed=seed,
        environment={"NOMUL_STIMULI": stimuli},
    )
    return {
        "pairs": report.records["pairs"],
        "products": report.records["products"],
        "cycles": report.records["cycles"],
        "compared": report.compared,
    }


def _told(part: str, result: dict[str, Any]) -> str:
    if part == BENCH:
        return f"ran {result['pairs']} of its vector pairs through the Verilog: equal to the model"
    return f"mapped {part} to FreePDK45: {result['area_um2']:,.1f} um2 per product and cycle"


def units(plane: dict[str, Any], fp16: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a product takes in each unit, what it saves, and whether that meets the paper.

    Two units are measured now; integers and the serial array are from the committed numbers.
    """
    from nomul.experiments import papers, rows, tables

    quoted = papers.quoted("essop")
    integers = next(r for r in tables.load("essop", "T1").rows if r["unit"] == "INT4")
    serial = next(r for r in rows.load("freepdk45") if r.key == "essop/serial16")
    per = serial.config["rows"] * serial.config["cols"] / serial.interval
    costs = [
        ("FP16 multiplier", fp16["area_um2"], fp16["fj"], "now"),
        ("ESSOP, plane/paper", plane["area_um2"], plane["fj"], "now"),
        ("INT4, which errs half as much", integers["um2"], integers["fJ"], "committed"),
        ("ESSOP, serial array of 16 x 16", serial.area_um2 / per, None, "committed"),
    ]
    result = []
    for name, area, energy, measured in costs:
        row = {"unit": name, "um2": area, "fJ": energy}
        for what, own, reference in (
            ("area", area, fp16["area_um2"]),
            ("energy", energy, fp16["fj"]),
        ):
            saved = None if own is None else 100 * (1 - own / reference)
            wanted = quoted[f"{what}_saved_percent"]
            row[f"{what} saved %"] = saved
            judged = saved is not None and own is not reference  # the reference claims nothing
            row[f"paper's {wanted} %"] = saved >= wanted if judged else None
        result.append(row | {"measured": measured})
    return result


def show(results: dict[str, Any]) -> None:
    """Print the results as tables."""
    hardware, units = results["hardware"], results["units"]
    present.pairs(
        f"One training step: a layer of 32 x 32, {hardware['pairs']} pairs of real vectors",
        {
            "products": hardware["products"],
            "clock cycles": hardware["cycles"],
            "values equal to the model, under four stall patterns": hardware["compared"],
            **results["update"],
            **results["network"],
        },
    )
    present.table(
        "\nA product per cycle, FreePDK45 cells, not placed; beside it the paper's figures",
        list(units[0]),
        [[present.cell(value) for value in row.values()] for row in units],
    )
    present.line("")
    for row in units[1:]:
        verdicts = [met for name, met in row.items() if name.startswith("paper's")]
        met = all(verdict for verdict in verdicts if verdict is not None)
        present.line(f"{row['unit']}: the paper's claim is {'met' if met else 'NOT met'}")
    present.line("In your own size: nomul claim essop --set rows=24 --set cols=40")


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
        self.weights = digits.train(self.data, rng, EPOCHS, sizes=SIZES)
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
