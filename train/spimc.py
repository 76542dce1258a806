"""Networks pruned for SP-IMC: trained, cut down, fine-tuned, and exported with exact zeros."""

import argparse
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nomul.golden import sparse
from nomul.train import digits, fashion

FASHION = fashion.FOLDER

SIZES = {"digits": (64, 64, 32, 10), "fashion": (784, 256, 128, 10)}
EPOCHS = {"digits": 40, "fashion": 8}
PATTERNS = ("dense", "75", "85", "90", "95", "1:4", "2:4", "2:8")

Masks = list[torch.Tensor]


@dataclass(frozen=True)
class Data:
    """Images float32[n, pixels] in 0..1 and labels int64[n], split into training and test."""

    x: torch.Tensor
    labels: torch.Tensor
    x_test: torch.Tensor
    labels_test: torch.Tensor


@dataclass(frozen=True)
class Outcome:
    """Accuracy on the test images of one network under one pattern.

    ``accuracy`` is that of float weights after fine-tuning, ``int8`` and ``int4`` those with
    weights of that many bits; ``sparsity`` is the share of zeros among all weights.
    """

    pattern: str
    sparsity: float
    accuracy: float
    int8: float
    int4: float


def load(name: str, folder: Path = FASHION) -> Data:
    """Return scikit-learn's digits, or Fashion-MNIST from its four IDX files in ``folder``.

    Raises
    ------
    FileNotFoundError
        Fashion-MNIST is not there; the message says where to get it.
    """
    arrays: tuple[NDArray[Any], ...]
    if name == "digits":
        data = digits.load()
        arrays = (data.x, data.labels, data.x_test, data.labels_test)
    else:
        parts = [fashion.load(part, folder) for part in ("train", "test")]
        train, test = ((p.images.reshape(len(p.images), -1) / 255.0, p.labels) for p in parts)
        arrays = (*train, *test)
    x, y, x_test, y_test = (torch.from_numpy(np.array(array)) for array in arrays)
    return Data(x.float(), y.long(), x_test.float(), y_test.long())


def network(sizes: tuple[int, ...]) -> nn.Sequential:
    """Return fully connected layers with ReLU between them, named fc1, fc2 and so on."""
    net = nn.Sequential()
    for number, (n_in, n_out) in enumerate(itertools.pairwise(sizes), 1):
        if number > 1:
            net.add_module(f"relu{number - 1}", nn.ReLU())
        net.add_module(f"fc{number}", nn.Linear(n_in, n_out))
    return net


def linears(net: nn.Module) -> list[nn.Linear]:
    """Return the layers that have weights."""
    return [module for module in net.modules() if isinstance(module, nn.Linear)]


def fit(net: nn.Module, data: Data, epochs: int, masks: Masks | None = None) -> None:
    """Train with Adam and a falling rate; masked weights stay zero."""
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    batch = 64 if len(data.x) < 5000 else 256
    for _ in range(epochs):
        for chosen in torch.split(torch.randperm(len(data.x)), batch):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(net(data.x[chosen]), data.labels[chosen])
            loss.backward()
            optimiser.step()
            if masks is not None:
                apply(net, masks)
        schedule.step()


def prune(net: nn.Module, pattern: str) -> Masks:
    """Set the smallest weights of every layer to zero, and return what remains.

    Parameters
    ----------
    pattern
        ``dense``; a percentage of zeros; or ``N:M``, N kept of each M inputs. The last layer, a
        hundredth of the weights, keeps at least a fifth of them under a percentage.
    """
    masks = []
    for layer in linears(net):
        weight = layer.weight.detach().numpy().T  # inputs first
        if ":" in pattern:
            nnz, group = map(int, pattern.split(":"))
            cut = sparse.prune_groups(weight, nnz, group)
        elif pattern == "dense":
            cut = weight
        else:
            share = float(pattern) / 100
            cut = sparse.prune_magnitude(
                weight, min(share, 0.8) if layer.out_features == 10 else share
            )
        masks.append(torch.from_numpy(np.ascontiguousarray(cut.T != 0)))
    apply(net, masks)
    return masks


