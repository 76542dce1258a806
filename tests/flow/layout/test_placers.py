"""Graywolf, which places where Coloquinte is missing."""

import importlib.util
import shutil

import numpy as np
import pytest

from nomul.synth.layout import place, placers, trees


@pytest.mark.needs("graywolf")
def test_graywolf_gives_every_cell_a_place_of_its_own(register, tmp_path):
    """Not much farther from its neighbours than Coloquinte does, and the same every time."""
    options = {"placer": placers.GRAYWOLF}
    placed = place.place(register.pieces, register.technology, tmp_path / "a", **options)
    place.check(register.pieces, placed)
    assert placed.placer == "graywolf"
    row = np.rint((placed.y - placed.floor.margin_y) / placed.floor.row_height).astype(int)
    assert set(row) == set(range(placed.floor.rows))
    assert (placed.turned == (row % 2 == 1)).all()
    again = place.place(register.pieces, register.technology, tmp_path / "b", **options)
    assert (again.x == placed.x).all()
    assert (again.y == placed.y).all()
    pytest.importorskip("coloquinte", reason="install the extra: pip install nomul[layout]")
    other = place.place(register.pieces, register.technology, tmp_path, placer="coloquinte")
    lengths = [trees.span(*each.points(register.pieces)).total for each in (placed, other)]
    assert 0.75 < lengths[0] / lengths[1] < 1.25


@pytest.mark.needs("graywolf")
def test_rows_of_graywolf_that_are_too_full_are_refused(register, tmp_path):
    with pytest.raises(place.PlacementError, match="try a lower density"):
        place.place(
            register.pieces,
            register.technology,
            tmp_path,
            density=1.0,
            placer=placers.GRAYWOLF,
        )


def test_graywolf_is_taken_where_coloquinte_is_missing(monkeypatch):
    here = {"graywolf"}
    monkeypatch.setattr(shutil, "which", lambda name: name if name in here else None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert placers.name() == "coloquinte"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert placers.name() == "graywolf"
    here.clear()
    with pytest.raises(
        ImportError, match=r"pip install 'nomul\[layout\]'.*apt-get install.*graywolf"
    ):
        placers.name()
