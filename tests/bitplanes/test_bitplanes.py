"""Bit planes: encoders against their definitions, both encodings, early stop, reads and clips."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nomul.golden import bitplanes
from nomul.golden.products.contract import code_range

configs = st.builds(
    bitplanes.Config,
    inputs=st.integers(1, 12),
    outputs=st.integers(1, 3),
    lanes=st.integers(1, 14),
    act_planes=st.integers(1, 6),
    weight_planes=st.integers(1, 6),
    act_signed=st.booleans(),
    weight_signed=st.booleans(),
    pairs=st.integers(1, 6),
    slice_bits=st.integers(1, 4),
)


@given(
    cfg=configs,
    encoding=st.sampled_from(bitplanes.ENCODINGS),
    seed=st.integers(0, 2**32),
    d=st.data(),
)
def test_reads_give_the_model(cfg, encoding, seed, d):
    """Column reads, plane pair by plane pair, for every precision: exactly x @ w_u."""
    made = bitplanes.stimuli(cfg, np.random.default_rng(seed), encoding=encoding)
    used = d.draw(st.integers(1, cfg.weight_planes))
    y = bitplanes.model(cfg, **made, planes_used=used)
    assert np.array_equal(y, made["x"] @ made["packed"].weights(used))
    by_reads, clips = bitplanes.model_by_reads(cfg, **made, planes_used=used)
    assert np.array_equal(by_reads, y)
    assert clips == 0
    assert np.abs(y).max() <= 1 << (cfg.y_bits - 1)


@given(cfg=configs, seed=st.integers(0, 2**32))
def test_xnor_is_and_with_corrections(cfg, seed):
    """4 u.t - 2 (2^B - 1) sum u - 2 (2^A - 1) sum t + n (2^A - 1)(2^B - 1)."""
    made = bitplanes.stimuli(cfg, np.random.default_rng(seed), encoding="xnor")
    top_a, top_b = (1 << cfg.act_planes) - 1, (1 << cfg.weight_planes) - 1
    u = (made["x"] + top_a) // 2
    t = (made["packed"].weights() + top_b) // 2
    expected = (
        4 * (u @ t)
        - 2 * top_b * u.sum(axis=1, keepdims=True)
        - 2 * top_a * t.sum(axis=0)
        + cfg.inputs * top_a * top_b
    )
    assert np.array_equal(bitplanes.model(cfg, **made), expected)


@pytest.mark.parametrize("signed", [True, False])
def test_planes_used_round_down_or_to_the_mean(signed):
    cfg = bitplanes.Config(inputs=6, outputs=2, weight_planes=6, weight_signed=signed)
    made = bitplanes.stimuli(cfg, np.random.default_rng(1))
    w, x = made["packed"].weights(), made["x"]
    for used in range(1, 7):
        rest = 6 - used
        floor = (w >> rest) << rest
        assert np.array_equal(made["packed"].weights(used), floor)
        y = bitplanes.model(cfg, **made, planes_used=used, round=True)
        half = 1 << (rest - 1) if rest else 0
        assert np.array_equal(y, x @ floor + half * x.sum(axis=1, keepdims=True))


def test_top_digits_are_unbiased():
    cfg = bitplanes.Config(inputs=16, outputs=1, weight_planes=4)
    w = np.arange(-15, 16, 2).reshape(16, 1)
    packed = bitplanes.compress(cfg, w, "xnor")
    for used in range(1, 5):
        assert packed.weights(used).sum() == 0
        assert np.abs(packed.weights(used) - w).max() == (1 << (4 - used)) - 1


def naive_clips(cfg, packed, x):
    """Sum with clipped reads, one bit at a time, as the definition words it."""
    y, clips, most = np.zeros((len(x), cfg.outputs), dtype=np.int64), 0, (1 << cfg.adc_bits) - 1
    codes = x % (1 << cfg.act_planes)
    for v, c, plane in itertools.product(range(len(x)), range(cfg.outputs), range(cfg.act_planes)):
        for start in range(0, cfg.inputs, cfg.width):
            for read in cfg.reads(cfg.weight_planes, cfg.weight_planes):
                total = sum(
                    (int(codes[v, k]) >> plane & 1)
                    * (int(packed.codes[k, c]) >> p & 1)
                    * 2 ** (p % cfg.slice_planes)
                    for k in range(start, min(start + cfg.width, cfg.inputs))
                    for p in read
                )
                clips += total > most
                sign = (plane == cfg.act_planes - 1) ^ (read == (cfg.weight_planes - 1,))
                unit = plane + read[0] // cfg.slice_planes * cfg.slice_planes
                y[v, c] += (-1 if sign else 1) * min(total, most) << unit
    return y, clips


def test_a_converter_clips_and_counts():
    cfg = bitplanes.Config.preset("slices")
    made = bitplanes.stimuli(cfg, np.random.default_rng(2))
    y, clips = bitplanes.model(cfg, **made, with_clips=True)
    expected, count = naive_clips(cfg, **made)
    assert np.array_equal(y, expected)
    assert clips == count > 0
    free = cfg.replace(adc_bits=16)
    assert bitplanes.model(free, **made, with_clips=True)[1] == 0
    assert np.array_equal(bitplanes.model(free, **made), made["x"] @ made["packed"].weights())


def test_reads_cover_every_plane_once_and_the_sign_alone():
    cfg = bitplanes.Config(weight_planes=7, slice_bits=3)
    for planes, used in itertools.product(range(1, 8), range(1, 8)):
        if used > planes:
            continue
        reads = cfg.reads(planes, used)
        assert sorted(p for read in reads for p in read) == list(range(planes - used, planes))
        assert reads[0] == (planes - 1,)
        assert all(len({p // 3 for p in read}) == 1 for read in reads)
    assert cfg.reads(7, 7) == ((6,), (3, 4, 5), (0, 1, 2))
    assert cfg.reads(7, 7, "xnor") == ((6,), (3, 4, 5), (0, 1, 2))
    assert cfg.reads(6, 6, "xnor") == ((3, 4, 5), (0, 1, 2))


def test_cycles_are_those_of_the_paper():
    cfg = bitplanes.Config(inputs=100, lanes=32, act_planes=6, weight_planes=5, pairs=4, outputs=1)
    made = bitplanes.stimuli(cfg, np.random.default_rng(3), 1)
    for used in range(1, 6):
        steps = used * 2 * 4
        assert bitplanes.cycles(cfg, **made, planes_used=used) == steps + cfg.latency
        fewer = bitplanes.cycles(cfg, **made, planes_used=used, act_planes=4)
        assert fewer == steps // 2 + cfg.latency


def test_y_bits_are_what_the_worst_sum_needs():
    cfg = bitplanes.Config(inputs=128, outputs=1, lanes=128)
    assert cfg.y_bits == 24
    assert cfg.replace(encodings=("and",)).y_bits == 23
    unsigned = cfg.replace(encodings=("and",), act_signed=False, weight_signed=False)
    assert unsigned.y_bits == 24


@pytest.mark.parametrize("m", range(1, 9))
def test_encode_is_the_nearest_odd_level(m):
    """At every tie and beside it: half goes up; away from ties the paper's sines agree."""
    levels = (1 << m) - 1
    odd = np.arange(-levels, levels + 1, 2)
    x = np.linspace(-1, 1, 4001)
    near = odd[np.abs(levels * x[:, None] - odd).argmin(axis=1)]
    away = np.abs((levels * x - levels) / 2 % 1 - 0.5) > 1e-6
    assert np.array_equal(bitplanes.encode(x, m)[away], near[away])
    assert np.array_equal(bitplanes.encode_by_sines(x, m)[away], near[away])
    ties = np.arange(-levels + 1, levels, 2) / levels
    assert np.array_equal(bitplanes.encode(ties, m), np.arange(-levels + 2, levels + 1, 2))
    assert np.array_equal(bitplanes.encode([-9.0, -1.0, 1.0, 9.0], m), [-levels] * 2 + [levels] * 2)
    with pytest.raises(ValueError, match="NaN"):
        bitplanes.encode([0.0, np.nan], m)


