"""Boolean functions as Liberty files write them, in all their operators."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence

# A name or constant, or an operator before its operands.
Expression = str | tuple[str, ...] | tuple["Expression", ...]

# What a rule of the grammar has read, and the tokens after it.
_Read = tuple[Expression, list[str]]

_TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\].]*|[01]|[!'&*^+|()])")


def parse(text: str) -> Expression:
    """Return a function as operators before their operands: ``("&", "A", ("!", "B"))``.

    An inversion is ``!`` before or ``'`` after; ``&``, ``*`` or nothing is and; ``+`` or ``|`` is
    or. Inversion binds most, then ``^``, and, or.

    Raises
    ------
    ValueError
        The text is no such function.
    """
    tokens: list[str] = []
    at, text = 0, text.strip()
    while at < len(text):
        if (found := _TOKEN.match(text, at)) is None:
            raise ValueError(f"{text!r} is no Boolean function: {text[at : at + 8]!r}")
        tokens.append(found[1])
        at = found.end()
    try:
        result, rest = _or(tokens)
    except (IndexError, RecursionError):
        raise ValueError(f"{text!r} is no Boolean function") from None
    if rest:
        raise ValueError(f"{text!r} is no Boolean function: {rest[0]!r}")
    return result


def canonical(text: str) -> str:
    """Return a function in ``!``, ``&``, ``^``, ``|`` and brackets, which every tool knows.

    A text that is none stays as it is: whoever needs it says so.
    """
    try:
        return _written(parse(text))
    except ValueError:
        return text


def truth_table(text: str) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Return the names in a function, sorted, and its values; the first name is bit 0 of the index.

    Raises
    ------
    ValueError
        The text is no Boolean function, or one of more than 16 names.
    """
    expression = parse(text)
    names = tuple(sorted(set(_names(expression))))
    if len(names) > 16:
        raise ValueError(f"a function of {len(names)} names: {text[:40]!r}")
    rows = itertools.product((False, True), repeat=len(names))
    values = (dict(zip(names[::-1], row, strict=True)) for row in rows)
    return names, tuple(_value(expression, row) for row in values)


def _written(expression: Expression) -> str:
    if isinstance(expression, str):
        return expression
    sign, *inner = expression
    words = [_written(part) for part in inner]
    return f"(!{words[0]})" if sign == "!" else f"({f' {sign} '.join(words)})"


def _names(expression: Expression) -> Sequence[str]:
    if isinstance(expression, str):
        return [] if expression in ("0", "1") else [expression]
    return [name for part in expression[1:] for name in _names(part)]


def _value(expression: Expression, values: Mapping[str, bool]) -> bool:
    if isinstance(expression, str):
        return values[expression] if expression in values else expression == "1"
    sign, *parts = expression
    inner = [_value(part, values) for part in parts]
    if sign == "!":
        return not inner[0]
    return {"&": all(inner), "|": any(inner), "^": sum(inner) % 2 == 1}[str(sign)]


def _or(tokens: list[str]) -> _Read:
    return _chain(tokens, ("+", "|"), "|", _and)


def _and(tokens: list[str]) -> _Read:
    left, tokens = _xor(tokens)
    while tokens and tokens[0] not in ("+", "|", ")", "'"):
        right, tokens = _xor(tokens[1:] if tokens[0] in ("&", "*") else tokens)
        left = ("&", left, right)
    return left, tokens


def _xor(tokens: list[str]) -> _Read:
    return _chain(tokens, ("^",), "^", _not)


def _chain(
    tokens: list[str], signs: Sequence[str], sign: str, below: Callable[[list[str]], _Read]
) -> _Read:
    left, tokens = below(tokens)
    while tokens and tokens[0] in signs:
        right, tokens = below(tokens[1:])
        left = (sign, left, right)
    return left, tokens


def _not(tokens: list[str]) -> _Read:
    inner: Expression
    if tokens[0] == "!":
        inner, tokens = _not(tokens[1:])
        return ("!", inner), tokens
    if tokens[0] == "(":
        inner, tokens = _or(tokens[1:])
        if tokens[0] != ")":
            raise IndexError
    elif tokens[0] in ("&", "*", "^", "+", "|", ")", "'"):
        raise IndexError
    else:
        inner = tokens[0]
    tokens = tokens[1:]
    while tokens[:1] == ["'"]:
        inner, tokens = ("!", inner), tokens[1:]
    return inner, tokens
