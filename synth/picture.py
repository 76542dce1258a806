"""Plots as SVG that everybody can read: titled, described, and legible on a dark page."""

from pathlib import Path
from typing import Any

_DARK = "@media (prefers-color-scheme: dark) { svg { filter: invert(0.9) hue-rotate(180deg); } }"


def save(figure: Any, path: Path, title: str, about: str) -> None:
    """Write a matplotlib figure with a title and a description for those who cannot see it."""
    figure.savefig(path, metadata={"Date": None})
    describe(path, title, about)


def describe(path: Path, title: str, about: str) -> None:
    """Put title, description and the colours of a dark page into an SVG file."""
    head, metadata, body = path.read_text().partition("<metadata>")
    front = f"<title>{title}</title>\n <desc>{about}</desc>\n <style>{_DARK}</style>\n "
    path.write_text(head + front + metadata + body)
