"""How a block is cited: every source of the registry is in an entry, and entries are whole."""

import re
import tomllib
from importlib.resources import files

import pytest

from nomul import registry
from nomul.experiments import citations

PAPERS = [name for name in registry.BLOCKS if registry.get(name).paper]


@pytest.mark.parametrize("name", PAPERS)
def test_every_source_is_cited(name):
    text = citations.bibtex(name)
    for number in re.findall(r"\d{4}\.\d{5}|10\.\d{4,}/\S+", registry.get(name).paper):
        assert number in text
    assert text.count("{") == text.count("}")
    assert text.endswith(citations.OWN)


def test_entries_have_authors_title_and_year():
    for entry in citations.bibtex("lutnet").split("\n\n")[:2]:
        assert re.match(r"@(inproceedings|article)\{wang\d{4}lutnet,\n", entry)
        assert "author = {Wang, Erwei and Davis, James J. and " in entry
        assert re.search(r"title = \{.+\},\n", entry)
        assert re.search(r"year = \{20\d\d\},\n", entry)


def test_a_block_without_a_paper_has_nomul_alone():
    assert citations.bibtex("lfsr") == citations.OWN


def test_a_source_that_nobody_noted_is_its_number():
    assert citations.bibtex("dm").startswith("@misc{dm:2005.03857,\n  eprint = {2005.03857},\n")


def test_a_paper_of_several_blocks_is_one_entry():
    assert citations.bibtex("pow2") == citations.bibtex("essop")
    keys = re.findall(r"@\w+\{(.+),", citations.bibtex("sgd"))
    assert keys == ["hojabr2020taxonn", "joshi2020essop", "nomul"]


def test_keys_are_of_one_paper_each():
    """Two papers under one key would be one in whatever reads them."""
    noted = tomllib.loads((files("nomul.experiments") / citations.FILE).read_text())
    keys = [entry["key"] for entries in noted.values() for entry in entries]
    assert len(keys) == len(set(keys))
    assert set(noted) <= set(registry.BLOCKS)


def test_a_wrong_name_is_refused():
    with pytest.raises(ValueError, match="there is no block 'esop'"):
        citations.bibtex("esop")
