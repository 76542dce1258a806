"""An engine from text, and its weights as a file: what a build of one begins with."""

import json
from collections.abc import Sequence
from typing import Any

from nomul.golden import products
from nomul.golden.engine import choice, loading, members
from nomul.golden.engine.config import MEMBERS, Config
from nomul.golden.network.network import Network


def asked(network: str, member: str, settings: Sequence[str]) -> Config:
    """Return the configuration that texts ``name=value`` ask for.

    Parameters
    ----------
    network, member
        As in :class:`Config`.
    settings
        Fields of the engine, or of the member. Where no size of the tile is among them, the one of
        fewest cycles is taken, see :func:`nomul.golden.engine.choice.tile`.

    Raises
    ------
    TypeError, ValueError
        There is no such field, or it does not take the value; or the network does not fit.
    """
    own: list[str] = []
    values: dict[str, Any] = {"network": network, "member": member}
    family = products.member(member).Config.names() if member in MEMBERS else []
    for setting in settings:
        field, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise ValueError(f"--set wants name=value, not {setting!r}")
        if field in Config.names() and field != "settings":
            values[field] = Config.parse(field, text)
        elif field in family:
            own.append(f"{field}={text}")
        else:
            known = [n for n in (*Config.names(), *family) if n not in ("network", "settings")]
            raise TypeError(f"there is no {field!r} to set; there are {', '.join(known)}")
    values["settings"] = tuple(own)
    if not {"inputs", "outputs"} & values.keys():
        values |= choice.tile(values)
    return Config.from_dict(values)


def program_words(cfg: Config, net: Network | None = None) -> bytes:
    """Return a layer program as it is loaded, words of whole 32 bits, the lowest first.

    A word is a row, a bit that marks entries of the requantisers' table, and ``last``. ``net`` is
    the engine's own network if None; refusals are those of :func:`nomul.golden.engine.load`.
    """
    words = loading.words(cfg, net)
    words[-1] |= 1 << (cfg.rows.bits + 1)
    return b"".join(word.to_bytes(word_bytes(cfg), "little") for word in words)


def word_bytes(cfg: Config) -> int:
    """Return the bytes of a word of a layer program: a row, two marks, and what fills 32 bits."""
    return 4 * -(-(cfg.rows.bits + 2) // 32)


def weights(cfg: Config) -> tuple[bytes, str]:
    """Return the words of all tiles in the order in which they are loaded, and where each begins.

    A word is of whole bytes, the lowest first; the text is JSON.
    """
    size = -(-members.word_bits(cfg.tile) // 8)
    words, rows = bytearray(), []
    for step in cfg.program.passes:
        if step.kind != "product":
            continue
        tile = members.tile_words(step.tile.packed)
        rows.append({"layer": step.name, "first": len(words) // size, "words": len(tile)})
        words += b"".join(word.to_bytes(size, "little") for word in tile)
    return bytes(words), json.dumps({"bytes of a word": size, "tiles": rows}, indent=1)
