"""ESSOP: closed forms of the model, and the RTL against the model.

One file, since the model, its closed forms and its hardware are tested with each other.
"""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.experiments.essop.errors import network_pairs
from nomul.golden import bitstream, essop, lfsr
from nomul.golden.essop import Config
from nomul.hw.essop import Top
from nomul.sim.harness import BenchError

TINY = {"rows": 3, "cols": 5, "width": 4, "stream_bits": 8}


def random_pairs(cfg, n_vectors, seed=1):
    """Return magnitudes and signs, uniform over their ranges."""
    rng = np.random.default_rng(seed)
    sizes = [(n_vectors, cfg.rows), (n_vectors, cfg.cols)]
    x, d = (rng.integers(0, (1 << cfg.width) + 1, size) for size in sizes)
    sx, sd = (rng.integers(0, 2, size) for size in sizes)
    return x, sx, d, sd


def count_by_definition(cfg, x, sx, d, sd):
    """Return the counts of steps 2 to 4, one cell and one bit at a time."""
    r, s = essop.bits(cfg, len(x))
    y = np.zeros((len(x), cfg.rows, cfg.cols), dtype=int)
    for v, i, j in np.ndindex(y.shape):
        for n in range(cfg.stream_bits):
            row = r[v, n] if r.ndim == 2 else r[v, n, i]
            col = s[v, n] if s.ndim == 2 else s[v, n, j]
            y[v, i, j] += int(row < x[v, i]) & int(col < d[v, j])
        y[v, i, j] *= -1 if sx[v, i] ^ sd[v, j] else 1
    return y


@pytest.mark.parametrize("source", bitstream.SOURCES)
@pytest.mark.parametrize("share", ["pair", "rotate"])
def test_model_follows_the_definition(source, share):
    cfg = Config(source=source, share=share, **TINY)
    pairs = random_pairs(cfg, 5)
    assert np.array_equal(essop.model(cfg, *pairs), count_by_definition(cfg, *pairs))


@pytest.mark.parametrize("stream_bits", [1, 2, 4, 8, 64, 128, 256])
def test_model_follows_the_definition_for_every_length(stream_bits):
    cfg = Config(rows=2, cols=3, stream_bits=stream_bits, source="lfsr", share="lane")
    pairs = random_pairs(cfg, 2)
    assert np.array_equal(essop.model(cfg, *pairs), count_by_definition(cfg, *pairs))


def test_model_does_not_depend_on_bits_per_cycle_or_on_how_it_is_called():
    cfg = Config(rows=40, cols=70, source="lfsr", share="lane")
    pairs = random_pairs(cfg, 300)
    whole = essop.model(cfg, *pairs)
    assert np.array_equal(whole, essop.model(cfg.replace(bits_per_cycle=16), *pairs))
    rest = essop.model(cfg, *(array[123:] for array in pairs), n_vectors_before=123)
    assert np.array_equal(whole[123:], rest)


@pytest.mark.parametrize("stream_bits", [4, 16])
def test_scrambled_sequences_are_exactly_unbiased(stream_bits):
    """Over all 2**16 scrambles the counts of any X and D sum to BL X D, for every X and D.

    The sum over scrambles (P, Q) of [i XOR P < X][j XOR Q < D] factors into the two sides, so the
    exhaustive sum is the product of two histograms, each taken over all 256 values.
    """
    p = np.arange(256)
    operand = np.arange(257)
    for source in ("vdc", "sobol"):
        r, s = bitstream.points(Config(source=source, stream_bits=stream_bits))
        rows = ((r[:, None] ^ p)[:, :, None] < operand).sum(axis=1)  # [BL, 257]
        cols = ((s[:, None] ^ p)[:, :, None] < operand).sum(axis=1)
        total = rows.T @ cols
        assert np.array_equal(total, stream_bits * np.outer(operand, operand))


