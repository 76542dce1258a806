"""The grid that a sweep spans: which configurations, and why some combinations are none."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nomul.registry import Block

if TYPE_CHECKING:
    from nomul.golden.config import Config

EVERY = "all"


@dataclass(frozen=True)
class Skipped:
    """A combination of values that the block refuses, and its reason."""

    values: dict[str, Any]
    reason: str


@dataclass(frozen=True)
class Grid:
    """Legal configurations of a sweep, each once, in the order of the axes.

    Attributes
    ----------
    axes
        Parameters that the sweep sets.
    configs
        What is to be built.
    skipped
        Combinations that the block refuses.
    """

    axes: tuple[str, ...]
    configs: "list[Config]"
    skipped: list[Skipped]


def expand(block: Block, preset: str | None, settings: Iterable[str]) -> Grid:
    """Return the grid that settings span around a preset.

    Parameters
    ----------
    block
        Whose configurations.
    preset
        What the other parameters are; the block's first preset if None.
    settings
        ``name=value,value,...`` each. The value ``all`` stands for every alternative of an
        enumerated parameter or a flag. A value that is itself a list stands in brackets.

    Raises
    ------
    TypeError
        There is no such parameter, or a value is of the wrong kind.
    ValueError
        There is no such preset, a setting has no value or comes twice, or no combination is legal.
    """
    kind: type[Config] = block.config()
    base = preset or next(iter(kind.presets))
    kind.preset(base)
    axes: dict[str, list[Any]] = {}
    for setting in settings:
        name, values = _axis(kind, setting)
        if name in axes:
            raise ValueError(f"{name} is set twice: give all its values at once, {name}=A,B")
        axes[name] = values
    configs: dict[str, Config] = {}
    skipped: list[Skipped] = []
    for combination in itertools.product(*axes.values()):
        chosen = dict(zip(axes, combination, strict=True))
        try:
            cfg = kind.preset(base, **chosen)
        except ValueError as error:
            skipped.append(Skipped(chosen, str(error)))
            continue
        configs.setdefault(cfg.to_json(), cfg)
    if not configs:
        raise ValueError(f"no combination of these values is legal: {skipped[0].reason}")
    return Grid(tuple(axes), list(configs.values()), skipped)


def _axis(kind: "type[Config]", setting: str) -> tuple[str, list[Any]]:
    """Read ``name=value,value``."""
    name, equals, text = (part.strip() for part in setting.partition("="))
    texts = split(text)
    if not equals or not all(texts):
        names = ", ".join(kind.names())
        raise ValueError(f"--set wants name=value,value,..., not {setting!r}; there are {names}")
    kind.require(name)
    if texts == [EVERY]:
        return name, list(kind.alternatives(name))
    return name, list(dict.fromkeys(kind.parse(name, value) for value in texts))


def split(text: str) -> Sequence[str]:
    """Cut a list at its commas, except those inside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "[(") - (character in "])")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
