"""A network learns digits in Verilog, an image at a time, beside its model."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul.capabilities import sgd_verilog

if TYPE_CHECKING:
    from nomul.golden import sgd
    from nomul.golden.arrays import Ints

DATA = "scikit-learn's digits"
ALL, EVERY = 200, 100  # all of the first steps have their weights compared, then every hundredth
FILE = "state.npz"

Shown = Callable[[int, str], None]


@dataclass(frozen=True)
class Job:
    """What is to be learned.

    Parameters
    ----------
    cfg
        The training unit: 64 inputs and 10 outputs.
    epochs, images
        Passes over the images, and how many of the 1,437 there are.
    seed
        Of the first weights and of the order of the images.
    in_rtl
        Run the Verilog too; else only the model learns.
    """

    cfg: "sgd.Config"
    epochs: int = 4
    images: int = 1437
    seed: int = 1
    in_rtl: bool = True

    def __post_init__(self) -> None:
        ends = self.cfg.sizes[0], self.cfg.sizes[-1]
        if ends != (64, 10):
            raise ValueError(f"sgd.sizes must begin with 64 and end with 10 for digits, not {ends}")
        if not 1 <= self.images <= 1437:
            raise ValueError(f"images must be in 1..1437, not {self.images}")

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.epochs * self.images

    def order(self, epoch: int) -> "Ints":
        """Return the order of the images in an epoch, which only seed and epoch decide."""
        import numpy as np

        return np.random.default_rng((self.seed, epoch)).permutation(self.images)

    def key(self) -> str:
        """Return what a stored state has to have in common with this training."""
        return json.dumps([self.cfg.to_dict(), self.images, self.seed])


@dataclass
class Progress:
    """Where a training is.

    Attributes
    ----------
    state
        Weights, residues and steps, of the model, and where it ran of the Verilog.
    losses
        Half the squared error of every step so far, from the outputs before its update.
    accuracies
        On the 360 test images, after each epoch.
    compared
        Steps after which all weights of the Verilog were those of the model.
    outputs
        Outputs of the Verilog that were those of the model.
    """

    state: "sgd.State"
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    compared: int = 0
    outputs: int = 0
    cycles: int = 0

    def save(self, path: Path, key: str) -> None:
        """Write it, so that whoever reads sees the old one or the new one."""
        import numpy as np

        from nomul.runs import folders

        path.parent.mkdir(parents=True, exist_ok=True)
        layers: dict[str, Any] = {f"w{k}": w for k, w in enumerate(self.state.weights)}
        layers |= {f"r{k}": r for k, r in enumerate(self.state.residues)}
        numbers = np.array([self.state.steps, self.compared, self.outputs, self.cycles])
        with path.with_suffix(".new").open("wb") as file:
            np.savez(
                file,
                key=np.array(key),
                numbers=numbers,
                losses=np.array(self.losses, dtype=np.float64),
                accuracies=np.array(self.accuracies, dtype=np.float64),
                **layers,
            )
        folders.replace(path.with_suffix(".new"), path)

    @classmethod
    def load(cls, path: Path, key: str) -> "Progress | None":
        """Return what was stored; None if nothing was, or of another training."""
        import numpy as np

        from nomul.golden import sgd

        if not path.is_file():
            return None
        with np.load(path) as stored:
            if str(stored["key"]) != key:
                return None
            layers = range(sum(name.startswith("w") for name in stored.files))
            weights, residues = ([stored[f"{n}{k}"] for k in layers] for n in "wr")
            steps, *rest = (int(number) for number in stored["numbers"])
            state = sgd.State(weights, residues, steps)
            return cls(state, stored["losses"].tolist(), stored["accuracies"].tolist(), *rest)


def run(job: Job, folder: Path, show: Shown = lambda steps, text: None) -> Progress:
    """Train, or go on from what ``folder`` holds of the same training; return where it ended.

    Outputs of every step are compared, and all weights after each of the first 200 steps, then
    after every hundredth, and after every epoch.

    Parameters
    ----------
    job
        What is to be learned.
    folder
        Where the state goes, after every epoch and when the training is interrupted; and the
        program made of the Verilog.
    show
        Is told the steps done and a line of text.

    Raises
    ------
    MismatchError
        The Verilog does not do what the model does.
    BenchError
        Verilator is not there, or the Verilog hangs.
    """
    import numpy as np

    from nomul.golden import sgd
    from nomul.golden.sgd.stimuli import initial
    from nomul.train import digits

    cfg, path = job.cfg, folder / FILE
    data = digits.load(1)
    x, x_test = (sgd.numbers(cfg).encode(cfg, part) for part in (data.x, data.x_test))
    target = sgd.targets(cfg, data.labels)
    progress = Progress.load(path, job.key())
    if progress is None:
        progress = Progress(sgd.begin(cfg, initial(cfg, np.random.default_rng(job.seed))))
    counts, order = sgd.Counts(0, 0), np.zeros(0, dtype=np.int64)
    with contextlib.ExitStack() as stack:
        unit = (
            stack.enter_context(sgd_verilog.rtl(cfg, progress.state, folder / "rtl"))
            if job.in_rtl
            else None
        )
        stack.callback(lambda: progress.save(path, job.key()))
        for step in range(progress.state.steps, job.steps):
            epoch, place = divmod(step, job.images)
            if place == 0 or not len(order):
                order = job.order(epoch)
            image = order[place]
            state, z, _, new = sgd.advance(cfg, progress.state, x[image], target[image])
            counts = sgd.Counts(*(sum(pair) for pair in zip(counts, new, strict=True)))
            if unit is not None:
                y, cycles = unit.learn(x[image], target[image])
                if not np.array_equal(y, z[-1]):
                    raise sgd_verilog.MismatchError(
                        f"step {step + 1}: outputs {y}, expected {z[-1]}"
                    )
                progress.outputs += len(y)
                progress.cycles += cycles
            progress.state = state
            progress.losses.append(sgd.loss(cfg, z[-1], target[image]))
            ends = place == job.images - 1
            if ends or step % EVERY == EVERY - 1 or step < ALL:
                weights = state.weights
                if unit is not None:
                    weights = unit.compare(state)
                    progress.compared += 1
                accuracy = sgd.accuracy(cfg, weights, x_test, data.labels_test)
                loss = float(np.mean(progress.losses[-EVERY:]))
                text = f"epoch {epoch + 1} of {job.epochs}, loss {loss:.3f}, {accuracy:.1%} right"
                show(step + 1, text)
            if ends:
                progress.accuracies.append(accuracy)
                progress.save(path, job.key())
    if counts.products and counts.products == counts.vanished:
        import warnings

        warnings.warn(
            f"sgd.rate_log2 {cfg.rate_log2} rounds all {counts.products:,} updates to 0",
            stacklevel=2,
        )
    return progress


def begun(job: Job, folder: Path) -> int:
    """Return the steps of a training that a folder has behind it."""
    stored = Progress.load(folder / FILE, job.key())
    return stored.state.steps if stored else 0


def results(job: Job, progress: Progress, folder: Path) -> dict[str, Any]:
    """Save the network where its arithmetic allows that, and return what there is to say."""
    import numpy as np

    from nomul.golden import sgd
    from nomul.golden.network import files

    cfg, about = job.cfg, dict[str, Any]()
    notes = {"source": f"trained by sgd {cfg.to_json()} on {job.images} of {DATA}"}
    try:
        files.save(sgd.network(cfg, progress.state.weights, notes), folder / "network.npz")
        about["network"] = str(folder / "network.npz")
    except ValueError as error:
        about["network"] = f"not saved: {error}"
    pure = sum(sgd.cycles(cfg).values())
    about |= {
        "steps": progress.state.steps,
        "right after each epoch": ", ".join(f"{share:.1%}" for share in progress.accuracies),
        "loss of the last steps": round(float(np.mean(progress.losses[-EVERY:])), 4),
        "cycles of a step": cfg.interval,
        "of them multiplying": round(pure / cfg.interval, 3),
    }
    if job.in_rtl:
        about |= {
            "outputs of the Verilog equal to the model's": progress.outputs,
            "steps after which all weights were equal": progress.compared,
        }
    return about