@pytest.mark.long
def test_scrambles_one_by_one_are_unbiased_too():
    """The same, without the factoring: every one of the 65,536 scrambles goes through a count."""
    r, s = bitstream.points(Config(source="vdc"))
    operand = np.arange(0, 257, 8)
    total = np.zeros((len(operand), len(operand)), dtype=np.int64)
    for p in range(256):
        a = ((r ^ p)[:, None] < operand).astype(np.int64)
        for q in range(256):
            total += a.T @ ((s ^ q)[:, None] < operand)
    assert np.array_equal(total, 16 * np.outer(operand, operand))


def test_the_register_misses_only_the_zero_scramble():
    """The hardware's scrambles are all but (0, 0), so its mean is off by that one count."""
    cfg = Config(rows=1, cols=1, source="vdc_xor")
    period = (1 << 16) - 1
    x, d = 100, 37
    ones = np.ones((period, 1), dtype=int)
    y = essop.model(cfg, x * ones, 0 * ones, d * ones, 0 * ones)
    r, s = bitstream.points(cfg)
    zero = int(((r < x) & (s < d)).sum())
    assert y.sum() == 16 * x * d - zero


def moments_over_all_seeds(cfg, x, d):
    """Return mean and variance of a count, exactly, over all pairs of seeds of both registers.

    The registers are independent then, so E[c c] is the sum over n, m of the two sides' second
    moments E[a_n a_m] E[b_n b_m], each a sum over the 2**L - 1 states.
    """
    states = np.arange(1, 1 << cfg.lfsr_width)
    first, second = [], []
    for side, operand in enumerate((x, d)):
        step = lfsr.step_matrix(cfg.lfsr_width, cfg.taps(side)) ** cfg.step
        words = bitstream.take(cfg, side, lfsr.walk(step, states, cfg.stream_bits))
        ones = (words < operand).astype(np.int64)
        first.append(ones.sum(axis=1))
        second.append(ones @ ones.T)
    count = Fraction(1, len(states) ** 2)
    mean = int(first[0] @ first[1]) * count
    return mean, int((second[0] * second[1]).sum()) * count - mean**2


@pytest.mark.parametrize(("x", "d"), [(64, 64), (128, 128), (200, 200), (16, 256), (40, 90)])
def test_lfsr_with_leap_has_the_moments_of_independent_bits(x, d):
    """Mean BL p q, where p is what a register without state 0 gives; variance within 0.5 %."""
    cfg = Config(source="lfsr")
    mean, variance = moments_over_all_seeds(cfg, x, d)
    p, q = (Fraction(operand * 256 - 1, (1 << 16) - 1) for operand in (x, d))
    assert mean == 16 * p * q
    assert float(variance) == pytest.approx(16 * x * d / 2**16 * (1 - x * d / 2**16), rel=0.005)


def test_lfsr_without_leap_is_serially_correlated():
    """Why the leap is there: at p = 1/16 the variance is more than twice the binomial one."""
    _, variance = moments_over_all_seeds(Config(source="lfsr", leap=1), 16, 256)
    assert variance > 2 * 16 * Fraction(1, 16) * Fraction(15, 16)


@given(
    st.sampled_from(["vdc", "sobol", "vdc_xor", "sobol_xor"]),
    st.integers(1, 8),
    st.integers(0, 8),
    st.integers(1, 2**16 - 1),
    st.integers(0, 2**32 - 1),
)
def test_ascending_order_changes_no_count(source, width, log2, seed, operands):
    """What the ordered cells rely on: runs of ones on the rows, and the same pairs of words."""
    stream_bits = 1 << min(width, log2)
    cfg = Config(source=source, width=width, stream_bits=stream_bits, seeds=(seed, 1))
    r, s = (words[0] for words in essop.bits(cfg, 1))
    order = np.argsort(r, kind="stable")
    low = width - cfg.stream_log2
    p = q = 0
    if cfg.scrambled:
        p, q = (int(bitstream.take(cfg, side, seed)) for side in (0, 1))
    columns = bitstream.ordered_points(cfg)
    index = np.arange(stream_bits)
    assert np.array_equal(r[order], (index << low) | (p & ((1 << low) - 1)))
    assert np.array_equal(s[order], columns[index ^ (p >> low)] ^ q)


