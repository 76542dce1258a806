"""A page of the documentation as a part of the report: its Markdown, rendered by other rules."""

import base64
import json
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it.token import Token

    from nomul.experiments.tables import Table

# Where the data of a measured table begin and end in a page.
_BEGIN, _END = re.compile(r"<!-- table: (\S+) -->"), "<!-- /table -->"


def prose(page: Path, anchors: set[str]) -> str:
    """Return a page of the documentation as HTML, pictures inside, headings one level down.

    Links to the pages in ``anchors`` lead to their place in the report, other pages are only named.
    Tables that were measured carry their data and the versions of what measured them.
    """
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    class Renderer(RendererHTML):
        """Tables scroll by themselves; comments around measured ones become a figure."""

        def table_open(self, tokens: Any, place: int, *_: Any) -> str:
            """Return the start of a table that scrolls where the screen is narrow."""
            return '<div class="wide" tabindex="0" role="region" aria-label="table"><table>\n'

        def table_close(self, *_: Any) -> str:
            """Return its end."""
            return "</table></div>"

        def html_block(self, tokens: Any, place: int, options: Any, env: Any) -> str:
            """Return the start or end of a measured table's figure, and other HTML as it is."""
            text = tokens[place].content
            if begin := _BEGIN.match(text):
                env["table"] = measured.get(begin[1])
                return _figure(page.stem, env["table"]) if env["table"] else ""
            if text.startswith(_END):
                return _figure_end(env["table"]) if env.get("table") else ""
            return str(text)

    measured = _measured(page.stem)
    text = re.sub(r"\A# .*\n", "", page.read_text())
    markdown = MarkdownIt("commonmark", {"html": True}, renderer_cls=Renderer).enable("table")
    markdown.use(dollarmath_plugin, allow_digits=False, renderer=_formula)
    tokens = markdown.parse(text)
    for token in tokens:
        if token.type.startswith("heading"):
            token.tag = f"h{int(token.tag[1]) + 1}"
        _lead(token.children or [], anchors)
        _embed(token.children or [], page.parent)
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def _formula(text: str, options: dict[str, Any]) -> str:
    """Return a formula between dollars as MathML, which browsers typeset themselves."""
    from latex2mathml.converter import convert

    mathml: str = convert(text, display="block" if options["display_mode"] else "inline")
    return mathml


def _lead(tokens: "Iterable[Token]", anchors: set[str]) -> None:
    """Lead links to other pages to their place in the report; take away those that have none."""
    hides = False
    for token in tokens:
        if token.type == "link_open":
            name = re.fullmatch(r"([\w-]+)\.md(#.*)?", str(token.attrGet("href")))
            hides = name is not None and name[1] not in anchors
            if name is not None and not hides:
                token.attrSet("href", f"#{name[1]}")
        if hides and token.type in ("link_open", "link_close"):
            hides = token.type == "link_open"
            token.type, token.content = "text", ""


def _embed(tokens: "Iterable[Token]", folder: Path) -> None:
    """Put drawings into the page, so that it needs no file beside it."""
    for token in tokens:
        if token.type == "image":
            data = base64.b64encode((folder / str(token.attrGet("src"))).read_bytes()).decode()
            token.attrSet("src", f"data:image/svg+xml;base64,{data}")


def _measured(block: str) -> "dict[str, Table]":
    """Return the committed tables of a page by name; a page of no block has none."""
    from nomul.experiments import tables

    if block not in tables.blocks():
        return {}
    return {table.name: table for table in tables.committed(block)}


def _figure(block: str, table: "Table") -> str:
    tools = ", ".join(f"{tool} {version}" for tool, version in table.tools.items())
    return (
        f'<figure class="measured" id="{block}-{table.name}">'
        f"<figcaption><b>{table.name}.</b> {escape(table.title)} "
        f'<span class="tools">Measured with {escape(tools)}.</span></figcaption>\n'
    )


def _figure_end(table: "Table") -> str:
    """Return the end of a figure, with the rows as JSON that may stand in a script element."""
    rows = json.dumps(table.rows).replace("<", "\\u003c")
    return f'<script type="application/json">{rows}</script></figure>\n'
