"""The documentation as a site: the same plain Markdown that the repository shows, by Sphinx.

``make site`` builds it from the root of the repository, strictly: a link that leads nowhere fails.
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from myst_parser.parsers.sphinx_ import MystParser

from nomul.version import __version__

project = "nomul"
author = "The nomul authors"
copyright = author
release = version = __version__

extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "docs/notebooks/*.ipynb",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
exclude_patterns = ["build", ".venv", "nomul", "tests"]
nitpicky = True

myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"

# Anchors of headings, by which pages link into one another.
myst_heading_anchors = 4
# Files that are no pages, such as LICENSE, are offered as they are.
myst_all_links_external = False

html_theme = "furo"
html_title = f"nomul {__version__}"
html_copy_source = False

_GROUPS = {
    "Begin": ("README", "docs/data", "docs/network", "docs/flow", "docs/python"),
    "Notebooks": ("docs/notebooks/csv_to_bitstream", "docs/notebooks/stochastic"),
    "Numbers": ("docs/numbers", "docs/sweep", "docs/layout", "docs/scale", "docs/symbols"),
    "Use it": (
        *("docs/ip", "docs/spimc-driver", "docs/libraries", "docs/tinytapeout"),
        *("docs/products", "CONTRIBUTING", "CHANGELOG"),
    ),
}


class Notebook(MystParser):
    """Reads a notebook as a page: its text, and its cells as code, without what they print."""

    supported = ("ipynb",)

    def parse(self, inputstring: str, document: Any) -> None:
        """Parse the Markdown that the cells of a notebook are."""
        cells = json.loads(inputstring)["cells"]
        super().parse("\n\n".join(map(self._markdown, cells)), document)

    @staticmethod
    def _markdown(cell: dict[str, Any]) -> str:
        text = "".join(cell["source"])
        return f"```python\n{text}\n```" if cell["cell_type"] == "code" else text


def _toctree(app: Any, name: str, source: list[str]) -> None:
    """Give the first page its menu: the groups above, and behind them a page per block."""
    if name != root_doc:
        return
    named = {page for pages in _GROUPS.values() for page in pages} | {root_doc}
    pages = sorted(f"docs/{path.stem}" for path in Path(app.srcdir, "docs").glob("*.md"))
    groups = {**_GROUPS, "Blocks": tuple(page for page in pages if page not in named)}
    for caption, entries in groups.items():
        listed = "\n".join(f"/{page}" for page in entries)
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{listed}\n```\n"


def _front(app: Any, error: Exception | None) -> None:
    """Let the folder of the site open with its first page, which is one of ``docs/``."""
    if error is None and app.builder.format == "html":
        page = f"{root_doc}.html"
        text = f'<!doctype html><title>{project}</title><meta http-equiv="refresh" '
        Path(app.outdir, "index.html").write_text(f'{text}content="0; url={page}">\n')


def _outdated(*_: Any) -> list[str]:
    """Read the first page again in every build, since there may be pages that it does not list."""
    return [root_doc]


def _inline(writer: Any, node: Any) -> None:
    writer.body.append(convert(node.astext(), display="inline"))
    raise nodes.SkipNode


def _block(writer: Any, node: Any) -> None:
    writer.body.append(f"<div>{convert(node.astext(), display='block')}</div>")
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Connect to Sphinx: the menu, and formulas as MathML, for which no script is loaded."""
    app.add_source_suffix(".ipynb", "ipynb")
    app.add_source_parser(Notebook)
    app.connect("source-read", _toctree)
    app.connect("env-get-outdated", _outdated)
    app.connect("build-finished", _front)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
