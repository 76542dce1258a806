"""How long the engine takes: each pass by its formula, without stalls of its streams."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import products
from nomul.golden.arrays import Ints
from nomul.golden.engine.machine import Machine
from nomul.golden.engine.members import constant, gathering, lead, loading, pace
from nomul.golden.engine.passes import Pass
from nomul.golden.network.evaluate import check

FETCH = 3  # cycles from the end of a pass to the next one's first word or address
GATHER = 2  # from the first address of a product pass to its first beat, and to the end
DEPTH = 6  # from the address of a vector pass's last element to its end


def product_cycles(cfg: Any, step: Pass, fed: Ints) -> Ints:
    """Return the cycles of a product pass, int64[V], of what the member takes.

    A beat is gathered, an activation per cycle, while the member is at work on the one before it;
    the slower of the two counts.

    Parameters
    ----------
    cfg
        The engine.
    step
        The pass.
    fed
        int64[V, windows, inputs].
    """
    gathered, packed = gathering(cfg.tile), step.tile.packed
    work = pace(cfg.member, packed, fed.reshape(-1, fed.shape[2]))
    work = work.reshape(len(fed), -1)
    following = np.tile(gathered, fed.shape[1])[1:]
    between = np.maximum(work[:, :-1], following).sum(axis=1)
    member = products.member(cfg.member)
    alone = np.array(
        [member.cycles(cfg.tile, packed, last[None]) for last in fed[:, -1]], dtype=np.int64
    )
    # Alone, a vector's last beat is taken once the others were worked on.
    tail = alone - 1 - work[:, -len(gathered) : -1].sum(axis=1)
    before = FETCH + loading(packed) + GATHER + int(gathered[0]) + lead(cfg.member)
    return np.asarray(before + between + tail)


def vector_cycles(step: Pass) -> int:
    """Return the cycles of a vector pass: an element each, and what its stages take."""
    return FETCH + step.walk.elements + DEPTH


def passes(cfg: Any, x: ArrayLike | None = None) -> Ints:
    """Return the cycles of each pass but the answer, int64[passes], or int64[V, passes] of inputs.

    Without inputs no activation is zero, which is what counts for a member that skips zeros.
    """
    machine = None
    if x is not None and not constant(cfg.member):
        machine = Machine(cfg, check(cfg.net, x).astype(np.int64), keep=True)
        machine.run()
    count = 1 if x is None else len(np.asarray(x))
    rows, number = [], 0
    for step in cfg.program.passes[:-1]:
        if step.kind == "vector":
            rows.append(np.full(count, vector_cycles(step), dtype=np.int64))
            continue
        if machine is not None:
            fed = machine.fed[number]
        else:
            shape = (1, step.walk.windows, step.walk.length)
            fed = np.broadcast_to(np.arange(step.walk.length) < step.walk.size, shape)
        number += 1
        rows.append(np.broadcast_to(product_cycles(cfg, step, fed.astype(np.int64)), count))
    table = np.array(rows, dtype=np.int64).reshape(len(rows), count).T
    return table[0] if x is None else table


def cycles(cfg: Any, x: ArrayLike) -> int:
    """Return the cycles from the first code of all inputs to the last score, without stalls.

    Parameters
    ----------
    cfg
        :class:`nomul.golden.engine.Config`.
    x
        int[V, ...], codes of the network's inputs.
    """
    work = passes(cfg, x)
    return int(work.sum()) + len(work) * cfg.overhead
