"""Legal configurations drawn at random, of sizes that a simulator does in a second or two."""

import dataclasses
import types
import typing
from typing import Any

import numpy as np

from nomul import registry
from nomul.golden.config import Config

# The largest value that is drawn of a parameter that costs time; borders of all others are 0..64.
SIZES = {
    "rows": 5,
    "cols": 5,
    "lanes": 8,
    "columns": 6,
    "window": 24,
    "slots": 8,
    "max_length": 70,
    "conv_lanes": 4,
    "fc_lanes": 7,
    "conv_units": 4,
    "fc_units": 4,
    "compactor_width": 8,
    "code_bits": 5,
    "stream_bits": 32,
    "tree_regs": 6,
    "exponent_bits": 6,
    "mantissa_bits": 11,
}
LARGEST = 64

TRIES = 400


def draw(block: registry.Block, rng: np.random.Generator) -> Config:
    """Return a legal configuration: a preset of which one to four parameters are drawn anew.

    Half of the numbers are borders: the least and the largest that the block takes, as far as
    drawn sizes go.
    """
    kind = block.config()
    base = small(kind.preset(str(rng.choice(list(kind.presets)))))
    names = [f.name for f in dataclasses.fields(kind) if values(kind, f.name) is not None]
    for _ in range(TRIES):
        chosen = rng.choice(names, min(len(names), int(rng.integers(1, 5))), replace=False)
        changes = {str(name): one(kind, str(name), rng) for name in chosen}
        try:
            return base.replace(**changes)
        except ValueError:
            continue
    raise AssertionError(f"no legal configuration of {block.name} in {TRIES} tries")


def small(cfg: Config) -> Config:
    """Return a configuration with its sizes cut to what is drawn, as far as that is legal."""
    for name, most in SIZES.items():
        if isinstance(value := getattr(cfg, name, None), int) and value > most:
            for less in range(most, 0, -1):
                try:
                    cfg = cfg.replace(**{name: less})
                    break
                except ValueError:
                    continue
    return cfg


def values(kind: type[Config], name: str) -> list[Any] | None:
    """Return what a parameter may be drawn from; None if it is not drawn."""
    declared = typing.get_type_hints(kind)[name]
    plain = [k for k in typing.get_args(declared) or (declared,) if k is not types.NoneType]
    absent = [None] if types.NoneType in typing.get_args(declared) else []
    if plain == [int]:
        return [*absent, *range(SIZES.get(name, LARGEST) + 1)]
    if typing.get_origin(declared) is tuple:
        return None
    try:
        return list(kind.alternatives(name))
    except (ValueError, TypeError):
        return None


def one(kind: type[Config], name: str, rng: np.random.Generator) -> Any:
    """Return a value for a parameter, small ones and powers of two more often."""
    choices = values(kind, name)
    assert choices is not None
    if isinstance(choices[-1], bool | str) or rng.random() < 0.4:
        return choices[int(rng.integers(len(choices)))]
    borders = [v for v in choices if v is None or v <= 3 or v & (v - 1) == 0 or v == choices[-1]]
    return borders[int(rng.integers(len(borders)))]