@pytest.mark.parametrize("source", ["vdc_xor", "sobol_xor"])
@pytest.mark.parametrize(("width", "stream_bits"), [(2, 4), (3, 4), (3, 8), (4, 16)])
def test_prefix_counts_are_the_serial_counts_exhaustively(source, width, stream_bits):
    """For every scramble, operand and number of the rows' levels: what snapshot and prefix count.

    A row's ones are the first T words in ascending order, T by arithmetic on the operand and the
    scramble's low bits alone; the count is that of the column's ones among them.
    """
    operand, word = np.arange((1 << width) + 1), np.arange(1 << width)
    index = np.arange(stream_bits)
    for levels in (1 << k for k in range(stream_bits.bit_length())):
        cfg = Config(source=source, width=width, stream_bits=stream_bits, row_levels=levels)
        rows, cols = bitstream.points(cfg)
        low, repeats = cfg.row_low, cfg.repeats_log2
        ordered = bitstream.ordered_points(cfg)
        runs = (operand >> low) + ((word[:, None] & (1 << low) - 1) < (operand & (1 << low) - 1))
        runs = np.where(operand >> width, levels, runs) << repeats  # [P, X]
        bits_s = ((cols[:, None] ^ word)[:, :, None] < operand).astype(int)  # [n, Q, D]
        for p in word:
            serial = np.einsum("nx,nqd->qxd", ((rows ^ p)[:, None] < operand).astype(int), bits_s)
            words = ordered[index ^ (p >> low << repeats)]
            ones = ((words[:, None] ^ word)[:, :, None] < operand).astype(int)
            prefix = np.concatenate([np.zeros_like(ones[:1]), ones.cumsum(axis=0)])
            assert np.array_equal(prefix[runs[p]].transpose(1, 0, 2), serial)


@given(
    st.sampled_from(["vdc", "sobol", "vdc_xor", "sobol_xor"]),
    st.integers(0, 6),
    st.integers(0, 2**32 - 1),
)
def test_early_stop_leaves_out_zeros_only(source, log2, seed):
    """Behind the beats of a pair no row sends a one, and the last of them sends none."""
    cfg = Config(cell="snapshot", early_stop=True, source=source, stream_bits=1 << log2)
    x = np.random.default_rng(seed).integers(0, 257, (9, 16)) >> (seed % 9)
    r, _ = essop.bits(cfg, 9)
    order = np.sort(r, axis=1)
    for beats, words, operands in zip(essop.beats(cfg, x), order, x, strict=True):
        ones = (words[:, None] < operands).any(axis=1)
        assert not ones[beats:].any()
        assert beats == cfg.stream_bits or not ones[beats - 1]
        assert beats == 1 or ones[beats - 2]
    assert essop.cycles(cfg, x) <= cfg.cycles(9)


def test_cycles_without_early_stop_are_those_of_the_formula():
    for values in ({}, {"accumulate": 20}, {"stream_bits": 64}, {"rows": 40}):
        cfg = Config(**values)
        assert essop.cycles(cfg, np.ones((7, cfg.rows))) == cfg.cycles(7)


@pytest.mark.parametrize("source", ["lfsr", "vdc_xor"])
def test_weighted_generators_err_as_comparators_do(source):
    """The same share of ones in every aligned interval of words, so the same error."""
    pairs = network_pairs(600)
    found = []
    for sng in bitstream.GENERATORS:
        cfg = Config(rows=32, cols=32, source=source, sng=sng)
        found.append(pooled_error(cfg, essop.model(cfg, **pairs), **pairs))
    assert found[1] == pytest.approx(found[0], rel=0.08)


