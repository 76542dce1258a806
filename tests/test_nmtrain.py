"""N:M masks in both directions."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import nmtrain
from nomul.golden.products import spimc
from nomul.golden.sparse import prune_groups
from nomul.hw.products.spimc import Top
from nomul.sim import harness
from nomul.synth.emit import emit


@given(st.integers(1, 13), st.integers(1, 13), st.integers(1, 6), st.data())
def test_forward_is_the_pruning_of_rows_and_backward_that_of_columns(rows, columns, group, data):
    """Against SP-IMC's own pruning, on weights with many equal magnitudes and short groups."""
    keep = data.draw(st.integers(1, group))
    seed = data.draw(st.integers(0, 1000))
    w = np.random.default_rng(seed).integers(-3, 4, (rows, columns))
    forward, backward = nmtrain.masks(w, keep, group)
    assert np.array_equal(np.where(forward, w, 0), prune_groups(w, keep, group))
    assert np.array_equal(np.where(backward, w, 0), prune_groups(w.T, keep, group).T)
    for stays in (forward.T, backward):
        size = min(group, stays.shape[1])
        assert (stays[:, :size].sum(axis=1) == min(keep, size)).all()


def test_the_two_masks_are_of_one_matrix_and_differ():
    w = [[4, 3, 2, 1], [1, 4, 3, 2], [2, 1, 4, 3], [3, 2, 1, 4]]
    forward, backward = nmtrain.masks(w, 2, 4)
    assert forward.astype(int).tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]]
    assert backward.astype(int).tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]]
    skewed = np.array(w) * [[1], [5], [5], [1]]
    forward, again = nmtrain.masks(skewed, 2, 4)
    assert forward.all(axis=1).tolist() == [False, True, True, False]
    assert np.array_equal(again, backward)


def test_the_least_integer_is_the_largest_magnitude():
    forward, _ = nmtrain.masks(np.array([[127], [-128]], dtype=np.int8), 1, 2)
    assert forward.tolist() == [[False], [True]]


def test_real_weights_are_compared_as_they_are():
    forward, _ = nmtrain.masks([[0.25], [-0.5], [0.5], [0.1]], 1, 4)
    assert forward.ravel().tolist() == [False, True, False, False]


def test_the_dense_gradient_caps_the_gain():
    caps = {(2, 4): Fraction(3, 2), (2, 8): 2, (1, 8): Fraction(12, 5), (4, 4): 1}
    assert {shape: nmtrain.gain_cap(*shape) for shape in caps} == caps


def on_the_macro(w, keep, group):
    """Return SP-IMC's macro of a matrix that is pruned along its rows, and its tile in N:M form."""
    inputs, outputs = w.shape
    cfg = spimc.Config(
        window=inputs,
        columns=outputs,
        slots=-(-inputs // group) * keep,
        lanes=group,
        max_group=group,
        formats=("coo", "nm"),
        act_bits=8,
    )
    return cfg, spimc.compress(cfg, w)


def directions(keep, group, shape=(16, 12), seed=5):
    """Yield the matrix of each direction, pruned and as the product reads it, and operands."""
    rng = np.random.default_rng(seed)
    w = rng.integers(-127, 128, shape)
    forward, backward = nmtrain.masks(w, keep, group)
    for pruned in (np.where(forward, w, 0), np.where(backward, w, 0).T):
        yield pruned, rng.integers(-128, 128, (7, len(pruned)))


@pytest.mark.parametrize(("keep", "group"), [(2, 4), (1, 4), (2, 8), (1, 8)])
def test_both_products_are_those_of_sp_imc_in_its_nm_form(keep, group):
    """One dense W: a W along its inputs, and g W^T along its outputs, transposed by its mask."""
    for pruned, x in directions(keep, group):
        cfg, packed = on_the_macro(pruned, keep, group)
        header = packed.form
        assert (header["format"], header["nnz_per_group"], header["group"]) == ("nm", keep, group)
        assert np.array_equal(packed.weights(), pruned)
        assert np.array_equal(spimc.model(cfg, packed, x), x @ pruned)
        # A group is read in one step of each of the activation's bits, however many stay in it.
        assert cfg.macro.cycles(packed.tile.tile) == 8 + cfg.latency


@pytest.mark.needs("icarus")
def test_both_products_leave_the_macro_as_the_model_has_them(tmp_path):
    """The Verilog of the macro, with the pruned weights and operands of either direction."""
    for number, (pruned, x) in enumerate(directions(2, 4, (8, 4))):
        cfg, _ = on_the_macro(pruned, 2, 4)
        folder = tmp_path / str(number)
        emitted = emit(Top(cfg), "spimc")
        emitted.write(folder)
        np.savez(folder / "operands.npz", w=pruned, x=x)
        report = harness.run(
            "nomul.sim.products.spimc",
            top="spimc",
            verilog=[folder / "spimc.v"],
            build_dir=folder / "sim",
            config=cfg.to_json(),
            simulator="icarus",
            tests="never.*never",
            environment={"NOMUL_STIMULI": str(folder / "operands.npz")},
        )
        assert report.records["products"] == len(x) * pruned.size


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (([1, 2], 1, 2), ValueError, "w must be a matrix of finite numbers, not int64[2]"),
        (([[np.nan]], 1, 2), ValueError, "w must be a matrix of finite numbers"),
        (([[1]], 3, 2), ValueError, "keep must be in 1..2, the size of a group, not 3"),
        (([[1]], 1, 2.0), TypeError, "group must be an integer, not 2.0 (float)"),
    ],
)
def test_bad_input_is_named(arguments, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        nmtrain.masks(*arguments)
