"""Operand pairs to try: corners, cancelling sums, products at the limits of the format."""

from typing import Any

import numpy as np

from nomul.golden.sotfp.config import Config


def stimuli(
    cfg: Config, rng: np.random.Generator, n: int = 1000, op: str = "mul"
) -> dict[str, Any]:
    """Return operand pairs ``a``, ``b`` of an operation ``op``: corner patterns, then random ones.

    A third of the random pairs have all bits at random, a third have neighbouring exponents (where
    sums cancel), and a third have products next to the limits of the format.
    """
    form, top = cfg.form, 1 << (cfg.width - 1)
    one = form.bias << form.mantissa_bits
    smallest = 1 << form.mantissa_bits
    plain = [0, 1, 2, smallest - 1, smallest, smallest + 1, one - 1, one, one + 1, one + smallest]
    plain += [form.infinity - 1, form.infinity, form.infinity + 1, form.nan, top - 1]
    corners = np.array(plain + [value | top for value in plain], dtype=np.int64)
    left, right = (grid.ravel() for grid in np.meshgrid(corners, corners))
    a, b = rng.integers(0, 2 * top, n), rng.integers(0, 2 * top, n)
    highest = (1 << form.exponent_bits) - 1
    exponent = (a >> form.mantissa_bits) & highest
    near = exponent + rng.integers(-2, 3, n)
    # The product's exponent lands on the subnormals, or on the overflow.
    edge = np.where(rng.random(n) < 0.5, rng.integers(-cfg.mantissa_bits - 2, 3, n), highest)
    limit = edge - rng.integers(0, 3, n) + form.bias - exponent
    kind = rng.integers(0, 3, n)
    field = np.clip(np.where(kind == 1, near, limit), 0, highest)
    placed = (b & ~(highest << form.mantissa_bits)) | field << form.mantissa_bits
    b = np.where(kind == 0, b, placed)
    return {"op": op, "a": np.concatenate([left, a]), "b": np.concatenate([right, b])}