EXPECTED_ERROR = {
    ("lfsr", 8): (0.566, 0.388, 0.283),
    ("lfsr", 1): (0.743, 0.511, 0.374),
    ("vdc_xor", 8): (0.286, 0.158, 0.085),
    ("sobol_xor", 8): (0.284, 0.156, 0.085),
}


def pooled_error(cfg, counts, x, sx, d, sd):
    """Return sqrt(sum (y / BL - t)^2 / sum t^2) against the product of quantised magnitudes."""
    exact = (x * (1 - 2 * sx))[:, :, None] * (d * (1 - 2 * sd))[:, None, :] / 4**cfg.width
    return np.sqrt(((counts / cfg.stream_bits - exact) ** 2).sum() / (exact**2).sum())


@pytest.mark.parametrize(("source", "leap"), EXPECTED_ERROR)
def test_relative_error_is_the_expected_one(source, leap):
    """Within 5 % of a prototype written independently of this model."""
    pairs = network_pairs()
    for stream_bits, expected in zip((16, 32, 64), EXPECTED_ERROR[source, leap], strict=True):
        cfg = Config(rows=32, cols=32, stream_bits=stream_bits, source=source, leap=leap)
        error = pooled_error(cfg, essop.model(cfg, **pairs), **pairs)
        assert error == pytest.approx(expected, rel=0.05)


def test_relative_error_of_ideal_streams_is_the_expected_one():
    pairs = network_pairs()
    x, sx, d, sd = pairs.values()
    sign = (1 - 2 * sx)[:, :, None] * (1 - 2 * sd)[:, None, :]
    for stream_bits, expected in ((16, 0.556), (32, 0.390), (64, 0.276)):
        cfg = Config(rows=32, cols=32, stream_bits=stream_bits)
        r, s = bitstream.ideal(cfg, np.random.default_rng(2), len(x))
        a, b = (r < x[:, None]).astype(np.float32), (s < d[:, None]).astype(np.float32)
        counts = np.einsum("vni,vnj->vij", a, b) * sign
        assert pooled_error(cfg, counts, **pairs) == pytest.approx(expected, rel=0.05)


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_quantise_keeps_the_real_value_within_one_unit(width, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(3, 5)) * 10.0 ** rng.integers(-30, 30)
    magnitude, sign, exponent = essop.quantise(values, width)
    assert (magnitude < 1 << width).all()
    back = np.ldexp(magnitude * (1.0 - 2 * sign), exponent[:, None] - width)
    unit = np.ldexp(1.0, exponent - width)[:, None]
    assert (abs(values - back) < unit).all()
    assert (abs(values).max(axis=1) * 2 >= np.ldexp(1.0, exponent)).all()


def test_quantise_of_a_zero_vector_and_of_a_power_of_two():
    magnitude, sign, exponent = essop.quantise([[0.0, -0.0], [1.0, -0.25]], 8)
    assert exponent.tolist() == [0, 1]
    assert magnitude.tolist() == [[0, 0], [128, 32]]
    assert sign.tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize("source", bitstream.SOURCES)
@pytest.mark.parametrize("share", ["pair", "rotate"])
def test_update_is_the_sum_of_the_outer_products(source, share):
    rng = np.random.default_rng(4)
    cfg = Config(rows=7, cols=5, source=source, share=share)
    x = np.maximum(rng.normal(size=(30, 7)), 0)
    delta = rng.laplace(size=(30, 5)) * 10.0 ** rng.integers(-3, 3, (30, 1))
    products = essop.outer(x, delta, cfg, 11)
    assert np.array_equal(products.sum(axis=0), essop.update(x, delta, cfg, 11))


def test_outer_estimates_the_outer_product():
    """Averaged over many draws of the source, within the quantisation of the operands."""
    cfg = Config(rows=3, cols=2, stream_bits=256)
    x, delta = np.array([0.7, 0.0, 3.1]), np.array([-0.02, 0.013])
    draws = 500
    mean = essop.outer(np.tile(x, (draws, 1)), np.tile(delta, (draws, 1)), cfg).mean(axis=0)
    exact = essop.ideal(x, delta)
    assert abs(mean - exact).max() < 2 / 256 * abs(exact).max()