@pytest.mark.parametrize("m", [1, 2, 5, 8])
def test_digits_make_the_level(m):
    levels = np.arange(-(1 << m) + 1, 1 << m, 2)
    made = bitplanes.digits(levels, m)
    assert set(np.unique(made)) == {-1, 1}
    assert np.array_equal(made @ (1 << np.arange(m)), levels)
    with pytest.raises(ValueError, match=r"v\[1\] must be odd, in .*, not 0"):
        bitplanes.digits([1, 0], m)


def test_precision_batching_takes_the_nearest_pattern():
    rng = np.random.default_rng(4)
    w = np.concatenate([rng.normal(size=200), [0.0, 1e-9, -1e-9, 0.5, -0.75]])
    largest = int(np.trunc(np.abs(w).max() * 65536))
    for n in range(1, 9):
        got = bitplanes.batching(w, n)
        top = max(int(np.ceil(np.log2(largest))) + 1, n)
        patterns = np.arange(1, 1 << n) << (top - n)
        for value, level in zip(w, got, strict=True):
            magnitude = abs(int(value * 65536))
            apart = np.abs(patterns - magnitude)
            best = patterns[len(apart) - 1 - apart[::-1].argmin()]  # a tie takes the larger
            assert level == (0 if value == 0 else np.sign(value) * best)
        planes = got / 2.0 ** (top - n)
        assert np.array_equal(planes, np.rint(planes))
        assert np.abs(planes).max() < 1 << n
    assert np.array_equal(np.unique(np.abs(bitplanes.batching(w, 1))), [0, 1 << 18])


