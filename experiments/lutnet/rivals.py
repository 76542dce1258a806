"""Accuracy against look-up tables and clock, beside others: one generator's flow, one count."""

import dataclasses
import statistics
from collections.abc import Iterable
from typing import Any

from nomul import ledger
from nomul.experiments import labels
from nomul.experiments.lutnet import area, contenders
from nomul.experiments.lutnet.contenders import Contender, Field, Trees
from nomul.experiments.lutnet.training_tables import number, percent
from nomul.golden import lutnet
from nomul.runs import progress
from nomul.synth import yosys
from nomul.train.data import load
from nomul.train.lutnet.encoder import Encoding
from nomul.train.rivals import gates, mlp

Rows = list[dict[str, Any]]


def _boosted(rounds: int, depth: int, rate: float, bits: int) -> Trees:
    options = {"n_estimators": rounds, "max_depth": depth, "learning_rate": rate}
    return Trees("XGBoost", options, bits, f"{rounds} x 10 trees of depth {depth}")


def _forest(number: int, depth: int, bits: int) -> Trees:
    options = {"n_estimators": number, "max_depth": depth}
    return Trees("RandomForestClassifier", options, bits, f"{number} trees of depth {depth}")


def _perceptron(hidden: int, price: float, epochs: int = 600) -> mlp.Recipe:
    """Return the recipe that held-out digits chose: scores with one fractional bit, centred."""
    return mlp.Recipe(hidden=hidden, price=price, score_bits=1, centred=True, epochs=epochs)


@dataclasses.dataclass(frozen=True)
class Front:
    """Who stands beside whom on a data set.

    Attributes
    ----------
    data
        Name of the data set.
    own
        Networks that come with nomul.
    field
        What is trained.
    study, studied
        A committed study; density, K and wires of its networks.
    placed
        Family and name of those that are placed on ECP5.
    """

    data: str
    own: tuple[str, ...]
    field: Field
    study: str
    studied: tuple[tuple[float, int, str], ...]
    placed: tuple[tuple[str, str], ...]

    def contenders(self) -> Iterable[Contender]:
        """Yield all of them, family by family."""
        yield from contenders.own(self.own)
        yield from contenders.contenders(load(self.data), self.field)
        yield from contenders.of_studies(self.study, self.studied)


DIGITS = Front(
    data="digits",
    own=("digits-70", "digits-numbers", "digits-xc7"),
    field=Field(
        trees=(
            _boosted(1, 3, 0.5, 2),
            _boosted(3, 3, 1.0, 3),
            _boosted(10, 2, 1.0, 2),
            _boosted(10, 3, 0.8, 3),
            _boosted(20, 3, 0.5, 3),
            _forest(8, 5, 3),
        ),
        perceptrons=(
            _perceptron(8, 5e-4),
            _perceptron(12, 2e-4),
            _perceptron(20, 2e-4),
        ),
        gates=(
            gates.Recipe(sizes=(200,), k=4, epochs=120, candidates=16),
            gates.Recipe(sizes=(300, 300), k=4, epochs=150),
            gates.Recipe(sizes=(1000, 1000), epochs=150, temperature=8.0),
        ),
        noise=Encoding(levels=(4, 8, 12), noise=0.7, jitter=0.2, side=8),
        seeds=contenders.SEEDS,
        gate_seeds=contenders.SEEDS[:3],
    ),
    study="density",
    studied=(
        (0.1, 0, "random"),
        (0.2, 0, "random"),
        (0.05, 1, "learned"),
        (0.025, 5, "random"),
        (0.05, 4, "random"),
        (0.0125, 5, "learned"),
        (0.025, 5, "learned"),
    ),
    placed=(
        ("XGBoost", "10 x 10 trees of depth 2"),
        ("da4ml", "12 hidden neurons"),
        ("torchlogix", "K = 4, 200, wires of 16"),
        ("ours", "digits-70"),
        ("ours", "digits-numbers"),
    ),
)

