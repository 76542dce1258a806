"""How many tables a budget of look-up tables buys, estimated from above."""


def luts(classes: int, tables: int) -> int:
    """Return the six-input look-up tables of direct layers, popcounts, arg-max and streams.

    A popcount of n bits takes about n look-up tables, and each comparison of the arg-max about two
    per bit of a count: the constants lie above what Yosys 0.70 maps to xc7 for 2 to 10 classes of 8
    to 130 tables, which the tests of this file measure.

    Parameters
    ----------
    classes
        Number of classes.
    tables
        Tables of each class.
    """
    return 2 * classes * tables + (classes - 1) * (2 * tables.bit_length() + 1) + 6


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