def test_accumulators_shift_round_and_saturate():
    cfg = Config(rows=1, cols=3, accumulate=5, acc_exponent=2)
    y = np.array([[[3, -3, 7]], [[3, -3, 1]], [[4, -4, 0]]])
    acc, saturated = essop.accumulate(cfg, y, [2, 1, 3])
    # 3, -3, 7; then halves rounded down: 1, -2, 0; then doubled: 8, -8, 0.
    assert (acc.tolist(), saturated) == ([[12, -13, 7]], False)
    acc, saturated = essop.accumulate(cfg, np.array([[[3, -5, 0]]]), [5])
    assert (acc.tolist(), saturated) == ([[15, -16, 0]], True)


def test_stochastic_rounding_is_unbiased_over_the_register():
    cfg = Config(accumulate=20, acc_exponent=0, acc_rounding="stochastic")
    counts = np.arange(-16, 17)
    words = np.arange(1 << 16)
    total = sum(essop.shifted(cfg, counts, -3, int(word)) for word in words)
    assert np.array_equal(total * 8, counts * (1 << 16))


@pytest.mark.parametrize("preset", Config.presets)
def test_rtl_equals_model(simulate, preset):
    simulate("essop", Config.preset(preset))


VARIANTS = {
    "lfsr": {"source": "lfsr"},
    "unrolled": {"bits_per_cycle": 8, "cell": "popcount"},
    "four at a time": {"bits_per_cycle": 4, "source": "lfsr"},
    "single bit": {"stream_bits": 1},
    "single cell": {"rows": 1, "cols": 1},
    "wide words": {"width": 16, "lfsr_width": 32, "stream_bits": 4},
    "no register": {"source": "sobol", "share": "rotate"},
    "register per lane": {"source": "lfsr_shared", "share": "lane", "lfsr_width": 9},
    "snapshot": {"cell": "snapshot"},
    "snapshot, Sobol": {"cell": "snapshot", "source": "sobol_xor"},
    "snapshot, accumulate": {"cell": "snapshot", "source": "vdc", "accumulate": 6},
    "prefix": {"cell": "prefix"},
    "prefix, Sobol": {"cell": "prefix", "source": "sobol"},
    "prefix, all bits": {"cell": "prefix", "stream_bits": 16},
    "prefix, one bit": {"cell": "prefix", "stream_bits": 1},
    "snapshot, early stop": {"cell": "snapshot", "early_stop": True, "rows": 2},
    "snapshot, early stop, accumulate": {
        "cell": "snapshot",
        "early_stop": True,
        "accumulate": 6,
        "source": "sobol_xor",
    },
    "prefix, early stop": {"cell": "prefix", "early_stop": True, "stream_bits": 16},
    "weighted binary generator": {"sng": "wbg", "source": "lfsr", "bits_per_cycle": 2},
    "weighted binary generator, scrambled": {"sng": "wbg", "share": "rotate"},
    "repeated rows": {"row_levels": 4, "bits_per_cycle": 2},
    "repeated rows, snapshot": {"row_levels": 2, "cell": "snapshot", "source": "sobol_xor"},
    "repeated rows, prefix": {"row_levels": 4, "cell": "prefix", "early_stop": True},
    "one word of the rows": {"row_levels": 1, "cell": "prefix"},
    "accumulate": {"accumulate": 6, "acc_exponent": -1, "acc_rounding": "stochastic"},
    "accumulate, unrolled": {"accumulate": 9, "bits_per_cycle": 8, "acc_exponent": 2},
    "accumulate one bit": {"accumulate": 3, "stream_bits": 1},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_rtl_equals_model_for(simulate, variant):
    simulate("essop", Config(**(TINY | VARIANTS[variant])))


@pytest.mark.long
@pytest.mark.parametrize("share", bitstream.SHARES)
@pytest.mark.parametrize("source", bitstream.SOURCES)
@pytest.mark.parametrize("bits_per_cycle", [1, 2, 8])
@pytest.mark.parametrize("cell", essop.CELLS)
def test_rtl_equals_model_everywhere(simulate, source, share, bits_per_cycle, cell):
    values = {"source": source, "share": share, "bits_per_cycle": bits_per_cycle, "cell": cell}
    try:
        cfg = Config(**(TINY | values))
    except ValueError:
        unordered = cell in essop.ORDERED_CELLS and (
            source.startswith("lfsr") or share != "pair" or bits_per_cycle > 1
        )
        assert unordered or (source, share) in {("vdc", "lane"), ("sobol", "lane")}
        return
    simulate("essop", cfg)


def test_bench_notices_one_wrong_count(simulate):
    """Mutation: the hardware drops the lowest bit of the first column."""

    class Dropped(Top):
        def elaborate(self, platform):
            m = super().elaborate(platform)
            m.d.comb += self.y.payload.y[0][0].eq(0)
            return m

    cfg = Config(**TINY)
    with pytest.raises(BenchError, match=r"y\[\d+, 0\] is "):
        simulate("essop", cfg, top=Dropped(cfg), tests="rows_equal.*never.*never")


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"stream_bits": 24}, ValueError, "essop.stream_bits must be a power of two in 1..256"),
        ({"bits_per_cycle": 3}, ValueError, "essop.bits_per_cycle must be a power of two in 1..16"),
        ({"seeds": (1, 0)}, ValueError, "essop.seeds must be in 1..65535, not (1, 0)"),
        ({"lfsr_width": 12}, ValueError, "essop.lfsr_width must be at least 2 * width = 16"),
        ({"cell": "adder"}, ValueError, "essop.cell must be one of counter, popcount, snapshot"),
        (
            {"cell": "prefix", "source": "lfsr"},
            ValueError,
            "essop.source must be a counted one for cell 'prefix', not 'lfsr'",
        ),
        (
            {"early_stop": True},
            ValueError,
            "essop.early_stop must be false for cell 'counter', not",
        ),
        (
            {"cell": "prefix", "sng": "wbg"},
            ValueError,
            "essop.sng must be comparator for cell 'prefix', not 'wbg'",
        ),
        (
            {"cell": "snapshot", "bits_per_cycle": 2},
            ValueError,
            "essop.bits_per_cycle must be 1 for cell 'snapshot', not 2",
        ),
        ({"accumulate": 1}, ValueError, "essop.accumulate must be in 2..48, not 1"),
        ({"rows": 0}, ValueError, "essop.rows must be in 1..4096, not 0"),
        ({"rows": 2.5}, TypeError, "essop.rows must be an integer, not 2.5 (float)"),
        ({"widht": 8}, TypeError, "essop has no parameter 'widht'; it has width, rows, cols"),
    ],
)
def test_bad_parameters_are_named(values, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        Config.from_dict(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((2, 3))}, r"x must be of shape \[V, 4\], not \[2, 3\]"),
        ({"x": -np.ones((2, 4))}, "x must not be negative: -1"),
        ({"sd": 2 * np.ones((2, 4))}, "sd must hold 0 and 1 only"),
        ({"d": np.zeros((3, 4)), "sd": np.zeros((3, 4))}, "x holds 2 vectors and d holds 3"),
    ],
)
def test_bad_operands_are_named(change, message):
    cfg = Config.preset("small")
    operands = {name: np.zeros((2, 4), dtype=int) for name in ("x", "sx", "d", "sd")}
    with pytest.raises(ValueError, match=message):
        essop.model(cfg, **(operands | change))


def test_config_survives_json():
    cfg = Config.preset("serial16", source="lfsr", seeds=[5, 6], accumulate=24)
    assert Config.from_json(cfg.to_json()) == cfg
