"""Trees beside look-up tables on digits, through one importer, one generator and one count."""

import json
import tempfile
from pathlib import Path
from typing import Any

from nomul.experiments.captions import caption
from nomul.experiments.lutnet.area import packed
from nomul.experiments.lutnet.training_tables import kept, percent
from nomul.golden import importers, lutnet
from nomul.train.data import load

Rows = list[dict[str, Any]]

# Rounds and depth of the trees, and bits of a leaf.
TREES = ((1, 3, 3), (3, 3, 2), (5, 3, 2), (10, 3, 2))

# Learning rate of all of them.
RATE = 0.8


@caption("Boosted trees beside look-up tables on digits: accuracy and look-up tables on xc7.")
def digits() -> Rows:
    """Return boosted trees and our networks on digits, in order of look-up tables.

    The trees are XGBoost's, trained on the same codes and read by our importer; they have no
    seed. Ours have five, of which the mean is given.
    """
    data = load("digits")
    rows = []
    for rounds, depth, bits in TREES:
        network, own = _trees(rounds, depth, bits)
        read = float((lutnet.predict(network, data.x_test) == data.labels_test).mean())
        rows.append(
            _row(f"XGBoost, {rounds} x 10 trees of depth {depth}, {bits} bits", network, own, read)
        )
    for name in ("digits-numbers", "digits-xc7"):
        network = lutnet.Config.preset(name).load()
        mean = sum(network.about["test"]) / len(network.about["test"])
        rows.append(_row(f"{name}, mean of five seeds", network, None, mean))
    return sorted(rows, key=lambda row: int(row["LUTs"]))


def _row(name: str, network: lutnet.Network, own: float | None, read: float) -> dict[str, Any]:
    count = kept("packed", network, _count)
    return {
        "network": name,
        "program's accuracy": None if own is None else percent(own),
        "accuracy": percent(read),
        "LUTs": count[0],
        "packed": count[1],
    }


def _count(network: lutnet.Network) -> list[int]:
    return list(packed(network))


def _trees(rounds: int, depth: int, bits: int) -> tuple[lutnet.Network, float]:
    """Return boosted trees as a network, and the program's own test accuracy."""
    try:
        import xgboost
    except ModuleNotFoundError as error:
        error.add_note("the trees are XGBoost's: pip install xgboost-cpu")
        raise
    data = load("digits")
    model = xgboost.XGBClassifier(
        n_estimators=rounds, max_depth=depth, learning_rate=RATE, n_jobs=1, random_state=1
    )
    model.fit(data.x, data.labels)
    own = float((model.predict(data.x_test) == data.labels_test).mean())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        path.write_text(json.dumps(json.loads(model.get_booster().save_raw("json"))))
        return importers.load(path, "xgboost", input_bits=4, leaf_bits=bits), own