# One seed, few epochs, and small sizes.
FASHION = Front(
    data="fashion-mnist",
    own=("fashion-250", "fashion-1000"),
    field=Field(
        trees=(_boosted(2, 3, 0.8, 3), _boosted(5, 4, 0.8, 3)),
        perceptrons=(_perceptron(12, 2e-4, epochs=12),),
        gates=(gates.Recipe(sizes=(1000,), k=4, epochs=4, candidates=16, temperature=5.0),),
        noise=Encoding(levels=(2, 8), noise=0.7, side=28),
        seeds=contenders.SEEDS[:1],
        gate_seeds=contenders.SEEDS[:1],
    ),
    study="fashion",
    studied=((0.0025, 4, "learned"), (0.01, 1, "learned")),
    placed=(),
)


def front(which: Front) -> Rows:
    """Return networks of others and ours on a data set, in order of look-up tables on xc7.

    Everything is counted: encoder, argmax, the stream's control. One register at the end.
    """
    rows = []
    for one in which.contenders():
        progress.stage(f"{one.family}, {one.network}")
        rows.append(_row(one))
    return sorted(rows, key=lambda row: int(row["LUTs"]))


def _row(one: Contender) -> dict[str, Any]:
    count = _measured(one, "xc7", "end")
    return {
        "family": one.family,
        "network": one.network,
        "seeds": len(one.accuracies),
        "accuracy": percent(statistics.mean(one.accuracies)),
        "lowest": percent(min(one.accuracies)),
        "highest": percent(max(one.accuracies)),
        "LUTs": count["luts"],
        "packed": count["packed"],
        "seconds to train": None if one.seconds is None else round(one.seconds, 1),
    }


def placed(which: Front) -> Rows:
    """Return some of those networks placed on ECP5: accuracy, look-up tables, clock.

    A register follows every layer, and da4ml's graph is a pipeline; one vector per cycle. Clock of
    one placement, seed 1, with registers around the design.
    """
    rows = []
    for one in which.contenders():
        if (one.family, one.network) in which.placed:
            progress.stage(f"{one.family}, {one.network}")
            count = _measured(one, "ecp5", "layers")
            rows.append(
                {
                    "family": one.family,
                    "network": one.network,
                    "accuracy": percent(statistics.mean(one.accuracies)),
                    "LUTs": count["luts"],
                    "flip-flops": count["ffs"],
                    "clock MHz": count["clock MHz"],
                    "device": count["device"],
                }
            )
    return sorted(rows, key=lambda row: -float(row["clock MHz"]))


def _measured(one: Contender, target: str, registers: lutnet.Registers) -> dict[str, Any]:
    """Return the resources of a design, kept under the network and Yosys's version."""

    def make() -> dict[str, Any]:
        emitted = one.hardware(target, registers)
        if target == "xc7":
            resources, pairs = area.packed(emitted)
            return {"luts": resources["luts"], "ffs": resources["ffs"], "packed": pairs}
        with area.mapped(emitted, target) as (result, place):
            found: dict[str, Any] = {name: result.resources[name] for name in ("luts", "ffs")}
            placed = place()
            return found | {"clock MHz": round(placed.fmax_mhz, 1), "device": placed.device}

    about = {
        "network": one.content,
        "target": target,
        "registers": registers,
        "yosys": yosys.version(),
    }
    return ledger.kept(ledger.Folder(contenders.KEPT), about, make)


def plot(rows: Rows, figure: Any) -> None:
    """Draw accuracy against look-up tables: ours, and networks of others."""
    figure.set_size_inches(8.6, 5.6)
    axes = figure.subplots()
    points, colours = [], []
    families = sorted({row["family"] for row in rows}, key=lambda name: (name != "ours", name))
    for family in families:
        own = [row for row in rows if row["family"] == family]
        places = [(row["LUTs"], number(row["accuracy"])) for row in own]
        style = "o-" if family == "ours" else "s--"
        (line,) = axes.plot(*zip(*places, strict=True), style, ms=5, lw=0.8, label=family)
        points += [(x, y, row["network"]) for (x, y), row in zip(places, own, strict=True)]
        colours += [line.get_color()] * len(own)
    axes.set_xscale("log")
    axes.margins(0.12)
    axes.set_xlabel("look-up tables, xc7, everything counted")
    axes.set_ylabel("test accuracy, %, mean over the seeds")
    axes.legend(fontsize="small", loc="lower right")
    labels.label(axes, points, colours)
