"""JSON, read strictly: every key once, numbers finite, and no more values than memory is for."""

import json
import math
from pathlib import Path
from typing import Any

from nomul.golden.foreign.numbers import shown
from nomul.golden.foreign.refusals import contents, reading

# Estimated bytes of a parsed document: its text, and what Python keeps per list entry, list and
# object, so that a file of brackets is refused before it is parsed.
MOST_BYTES = 700 << 20
_ENTRY, _LIST, _OBJECT = 64, 100, 320


def document(path: Path, most: int | None = None) -> Any:
    """Return what a JSON file holds.

    Raises
    ------
    Refused
        It is no JSON, a key stands twice in one object, a number is NaN or infinite, or it would
        take too much memory; the message names file and line or key.
    """
    with reading(path):
        return text_document(contents(path) if most is None else contents(path, most))


def text_document(octets: bytes) -> Any:
    """As :func:`document`, of bytes; raises ValueError without a file's name."""
    wanted = (
        2 * len(octets)
        + _ENTRY * octets.count(b",")
        + _LIST * octets.count(b"[")
        + _OBJECT * octets.count(b"{")
    )
    if wanted > MOST_BYTES:
        raise ValueError(f"would take {wanted >> 20} MiB, more than the {MOST_BYTES >> 20} allowed")
    text = octets.decode("utf-8-sig")
    try:
        value = json.loads(
            text, object_pairs_hook=_once, parse_constant=_constant, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: {error.msg}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"key {shown(key)} stands twice")
            seen.add(key)
    return values


def _constant(text: str) -> float:
    raise ValueError(f"a number must be finite, not {text}")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"a number must be finite, not {shown(text)}")
    return value


def mapping(value: Any, name: str) -> dict[str, Any]:
    """Return a value that must be an object."""
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object, not {shown(value)}")
    return value


def sequence(value: Any, name: str) -> list[Any]:
    """Return a value that must be a list."""
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list, not {shown(value)}")
    return value


def field(values: dict[str, Any], name: str, place: str = "") -> Any:
    """Return an entry that must be there."""
    if name not in values:
        raise ValueError(f"field {place}{name} is missing")
    return values[name]


def only(values: dict[str, Any], known: tuple[str, ...], place: str) -> None:
    """Refuse an object that has other fields than those that are understood."""
    for name in values:
        if name not in known:
            raise ValueError(f"{place} has no field {shown(name)}; it has {', '.join(known)}")
