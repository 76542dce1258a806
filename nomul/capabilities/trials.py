"""Trials of a test set: samples for a bench, and a judgement of what its hardware answered.

A block's ``test_set(cfg, name, folder, images, target)`` writes a test set where its bench finds
it, and returns what it takes to run and to judge it. ``cfg`` is the block's hardware and ``name`` a
data set or a file; samples and answers go into ``folder``, and of the set only the first
``images``. ``target`` names the column of a file that holds the classes.
"""

from pathlib import Path
from typing import Any


def environment(folder: Path, x: Any, *, answers: bool = True) -> dict[str, str]:
    """Write samples into a folder; return the variables that tell a bench of them.

    Parameters
    ----------
    folder
        Made where it is not there.
    x
        Samples as the bench takes them.
    answers
        Whether the bench writes answers, which :func:`answered` reads; older ones are removed.
    """
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    stimuli = folder.resolve() / "stimuli.npz"
    np.savez(stimuli, x=x)
    named = {"NOMUL_STIMULI": str(stimuli)}
    if answers:
        file = folder.resolve() / "answers.npy"
        file.unlink(missing_ok=True)
        named["NOMUL_ANSWERS"] = str(file)
    return named


def answered(variables: dict[str, str]) -> Any:
    """Return what a bench has answered to the samples of :func:`environment`."""
    import numpy as np

    return np.load(variables["NOMUL_ANSWERS"])


def accuracies(simulated: Any, modelled: Any, labels: Any) -> dict[str, Any]:
    """Return how many classes are right, of the Verilog and of the model.

    Raises
    ------
    BenchError
        They are not the same classes.
    """
    import numpy as np

    from nomul.sim.harness import BenchError

    if not np.array_equal(simulated, modelled):
        raise BenchError("the simulated Verilog and the model give other classes")
    return {
        "samples": len(labels),
        "accuracy": round(float((simulated == labels).mean()), 4),
        "accuracy of the model": round(float((modelled == labels).mean()), 4),
    }
