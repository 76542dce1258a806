"""Epitomes: patches written out, rounds, the loss in latency, messages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import epitome
from nomul.golden.epitome import Entry

SEED = st.integers(0, 2**32)


@given(
    inputs=st.integers(1, 14),
    outputs=st.integers(1, 9),
    rows=st.integers(1, 6),
    cols=st.integers(1, 5),
    entries=st.integers(1, 12),
    seed=SEED,
)
def test_layers_are_sums_of_patches(inputs, outputs, rows, cols, entries, seed):
    cfg = epitome.Config(inputs=inputs, outputs=outputs, rows=rows, cols=cols, entries=entries)
    made = epitome.stimuli(cfg, np.random.default_rng(seed), 3)
    y, x, e = epitome.model(cfg, **made), made["x"], made["e"]
    expected = np.zeros_like(y)
    for entry in made["entries"]:
        for r in range(entry.rows):
            for rank, column in enumerate(entry.columns):
                for v in range(len(x)):
                    product = int(x[v, entry.input + r]) * int(e[entry.row + r, column])
                    expected[v, entry.output + rank] += product
    assert np.array_equal(y, expected)
    assert np.array_equal(epitome.model_by_rounds(cfg, **made), y)
    assert epitome.cycles(cfg, made["entries"], 2) == 2 * epitome.cycles(cfg, made["entries"], 1)
    assert epitome.cycles(cfg, made["entries"], 1) <= cfg.cycles(1)


def test_one_patch_of_everything_is_the_matrix():
    cfg = epitome.Config(inputs=3, outputs=2, rows=3, cols=2)
    e = np.array([[1, 2], [3, 4], [5, 6]])
    assert epitome.model(cfg, e, [(0, 0, 0, 3, 3)], [[1, 0, -1]]).tolist() == [[-4, -4]]


def test_columns_of_a_mask_follow_one_another():
    cfg = epitome.Config(inputs=2, outputs=2, rows=2, cols=4)
    e = np.array([[1, 10, 100, 9], [2, 20, 60, 9]])
    assert epitome.model(cfg, e, [(0, 0, 0, 2, 0b101)], [[1, 1]]).tolist() == [[3, 160]]
    flags = [True, False, True, False]
    assert epitome.model(cfg, e, [(0, 0, 0, 2, flags)], [[1, 1]]).tolist() == [[3, 160]]


def test_patches_of_equal_inputs_and_rows_share_a_round():
    cfg = epitome.Config(inputs=8, outputs=8, rows=4, cols=2, entries=9)
    entries = epitome.cover(cfg, 4, 2)
    assert len(entries) == 8
    assert [len(part) for part in epitome.rounds(entries)] == [4, 4]
    mixed = [entries[i] for i in (0, 4, 1, 5, 2, 6, 3, 7)]
    assert epitome.rounds(mixed) == epitome.rounds(entries)
    # Hardware shares rounds of entries in succession; the table is written in that order.
    assert len(epitome.in_order(mixed)) == 8
    assert epitome.cycles(cfg, entries, 1) < epitome.cycles(cfg, mixed, 1)
    assert len(epitome.words(cfg, mixed)["entry"]) == 8


def test_fewer_cells_are_more_cycles():
    """The loss in latency: a quarter of the cells, and more than the layer at once takes."""
    layer = epitome.Config(inputs=64, outputs=16, rows=64, cols=16, entries=1)
    small = layer.replace(rows=32, cols=8, entries=64)
    at_once = epitome.cycles(layer, epitome.cover(layer, 64, 16), 1)
    patches = epitome.cycles(small, epitome.cover(small, 16, 8, row_step=5), 1)
    assert small.rows * small.cols * 4 == layer.rows * layer.cols
    assert patches > at_once
    direct = layer.array.cycles(1)
    assert patches > direct


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ((0, 3, 0, 2, 1), r"entries\[1\]\.row must be in 0\.\.2, within the rows of E, not 3"),
        ((0, 0, 0, 5, 1), r"entries\[1\]\.rows must be in 1\.\.4, within the rows of E, not 5"),
        ((0, 0, 0, 1, 8), r"entries\[1\]\.mask must be in 1\.\.7, within the columns of E, not 8"),
        ((0, 0, 0, 1, 0), r"entries\[1\]\.mask must be in 1\.\.7"),
        ((5, 0, 0, 2, 1), r"entries\[1\]\.input must be in 0\.\.4, within the inputs of the layer"),
        ((0, 0, -1, 1, 1), r"entries\[1\]\.output must be in 0\.\."),
        ((0, 0, 5, 1, 1), r"no entry reaches output 1, of 6"),
        ((0, 0, 10**12, 1, 1), r"no entry reaches output 1, of 1000000000001"),
    ],
)
def test_patches_outside_and_gaps_are_refused(entry, message):
    cfg = epitome.Config(rows=4, cols=3, entries=4)
    e, x = np.zeros((4, 3), dtype=int), np.zeros((1, 6), dtype=int)
    with pytest.raises(ValueError, match=message):
        epitome.model(cfg, e, [(0, 0, 0, 1, 1), entry], x)


def test_other_bad_input_is_named():
    cfg = epitome.Config(inputs=6, outputs=2, rows=4, cols=3, entries=2)
    e, x, good = np.zeros((4, 3), dtype=int), np.zeros((1, 6), dtype=int), (0, 0, 0, 1, 1)
    with pytest.raises(ValueError, match=r"entries must be 1\.\.2, not 3"):
        epitome.model(cfg, e, [good] * 3, x)
    with pytest.raises(TypeError, match=r"entries\[0\] must be input, row, output, rows and mask"):
        epitome.model(cfg, e, [(0, 0, 0.5, 1, 1)], x)
    for height, breadth, name in ((0, 2, "height"), (cfg.rows + 1, 2, "height"), (1, 9, "breadth")):
        with pytest.raises(ValueError, match=rf"epitome: {name} must be in 1\.\."):
            epitome.cover(cfg, height, breadth)
    with pytest.raises(ValueError, match=r"e must be of shape \[4, 3\], not \[3, 4\]"):
        epitome.model(cfg, e.T, [good], x)
    with pytest.raises(ValueError, match=r"e\[1, 1\] must be in -128\.\.127, not 300"):
        epitome.model(cfg, np.where(np.arange(12).reshape(4, 3) == 4, 300, e), [good], x)
    with pytest.raises(ValueError, match=r"output must be in 0\.\.1, within the outputs"):
        epitome.words(cfg, [Entry(0, 0, 0, 1, 1), Entry(0, 0, 2, 1, 1)])


def test_projection_is_the_nearest_epitome():
    """Each cell is the mean of what it makes, and a layer that was made of one is its own."""
    rng = np.random.default_rng(7)
    cfg = epitome.Config(inputs=9, outputs=7, rows=4, cols=3, entries=20)
    entries = epitome.cover(cfg, 2, 2, 1, 1, 1)
    numbers = epitome.shares(cfg, entries)
    assert numbers.min() >= 0
    w = rng.integers(-100, 101, (9, 7))
    e = epitome.project(cfg, w, entries)
    made = epitome.weights(cfg, e, entries, 9)
    assert np.array_equal(made, e.reshape(-1)[numbers])
    assert np.array_equal(epitome.project(cfg, made, entries)[np.isin(_cells(cfg), numbers)],
                          e[np.isin(_cells(cfg), numbers)])  # fmt: skip
    for cell in np.unique(numbers):
        own = w[numbers == cell]
        costs = [((own - v) ** 2).sum() for v in range(-128, 128)]
        assert ((own - e.reshape(-1)[cell]) ** 2).sum() == min(costs)


def _cells(cfg):
    return np.arange(cfg.rows * cfg.cols).reshape(cfg.rows, cfg.cols)


def test_outputs_of_one_column_are_equal_unless_the_place_turns():
    cfg = epitome.Config(inputs=8, outputs=4, rows=4, cols=2, entries=20)
    numbers = epitome.shares(cfg, epitome.cover(cfg, 2, 2, 2, 1))
    assert np.array_equal(numbers[:, 0], numbers[:, 2])
    turned = epitome.shares(cfg, epitome.cover(cfg, 2, 2, 2, 1, 1))
    assert not np.array_equal(turned[:, 0], turned[:, 2])


def test_patches_that_overlap_have_no_projection():
    cfg = epitome.Config(inputs=2, outputs=2, rows=2, cols=2)
    with pytest.raises(ValueError, match=r"entries\[1\] must not overlap those before it"):
        epitome.project(cfg, np.zeros((2, 2), dtype=int), [(0, 0, 0, 2, 3), (0, 0, 0, 1, 1)])
    with pytest.raises(ValueError, match=r"w must be of shape \[2, 2\], not \[1, 2\]"):
        epitome.project(cfg, np.zeros((1, 2), dtype=int), [(0, 0, 0, 2, 3)])
