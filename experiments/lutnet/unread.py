"""Entries of trained tables that training images hardly read, taken as free, so that inputs go.

A synthesis program that knew which addresses never occur would use it. Here the images say so: an
entry that few of them read may hold either bit, and an input goes where the other entries do not
need it. Training images that read no freed entry keep their class.
"""

import statistics
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul import ledger
from nomul.experiments.captions import caption
from nomul.experiments.lutnet import area
from nomul.experiments.lutnet.contenders import KEPT, committed
from nomul.experiments.lutnet.training_tables import percent
from nomul.golden import lutnet
from nomul.golden.arrays import Ints
from nomul.runs import progress
from nomul.synth import yosys
from nomul.train.data import load

Rows = list[dict[str, Any]]

# Networks that come with nomul, and those whose look-up tables are counted.
NETWORKS = ("digits-70", "digits-numbers", "digits-xc7")
COUNTED = ("digits-70",)

# An entry is free that at most so many training images read; of None all entries stay.
MOST = (None, 0, 4, 16)


def reads(network: lutnet.Network, x: Ints) -> Ints:
    """Return how many samples of codes x[n, inputs] read each entry of a network's direct layer.

    Parameters
    ----------
    network
        An encoder and one direct layer, whatever is behind.
    x
        int64[n, inputs].

    Returns
    -------
    int64[tables, 2**K].
    """
    encoder, layer = network.layers[:2]
    assert isinstance(layer, lutnet.DirectLut)
    bits = lutnet.model(lutnet.Network([encoder], network.inputs, network.input_bits), x)
    address = sum(bits[:, layer.idx[:, j]].astype(np.int64) << j for j in range(layer.k))
    size = 1 << layer.k
    found = [np.bincount(column, minlength=size) for column in np.asarray(address).T]
    return np.array(found)


def reduced(table: NDArray[np.bool_], needed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a table of 2**K entries that agrees with ``table`` where needed, of fewer inputs.

    Of the inputs that can go that goes first which changes the fewest entries, and so on until
    none can. Entries that no one needs stay as they are unless an input's going decides them.
    """
    table, needed = table.copy(), needed.copy()
    k = len(table).bit_length() - 1
    left = list(range(k))
    while True:
        ways = []
        for j in left:
            low, high = (_halves(values, j) for values in (table, needed))
            if not (high[0] & high[1] & (low[0] != low[1])).any():
                ways.append((int((low[0] != low[1]).sum()), j))
        if not ways:
            return table
        _, j = min(ways)
        left.remove(j)
        values, wanted = _halves(table, j), _halves(needed, j)
        both = np.where(wanted[0], values[0], np.where(wanted[1], values[1], values[0]))
        either = wanted[0] | wanted[1]
        for half in (0, 1):
            values[half][...], wanted[half][...] = both, either


def _halves(values: NDArray[np.bool_], j: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the entries whose address bit j is 0, and those where it is 1, as views."""
    pairs = values.reshape(-1, 2, 1 << j)
    return pairs[:, 0], pairs[:, 1]


def freed(network: lutnet.Network, x: Ints, most: int) -> lutnet.Network:
    """Return a network in whose direct layer entries are free that at most so many samples read."""
    encoder, layer, *rest = network.layers
    assert isinstance(layer, lutnet.DirectLut)
    places = np.arange(1 << layer.k)
    tables = [
        reduced(np.array([tt >> int(a) & 1 for a in places], dtype=bool), row > most)
        for tt, row in zip(layer.tt, reads(network, x), strict=True)
    ]
    tt = [sum(1 << int(a) for a in np.flatnonzero(table)) for table in tables]
    direct = lutnet.DirectLut(k=layer.k, idx=layer.idx, tt=tt)
    return lutnet.Network([encoder, direct, *rest], network.inputs, network.input_bits)


@caption("Entries that training images hardly read, taken as free: accuracy and look-up tables.")
def rows() -> Rows:
    """Return accuracy and look-up tables of committed networks, entries free or not."""
    digits = load("digits")
    result = []
    for name in NETWORKS:
        trained = committed(name)
        counts = reads(trained, digits.x)
        for most in MOST:
            progress.stage(f"{name}, entries read by at most {most}")
            network = trained if most is None else freed(trained, digits.x, most)
            layer: Any = network.layers[1]
            used = [len(lutnet.support(table, layer.k)) for table in layer.tt]
            count = _count(network) if name in COUNTED else {"luts": None, "packed": None}
            right = lutnet.predict(network, digits.x_test) == digits.labels_test
            result.append(
                {
                    "network": name,
                    "free entries": "none" if most is None else f"read by at most {most} images",
                    "share of entries": percent(float(np.mean(counts <= _most(most)))),
                    "inputs per table": round(statistics.mean(used), 2),
                    "test accuracy": percent(float(right.mean())),
                    "LUTs": count["luts"],
                    "packed": count["packed"],
                }
            )
    return result


def _most(most: int | None) -> int:
    return -1 if most is None else most


def _count(network: lutnet.Network) -> dict[str, Any]:
    """Return the look-up tables on xc7 with everything, and those if pairs share one."""

    def make() -> dict[str, Any]:
        resources, pairs = area.packed(area.design(network, "xc7"))
        return {"luts": resources["luts"], "packed": pairs}

    about = {"unread": ledger.stamp(network.to_dict()), "yosys": yosys.version()}
    return ledger.kept(ledger.Folder(KEPT), about, make)
