"""Speed and energy per edge: what the formulas count, and what the page concludes."""

import re
from pathlib import Path

import pytest

from nomul.experiments import tables
from nomul.experiments.spdnn.tables import edges_per_cycle, moved, stored
from nomul.golden.spdnn import Config

PAGE = (Path(__file__).parents[2] / "docs" / "spdnn.md").read_text()


def test_an_edge_per_lane_and_cycle():
    cfg = Config(adders=16)
    assert edges_per_cycle(cfg) == pytest.approx(16, rel=1e-3)
    assert edges_per_cycle(Config(adders=16, engine="class")) / edges_per_cycle(cfg) > 27


def test_an_edge_reads_its_activation_and_its_share_of_the_table():
    """22 bits, a write of 22 per 32 edges, 10 bits of the table for 16 lanes."""
    assert moved(Config(adders=16)) == pytest.approx(22 + 22 / 32 + 10 / 16)
    sums = 3 * 64 * 27 + 64 * 22
    assert moved(Config(adders=16, engine="class")) == pytest.approx(
        (1024 * 22 + sums + 1024 * 10 / 16) / 32768
    )


def test_bits_of_the_memories():
    assert stored(Config(adders=16)) == 16 * 2048 * 22 + 20 * 1024 * 10


def test_the_page_concludes_what_its_table_says():
    edge, by_class, _, record = tables.load("spdnn", "T1").rows
    machines = record["TeraEdges/s"] / edge["TeraEdges/s"]
    said = int(re.search(r"Some ([\d,]+) machines", PAGE)[1].replace(",", ""))
    assert said == pytest.approx(machines, rel=0.01)
    watts = int(re.search(r"at (\d+) W by this model", PAGE)[1])
    assert watts == pytest.approx(record["TeraEdges/s"] / edge["TeraEdges/s per W"], rel=0.01)
    saved = int(re.search(r"takes (\d+) times less energy", PAGE)[1])
    assert saved == round(by_class["TeraEdges/s per W"] / edge["TeraEdges/s per W"])
    whole = edge["pJ per edge, logic"] + edge["pJ per edge, memories"]
    assert edge["pJ per edge, memories"] / whole == pytest.approx(0.75, abs=0.02)
    area = [int(t.replace(",", "")) for t in re.findall(r"([\d,]+) um2", edge["memories"])]
    area.append(int(edge["logic"].split()[0].replace(",", "")))
    said = int(re.search(r"on ([\d,]+) mm2", PAGE)[1].replace(",", ""))
    assert said == pytest.approx(machines * sum(area) / 1e6, rel=0.01)
