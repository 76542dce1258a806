"""Legal configurations of every block, drawn at random: whatever is accepted passes its bench.

A run draws new ones each time and prints their seeds. ``NOMUL_DRAWS`` and ``NOMUL_DRAWS_LONG`` say
how many, ``NOMUL_DRAW_SEED`` which one comes first.
"""

import dataclasses
import os
import secrets
import types
import typing
from typing import Any

import numpy as np
import pytest

from nomul import flow, registry
from nomul.golden.config import Config

DRAWS = int(os.environ.get("NOMUL_DRAWS", "4"))
LONG = int(os.environ.get("NOMUL_DRAWS_LONG", "2000"))
AT_ONCE = 20


# The largest value that is drawn of a parameter that costs time, of one block or of all; borders of
# all others are 0..64.
SIZES = {
    "compactor.width": 24,
    "compactor.value_bits": 24,
    "mvmu.inputs": 12,
    "mvmu.outputs": 12,
    "mvmu.words": 100,
    "mvmu.program_words": 80,
    "mvmu.registers": 40,
    "mvmu.units": 3,
    "spdnn.neurons": 127,
    "spdnn.layers": 7,
    "spdnn.adders": 4,
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
    for field in dataclasses.fields(cfg):
        name, most = field.name, largest(type(cfg), field.name)
        if type(value := getattr(cfg, name)) is int and value > most and most != LARGEST:
            for less in range(most, 0, -1):
                try:
                    cfg = cfg.replace(**{name: less})
                    break
                except ValueError:
                    continue
    return cfg


def largest(kind: type[Config], name: str) -> int:
    """Return the largest value of a parameter that is drawn."""
    return SIZES.get(f"{kind.block_name}.{name}", SIZES.get(name, LARGEST))


def values(kind: type[Config], name: str) -> list[Any] | None:
    """Return what a parameter may be drawn from; None if it is not drawn."""
    declared = typing.get_type_hints(kind)[name]
    if typing.get_origin(declared) is tuple:
        return None
    plain = [k for k in typing.get_args(declared) or (declared,) if k is not types.NoneType]
    absent = [None] if types.NoneType in typing.get_args(declared) else []
    # Of one value or several, one is drawn.
    if int in plain and all(k is int or typing.get_origin(k) is tuple for k in plain):
        return [*absent, *range(largest(kind, name) + 1)]
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


def check(number, folder):
    """Draw a block and a configuration of it, and run its bench."""
    first = os.environ.get("NOMUL_DRAW_SEED")
    seed = secrets.randbelow(1 << 31) if first is None else int(first) + number
    rng = np.random.default_rng(seed)
    block = registry.get(str(rng.choice(list(registry.BLOCKS))))
    cfg = draw(block, rng)
    text = f"NOMUL_DRAW_SEED={seed}: {block.name} {cfg.to_json()}"
    print(text)
    try:
        flow.simulate(block, cfg, folder, seed=seed % 1000)
    except Exception as error:
        raise AssertionError(f"{text}: {error}") from error


@pytest.mark.parametrize("number", range(DRAWS))
def test_a_legal_configuration_passes_its_bench(number, tmp_path):
    check(number, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("start", range(0, LONG, AT_ONCE))
def test_many_legal_configurations_pass_their_benches(start, tmp_path):
    for number in range(start, min(start + AT_ONCE, LONG)):
        check(number, tmp_path / str(number))


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_what_is_drawn_is_legal_varied_and_the_same_for_a_seed(name):
    block = registry.get(name)
    drawn = [draw(block, np.random.default_rng(seed)) for seed in range(12)]
    again = draw(block, np.random.default_rng(5))
    assert again == drawn[5]
    assert len({cfg.to_json() for cfg in drawn}) > (1 if name in ("fp16mul", "lutnet") else 5)


# What failed once, and why.
BORDERS = {
    "codebook": {"code_bits": 1},  # nothing was left to load but entry 0
    "essop": {"source": "sobol", "rows": 1, "cols": 2, "leap": 3},  # bits of one lane
    "intouter": {"accumulate": 8},  # the bench never asked for a read-out
    "sonic": {"address_bits": 1},  # layers of more rows than the unit counts
    "sotfp": {"lanes": 4, "write_errors": 2000, "mantissa_bits": 2},  # cells outlive a reset
}


@pytest.mark.parametrize("name", BORDERS)
def test_borders_pass(name, tmp_path):
    block = registry.get(name)
    cfg = block.config().preset(block.first_preset, **BORDERS[name])
    assert flow.simulate(block, cfg, tmp_path).compared > 0
