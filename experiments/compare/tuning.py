"""Fine-tuning under what a member can hold: a few epochs, the weights projected as they change."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nomul import ledger
from nomul.experiments.compare.fit import configured, layers
from nomul.experiments.compare.subject import CALIBRATION, Subject, digest_of
from nomul.golden import network, products
from nomul.golden.arrays import Ints
from nomul.golden.network import Network
from nomul.golden.products.planner import matrices

# Few samples want more epochs; where there are many, a projection after each step takes longer
# than the step.
EPOCHS = {True: 60, False: 2}
EVERY = {True: 2, False: 20}
FEW = 5000

# Bits of weights from which on the largest one may have the largest code at no loss.
FOLLOWED = 8


def tuned(
    subject: Subject, candidate: Any, folder: Path, note: Callable[[str], None] = lambda _: None
) -> Network:
    """Return the network after fine-tuning under a candidate's structure, kept in a folder.

    Candidates that hold the same weights, such as blocks of four in tiles of two sizes, or one by
    one or all at once, are trained once. ``note`` is told what takes long.

    Raises
    ------
    ImportError
        PyTorch is not installed.
    ValueError
        The data has no samples for training, or the network cannot be trained.
    """
    if subject.samples.x is None:
        raise ValueError("--finetune needs samples for training: --train FILE")
    cfg = configured(candidate, subject.net)
    text = f"{_structure(subject.net, candidate.member, cfg)} {subject.training} "
    text += digest_of(subject.net)
    text += f" {EPOCHS} {EVERY} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"
    path = folder / f"{ledger.digest(text)}.npz"
    if not path.is_file():
        note(f"training under the structure of {candidate.label} ({candidate.size})")
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.stem}.{os.getpid()}.npz")
        network.save(_trained(subject, candidate.member, cfg), partial)
        partial.replace(path)
    return network.load(path)


def _structure(net: Network, member: str, cfg: Any) -> str:
    """Return what stands for all that training sees of a member: what it holds, and what it shares.

    Told by what it makes of the network's own weights, and of random ones in their places.
    """
    rng, parts = np.random.default_rng(1), []
    for layer in layers(net):
        for own in matrices(layer.w, layer.groups):
            bound = int(np.abs(layer.w).max())
            for w in (own, rng.integers(-bound, bound + 1, own.shape)):
                parts.append(products.plan(member, cfg, w, project=True).weights())
            shared = products.shares(member, cfg, (own.shape[0], own.shape[1]))
            if shared is not None:
                # Numbers in the order of their first places, whatever a tile counts from.
                _, first, each = np.unique(shared, return_index=True, return_inverse=True)
                parts.append(np.argsort(np.argsort(first))[each].reshape(own.shape))
    return ledger.digest(" ".join(ledger.digest(np.ascontiguousarray(p).data) for p in parts))


def _trained(subject: Subject, member: str, cfg: Any) -> Network:
    import torch

    from nomul.train.networks.lift import lift
    from nomul.train.networks.settle import SETTLED, settle
    from nomul.train.networks.tune import Tuned, tune

    samples, net = subject.samples, subject.net
    assert samples.x is not None
    assert samples.labels is not None

    def project(w: Ints) -> Ints:
        return products.plan(member, cfg, w, project=True).weights()

    def shares(shape: tuple[int, int]) -> Ints | None:
        return products.shares(member, cfg, shape)

    torch.set_num_threads(1)
    torch.manual_seed(1)
    few = len(samples.x) < FEW
    graph = lift(net)
    widths = net.weight_bits, net.act_bits
    follow = net.weight_bits >= FOLLOWED
    start = Tuned(graph, samples.x[:CALIBRATION], *widths, project, shares, follow)
    if member in SETTLED:
        settle(start, samples.x[:CALIBRATION])
    x, labels = torch.from_numpy(samples.x), torch.from_numpy(samples.labels)
    options: dict[str, Any] = {"epochs": EPOCHS[few], "every": EVERY[few], "relative": True}
    tune(start, x, labels, rate=8e-3 if few else 1e-3, **options)
    return start.network()
