"""What table neurons add: tables without signs and one constant, against the layer's own answer."""

import numpy as np
import pytest

from nomul.golden import lutnet
from nomul.golden.lutnet.neurons import summed

RANGES = {
    "clipped at both ends": (-8, 7, 8),
    "clipped below": (-5, 400, 5),
    "clipped above": (-400, 11, 0),
    "not clipped, signed": (-400, 400, 0),
    "not clipped, moved": (-400, 400, 400),
    "of an odd span": (-3, 9, 3),
}


def layer(low, high, offset, seed=1):
    rng = np.random.default_rng(seed)
    out = np.array([0] * 5 + [1] + [2] * 3 + [3] * 2)
    table = rng.integers(-20, 21, (len(out), 8))
    table[4] = 6
    table[6] = rng.integers(40, 44, 8)
    return lutnet.TableNeuron(
        in_bits=3, idx=rng.integers(0, 6, (len(out), 1)), table=table, out=out, n_out=5,
        low=low, high=high, offset=offset,
    )  # fmt: skip


@pytest.mark.parametrize("kind", RANGES)
def test_sums_of_unsigned_tables_are_the_layers_answer(kind):
    neurons = layer(*RANGES[kind])
    x = np.random.default_rng(2).integers(0, 8, (3000, 6))
    expected = lutnet.model(lutnet.Network([neurons], 6, 3), x)
    for neuron in range(neurons.n_out):
        own = summed(neurons, neuron)
        assert all(v.min() >= 0 for v in own.values)
        got = own.result(x[:, neurons.idx[list(own.tables), 0]])
        if own.span is None:
            got = got % (1 << neurons.result.width)
            expected[:, neuron] %= 1 << neurons.result.width
        assert np.array_equal(got, expected[:, neuron])


def test_room_in_the_tables_takes_the_constant():
    """Two tables of range 5 have room for 2 each: of a constant of 4 nothing is left."""
    neurons = lutnet.TableNeuron(
        in_bits=1, idx=[[0], [1]], table=[[2, 7], [2, 7]], out=[0, 0], n_out=1, low=0, high=15
    )
    own = summed(neurons, 0)
    assert own.constant == 0
    assert [v.tolist() for v in own.values] == [[2, 7], [2, 7]]


def test_a_single_table_clips_by_itself():
    neurons = lutnet.TableNeuron(
        in_bits=2, idx=[[0]], table=[[-9, 0, 3, 9]], out=[0], n_out=1, low=-4, high=3, offset=4
    )
    own = summed(neurons, 0)
    assert own.span is None
    assert own.result(np.arange(4)[:, None]).tolist() == [0, 4, 7, 7]


@pytest.mark.parametrize("adder", ["lut6", "plus"])
@pytest.mark.parametrize("kind", [k for k in RANGES if k != "not clipped, moved"])
def test_every_kind_of_clipping_equals_the_model(simulate, tmp_path, kind, adder):
    path = tmp_path / "net.npz"
    lutnet.Network([layer(*RANGES[kind])], 6, 3).save(path)
    cfg = lutnet.Config(network=str(path), adder=adder, registers="end")
    assert simulate("lutnet", cfg, tests="never.*never").tests == 1
