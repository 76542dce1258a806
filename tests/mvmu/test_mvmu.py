"""A core with matrix-vector units: products, instructions, and a perceptron as a program."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import mvmu
from nomul.golden.mvmu import Config, Core, assemble

SMALL = Config(inputs=6, outputs=4, registers=12, words=64)


@given(
    st.integers(1, 9), st.integers(1, 5), st.integers(2, 16), st.integers(2, 16), st.integers(1, 4)
)
def test_without_a_converter_the_product_is_exact(inputs, outputs, weight_bits, act_bits, slices):
    cfg = Config(
        inputs=inputs,
        outputs=outputs,
        weight_bits=weight_bits,
        act_bits=act_bits,
        slice_bits=slices,
    )
    case = mvmu.stimuli(cfg, np.random.default_rng(inputs))
    y, clips = mvmu.model(cfg, **case)
    assert np.array_equal(y, case["x"] @ case["w"])
    assert np.array_equal(y, mvmu.ideal(cfg, **case))
    assert clips == 0


def test_a_converter_of_eight_bits_cuts_the_worst_column():
    """128 rows of 3 are 384; 255 is what 8 bits hold, and nine hold all."""
    w = np.full((128, 1), (1 << 15) - 1)
    x = np.full((1, 128), 1)
    exact = int((x @ w)[0, 0])
    eight = mvmu.model(Config(outputs=1, adc_bits=8), w, x)
    assert eight.clips == 8  # all slices of the one step in which activations have a bit
    assert eight.y[0, 0] == exact - sum((384 - 255) << (2 * s) for s in range(8))
    nine = mvmu.model(Config(outputs=1, adc_bits=9), w, x)
    assert (nine.y[0, 0], nine.clips) == (exact, 0)


@given(st.integers(-(2**40), 2**40))
def test_words_are_rounded_half_to_even(y):
    exact = np.clip(np.rint(y / 4096), -32768, 32767)
    assert mvmu.fixed([y])[0] == exact


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("set r0 x3, -7", [-7, -7, -7]),
        ("load r0 x3, [2]", [30000, -30000, 5]),
        ("load r0 x2, [1 + r9]", [5, 6, 0]),
        ("add r0 x2, r8, r8", [-6, 6, 0]),
        ("sub r0, r8, r9", [-6, 0, 0]),
        ("min r0 x2, r8, r9", [-3, 0, 0]),
        ("max r0 x2, r8, r9", [3, 3, 0]),
        ("relu r0 x2, r8", [0, 3, 0]),
        ("copy r0 x2, r8", [-3, 3, 0]),
        ("shift r0 x2, r8, 1", [-2, 1, 0]),
    ],
)
def test_an_instruction(line, after):
    core = Core(SMALL, memory=[1, 2, 30000, -30000, 5, 6])
    core.registers[SMALL.general + 8 : SMALL.general + 11] = [-3, 3, 0]
    core.run(assemble(SMALL, f"{line}\nhalt"))
    assert core.registers[SMALL.general : SMALL.general + 3].tolist() == after
    assert not core.fault


def test_sums_are_cut_to_words():
    core = Core(SMALL, memory=[30000, -30000])
    core.run(assemble(SMALL, "load r0 x2, [0]\nadd r2 x2, r0, r0\nsub r4, r1, r0\nhalt"))
    assert core.registers[SMALL.general + 2 : SMALL.general + 5].tolist() == [32767, -32768, -32768]


def test_a_loop_and_its_cycles():
    """Five rounds of store, add, sub and jump: 2 cycles each to fetch."""
    text = """
        set r1, 5
        set r2, 1
    loop: store [10 + r0], r1   ; 5, 4, 3, ...
        add r0, r0, r2
        sub r1, r1, r2
        jump loop, nonzero r1
        halt
    """
    core = Core(SMALL)
    core.run(assemble(SMALL, text))
    assert core.memory[10:16].tolist() == [5, 4, 3, 2, 1, 0]
    assert core.cycles == 2 * 4 + 5 * (3 * 4 + 3) + 3


def test_a_product_in_a_program():
    rng = np.random.default_rng(0)
    w = rng.integers(-32768, 32768, (6, 4))
    x = rng.integers(-32768, 32768, 6)
    core = Core(SMALL, [w], memory=x)
    core.run(assemble(SMALL, "load in0 x6, [0]\nmvm 0\nstore [20], out0 x4\nhalt"))
    assert core.memory[20:24].tolist() == mvmu.fixed(x @ w).tolist()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("mov r0, r1", "operation must be one of halt, set, load"),
        ("alu r0, r1, r2", "operation must be one of halt, set, load"),
        ("add r0, r1", "must have 3 operands, not 2"),
        ("add r12, r1, r2", "'r12' x1 is more than the 12 registers r"),
        ("set in4 x3, 0", "'in4 x3' x3 is more than the 6 registers in"),
        ("set r0, 32768", "value must be in -32768..32767, not '32768'"),
        ("load r0, 17", r"memory must be like [17] or [17 + r3], not '17'"),
        ("load r0 x2, [63]", "[63] x2 is behind the 64 words of memory"),
        ("mvm 2", "unit must be in 0..1, not '2'"),
        ("jump nowhere", "there is no label 'nowhere'"),
        ("jump here, zero r0", "condition must be one of nonzero, negative, not 'zero'"),
        ("shift r0, r1, 16", "bits must be in 0..15, not '16'"),
        ("copy r1 x3, r0", "an operand must not begin before the result and overlap it"),
    ],
)
def test_a_line_that_cannot_be_is_named(line, message):
    with pytest.raises(ValueError, match=r"^line 2: ") as caught:
        assemble(SMALL, f"here: halt\n{line}")
    assert message in str(caught.value)


def test_programs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="the program has 3 instructions; the memory holds 2"):
        assemble(SMALL.replace(program_words=2), "halt\n" * 3)
    with pytest.raises(ValueError, match="line 2: label 'a' is there twice"):
        assemble(SMALL, "a: halt\na: halt")


@pytest.mark.parametrize(
    "text", ["set r0, 32000\nload r1, [60 + r0]\nhalt", "set r0, -1\nstore [0 + r0], r1\nhalt",
             "mvm 1\nhalt"]
)  # fmt: skip
def test_programs_that_leave_what_there_is_end_in_a_fault(text):
    core = Core(SMALL, [np.zeros((6, 4), int)])
    core.run(assemble(SMALL, text))
    assert core.fault


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"matrices": [np.zeros((3, 2), int)]}, ValueError, r"matrices\[0\] must be of shape"),
        ({"matrices": [np.zeros((6, 4))]}, TypeError, r"matrices\[0\] must hold integers"),
        ({"matrices": [np.zeros((6, 4), int)] * 9}, ValueError, r"the core has \d+ units, not 9"),
        ({"memory": [40000]}, ValueError, r"memory must be in -32768..32767, not 40000"),
        ({"memory": [0.5]}, TypeError, r"memory must be integers, not 0.5"),
        ({"registers": [0] * 999}, ValueError, r"registers has \d+ words, not 999"),
    ],
)
def test_a_core_refuses_what_its_memories_cannot_hold(given, error, message):
    with pytest.raises(error, match=message):
        Core(SMALL, **given)


def test_a_program_ends_behind_its_last_instruction():
    """The memory holds 0 there, which halts; behind the memory itself is a fault."""
    core = Core(SMALL)
    core.run(assemble(SMALL, "set r0, 1"))
    assert (core.fault, core.cycles) == (False, 2 + 2 + 3)
    full = Core(SMALL.replace(program_words=1))
    full.run(assemble(full.cfg, "set r0, 1"))
    assert full.fault


def test_a_trained_perceptron_runs_as_a_program():
    """Digits in Q4.12: as many right as in float64."""
    pytest.importorskip("sklearn", reason="pip install scikit-learn")
    from nomul.train import digits

    data = digits.load()
    # Halved, all scores are an eighth, and nothing leaves -8..8; the largest stays the largest.
    weights = [w / 2 for w in digits.train(data, np.random.default_rng(1), 15)]
    cfg = Config.preset("digits", words=64 * 60 + 600)
    made = mvmu.perceptron(cfg, weights, 50)
    x = np.rint(data.x_test[:50] * 4096).astype(np.int64)
    core = Core(cfg, made.matrices, memory=x.ravel())
    core.run(assemble(cfg, made.text))
    assert not core.fault
    scores = core.memory[made.scores : made.scores + 500].reshape(50, 10)
    exact = digits.forward(weights, data.x_test[:50])[-1]
    assert np.abs(scores / 4096 - exact).max() < 0.02
    assert (scores.argmax(axis=1) == data.labels_test[:50]).mean() > 0.8


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: Config(inputs=129), ValueError, "mvmu.inputs must be in 1..128, not 129"),
        (lambda: Config(adc_bits=17), ValueError, "mvmu.adc_bits must be in 1..16, not 17"),
        (
            lambda: mvmu.model(SMALL, np.zeros((4, 6), int), np.zeros((1, 6), int)),
            ValueError,
            "w must be of shape (6, 4), not (4, 6)",
        ),
        (
            lambda: mvmu.model(SMALL, np.full((6, 4), 32768), np.zeros((1, 6), int)),
            ValueError,
            "w must be in -32768..32767, not 32768",
        ),
        (
            lambda: mvmu.model(SMALL, np.zeros((6, 4)), np.zeros((1, 6), int)),
            TypeError,
            "w must hold integers, not float64",
        ),
        (
            lambda: mvmu.perceptron(SMALL, [np.zeros((5, 6))], 1),
            ValueError,
            "layer 0 is of 6 x 5, a unit of 6 x 4",
        ),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()
