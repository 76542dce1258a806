"""How many tables a budget of look-up tables buys, estimated from above."""

import math


def luts(classes: int, tables: int) -> int:
    """Return the six-input look-up tables of direct layers, popcounts, arg-max and streams.

    A table and its vote take about two look-up tables; where more than two classes compete, a
    quarter more for each vote of the others. The constants are the least that lie above what Yosys
    0.70 maps to xc7 for random tables: a count, 2, 3, 5 and 10 classes of 1 to 250 tables take 0.76
    to 1.00 of the estimate.

    Parameters
    ----------
    classes
        Number of classes.
    tables
        Tables of each class.
    """
    votes = 212 * classes * tables + 26 * max(classes - 2, 0) * tables
    return math.ceil((votes + 130 * classes + 230) / 100)


def tables(budget: int, classes: int) -> int:
    """Return the most tables per class whose estimate is within a budget.

    Raises
    ------
    ValueError
        Not even one table per class is.
    """
    if luts(classes, 1) > budget:
        many = f"{classes} classes" if classes > 1 else "a count"
        raise ValueError(f"luts must be at least {luts(classes, 1)} for {many}")
    low, high = 1, 4096  # the widest popcount
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if luts(classes, middle) <= budget else (low, middle - 1)
    return low
