"""Readouts: what is said of the last layer's spikes at the end of an image."""

from typing import Literal, NamedTuple, get_args

import numpy as np

from nomul.golden.arrays import Ints

# spikes: the trains themselves. counts: most spikes. first: first to spike. potential: highest
# potential at the end. Of equals the lowest number wins.
Readout = Literal["spikes", "counts", "first", "potential"]
READOUTS: tuple[Readout, ...] = get_args(Readout)


class Answer(NamedTuple):
    """A neuron's number and what it has won with, int64[...] each.

    The value is a count of spikes; the step of the first spike, or T if none spiked and the answer
    means nothing; or a stored potential.
    """

    label: Ints
    value: Ints


def read(kind: str, out: Ints, v: Ints) -> Answer:
    """Return the answer to spikes and potentials int64[..., T, neurons] of a whole image.

    Parameters
    ----------
    kind
        One of :data:`READOUTS` other than ``spikes``.
    """
    if kind == "counts":
        score = out.sum(axis=-2)
    elif kind == "potential":
        score = v[..., -1, :]
    elif kind == "first":
        steps = out.shape[-2]
        score = -np.where(out.any(axis=-2), out.argmax(axis=-2), steps)
    else:
        raise ValueError(f"readout must be one of {', '.join(READOUTS[1:])}, not {kind!r}")
    value = score.max(axis=-1)
    return Answer(score.argmax(axis=-1), -value if kind == "first" else value)
