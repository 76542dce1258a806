"""The training loop of look-up-table networks: interruptible, resumable, the same every time."""

import copy
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from nomul.train import memory
from nomul.train.lutnet.direct import Wiring

Prepare = Callable[[Tensor, torch.Generator | None], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]

# Seconds between two checkpoints: to write one takes as long as some steps of a small network.
EVERY = 5.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How long and how fast to train.

    Parameters
    ----------
    epochs, batch, rate
        Passes over the data, samples per step, first learning rate of Adam (cosine to zero).
    wire_rate
        The same for the scores of wires.
    wire_every
        Steps per step of the wires, whose gradient costs more than all else.
    ahead
        Batches whose bits are made at once, which costs less per batch where bits are counted.
    seed
        Of weights, wires and the order of samples.
    """

    epochs: int = 60
    batch: int = 128
    rate: float = 0.02
    wire_rate: float = 0.02
    wire_every: int = 1
    ahead: int = 1
    seed: int = 1


def fit(
    net: nn.Module,
    x: Tensor,
    targets: Tensor,
    recipe: Recipe,
    prepare: Prepare,
    *,
    loss_of: Loss = nn.functional.cross_entropy,
    checkpoint: Path | None = None,
    advance: Callable[[float], None] = lambda _: None,
) -> None:
    """Minimise a loss of ``net`` on codes x[n, ...], of which ``prepare`` makes bits.

    Parameters
    ----------
    net
        The network; its method ``settle`` is called after every step.
    x
        Samples, chosen along their first axis.
    targets
        int64[n], labels, or float[n, classes], probabilities.
    recipe
        How long and how fast.
    prepare
        Makes the network's input of some samples; a generator stands for noise and shifts.
    loss_of
        Of the network's outputs and their targets; the cross-entropy if not given.
    checkpoint
        A file that is written every few seconds and when the run is interrupted, and from which it
        goes on to the same result; removed at the end.
    advance
        Called after each epoch with its mean loss.
    """
    memory.keep()
    generator = torch.Generator().manual_seed(recipe.seed)
    wirings = [module for module in net.modules() if isinstance(module, Wiring)]
    scores = [p for name, p in net.named_parameters() if name.endswith("scores")]
    others = [p for name, p in net.named_parameters() if not name.endswith("scores")]
    groups = [
        {"params": values, "lr": rate}
        for values, rate in ((others, recipe.rate), (scores, recipe.wire_rate))
        if values
    ]
    optimiser = torch.optim.Adam(groups)
    steps = recipe.epochs * -(-len(x) // recipe.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    losses: list[float] = []  # of the epochs so far
    if checkpoint is not None and checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        if state["recipe"] != repr(recipe):
            raise ValueError(f"{checkpoint} is of another run; remove it to start afresh")
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        generator.set_state(state["generator"])
        losses = state["losses"]
    for known in losses:
        advance(known)
    net.train()
    latest: dict[str, object] = {}  # of the last epoch, until it is written
    written = time.monotonic()
    try:
        for _ in range(len(losses), recipe.epochs):
            total = 0.0
            order = torch.randperm(len(x), generator=generator)
            for number, (chosen, bits) in enumerate(_batches(x, order, recipe, prepare, generator)):
                for wiring in wirings:
                    wiring.learning = number % recipe.wire_every == 0
                optimiser.zero_grad()
                logits = net(bits)
                loss = loss_of(logits, targets[chosen])
                torch.autograd.backward(loss)
                optimiser.step()
                schedule.step()
                net.settle()  # type: ignore[operator]
                total += float(loss.detach()) * len(chosen)
            losses.append(total / len(x))
            if checkpoint is not None:
                parts = {
                    "net": net.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(),
                    "generator": generator.get_state(),
                    "losses": losses,
                }
                # A copy, since the next epoch changes the tensors in their places.
                latest = {"recipe": repr(recipe), **copy.deepcopy(parts)}
                if time.monotonic() - written > EVERY:
                    _write(checkpoint, latest)
                    latest, written = {}, time.monotonic()
            advance(losses[-1])
    except BaseException:
        if checkpoint is not None and latest:
            _write(checkpoint, latest)
        raise
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    net.eval()


def _batches(
    x: Tensor, order: Tensor, recipe: Recipe, prepare: Prepare, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield which samples each batch has, in an order, and the bits made of them."""
    for block in order.split(recipe.batch * recipe.ahead):
        bits = prepare(x[block], generator)
        if recipe.ahead == 1:
            yield block, bits
            continue
        parts = bits.split(recipe.batch, dim=1)
        for chosen, part in zip(block.split(recipe.batch), parts, strict=True):
            yield chosen, part.contiguous()


def _write(path: Path, state: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".part")
    torch.save(state, scratch)
    os.replace(scratch, path)
