"""SOT-MRAM PIM, golden side: judge, microcode and executor against each other and others.

One file, since the cases share formats and the judge.
"""

import re
from fractions import Fraction

import numpy as np
import pytest

from nomul.golden import sotfp
from nomul.golden.sotfp import OPS, OPSETS, Config, judge, microcode
from nomul.golden.sotfp import array as pimarray

FORMATS = {
    "fp16": (5, 10),
    "bf16": (8, 7),
    "fp32": (8, 23),
    "e5m2": (5, 2),
    "e4m3": (4, 3),
    "e3m4": (3, 4),
}
FP8 = ("e5m2", "e4m3", "e3m4")
MODES = ("ieee", "ftz")

# Steps of add and mul, ieee and ftz: of the first version of this microcode, which are never to be
# exceeded, and of today's. A shorter program is welcome here; a longer one is not.
STEPS = {
    "fp16": ((621, 1115, 615, 741), (289, 524, 292, 408)),
    "bf16": ((675, 901, 636, 546), (268, 376, 271, 284)),
    "fp32": ((1226, 3524, 1218, 2754), (610, 1720, 613, 1476)),
    "e5m2": ((360, 401, 360, 401), (134, 129, 137, 88)),
    "e4m3": ((344, 408, 344, 408), (138, 143, 142, 102)),
    "e3m4": ((313, 449, 313, 449), (141, 175, 146, 123)),
}


def config(name, mode="ieee", opset="sot", **values):
    exponent, mantissa = FORMATS[name]
    return Config(exponent_bits=exponent, mantissa_bits=mantissa, mode=mode, opset=opset, **values)


def all_pairs():
    """Every pair of eight-bit words."""
    return tuple(grid.ravel() for grid in np.meshgrid(np.arange(256), np.arange(256)))


