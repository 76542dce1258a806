"""Direct look-up-table layers as PyTorch trains them: straight-through tables, learned wires.

The tables of a layer are real numbers whose signs are the bits. A look-up passes its gradient to
the entry it read and, to each input, the difference of the entries which that input chooses
between, near addresses weighing more. These extended finite differences and the learned wires are
those of Bacellar et al., "Differentiable Weightless Neural Networks" (ICML 2024), the group sums
those of Petersen et al., "Deep Differentiable Logic Gate Networks" (NeurIPS 2022).

Signals are ``[wires, batch]``: a wire of a whole batch is one row, so choosing wires copies rows.
"""

import itertools
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nomul.golden import lutnet


class LookUp(torch.autograd.Function):
    """Bits of tables at addresses of bits; see the module's docstring for the gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        wires: Tensor,
        table: Tensor,
        scores: Tensor | None = None,
        choice: Tensor | None = None,
    ) -> Tensor:
        """Return y[n, batch] in {0, 1}.

        Parameters
        ----------
        ctx
            What the gradient needs.
        x
            [n_in, batch] in {0, 1}.
        wires
            int64[n, K]; column k is address bit k.
        table
            [n, 2**K].
        scores
            [groups, wires, choices], or None; its gradient is as if each wire were the sum of all
            inputs that it chooses between.
        choice
            int64[groups, choices], the inputs that the wires of a group choose between; only with
            scores.
        """
        address = addresses(x, wires)
        ctx.save_for_backward(x, wires, table, address, choice)
        ctx.scored = scores is not None
        return (table > 0).to(torch.float32).gather(1, address)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Pass on the gradient."""
        (grad,), (x, wires, table, address, choice) = grads, ctx.saved_tensors
        slope = torch.zeros_like(table).scatter_add_(1, address, grad)
        if not (ctx.scored or ctx.needs_input_grad[0]):
            return None, None, slope, None, None
        n, k = wires.shape
        differences = table.clamp(-1, 1) @ weights(k)
        steps = torch.empty(n, k, grad.shape[1])
        for j, part in enumerate(differences.split(1 << k, dim=1)):
            torch.mul(part.gather(1, address), grad, out=steps[:, j])
        steps = steps.reshape(n * k, -1)
        back = None
        if ctx.needs_input_grad[0]:
            back = torch.zeros_like(x).index_add_(0, wires.reshape(-1), steps)
        scored = None
        if ctx.scored:
            grouped = steps.reshape(len(choice), -1, steps.shape[1])
            signs = rows(2.0 * x - 1.0, choice)
            scored = grouped @ signs.transpose(1, 2)
        return back, None, slope, scored, None


def addresses(x: Tensor, wires: Tensor) -> Tensor:
    """Return the addresses int64[n, batch] that bits x[n_in, batch] make on wires[n, K]."""
    x = x.to(torch.uint8)
    address = rows(x, wires[:, 0])
    for j in range(1, wires.shape[1]):
        address |= rows(x, wires[:, j]) << j
    return address.long()


def rows(x: Tensor, places: Tensor) -> Tensor:
    """Return ``x[places]`` of x[n, batch], whole rows at a time, which plain indexing is not."""
    return x.index_select(0, places.reshape(-1)).reshape(*places.shape, x.shape[1])


@cache
def weights(k: int) -> Tensor:
    """Return what each entry weighs in the slope along each input: float[2**K, K 2**K].

    Column j 2**K + a holds the weights for input j at address a: positive where bit j of the entry
    is one, and a third for every other bit in which entry and address differ.
    """
    entries = torch.arange(1 << k)
    away = entries[:, None] ^ entries[None, :]
    columns = []
    for bit in range(k):
        distance = sum((away >> j) & 1 for j in range(k) if j != bit) + torch.zeros_like(away)
        sign = ((entries >> bit) & 1) * 2.0 - 1.0
        columns.append(0.5 * 0.75 ** (k - 1) * 3.0 ** (-1.0 * distance) * sign[:, None])
    return torch.cat(columns, dim=1)


