"""Names beside marks: they cover no mark and no other name."""

import itertools

import pytest

from nomul.experiments import labels, picture

pytest.importorskip("matplotlib", reason="plots need matplotlib: pip install 'nomul[synth]'")

CROWD = [(1.0, 1.0), (1.01, 1.0), (1.02, 1.0), (1.0, 1.01), (1.2, 1.0), (2.0, 2.0)]


def test_names_of_marks_that_stand_close_lie_apart():
    """Boxes of the names, read back from the figure, have nothing in common, nor with a mark."""
    figure = picture.figure()
    axes = figure.subplots()
    axes.plot(*zip(*CROWD, strict=True), "o", markersize=4)
    labels.label(axes, [(x, y, f"the array {k}") for k, (x, y) in enumerate(CROWD)])
    figure.draw_without_rendering()
    texts = {text.get_text(): super(type(text), text).get_window_extent() for text in axes.texts}
    assert len(texts) == len(CROWD)
    for (one, first), (other, second) in itertools.combinations(texts.items(), 2):
        assert not first.overlaps(second), f"{one} covers {other}"
    for text, (x, y) in itertools.product(texts, CROWD):
        assert not texts[text].contains(*axes.transData.transform((x, y))), f"{text} covers a mark"


def test_a_name_at_the_edge_stays_within_the_axes():
    figure = picture.figure()
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    labels.label(axes, [(1.0, 1.0, "a long name of an array at the corner")])
    figure.draw_without_rendering()
    box = super(type(axes.texts[0]), axes.texts[0]).get_window_extent()
    frame = axes.get_window_extent()
    assert frame.x0 <= box.x0
    assert box.x1 <= frame.x1
    assert box.y1 <= frame.y1