def assert_same(got, expected, a, b):
    wrong = np.nonzero(np.asarray(got, dtype=np.int64) != expected)[0]
    assert len(wrong) == 0, (
        f"{len(wrong)} differ, first {int(a[wrong[0]]):#x}, {int(b[wrong[0]]):#x}: "
        f"got {int(got[wrong[0]]):#x}, expected {int(expected[wrong[0]]):#x}"
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("op", OPS)
def test_judge_rounds_to_the_nearest_pattern(op, mode):
    """The judge against rational numbers: the nearest value, ties to the even pattern."""
    cfg = config("e4m3", mode)
    form, half = cfg.form, 128
    finite = np.arange(form.infinity)
    s, e, m = form.unpack(finite, mode)
    table = [int(v) * Fraction(2) ** int(x - form.bias - 3) for v, x in zip(m, e, strict=True)]
    assert not s.any()
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 256, (2, 4000))
    got = sotfp.reference(cfg, op, a, b)
    unit, least = Fraction(2) ** (1 - form.bias - 3), Fraction(2) ** (1 - form.bias)
    for x, y, z in zip(a.tolist(), b.tolist(), got.tolist(), strict=True):
        if x % half >= form.infinity or y % half >= form.infinity:
            continue
        u, v = (table[w % half] * (-1 if w >= half else 1) for w in (x, y))
        value = u + v if op == "add" else u * v
        size = abs(value)
        # The binade's unit; ieee: at least that of the subnormals, ftz: whatever it is.
        step = unit
        while size >= step * 16:
            step *= 2
        while mode == "ftz" and size and size < step * 8:
            step /= 2
        rounded = round(size / step) * step
        if mode == "ftz" and rounded < least:
            rounded = Fraction(0)
        if rounded >= Fraction(2) ** (form.bias + 1):
            assert z % half == form.infinity
        else:
            assert table[z % half] == rounded
        if value:
            assert (z >= half) == (value < 0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("name", FP8)
def test_every_pair_of_eight_bit_words(name, op, mode):
    a, b = all_pairs()
    cfg = config(name, mode)
    assert_same(sotfp.model(cfg, op, a, b), sotfp.reference(cfg, op, a, b), a, b)


@pytest.mark.parametrize("opset", OPSETS[1:])
@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("name", ["e4m3", "fp16", "bf16"])
def test_other_operation_sets_compute_the_same(name, op, opset):
    for mode in MODES:
        cfg = config(name, mode, opset)
        pairs = sotfp.stimuli(cfg, np.random.default_rng(2), 20_000)
        a, b = all_pairs() if name in FP8 else (pairs["a"], pairs["b"])
        assert_same(sotfp.model(cfg, op, a, b), sotfp.reference(cfg, op, a, b), a, b)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("name", ["fp16", "bf16", "fp32"])
def test_corners_and_random_pairs(name, op, mode):
    cfg = config(name, mode)
    pairs = sotfp.stimuli(cfg, np.random.default_rng(3), 300_000)
    a, b = pairs["a"], pairs["b"]
    assert_same(sotfp.model(cfg, op, a, b), sotfp.reference(cfg, op, a, b), a, b)


@pytest.mark.parametrize("opset", ["sot", "nor+search"])
@pytest.mark.parametrize(("exponent", "mantissa"), [(3, 2), (3, 10), (4, 12), (6, 9), (8, 2)])
def test_formats_of_any_shape(exponent, mantissa, opset):
    for mode in MODES:
        cfg = Config(exponent_bits=exponent, mantissa_bits=mantissa, mode=mode, opset=opset)
        pairs = sotfp.stimuli(cfg, np.random.default_rng(4), 30_000)
        for op in OPS:
            expected = sotfp.reference(cfg, op, pairs["a"], pairs["b"])
            got = sotfp.model(cfg, op, pairs["a"], pairs["b"])
            assert_same(got, expected, pairs["a"], pairs["b"])


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize(("name", "kind"), [("fp16", np.float16), ("fp32", np.float32)])
def test_agrees_with_numpy(name, kind, op):
    cfg = config(name)
    pairs = sotfp.stimuli(cfg, np.random.default_rng(5), 200_000)
    words = np.dtype(f"u{cfg.width // 8}")
    a, b = pairs["a"].astype(words), pairs["b"].astype(words)
    with np.errstate(all="ignore"):
        result = {"add": np.add, "mul": np.multiply}[op](a.view(kind), b.view(kind))
    expected = np.where(np.isnan(result), cfg.form.nan, result.view(words))
    assert_same(sotfp.model(cfg, op, a, b), expected, a, b)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("name", ["fp16", "fp32"])
def test_agrees_with_softfloat(name, op):
    """Berkeley SoftFloat 3e, an independent judge."""
    soft = pytest.importorskip("softfloatpy", reason="try: pip install softfloatpy")
    cfg = config(name)
    pairs = sotfp.stimuli(cfg, np.random.default_rng(6), 5_000)
    kind, size = {"fp16": (soft.Float16, 2), "fp32": (soft.Float32, 4)}[name]
    expected = []
    for x, y in zip(pairs["a"].tolist(), pairs["b"].tolist(), strict=True):
        u, v = (kind.from_bytes(word.to_bytes(size, "big")) for word in (x, y))
        word = int.from_bytes(getattr(kind, op)(u, v).to_bytes(), "big")
        nan = word & ((1 << (cfg.width - 1)) - 1) > cfg.form.infinity
        expected.append(cfg.form.nan if nan else word)
    got = sotfp.model(cfg, op, pairs["a"], pairs["b"])
    assert_same(got, np.array(expected), pairs["a"], pairs["b"])


def test_flush_rounds_before_it_flushes():
    """The product is 1 - 2**-12 times the smallest normal number, before rounding to 11 bits."""
    cfg = config("fp16", "ftz")
    assert sotfp.model(cfg, "mul", [0x8639], [0x3924])[0] == 0x8000
    assert sotfp.reference(cfg, "mul", [0x8639], [0x3924])[0] == 0x8000


@pytest.mark.parametrize(
    ("op", "a", "b", "y"),
    [
        ("add", 0x3C00, 0xBC00, 0x0000),
        ("add", 0xBC00, 0x3C00, 0x0000),
        ("add", 0x8000, 0x8000, 0x8000),
        ("add", 0x8000, 0x0000, 0x0000),
        ("add", 0x7BFF, 0x7BFF, 0x7C00),
        ("add", 0x7C00, 0xFC00, 0x7E00),
        ("add", 0xFC00, 0x7BFF, 0xFC00),
        ("add", 0xFE01, 0x3C00, 0x7E00),
        ("mul", 0x7C00, 0x8000, 0x7E00),
        ("mul", 0x7C00, 0x8001, 0xFC00),
        ("mul", 0x7BFF, 0xFBFF, 0xFC00),
        ("mul", 0x8001, 0x0001, 0x8000),
        ("mul", 0x0400, 0x3800, 0x0200),
    ],
)
def test_special_values(op, a, b, y):
    assert sotfp.model(config("fp16"), op, [a], [b])[0] == y


@pytest.mark.parametrize("name", FORMATS)
def test_step_counts_only_fall(name):
    got = tuple(sotfp.program(config(name, mode), op).steps for mode in MODES for op in OPS)
    first, today = STEPS[name]
    assert got == today
    assert all(now <= then for now, then in zip(got, first, strict=True))


def test_columns_are_as_few_as_they_were():
    need = {n: config(n).columns_needed for n in ("fp16", "fp32")}
    assert need["fp16"] <= 54
    assert need["fp32"] <= 99


@pytest.mark.parametrize("opset", OPSETS)
def test_counts_come_from_the_executed_program(opset, monkeypatch):
    """Data independence: the executor runs every step once, whatever the operands are."""
    cfg = config("e4m3", opset=opset)
    ran = []
    plain = pimarray._run
    monkeypatch.setattr(pimarray, "_run", lambda s, *rest: (ran.append(s), plain(s, *rest)))
    for op in OPS:
        code = sotfp.program(cfg, op)
        for a, b in ([[0], [0]], [[0x7F], [0x80]], [[0x12, 0x78], [0xFF, 0x01]]):
            ran.clear()
            sotfp.model(cfg, op, a, b)
            assert tuple(ran) == code.code
        assert (
            code.steps
            == code.writes
            == code.reads
            + code.searches
            + sum(1 for s in code.code if s.search is None and not s.sources)
        )
        assert (code.searches > 0) == opset.endswith("search")


@pytest.mark.parametrize("opset", ["nor", "nor+search"])
def test_nor_programs_hold_nothing_else(opset):
    allowed = {microcode.NOR, microcode.NOT_A, microcode.ZERO, microcode.ONE}
    for op in OPS:
        code = sotfp.program(config("fp16", opset=opset), op).code
        assert {step.f for step in code} <= allowed
        assert all(step.p < 0 for step in code)


@pytest.mark.parametrize("opset", ["sot", "nor"])
def test_full_adder(opset):
    """Four steps in place, or three where the addend may go; nine NORs."""
    b = sotfp.builder(opset)
    a, x, c = b.word(3)
    b.full_add(a, x, c)
    code = b.program([[0], [1], [2]], [a, c])
    assert code.steps == {"sot": 3, "nor": 9}[opset]
    words = np.arange(8)
    got = pimarray.run(code, words & 1, words >> 1 & 1, words >> 2)
    assert got.tolist() == [0, 1, 1, 2, 1, 2, 2, 3]


def test_programs_never_read_what_nobody_wrote():
    for name in ("e5m2", "fp16"):
        for opset in OPSETS:
            for op in OPS:
                code = sotfp.program(config(name, opset=opset), op)
                known = {column for word in code.inputs for column in word}
                for step in code.code:
                    assert set(step.sources) <= known
                    assert step.p < 0 or step.dst in known
                    known.add(step.dst)
                assert max(known) < code.columns


@pytest.mark.parametrize("bits", [1, 7, 8, 9, 16, 19, 32])
@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 1000])
def test_columns_hold_one_bit_per_lane(bits, n):
    values = np.random.default_rng(7).integers(0, 1 << bits, n)
    columns = pimarray.to_columns(values, bits)
    for lane in range(min(n, 70)):
        for bit in range(bits):
            got = int(columns[bit, lane // 64]) >> (lane % 64) & 1
            assert got == int(values[lane]) >> bit & 1
    assert np.array_equal(pimarray.from_columns(columns, n), values)


@pytest.mark.parametrize("f", range(16))
@pytest.mark.parametrize("p", [-1, 2])
def test_every_function_and_predicate(f, p):
    """One step on all values of three columns, also where the target is one of them."""
    for dst in range(4):
        for pol in (0, 1):
            code = microcode.Program(
                (microcode.Step(dst, f, 0, 1, p, pol),), ((0,), (1,), (2,), (3,)), (dst,), 4
            )
            words = np.arange(16)
            bits = [words >> i & 1 for i in range(4)]
            value = f >> (2 * bits[0] + bits[1]) & 1
            expected = np.where(bits[2] == pol, value, bits[dst]) if p >= 0 else value
            assert np.array_equal(pimarray.run(code, *bits), expected)


def test_mac_rounds_twice():
    cfg = config("e4m3")
    a, b = all_pairs()
    c = np.random.default_rng(8).integers(0, 256, len(a))
    got = pimarray.run(sotfp.program(cfg, "mac"), a, b, c)
    expected = sotfp.reference(cfg, "add", c, sotfp.reference(cfg, "mul", a, b))
    assert_same(got, expected, a, b)


def test_real_numbers_in_and_out():
    cfg = config("fp16")
    values = np.array([0.0, -0.0, 1.0, 65504.0, 65520.0, 6e-8, -2.5, np.inf, np.nan, 1 / 3])
    with np.errstate(all="ignore"):
        half = values.astype(np.float16)
    patterns = np.where(np.isnan(values), cfg.form.nan, half.view(np.uint16))
    assert sotfp.encode(cfg, values).tolist() == patterns.tolist()
    assert np.array_equal(sotfp.decode(cfg, patterns), half.astype(np.float64), equal_nan=True)
    a, b = sotfp.encode(cfg, [1.5]), sotfp.encode(cfg, [2.25])
    assert sotfp.ideal(cfg, "mul", a, b)[0] == 3.375


@pytest.mark.parametrize("op", OPS)
def test_rounding_stays_within_half_a_unit_of_the_ideal(op):
    cfg = config("fp16")
    a, b = np.random.default_rng(9).integers(0x3000, 0x4C00, (2, 20_000))
    true = sotfp.ideal(cfg, op, a, b)
    got = sotfp.decode(cfg, sotfp.model(cfg, op, a, b))
    assert np.all(np.abs(got - true) <= 2.0**-11 * np.abs(true))


def test_faults_need_an_array_over_time():
    cfg = config("fp16", write_errors=2000, lanes=64)
    a, b = np.random.default_rng(10).integers(0, 0x7C00, (2, 400))
    clean = sotfp.model(cfg.replace(write_errors=0), "add", a, b)
    got = sotfp.model(cfg, "add", a, b)
    assert np.array_equal(got, sotfp.model(cfg, "add", a, b))
    assert 0 < (got != clean).sum() < 400
    other = sotfp.model(cfg.replace(fault_seed=77), "add", a, b)
    assert (other != got).any()
    array = sotfp.Array(cfg)
    pieces = [array.run("add", a[:128], b[:128]), array.run("add", a[128:], b[128:])]
    assert np.array_equal(np.concatenate(pieces), got)


def test_stuck_lanes_spoil_their_own_words_only():
    cfg = config("fp16", stuck_lanes=(3, 17), lanes=32)
    a, b = np.random.default_rng(11).integers(0x3C00, 0x7000, (2, 64))
    clean = sotfp.model(cfg.replace(stuck_lanes=()), "mul", a, b)
    got = sotfp.model(cfg, "mul", a, b)
    bad = np.isin(np.arange(64) % 32, [3, 17])
    assert np.array_equal(got[~bad], clean[~bad])
    assert not got[bad].any()


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"exponent_bits": 9}, ValueError, "sotfp.exponent_bits must be in 3..8, not 9"),
        ({"mantissa_bits": 1}, ValueError, "sotfp.mantissa_bits must be in 2..23, not 1"),
        ({"mode": "fast"}, ValueError, "sotfp.mode must be one of ieee, ftz, not 'fast'"),
        ({"opset": "sot + search"}, ValueError, "sotfp.opset must be one of sot, nor, "),
        ({"columns": 40}, ValueError, "sotfp.columns must be in 54..1024 for its programs, not 40"),
        ({"columns": 60, "mac": True}, ValueError, "in 70..1024 for its programs, not 60"),
        ({"stuck_lanes": (64,)}, ValueError, "sotfp.stuck_lanes must be in 0..63, not (64,)"),
        ({"fault_seed": 0}, ValueError, "sotfp.fault_seed must be in 1..4294967295, not 0"),
        ({"lane": 4}, TypeError, "sotfp has no parameter 'lane'; it has lanes"),
    ],
)
def test_bad_parameters_are_named(values, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        Config.from_dict(values)


@pytest.mark.parametrize(
    ("op", "a", "b", "message"),
    [
        ("div", [0], [0], "sotfp has no operation 'div'; it has add, mul"),
        ("add", [0, 1], [0], "a holds 2 words and b holds 1"),
        ("add", [65536], [0], "a must hold words of 16 bits"),
        ("add", [0], [-1], "b must hold words of 16 bits"),
        ("add", [0.5], [0], "a must hold bit patterns (integers), not float64"),
        ("add", [[0]], [[0]], "a must be one-dimensional"),
    ],
)
def test_bad_operands_are_named(op, a, b, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        sotfp.model(Config(), op, a, b)
    assert message in str(caught.value)


def test_the_judge_shares_no_code_with_the_programs():
    assert "microcode" not in vars(judge)
