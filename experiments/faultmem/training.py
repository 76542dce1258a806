"""Training with weights in a memory that forgets writes: every step writes, and reads what is."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nomul import ledger
from nomul.experiments.captions import caption
from nomul.experiments.faultmem.schemes import SCHEMES, Scheme, Writer, decades, weights_of
from nomul.experiments.tables import Rows
from nomul.golden import sgd
from nomul.golden.arrays import Ints
from nomul.golden.sgd import Config
from nomul.golden.sgd.stimuli import initial

KEPT = Path("build/faultmem/training")
SIZES, SEEDS, EPOCHS = (64, 32, 10), (1, 2, 3), 2
# Chance of a failure, as a power of ten, of a weight's highest bit.
DECADES = (2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
NEVER = 20.0  # a power of ten at which no write fails


def words(cfg: Config, state: sgd.State) -> Ints:
    """Return all weights with their residues below them, as the banks hold them: int64[n]."""
    low = (1 << cfg.low_bits) - 1
    parts = [
        ((w << cfg.low_bits) + (r & low)).ravel()
        for w, r in zip(state.weights, state.residues, strict=True)
    ]
    return np.concatenate(parts) & ((1 << cfg.weight_bits) - 1)


def with_words(cfg: Config, state: sgd.State, held: Ints) -> sgd.State:
    """Return a state whose weights and residues are those of words."""
    weights: list[Ints] = []
    residues: list[Ints] = []
    at = 0
    for w in state.weights:
        part = held[at : at + w.size].reshape(w.shape)
        at += w.size
        for into, raw, bits in (
            (weights, part >> cfg.low_bits, cfg.bits),
            (residues, part & ((1 << cfg.low_bits) - 1), cfg.low_bits),
        ):
            half = 1 << (bits - 1)
            into.append((raw ^ half) - half)
    return state._replace(weights=weights, residues=residues)


def learned(cfg: Config, scheme: Scheme, power: float, seed: int) -> dict[str, float]:
    """Return accuracy after two epochs whose steps write as the scheme says, and their energy."""
    from nomul.train import digits

    data, rng = digits.load(1), np.random.default_rng(seed)
    state, target = sgd.begin(cfg, initial(cfg, rng)), sgd.targets(cfg, data.labels)
    x, x_test = (
        np.rint(part * (1 << cfg.fraction)).astype(np.int64) for part in (data.x, data.x_test)
    )
    start = words(cfg, state)
    writer = Writer(scheme, weights_of(cfg.weight_bits), power, start, seed)
    for k in np.concatenate([rng.permutation(len(x)) for _ in range(EPOCHS)]):
        state, *_ = sgd.advance(cfg, state, x[k], target[k])
        writer.write(words(cfg, state))
        state = with_words(cfg, state, writer.words)
    right = sgd.accuracy(cfg, state.weights, x_test, data.labels_test)
    return {"right": float(right), "energy": writer.energy, "changed": int(writer.changed.sum())}


@caption("Accuracy of 64-32-10 after two epochs of SGD, and the energy of all its writes.")
def training() -> Rows:
    """Return accuracy and energy of two epochs for each scheme and chance of a failure.

    Energy is relative to the same steps without failures and check bits, all bits nominal.
    """
    cfg = Config(sizes=SIZES, pes=8)
    exact = [_kept(cfg, SCHEMES[0], NEVER, seed) for seed in SEEDS]
    nominal = float(np.mean([run["changed"] for run in exact]))
    rows = [_row("exact", None, [1.0], exact)]
    for scheme in SCHEMES:
        for power in DECADES:
            runs = [_kept(cfg, scheme, power, seed) for seed in SEEDS]
            rows.append(_row(scheme.name, power, [run["energy"] / nominal for run in runs], runs))
    return rows


def _kept(cfg: Config, scheme: Scheme, power: float, seed: int) -> dict[str, float]:
    about = {"config": cfg.to_dict(), "scheme": scheme._asdict(), "power": power, "seed": seed}
    about |= {"epochs": EPOCHS, "decades": decades(), "numpy": np.__version__}
    run = partial(learned, cfg, scheme, power, seed)
    found: dict[str, float] = ledger.kept(ledger.Folder(KEPT), about, run)
    return found


def _row(
    name: str, power: float | None, energies: list[float], runs: list[dict[str, float]]
) -> dict[str, Any]:
    right = [run["right"] for run in runs]
    return {
        "written with": name,
        "highest bit fails": "never" if power is None else f"10^-{power:g}",
        "write energy": round(float(np.mean(energies)), 3),
        "accuracy": f"{100 * np.mean(right):.1f} %",
        "worst of three": f"{100 * min(right):.1f} %",
    }
