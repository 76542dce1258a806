"""The templates that nomul's pages share."""

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


def environment() -> "jinja2.Environment":
    """Return what pages are rendered in: it escapes, and knows the template ``page.table``."""
    import jinja2

    shared = {"page.table": (files("nomul.report") / "page.table").read_text()}
    return jinja2.Environment(
        loader=jinja2.DictLoader(shared), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
