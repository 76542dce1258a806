"""What a table or a plot says of itself in one line, given beside the function that makes it."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

Made = TypeVar("Made", bound=Callable[..., Any])


def caption(text: str) -> Callable[[Made], Made]:
    """Return a decorator that gives a function its caption.

    Parameters
    ----------
    text
        For a table its title; for a plot what a reader hears who cannot see it.
    """

    def give(function: Made) -> Made:
        function.caption = text  # type: ignore[attr-defined]
        return function

    return give


def captioned(text: str, function: Callable[..., Any], *given: Any) -> Callable[..., Any]:
    """Return a function with its first arguments given, and a caption of its own.

    So one function makes several tables, or draws several plots.
    """
    return caption(text)(partial(function, *given))


def of(function: Callable[..., Any]) -> str:
    """Return a function's caption.

    Raises
    ------
    ValueError
        It has none.
    """
    text: str | None = getattr(function, "caption", None)
    if text is None:
        raise ValueError(f"{getattr(function, '__name__', function)} has no @caption")
    return text
