"""Tables of the blocks' pages: measured by command, committed, and what the pages show."""

import sys
import types
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nomul import report
from nomul.experiments import captions, picture, tables
from nomul.experiments.captions import caption

DOCS = Path(__file__).parents[2] / "docs"
COMMITTED = [
    pytest.param(table, id=f"{table.block}-{table.name}")
    for block in tables.blocks()
    if hasattr(tables._module(block), "TABLES")
    for table in tables.committed(block)
]


@caption("Numbers and their squares.")
def squares():
    return [{"n": n, "square": 1000 * n * n, "even": n % 2 == 0, "note": None} for n in range(3)]


@caption("A parabola that opens upwards, for n < 3.")
def parabola(rows, figure):
    figure.subplots().plot([row["n"] for row in rows], [row["square"] for row in rows])


@pytest.fixture
def block(monkeypatch):
    """Make `lfsr` a block with a table, as a module of tables would."""
    module = types.ModuleType("nomul.experiments.lfsr.tables")
    module.TABLES = {"T1": squares, "T2": lambda: [{"a": 1}, {"b": 2}]}
    module.PLOTS = {"T1": parabola}
    module.PAGE = {"T1": lambda rows: rows[1:]}
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(tables, "blocks", lambda: ["lfsr"])
    return "lfsr"


def test_every_table_has_a_title():
    """Every table says what it shows, every plot what is seen."""
    for block in tables.blocks():
        module = tables._module(block)
        for make in [
            *getattr(module, "TABLES", {}).values(),
            *getattr(module, "PLOTS", {}).values(),
        ]:
            assert len(captions.of(make)) > 10, f"{block}: {make} says too little"


def test_a_table_without_a_caption_is_refused():
    with pytest.raises(ValueError, match="<lambda> has no @caption"):
        captions.of(lambda: [])


def test_measured_table_is_stored_and_read_again(block, tmp_path):
    table = tables.measure(block, "T1")
    assert table.title == "Numbers and their squares."
    assert {"nomul", "pyosys", "numpy"} <= table.tools.keys()
    with pytest.raises(FileNotFoundError, match="nomul report lfsr --table T1 --update"):
        tables.load(block, "T1", tmp_path)
    path = tables.save(table, tmp_path)
    assert path.name == "table-lfsr-T1.json"
    assert len(path.read_text().splitlines()) < 25, "a row is a line, so that a change shows"
    assert tables.load(block, "T1", tmp_path) == table
    assert tables.committed(block, tmp_path) == [table]


def test_page_shows_the_picked_rows_and_the_plot(block, tmp_path):
    page = tmp_path / "lfsr.md"
    page.write_text("before\n<!-- table: T1 -->\nold\n<!-- /table -->\nafter\n")
    table = tables.measure(block, "T1")
    assert tables.write_page(table, tmp_path) == page
    assert page.read_text() == (
        "before\n<!-- table: T1 -->\n"
        "| n | square | even | note |\n| ---: | ---: | --- | ---: |\n"
        "| 1 | 1,000 | no |  |\n| 2 | 4,000 | yes |  |\n"
        "\n![A parabola that opens upwards, for n < 3.](lfsr-T1.svg)\n"
        "<!-- /table -->\nafter\n"
    )
    drawn = ElementTree.parse(tmp_path / "lfsr-T1.svg").getroot()
    about = drawn.find("svg:desc", {"svg": "http://www.w3.org/2000/svg"})
    assert about.text == "A parabola that opens upwards, for n < 3."
    assert (tmp_path / "lfsr-T1.png").read_bytes().startswith(b"\x89PNG")
    first = (tmp_path / "lfsr-T1.svg").read_bytes()
    tables.write_page(table, tmp_path)
    assert (tmp_path / "lfsr-T1.svg").read_bytes() == first
    page.write_text("no markers")
    with pytest.raises(ValueError, match="0 places <!-- table: T1 -->"):
        tables.write_page(table, tmp_path)


def test_wrong_names_are_refused_with_the_alternatives(block):
    with pytest.raises(ValueError, match="lfsr has no table 'T9'; it has T1, T2"):
        report.tables_named([block], ["T9"])
    with pytest.raises(ValueError, match="skid has no tables; those that have are lfsr"):
        report.tables_named(["skid"], ["T1"])
    with pytest.raises(ValueError, match="--table wants one block of lfsr"):
        report.tables_named([], ["T1"])
    with pytest.raises(ValueError, match="rows need the same keys"):
        tables.measure(block, "T2")
    assert report.tables_named([block], ["all"]) == [("lfsr", "T1"), ("lfsr", "T2")]


@pytest.mark.parametrize("table", COMMITTED)
def test_page_shows_the_committed_table(table):
    """Neither page nor plot is typed or drawn by hand."""
    page = (DOCS / f"{table.block}.md").read_text()
    begin = f"<!-- table: {table.name} -->\n"
    assert f"{begin}{tables.content(table)}<!-- /table -->" in page


DRAWN = [
    (block, name)
    for block in tables.blocks()
    for name in getattr(tables._module(block), "PLOTS", {})
    if tables._path(block, name, None).is_file()
]


@pytest.mark.parametrize(("block", "name"), DRAWN)
def test_every_axis_says_what_it_is(block, name):
    """Those that share a scale with one that says it need not say it again."""
    table, figure = tables.load(block, name), picture.figure()
    tables._plot(table)(table.rows, figure)
    assert figure.axes
    for axes in figure.axes:
        beside = axes.get_shared_x_axes().get_siblings(axes)
        assert any(other.get_xlabel() for other in beside)
        beside = axes.get_shared_y_axes().get_siblings(axes)
        assert any(other.get_ylabel() for other in beside)


def test_no_point_of_the_rewrites_hides_another():
    """Points of formats that write about as much stand side by side."""
    table, figure = tables.load("spimc", "T4"), picture.figure()
    tables._plot(table)(table.rows, figure)
    lines = [line for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    points = [tuple(point) for line in lines for point in line.get_xydata()]
    assert len({x for x, _ in points}) == len(points) == len(table.rows) - 1
