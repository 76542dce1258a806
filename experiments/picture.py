"""Plots as SVG that everybody can read: titled, described, and legible on a dark page."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_DARK = "@media (prefers-color-scheme: dark) { svg { filter: invert(0.9) hue-rotate(180deg); } }"


def style() -> AbstractContextManager[Any]:
    """Return a context in which files come out the same on every run, with text as text."""
    import matplotlib as mpl

    return mpl.rc_context({"svg.hashsalt": "nomul", "svg.fonttype": "none"})


def figure(width: float = 7.2, height: float = 4.0) -> Any:
    """Return an empty figure, sizes in inches, that belongs to no window."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Any, path: Path, title: str, about: str) -> None:
    """Write a matplotlib figure with a title and a description for those who cannot see it."""
    figure.savefig(path, metadata={"Date": None})
    describe(path, title, about)


def describe(path: Path, title: str, about: str) -> None:
    """Put title, description and the colours of a dark page into an SVG file."""
    head, metadata, body = path.read_text().partition("<metadata>")
    front = (
        f"<title>{escape(title)}</title>\n <desc>{escape(about)}</desc>\n <style>{_DARK}</style>\n "
    )
    path.write_text(head + front + metadata + body)
