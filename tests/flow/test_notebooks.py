"""The notebooks: each runs from its first cell to its last, in a folder of its own."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LONG = ("csv_to_bitstream",)  # it trains, places and routes
RUN = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.long] if path.stem in LONG else [])
    for path in NOTEBOOKS
]


@pytest.mark.needs("icarus")
@pytest.mark.parametrize("path", RUN)
def test_notebook_runs(path, tmp_path):
    """Every cell; pictures and tables come out of those that end with a result."""
    nbclient = pytest.importorskip("nbclient", reason="needs pip install 'nomul[docs]'")
    nbformat = pytest.importorskip("nbformat", reason="needs pip install 'nomul[docs]'")
    pytest.importorskip("sklearn", reason="needs pip install 'nomul[train]'")
    book = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(book, timeout=900, resources={"metadata": {"path": tmp_path}})
    client.execute()
    shown = [
        kind
        for cell in book.cells
        for out in cell.get("outputs", ())
        for kind in out.get("data", ())
    ]
    assert {"image/svg+xml", "text/html"} <= set(shown)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_without_its_results(path):
    """Numbers in it would be nobody's; whoever runs it gets his own."""
    nbformat = pytest.importorskip("nbformat", reason="needs pip install 'nomul[docs]'")
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)


def test_there_are_two_for_newcomers():
    assert {path.stem for path in NOTEBOOKS} >= {"csv_to_bitstream", "stochastic"}


def test_the_site_shows_every_notebook_as_text_and_code():
    pytest.importorskip("myst_parser", reason="needs pip install 'nomul[docs]'")
    pytest.importorskip("latex2mathml", reason="needs pip install 'nomul[docs]'")
    spec = importlib.util.spec_from_file_location("site_conf", FOLDER.parent / "conf.py")
    conf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conf)
    assert set(conf._GROUPS["Notebooks"]) == {f"docs/notebooks/{p.stem}" for p in NOTEBOOKS}
    code = {"cell_type": "code", "source": ["a = 1\n", "a"]}
    text = {"cell_type": "markdown", "source": ["# A title"]}
    assert conf.Notebook._markdown(code) == "```python\na = 1\na\n```"
    assert conf.Notebook._markdown(text) == "# A title"