def apply(net: nn.Module, masks: Masks) -> None:
    """Set masked weights to zero."""
    with torch.no_grad():
        for layer, mask in zip(linears(net), masks, strict=True):
            layer.weight *= mask


def accuracy(net: nn.Module, data: Data, bits: int | None = None) -> float:
    """Return the share of test images that are recognised, with weights of so many bits."""
    before = [layer.weight.detach().clone() for layer in linears(net)]
    with torch.no_grad():
        for layer in linears(net):
            if bits is not None:
                q, scale = sparse.quantise(layer.weight.numpy().T, bits)
                layer.weight.copy_(torch.from_numpy((q * scale).T))
        right = (net(data.x_test).argmax(dim=1) == data.labels_test).float().mean().item()
        for layer, weight in zip(linears(net), before, strict=True):
            layer.weight.copy_(weight)
    return right


def export(net: nn.Module, path: Path, bits: int) -> None:
    """Write integer weights [outputs, inputs] and their scales per output as safetensors."""
    from safetensors.numpy import save_file

    arrays = {}
    for number, layer in enumerate(linears(net), 1):
        q, scale = sparse.quantise(layer.weight.detach().numpy().T, bits)
        arrays[f"fc{number}.weight"] = np.ascontiguousarray(q.T)
        arrays[f"fc{number}.scale"] = scale.astype(np.float32)
    save_file(arrays, path, metadata={"bits": str(bits)})


def study(
    name: str,
    out: Path | None = None,
    *,
    patterns: tuple[str, ...] = PATTERNS,
    epochs: int | None = None,
    seed: int = 1,
    folder: Path = FASHION,
) -> list[Outcome]:
    """Train once, then prune and fine-tune from there for every pattern.

    Parameters
    ----------
    out
        Folder for ``<name>-<pattern>-int<bits>.safetensors``; nothing is written if None.
    epochs
        Of the training; fine-tuning takes half as many.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # layers this small lose more to threads than they gain
    data, length = load(name, folder), epochs or EPOCHS[name]
    net = network(SIZES[name])
    fit(net, data, length)
    trained = {key: value.clone() for key, value in net.state_dict().items()}
    outcomes = []
    for pattern in patterns:
        net.load_state_dict(trained)
        masks = prune(net, pattern)
        if pattern != "dense":
            fit(net, data, max(1, length // 2), masks)
        zeros = sum(int((layer.weight == 0).sum()) for layer in linears(net))
        total = sum(layer.weight.numel() for layer in linears(net))
        values = [accuracy(net, data, bits) for bits in (None, 8, 4)]
        outcomes.append(Outcome(pattern, zeros / total, *values))
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            for bits in (8, 4):
                stem = f"{name}-{pattern.replace(':', 'of')}-int{bits}"
                export(net, out / f"{stem}.safetensors", bits)
    return outcomes


def run(name: str, out: Path, *, seed: int = 1, folder: Path = FASHION) -> list[Outcome]:
    """Run the study of one network, and write what measurements of hardware need.

    That is the weights, ``<name>.json`` with the accuracies, and ``<name>-x.npy``, the first test
    images as 4-bit integers [16, pixels].
    """
    outcomes = study(name, out, seed=seed, folder=folder)
    images = load(name, folder).x_test[:16].numpy()
    np.save(out / f"{name}-x.npy", np.rint(images * 15).astype(np.int64))
    table = [vars(outcome) for outcome in outcomes]
    (out / f"{name}.json").write_text(json.dumps(table, indent=1) + "\n")
    return outcomes


def main() -> None:
    """Run the study of one network, print the accuracies and write its weights."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("name", choices=sorted(SIZES))
    parser.add_argument("--out", type=Path, default=Path("build/pruned"))
    parser.add_argument("--data", type=Path, default=FASHION, help="folder of Fashion-MNIST")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    outcomes = run(given.name, given.out, seed=given.seed, folder=given.data)
    for outcome in outcomes:
        print(
            f"{outcome.pattern:6} {outcome.sparsity:7.1%} zeros  float {outcome.accuracy:.2%}  "
            f"int8 {outcome.int8:.2%}  int4 {outcome.int4:.2%}"
        )


if __name__ == "__main__":
    main()
