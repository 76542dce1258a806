"""Popcounts that absorb tables: the plan against the operators, and the look-up tables it saves."""

import itertools

import numpy as np
import pytest

from nomul.golden import lutnet
from nomul.golden.lutnet.absorb import absorb
from nomul.golden.lutnet.examples import tables
from nomul.hw.lutnet import Top
from nomul.synth.emit import emit
from nomul.synth.map.synthesize import synthesize


def layer_of(k, n_in, per, n_out, seed=1, **options):
    rng = np.random.default_rng(seed)
    n = per * n_out
    return lutnet.LutLayer(
        k=k,
        idx=rng.integers(0, n_in, (n, k)),
        tt=[*tables(rng, n - 2, k), 0, (1 << (1 << k)) - 1],
        out=np.repeat(np.arange(n_out), per),
        n_out=n_out,
        **options,
    )


def sums(layer, x):
    """Add the groups' digits, read one by one."""
    total = np.zeros((len(x), layer.n_out), dtype=int)
    for group in absorb(layer):
        for row, bits in enumerate(x):
            address = sum(int(bits[wire]) << k for k, wire in enumerate(group.wires))
            value = sum((t >> address & 1) << place for place, t in enumerate(group.digits))
            total[row, group.neuron] += int(layer.alpha[group.level]) * value
    return total


@pytest.mark.parametrize("k", range(1, 8))
def test_groups_add_up_to_the_operators(k):
    """Tables of every size, with a wire twice, without effect, and constant ones."""
    layer = layer_of(k, 9, 8, 4, seed=k)
    x = np.array(list(itertools.product((0, 1), repeat=9)))[:: 1 if k < 4 else 5]
    assert np.array_equal(sums(layer, x), lutnet.model(lutnet.Network([layer], 9), x))
    members = sorted(o for group in absorb(layer) for o in group.members)
    assert members == list(range(32))


def test_levels_stay_apart():
    level = np.tile([0, 1], 12)
    layer = layer_of(2, 6, 12, 2, alpha=(3, 1), level=level)
    x = np.array(list(itertools.product((0, 1), repeat=6)))
    assert np.array_equal(sums(layer, x), lutnet.model(lutnet.Network([layer], 6), x))


@pytest.mark.parametrize(("k", "size", "digits"), [(1, 1, 1), (2, 3, 2), (3, 1, 1), (6, 1, 1)])
def test_disjoint_tables_fill_six_wires(k, size, digits):
    """Of K = 3 only two would fit, which saves nothing; K = 1 has nothing to save."""
    ones = (1 << (1 << k)) - 1
    layer = lutnet.LutLayer(
        k=k,
        idx=np.arange(12 * k).reshape(12, k),
        tt=[1 << a % (1 << k) for a in range(11)] + [ones ^ 1],
        out=[0] * 12,
        n_out=1,
    )
    groups = absorb(layer)
    assert {len(group.members) for group in groups} == {size}
    assert {len(group.digits) for group in groups} == {digits}
    assert all(len(group.wires) <= 6 for group in groups)


def test_xnor_layers_are_tables_of_one_input():
    rng = np.random.default_rng(5)
    xnor = lutnet.Xnor(
        idx=rng.integers(0, 8, 40),
        weight=rng.integers(0, 2, 40),
        out=np.arange(40) % 4,
        n_out=4,
    )
    x = np.array(list(itertools.product((0, 1), repeat=8)))
    assert np.array_equal(sums(xnor, x), lutnet.model(lutnet.Network([xnor], 8), x))


def test_two_input_tables_cost_a_quarter_less_on_xc7(tmp_path, monkeypatch):
    layer = layer_of(2, 40, 24, 2, theta=np.full(2, 12))
    path = tmp_path / "net.npz"
    lutnet.Network([layer], 40).save(path)

    def luts():
        top = Top(lutnet.Config(network=str(path)))
        return synthesize(emit(top, "lutnet"), "xc7").resources["luts"]

    absorbed = luts()
    monkeypatch.setattr("nomul.hw.lutnet.operators.absorb", lambda layer: absorb(layer, 2))
    assert absorbed <= 0.75 * luts()
