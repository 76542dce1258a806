"""Dense: the model against the hardware's steps, sizes, cycles and messages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import dense


@given(
    k=st.integers(1, 20),
    c=st.integers(1, 9),
    p=st.integers(1, 90),
    array=st.sampled_from(dense.ARRAYS),
    signed=st.booleans(),
    bits=st.integers(1, 9),
    seed=st.integers(0, 2**32),
)
def test_steps_give_the_model(k, c, p, array, signed, bits, seed):
    cfg = dense.Config(
        inputs=k,
        outputs=c,
        products=p,
        array=array,
        act_signed=signed,
        act_bits=bits,
        weight_bits=10 - bits,
    )
    made = dense.stimuli(cfg, np.random.default_rng(seed))
    y = dense.model(cfg, **made)
    assert np.array_equal(y, made["x"] @ made["packed"].weights())
    assert np.array_equal(dense.model_by_steps(cfg, **made), y)
    assert cfg.lanes * cfg.columns <= max(p, 1)
    assert cfg.columns % cfg.y_lanes == 0
    assert cfg.columns // cfg.y_lanes <= cfg.planes * cfg.chunks


def test_products_per_cycle_are_what_the_name_says():
    """P products each cycle, where P divides the work; bit-serial arrays take A cycles for them."""
    for p in (1, 2, 4, 16, 64, 256, 1024):
        cfg = dense.Config(inputs=64, outputs=16, products=p)
        assert cfg.interval * p == 64 * 16
        serial = cfg.replace(array="bitserial", act_bits=4)
        assert serial.interval * p == 64 * 16 * 4


def test_the_worst_sum_fits():
    for inputs in (1, 2, 3, 64, 65):
        cfg = dense.Config(inputs=inputs, outputs=1, act_signed=False)
        packed = dense.compress(cfg, np.full((inputs, 1), -128))
        worst = int(dense.model(cfg, packed, np.full((1, inputs), 255))[0, 0])
        assert -1 << (cfg.y_bits - 1) <= worst


def test_short_operands_take_the_tree_of_ands():
    """Where it was measured to be the smaller one; a choice that is made stays."""
    assert dense.Config().way == "booth"
    assert dense.Config(weight_bits=2).way == "crossed"
    assert dense.Config(act_bits=1).way == "crossed"
    assert dense.Config(act_bits=2, multiplier="booth").way == "booth"


def test_parallelism_beyond_the_work_idles():
    cfg = dense.Config(inputs=3, outputs=2, products=1000)
    assert (cfg.lanes, cfg.columns, cfg.interval) == (3, 2, 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"products": 0}, "dense.products must be in 1..65536, not 0"),
        ({"array": "systolic"}, "dense.array must be one of multiplier, bitserial, not 'systolic'"),
        ({"multiplier": "wallace"}, "dense.multiplier must be one of"),
        ({"inputs": 65536, "act_bits": 32, "weight_bits": 17}, "such that sums of 65 bits fit 62"),
        (
            {"inputs": 4096, "outputs": 64, "products": 65536},
            "small enough for a word of weights to be a port",
        ),
    ],
)
def test_bad_parameters_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        dense.Config.from_dict(values)
