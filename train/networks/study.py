"""Trains the networks, quantises them, and writes small files and a record of accuracies.

Each stage is kept as soon as it is there, so a run that was stopped goes on where it was.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import nn

from nomul.golden import network
from nomul.golden.network import Network
from nomul.golden.network.evaluate import Sums
from nomul.golden.network.examples import FOLDER
from nomul.train import digits, fashion, judge
from nomul.train.networks.export import to_onnx
from nomul.train.networks.nets import NETS
from nomul.train.networks.tune import Tuned, tune

EPOCHS = {"digits-mlp": 80, "fashion-convnet": 6, "fashion-residual": 6}
TUNING = {"digits-mlp": 30, "fashion-convnet": 2, "fashion-residual": 2}
CALIBRATION = 500
JUDGED = 1000  # test inputs that onnxruntime computes too


@dataclass(frozen=True)
class Data:
    """Real inputs float32[n, ...] in 0..1 and labels int64[n], for training and test."""

    x: NDArray[np.float32]
    labels: NDArray[np.int64]
    x_test: NDArray[np.float32]
    labels_test: NDArray[np.int64]


def data_of(name: str, folder: Path = fashion.FOLDER) -> Data:
    """Return the data of a network: scikit-learn's digits, or Fashion-MNIST from a folder."""
    if name.startswith("digits"):
        d = digits.load()
        return Data(d.x.astype(np.float32), d.labels, d.x_test.astype(np.float32), d.labels_test)
    train, test = (fashion.load(part, folder) for part in ("train", "test"))

    def images(part: fashion.Part) -> NDArray[np.float32]:
        return part.images[:, None].astype(np.float32) / np.float32(255)

    return Data(images(train), train.labels, images(test), test.labels)


def fit(net: nn.Module, data: Data, epochs: int, rate: float = 4e-3, seed: int = 1) -> None:
    """Train with Adam under one cycle of the rate (Smith, arXiv 1708.07120); images mirrored."""
    draw = torch.Generator().manual_seed(seed)
    x, labels = torch.from_numpy(data.x), torch.from_numpy(data.labels)
    batch = 64 if len(x) < 5000 else 128
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=epochs * -(-len(x) // batch)
    )
    net.train()
    for _ in range(epochs):
        for chosen in torch.split(torch.randperm(len(x), generator=draw), batch):
            images = x[chosen]
            if images.ndim == 4:
                mirrored = torch.rand(len(images), generator=draw) < 0.5
                images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(images), labels[chosen]).backward()
            optimiser.step()
            schedule.step()
    net.eval()


@torch.no_grad()
def accuracy_of_module(net: nn.Module, data: Data) -> float:
    """Return the share of test inputs that a module recognises."""
    parts = [net(part).argmax(1) for part in torch.split(torch.from_numpy(data.x_test), 500)]
    return float((torch.cat(parts).numpy() == data.labels_test).mean())


def accuracy(net: Network, data: Data, sums: Mapping[int, Sums] | None = None) -> float:
    """Return the share of test inputs that a network of integers recognises.

    ``sums`` as for :func:`nomul.golden.network.model`.
    """
    with threadpool_limits(1):  # threads that wait for each other cost more than they bring
        scores = network.model(net, net.encode(data.x_test), sums)
    return float((scores.argmax(axis=1) == data.labels_test).mean())


def estimator(data: Data) -> dict[str, float]:
    """Return accuracies of scikit-learn's MLPClassifier of the same sizes, and of its integers."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier((64, 32), max_iter=300, random_state=1).fit(data.x, data.labels)
    after = network.quantise(model, data.x[:CALIBRATION])
    return {
        "float": float(model.score(data.x_test, data.labels_test)),
        "int8 after training": accuracy(after, data),
    }


def run(
    name: str, build: Path, out: Path = FOLDER, folder: Path = fashion.FOLDER, seed: int = 1
) -> dict[str, Any]:
    """Train, quantise and fine-tune one network; return its record.

    Parameters
    ----------
    name
        One of :data:`nomul.train.networks.NETS`.
    build
        Where the stages are kept: ``<name>.pt`` and ``<name>.onnx``.
    out
        Where ``<name>-int8.npz``, ``<name>-int4.npz`` and ``<name>.json`` go.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    build.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    data, seconds = data_of(name, folder), {}

    def timed(stage: str, make: Callable[[], None]) -> None:
        start = time.process_time()
        make()
        seconds[stage] = round(time.process_time() - start, 1)

    record = out / f"{name}.json"
    net, state = NETS[name](), build / f"{name}.pt"
    if state.is_file():
        net.load_state_dict(torch.load(state, weights_only=True))
        net.eval()
    else:
        timed("training", lambda: fit(net, data, EPOCHS[name]))
        torch.save(net.state_dict(), state)
    model = to_onnx(net, data.x[:2], build / f"{name}.onnx")
    graph = network.read(model)
    known = json.loads(record.read_text()) if record.is_file() else {}
    found: dict[str, Any] = {"network": name, "seed": seed, "float": accuracy_of_module(net, data)}

    after = network.quantise(graph, data.x[:CALIBRATION])
    found["products"], found["weights"] = after.products, after.weights
    for bits in (8, 4):
        plain = network.quantise(graph, data.x[:CALIBRATION], bits, bits)
        found[f"int{bits} after training"] = accuracy(plain, data)
        if bits == 8:
            network.save(plain, out / f"{name}-int8.npz")
    shifts = network.quantise(graph, data.x[:CALIBRATION], powers_of_two=True)
    found["int8 with powers of two"] = accuracy(shifts, data)

    fine = out / f"{name}-int4.npz"
    if not fine.is_file() or known.get("float") != found["float"]:
        tuned = Tuned(graph, data.x[:CALIBRATION], 4, 4)
        x, labels = torch.from_numpy(data.x), torch.from_numpy(data.labels)
        timed("fine-tuning", lambda: tune(tuned, x, labels, TUNING[name]))
        network.save(tuned.network(), fine)
    found["int4 fine-tuned"] = accuracy(network.load(fine), data)
    other = build / f"{name}-onnxruntime.onnx"
    judge.quantised(build / f"{name}.onnx", data.x[:CALIBRATION], other)
    found["int8 by onnxruntime"] = accuracy(network.load(other), data)
    found["onnxruntime"] = vars(judge.agreement(other, data.x_test[:JUDGED]))
    if name == "digits-mlp":
        found["scikit-learn"] = estimator(data)
    found["seconds"] = {**known.get("seconds", {}), **seconds}
    record.write_text(json.dumps(found, indent=1) + "\n")
    return found
