"""What a step hands back: the tool's own result, shown in a line or, in a notebook, as a table."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nomul.flow.figures import number

if TYPE_CHECKING:
    from nomul.flow.drawings import Drawing

T = TypeVar("T")


class Result(Generic[T]):
    """A result with a title and the figures that matter; ``value`` gives it all other attributes.

    Parameters
    ----------
    value
        What the step returned.
    title
        What it is of.
    figures
        What is shown of it, by name.
    shares, unit
        What :meth:`plot` draws, by name, and in what it is measured; nothing if there are none.
    """

    def __init__(
        self,
        value: T,
        title: str,
        figures: Mapping[str, Any],
        shares: Mapping[str, float] | None = None,
        unit: str = "",
    ):
        self.value, self.title, self.figures = value, title, dict(figures)
        self.shares, self.unit = dict(shares or {}), unit

    def plot(self) -> "Drawing":
        """Return what the result is made of as bars, which a notebook shows.

        Raises
        ------
        ValueError
            It has no parts: areas, sites and energies have.
        ImportError
            Matplotlib is not installed.
        """
        from nomul.flow import drawings

        if not self.shares:
            raise ValueError(f"{self.title} has no parts to plot: areas, sites and energies have")
        return drawings.bars(self.title, self.shares, self.unit)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in (
            "value",
            "shares",
        ):  # copies and pickles ask before there is one
            raise AttributeError(name)
        return getattr(self.value, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self.value)})

    def __repr__(self) -> str:
        return line(self.title, self.figures)

    def _repr_html_(self) -> str:
        return html(self.title, self.figures)


@dataclasses.dataclass(frozen=True)
class Trial:
    """A test set on its way through the hardware.

    Parameters
    ----------
    environment
        What tells the bench where the samples are and where its answers go.
    judge
        Called after the bench has run: compares its answers with the model's sample by sample,
        writes both into a table, and returns the figures.
    """

    environment: Mapping[str, str]
    judge: Callable[[], dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Question:
    """Samples on their way to a board.

    Parameters
    ----------
    words
        Payloads for each input stream.
    expect
        Number of words that come back, by output stream.
    classes
        Called with the words of each output stream: returns the classes [n], named if they are.
    """

    words: Mapping[str, Sequence[int]]
    expect: Mapping[str, int]
    classes: Callable[[Mapping[str, Sequence[int]]], Any]


def line(title: str, figures: Mapping[str, Any]) -> str:
    """Return a title and its figures in angle brackets."""
    shown = ", ".join(f"{name} {number(value)}" for name, value in figures.items())
    return f"<{title}: {shown}>" if shown else f"<{title}>"


def html(title: str, figures: Mapping[str, Any]) -> str:
    """Return a title and its figures as a table for a notebook."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(str(name))}</th>"
        f"<td>{escape(number(value))}</td></tr>"
        for name, value in figures.items()
    )
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"
