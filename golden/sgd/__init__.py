"""SGD: a perceptron that trains itself, an image at a time, in integers."""

from nomul.golden.sgd.config import ROUNDINGS, Config, Pass, Rounding, Shares
from nomul.golden.sgd.files import network
from nomul.golden.sgd.judge import accuracy, classes, loss, targets
from nomul.golden.sgd.numbers import NUMBERS, numbers
from nomul.golden.sgd.rounding import rounded, rounding_state, rounding_words, saturated
from nomul.golden.sgd.stimuli import stimuli
from nomul.golden.sgd.timing import cycles, shares
from nomul.golden.sgd.training import Answer, State, Step, advance, begin, ideal, model, step
from nomul.golden.sgd.update import Counts, outer, pair, stream_state

__all__ = [
    "NUMBERS",
    "ROUNDINGS",
    "Answer",
    "Config",
    "Counts",
    "Pass",
    "Rounding",
    "Shares",
    "State",
    "Step",
    "accuracy",
    "advance",
    "begin",
    "classes",
    "cycles",
    "ideal",
    "loss",
    "model",
    "network",
    "numbers",
    "outer",
    "pair",
    "rounded",
    "rounding_state",
    "rounding_words",
    "saturated",
    "shares",
    "step",
    "stimuli",
    "stream_state",
    "targets",
]