class Wiring(nn.Module):
    """Which input each wire of a layer is: the one with its largest score, or a fixed one.

    Parameters
    ----------
    n_in, n, k
        Input bits, tables, and inputs per table.
    choices
        Inputs that a wire chooses between, the same for the wires of ten tables; 0 for fixed wires.
    generator
        Source of the initial scores or wires.
    """

    choice: Tensor
    fixed: Tensor

    def __init__(self, n_in: int, n: int, k: int, choices: int, generator: torch.Generator):
        super().__init__()
        self.n, self.k, self.learning = n, k, True
        if not choices:
            order = [torch.randperm(n_in, generator=generator) for _ in range(-(-n * k // n_in))]
            self.register_buffer("fixed", torch.cat(order)[: n * k].reshape(n, k))
            self.register_buffer("choice", torch.zeros(1, 0, dtype=torch.long))
            return
        if choices >= n_in:
            choice = torch.arange(n_in)[None]
        else:
            groups = -(-n // 10)
            while n % groups:
                groups -= 1
            choice = torch.stack(
                [torch.randperm(n_in, generator=generator)[:choices] for _ in range(groups)]
            )
        self.register_buffer("choice", choice)
        shape = len(choice), n * k // len(choice), choice.shape[1]
        self.scores = nn.Parameter(torch.rand(shape, generator=generator))
        self.register_buffer("fixed", torch.zeros(n, k, dtype=torch.long))
        self.refresh()

    @property
    def learned(self) -> bool:
        """Whether the wires are learned."""
        return self.choice.shape[1] > 0

    def begin(self, wires: Tensor) -> None:
        """Begin with wires int64[n, K]; those that learn need all inputs to choose between."""
        if self.learned:
            self.scores.data[0].scatter_(1, wires.reshape(-1, 1), 1.0)
        self.fixed = wires

    def look_up(self, x: Tensor, table: Tensor) -> Tensor:
        """Return the bits y[n, batch] of tables [n, 2**K] for bits x[n_in, batch]."""
        scores = self.scores if self.learned and self.learning else None
        y: Tensor = LookUp.apply(  # type: ignore[no-untyped-call]
            x, self.fixed, table, scores, self.choice
        )
        return y

    def refresh(self) -> None:
        """Choose the inputs with the largest scores, after a step that they learned in."""
        if self.learned and self.learning:
            # NumPy finds the first largest of a row in a quarter of PyTorch's time.
            best = torch.from_numpy(self.scores.detach().numpy().argmax(axis=2))
            self.fixed = self.choice.gather(1, best).reshape(self.n, self.k)


class DirectNet(nn.Module):
    """Direct layers with a group-sum head.

    Parameters
    ----------
    n_in
        Input bits.
    sizes
        Tables per layer; the last is a multiple of ``classes``.
    k
        Inputs per table.
    classes
        Number of classes.
    generator
        Source of the initial tables and wires.
    choices
        Inputs that a wire chooses between, per layer; see :class:`Wiring`.
    spread
        The tables begin in -spread .. spread.
    """

    def __init__(
        self,
        n_in: int,
        sizes: tuple[int, ...],
        k: int,
        classes: int,
        generator: torch.Generator,
        choices: tuple[int, ...] = (1 << 40,),
        *,
        spread: float = 1.0,
    ):
        super().__init__()
        self.k, self.classes = k, classes
        self.tables, self.wirings = nn.ParameterList(), nn.ModuleList()
        for number, (before, size) in enumerate(itertools.pairwise((n_in, *sizes))):
            table = torch.empty(size, 1 << k).uniform_(-1, 1, generator=generator)
            self.tables.append(nn.Parameter(spread * table))
            many = choices[number] if number < len(choices) else 0
            self.wirings.append(Wiring(before, size, k, many, generator))
        self.temperature = 1.5 * (sizes[-1] / classes) ** 0.5

    def forward(self, x: Tensor) -> Tensor:
        """Return logits[batch, classes] of bits x[n_in, batch]."""
        for wiring, table in zip(self.wirings, self.tables, strict=True):
            x = wiring.look_up(x, table)  # type: ignore[operator]
        sums = x.reshape(self.classes, -1, x.shape[1]).sum(dim=1)
        return sums.T / self.temperature

    def settle(self) -> None:
        """After a step: keep tables in -1..1, so that no entry is lost, and choose the wires."""
        with torch.no_grad():
            for table in self.tables:
                table.clamp_(-1, 1)
        for wiring in self.wirings:
            wiring.refresh()  # type: ignore[operator]

    def layers(self) -> list[lutnet.DirectLut]:
        """Return the layers in the data model."""
        return [
            lutnet.DirectLut(k=self.k, idx=wiring.fixed.numpy(), tt=bits_of(table))  # type: ignore[operator]
            for wiring, table in zip(self.wirings, self.tables, strict=True)
        ]


def bits_of(table: Tensor) -> list[int]:
    """Return the tables of real numbers [n, 2**K] as integers whose bit a is entry a's sign."""
    packed = np.packbits((table.detach() > 0).numpy(), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]
