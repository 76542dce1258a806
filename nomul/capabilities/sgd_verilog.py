"""The training unit's Verilog as a program, and its weights beside those of the model."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from nomul.golden import sgd
    from nomul.golden.arrays import Ints


class MismatchError(AssertionError):
    """Verilog and model differ."""


class Unit:
    """The Verilog of the training unit, as a program that learns by pipes.

    Parameters
    ----------
    cfg
        What it was made of.
    program
        The running simulation.
    """

    def __init__(self, cfg: "sgd.Config", program: Any):
        self.cfg, self.program = cfg, program

    def load(self, state: "sgd.State") -> None:
        """Write weights and residues."""
        from nomul.sim.sgd import frames

        self.program.exchange(frames.load(self.cfg, state.weights, state.residues), 0)

    def learn(self, x: "Ints", target: "Ints") -> tuple["Ints", int]:
        """Learn an image; return the outputs before the update, and the cycles until the last."""
        from nomul.sim.sgd import frames

        words = frames.learn(self.cfg, x, target)
        answers, cycles = self.program.exchange(words, self.cfg.sizes[-1])
        return frames.values(self.cfg, answers), cycles

    def compare(self, state: "sgd.State") -> "list[Ints]":
        """Return the weights of the Verilog, which must be those of a state.

        Raises
        ------
        MismatchError
            One of them is another.
        """
        from nomul.sim.sgd import frames

        answers, _ = self.program.exchange(frames.dump(self.cfg), self.cfg.weights)
        weights, residues = frames.state(self.cfg, answers)
        for name, got, expected in (
            ("weight", weights, state.weights),
            ("residue", residues, state.residues),
        ):
            for layer, (one, other) in enumerate(zip(got, expected, strict=True)):
                self._equal(f"step {state.steps}: {name} of layer {layer + 1}", one, other)
        return weights

    @staticmethod
    def _equal(what: str, got: "np.ndarray[Any, Any]", expected: "np.ndarray[Any, Any]") -> None:
        import numpy as np

        differ = np.argwhere(got != expected)
        if len(differ):
            place = tuple(int(i) for i in differ[0])
            raise MismatchError(
                f"{what} at {list(place)} is {got[place]}, expected {expected[place]}; "
                f"{len(differ)} of {got.size} differ"
            )


@contextlib.contextmanager
def rtl(cfg: "sgd.Config", state: "sgd.State", folder: Path) -> Iterator[Unit]:
    """Give the training unit's Verilog, built by Verilator, with the weights of a state.

    A program that the folder has of the same Verilog is used again.
    """
    from nomul import flow, ledger, registry
    from nomul.hw.sgd import Top
    from nomul.sim import compiled
    from nomul.sim.sgd import frames

    emitted = flow.steps.emit(registry.get("sgd"), cfg, top=Top(cfg, state.steps))
    digest, mark = ledger.digest(emitted.verilog), folder / "verilog.txt"
    if not (mark.is_file() and mark.read_text() == digest):
        widths = frames.layout(cfg, True).width, frames.layout(cfg, False).width
        compiled.build(emitted.verilog, emitted.name, widths, folder)
        mark.write_text(digest)
    with compiled.Program(folder / "program") as running:
        unit = Unit(cfg, running)
        unit.load(state)
        yield unit
