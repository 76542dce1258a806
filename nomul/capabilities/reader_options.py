"""Options of a reader from the command line: ``name=value``, of the kind that it declares."""

import inspect
import json
from collections.abc import Callable, Collection, Iterable
from types import NoneType
from typing import Any, get_args


def parsed(
    format: str, names: Collection[str], source: Callable[..., Any], options: Iterable[str]
) -> dict[str, Any]:
    """Return the values of options by their names.

    Parameters
    ----------
    format, names
        Of the reader: its format, and which options it has.
    source
        The function that says by annotations of what kind each of them is.
    options
        ``name=value`` each.

    Raises
    ------
    ValueError
        There is no such option, or its value is of another kind.
    """
    values: dict[str, Any] = {}
    known = inspect.signature(source).parameters
    for option in options:
        name, equals, text = option.partition("=")
        if not equals or name not in names:
            raise ValueError(f"--set {option!r}: {format} has {', '.join(names) or 'no option'}")
        value, rule = _value(text, known[name].annotation)
        if rule:
            raise ValueError(f"--set {option!r}: {name} must be {rule}")
        values[name] = value
    return values


def _value(text: str, wanted: Any) -> tuple[Any, str]:
    """Return what a text stands for, and the rule that it breaks, if any."""
    kinds = {kind for kind in get_args(wanted) or (wanted,) if isinstance(kind, type)}
    kinds -= {NoneType}
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if bool in kinds:
        return value, "" if isinstance(value, bool) else "true or false"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if float in kinds:
        return value, "" if number else "a number"
    if int in kinds:
        return value, "" if number and isinstance(value, int) else "an integer"
    return value if isinstance(value, str) else text, ""