def test_fixed_point_saturates_or_wraps():
    assert np.array_equal(bitplanes.fixed([1.99, -1.99, 2.0, -2.1], 8), [127, -127, 127, -128])
    assert np.array_equal(bitplanes.fixed([1.999, 2.0, -2.1], 8, wrap=True), [127, -128, 122])
    assert bitplanes.fixed(2.0, 16) == 128
    assert bitplanes.fixed(1e9, 32) == (1 << 31) - 1


def test_fractrain_requantises():
    q = np.arange(256)
    for n in range(1, 9):
        expected = [round(int(c) * ((1 << n) - 1) / 255) for c in q]
        assert np.array_equal(bitplanes.requantise(q, n), expected)
    differ = [int((bitplanes.requantise(q, n) != q >> (8 - n)).sum()) for n in (3, 4, 6)]
    assert differ == [52, 56, 42]


@pytest.mark.parametrize("encoding", bitplanes.ENCODINGS)
def test_projection_is_nearest(encoding):
    cfg = bitplanes.Config(inputs=1, outputs=40, weight_planes=3)
    w = np.arange(-20, 20).reshape(1, 40)
    near = bitplanes.project(cfg, w, encoding)
    levels = np.arange(-7, 8, 2) if encoding == "xnor" else np.arange(-4, 4)
    assert np.array_equal(np.abs(near - w), np.abs(w[..., None] - levels).min(axis=-1))
    assert np.array_equal(bitplanes.project(cfg, near, encoding), near)
    assert np.array_equal(bitplanes.compress(cfg, near, encoding).weights(), near)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_all_zero_weights_are_legal(seed):
    cfg = bitplanes.Config(inputs=5, outputs=2)
    x = np.random.default_rng(seed).integers(*code_range(8), (3, 5), endpoint=True)
    assert not bitplanes.model(cfg, bitplanes.compress(cfg, np.zeros((5, 2), int)), x).any()


def test_what_is_refused_is_named():
    cfg = bitplanes.Config(inputs=2, outputs=2, weight_planes=3, act_planes=3)
    with pytest.raises(ValueError, match=r"w\[1, 0\] must be odd, in -7\.\.7, not 2"):
        bitplanes.compress(cfg, [[1, 3], [2, 5]], "xnor")
    with pytest.raises(ValueError, match=r"w\[0, 1\] must be in -7\.\.7, not 9"):
        bitplanes.compress(cfg, [[1, 9], [3, 5]], "xnor")
    with pytest.raises(ValueError, match=r"encoding must be one of and, xnor, not 'or'"):
        bitplanes.compress(cfg, [[1, 1], [1, 1]], "or")
    packed = bitplanes.compress(cfg, [[1, 1], [1, 1]], "xnor")
    with pytest.raises(ValueError, match=r"x\[0, 1\] must be odd, in -7\.\.7, not 4"):
        bitplanes.model(cfg, packed, [[1, 4]])
    for used in (0, 4):
        with pytest.raises(ValueError, match=rf"planes_used must be in 1\.\.3, not {used}"):
            bitplanes.model(cfg, packed, [[1, 1]], planes_used=used)
    with pytest.raises(ValueError, match="round must be False under xnor"):
        bitplanes.model(cfg, packed, [[1, 1]], round=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"act_planes": 33}, "bitplanes.act_planes must be in 1..32, not 33"),
        ({"weight_planes": 0}, "bitplanes.weight_planes must be in 1..17, not 0"),
        ({"encodings": ()}, "bitplanes.encodings must be distinct, some of and, xnor, not"),
        ({"inputs": 65536, "act_planes": 32, "weight_planes": 17}, "sums of 66 bits fit 62"),
    ],
)
def test_bad_parameters_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        bitplanes.Config.from_dict(values)
