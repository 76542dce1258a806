"""How many fraction bits keep a spike train equal to exact arithmetic."""

from fractions import Fraction

import numpy as np

from nomul.golden.lif import Layer, response

STEPS, LEAK, THRESHOLD = 400, 5, 100


def exact_train(current: list[int]) -> list[int]:
    """Return the train of exact arithmetic under ``subtract``."""
    v, train = Fraction(0), []
    for i in current:
        v = v * (1 - Fraction(1, 1 << LEAK)) + i - THRESHOLD * (v > THRESHOLD)
        train.append(int(v > THRESHOLD))
    return train


def first_differences(fractions: tuple[int, ...] = (0, 2, 4, 6, 8)) -> dict[int, int | None]:
    """Return for each F the first step whose spike differs from exact arithmetic, if any."""
    current = np.random.default_rng(5).integers(-20, 60, STEPS)
    expected, result = np.array(exact_train(current.tolist())), {}
    for fraction in fractions:
        cfg = Layer(neurons=1, state_bits=24, fraction=fraction, leak=LEAK, threshold=THRESHOLD)
        out = response.membrane(cfg, current).out
        differ = np.flatnonzero(out != expected)
        result[fraction] = int(differ[0]) if len(differ) else None
    return result
