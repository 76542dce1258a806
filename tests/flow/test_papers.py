"""The papers' figures: from one file with their sources, and the same in every table."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from nomul.experiments import claims, papers, tables
from nomul.golden.sotfp import cost

ROOT = Path(__file__).parents[2]
FILE = tomllib.loads((ROOT / "experiments" / papers.FILE).read_text())
PARTS = [(block, "") for block in FILE]
PARTS += [(block, part) for block in FILE for part, x in FILE[block].items() if isinstance(x, dict)]


def numbers(value):
    """Return all numbers in what is quoted; of a text, those that are written in it."""
    if isinstance(value, dict):
        return [n for part in value.values() for n in numbers(part)]
    if isinstance(value, list):
        return [n for part in value for n in numbers(part)]
    return (
        [float(n) for n in re.findall(r"\d+(?:\.\d+)?", value)]
        if isinstance(value, str)
        else [float(value)]
    )


@pytest.mark.parametrize(("block", "part"), PARTS)
def test_every_figure_has_its_source_and_place(block, part):
    about = papers.figures(block, part)
    assert about["source"]
    assert about["place"]
    assert set(about) > {"source", "place"}


def test_a_figure_without_its_source_is_refused(monkeypatch, tmp_path):
    (tmp_path / papers.FILE).write_text('[a]\nplace = "abstract"\nx = 1\n')
    monkeypatch.setattr(papers, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match="a  does not say its source"):
        papers.figures("a")


def test_claims_quote_the_file():
    """What stands as the paper's in the report is of the file, number by number."""
    for block in FILE:
        rows = claims.of(block)
        known = numbers(FILE[block])
        assert rows
        for row in rows:
            assert set(numbers(row["paper (quoted)"])) <= set(known), row
            assert numbers(row["paper (quoted)"]) or row["paper (quoted)"] in FILE[block].values()


def test_quoted_rows_of_committed_tables_are_the_files():
    """Rows that are quoted as a whole; a changed figure would show in the page and not be ours."""
    seen = []
    for block in tables.blocks():
        for table in tables.committed(block):
            for row in table.rows:
                named = any(isinstance(v, str) and v.endswith("(quoted)") for v in row.values())
                if not (named or row.get("quoted")):
                    continue
                seen.append((block, table.name))
                texts = set(map(str, _texts(FILE[block])))
                for column, value in row.items():
                    if isinstance(value, bool) or value is None or column == "data":
                        continue
                    label = isinstance(value, str) and value.endswith("(quoted)")
                    assert label or str(value) in texts, (block, table.name, column, value)
    assert len(seen) >= 30
    assert {block for block, _ in seen} == {"essop", "lutnet", "spdnn"}


def _texts(value):
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return [text for part in parts for text in _texts(part)]
    return [value]


@pytest.mark.parametrize(("ne", "nm"), [(5, 10), (8, 7), (8, 23), (4, 3)])
def test_formulas_are_those_of_the_file(ne, nm):
    def value(terms):
        known = {"ne": ne, "nm": nm, "nm_squared": nm**2, "one": 1}
        return sum(factor * known[name] for name, factor in terms.items())

    theirs = FILE["sotfp"]["floatpim"]
    assert cost.floatpim_mul(ne, nm) == value(theirs["mul_nors"])
    assert cost.floatpim_add(ne, nm) == (value(theirs["add_nors"]), value(theirs["add_searches"]))


def test_no_module_has_a_figure_of_its_own():
    """Of the figures with three digits or more, which hardly stand in a module by accident."""
    odd = {n for n in numbers(FILE) if len(f"{n:g}".replace(".", "")) >= 3 and n % 1} - {2.5, 7.5}
    odd |= {n for n in numbers(FILE) if n >= 3000}
    years_and_sizes = {n for n in odd if n % 1000 == 0}
    for path in (ROOT / "experiments").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
                found = set(numbers(node.value)) & (odd - years_and_sizes)
                assert not found, f"{path.name}:{node.lineno} quotes {found}"


def test_the_page_on_sonic_quotes_the_file():
    section = (ROOT / "docs" / "sonic.md").read_text().partition("## Quoted, not reproduced")[2]
    section = section.partition("\n## ")[0].replace(",", "")
    for part in ("models", "rivals"):
        for name, figures in papers.quoted("sonic", part).items():
            (line,) = (x for x in section.splitlines() if x.startswith(f"| {name} |"))
            assert numbers(line.partition(name)[2]) == figures
