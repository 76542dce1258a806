"""Learned numbers in place of popcounts: tables whose weighted outputs are a class's score.

A unit is three tables over the same K bits of a direct layer, K from four to seven, of weights 1, 2
and 4. It begins as the count of its bits, which takes three look-up tables of K inputs in any case,
and then learns any other number of three bits; a class's score is the sum of its units and of
single bits, votes.
"""

import numpy as np
import torch
from torch import Tensor, nn

from nomul.golden import lutnet
from nomul.train.lutnet.direct import LookUp, Wiring, bits_of

# Weights of a unit's tables.
WEIGHTS = (1, 2, 4)


class NumberNet(nn.Module):
    """A direct layer, and scores that are sums of learned numbers and votes.

    Parameters
    ----------
    n_in
        Input bits.
    k
        Inputs of every table.
    units, votes
        Units of each class, and single bits beside them.
    classes
        Number of classes.
    generator
        Source of the initial tables and wires.
    spread
        The direct layer's tables begin in -spread .. spread.
    amplitude
        Of the entries that a unit begins with.
    """

    ends: Tensor

    def __init__(
        self,
        n_in: int,
        k: int,
        units: int,
        votes: int,
        classes: int,
        generator: torch.Generator,
        *,
        spread: float = 1.0,
        amplitude: float = 0.5,
    ):
        super().__init__()
        self.k, self.units, self.votes, self.classes = k, units, votes, classes
        size = classes * (k * units + votes)
        table = torch.empty(size, 1 << k).uniform_(-spread, spread, generator=generator)
        self.tables = nn.ParameterList([nn.Parameter(table)])
        self.wirings = nn.ModuleList([Wiring(n_in, size, k, 1 << 40, generator)])
        self.tables.append(nn.Parameter(amplitude * counts(classes * units, k, generator)))
        each = torch.arange(size).reshape(classes, -1)
        wires = each[:, : k * units].reshape(-1, k)
        self.register_buffer("ends", wires.repeat_interleave(len(WEIGHTS), dim=0))
        self.temperature = 1.5 * (k * units + votes) ** 0.5

    def forward(self, x: Tensor) -> Tensor:
        """Return logits[batch, classes] of bits x[n_in, batch]."""
        hidden = self.wirings[0].look_up(x, self.tables[0])  # type: ignore[operator]
        scores = hidden.reshape(self.classes, -1, x.shape[1])[:, self.k * self.units :].sum(dim=1)
        if self.units:
            digits: Tensor = LookUp.apply(  # type: ignore[no-untyped-call]
                hidden, self.ends, self.tables[1], None, None
            )
            weight = torch.tensor(WEIGHTS, dtype=digits.dtype)
            numbers = digits.reshape(self.classes, self.units, len(WEIGHTS), -1)
            scores = scores + torch.einsum("cuwb,w->cb", numbers, weight)
        return scores.T / self.temperature

    def settle(self) -> None:
        """After a step: keep tables in -1..1, so that no entry is lost, and choose the wires."""
        with torch.no_grad():
            for table in self.tables:
                table.clamp_(-1, 1)
        self.wirings[0].refresh()  # type: ignore[operator]

    def layers(self) -> list[lutnet.DirectLut | lutnet.LutLayer]:
        """Return the layers in the data model; a vote is a table that copies one wire."""
        k = self.k
        first = lutnet.DirectLut(
            k=k,
            idx=self.wirings[0].fixed.numpy(),  # type: ignore[operator]
            tt=bits_of(self.tables[0]),
        )
        size, units = k * self.units + self.votes, self.classes * self.units
        wires = (np.arange(self.classes)[:, None] * size + np.arange(size))[:, k * self.units :]
        copy = sum(1 << a for a in range(1 << k) if a & 1)
        idx = np.concatenate([self.ends.numpy(), np.repeat(wires.reshape(-1, 1), k, axis=1)])
        last = lutnet.LutLayer(
            k=k,
            idx=idx,
            tt=bits_of(self.tables[1]) + [copy] * wires.size,
            out=np.concatenate(
                [
                    np.repeat(np.arange(self.classes), len(WEIGHTS) * self.units),
                    np.repeat(np.arange(self.classes), self.votes),
                ]
            ),
            n_out=self.classes,
            alpha=WEIGHTS,
            level=np.concatenate(
                [np.tile(np.arange(len(WEIGHTS)), units), np.zeros(wires.size, dtype=np.int64)]
            ),
        )
        return [first, last]


def counts(units: int, k: int, generator: torch.Generator) -> Tensor:
    """Return the tables float[3 units, 2**K] of +-1 that count bits, each in a random sense."""
    sense = torch.randint(0, 1 << k, (units, 1), generator=generator)
    address = torch.arange(1 << k)[None] ^ sense
    ones = sum((address >> j) & 1 for j in range(k)) + torch.zeros_like(address)
    digits = torch.stack([(ones >> place) & 1 for place in range(len(WEIGHTS))], dim=1)
    return digits.reshape(-1, 1 << k) * 2.0 - 1.0
