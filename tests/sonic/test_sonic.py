"""SONIC's golden model: sums, counts and conversions against their definitions and closed forms.

One file, since the cases share the definitions that the model is compared with.
"""

import math

import numpy as np
import pytest

from nomul.golden import sonic
from nomul.golden.sonic import Config

SMALL = Config.preset("small")
RNG = np.random.default_rng(7)


def book(cfg: Config, loaded: int | None = None):
    """Return levels of every code, or of the first ``loaded``."""
    high = 1 << (cfg.level_bits - 1)
    levels = np.random.default_rng(3).integers(-high, high, loaded or 1 << cfg.code_bits)
    levels[levels == 0] = 1
    levels[0] = 0
    return levels


def layers(cfg: Config, kind: str):
    return sonic.layers(cfg, np.random.default_rng(5))[kind]


def adc(cfg: Config, partial: int) -> int:
    """Convert by the formula, in exact integers."""
    unit = 1 << cfg.adc_shift
    floor, rest = divmod(partial, unit)
    up = 2 * rest > unit or (2 * rest == unit and floor % 2 == 1)
    high = (1 << (cfg.adc_bits - 1)) - 1
    return min(max(floor + up, -high - 1), high)


@pytest.mark.parametrize("preset", Config.presets)
def test_exact_fc_is_the_matrix_product(preset):
    cfg = Config.preset(preset)
    for codes, a in layers(cfg, "fc"):
        weights = book(cfg)[codes]
        assert np.array_equal(sonic.fc(cfg, codes, book(cfg), a).y, weights @ a)
        assert np.array_equal(sonic.ideal(codes, book(cfg), a), weights @ a)


@pytest.mark.parametrize("preset", Config.presets)
def test_exact_conv_is_the_plain_convolution(preset):
    """Written out as the definition words it: no flip, stride 1, no padding."""
    cfg = Config.preset(preset)
    for codes, image in layers(cfg, "conv"):
        weights = book(cfg)[codes]
        out, _, kh, kw = codes.shape
        high, wide = image.shape[1] - kh + 1, image.shape[2] - kw + 1
        expected = np.zeros((out, high, wide), dtype=np.int64)
        for o, y, x in np.ndindex(expected.shape):
            expected[o, y, x] = (weights[o] * image[:, y : y + kh, x : x + kw]).sum()
        assert np.array_equal(sonic.conv(cfg, codes, book(cfg), image).y, expected)
        assert np.array_equal(sonic.ideal(codes, book(cfg), image), expected)


def dropped(vector, lanes):
    """Chunks of the places where a vector is not zero."""
    keep = np.flatnonzero(vector)
    return [keep[q : q + lanes] for q in range(0, len(keep), lanes)]


@pytest.mark.parametrize("shift", [0, 5, 9])
def test_adc_fc_follows_its_formula(shift):
    cfg = SMALL.replace(adc_bits=6, adc_shift=shift)
    for codes, a in layers(cfg, "fc"):
        weights, clipped = book(cfg)[codes], 0
        expected = np.zeros(len(weights), dtype=np.int64)
        for chunk in dropped(a, cfg.fc_lanes):
            for i, row in enumerate(weights):
                partial = int(row[chunk] @ a[chunk])
                expected[i] += adc(cfg, partial)
                clipped += adc(cfg.replace(adc_bits=24), partial) != adc(cfg, partial)
        result = sonic.fc(cfg, codes, book(cfg), a)
        assert np.array_equal(result.y, expected)
        assert result.saturations == clipped


@pytest.mark.parametrize("resolution", [None, 4])
def test_adc_conv_follows_its_formula(resolution):
    cfg = SMALL.replace(adc_bits=7, adc_shift=6, conv_resolution=resolution)

    def seen(values):
        if resolution is None:
            return values
        half, high = 1 << (7 - resolution), 1 << (resolution - 1)
        return np.clip(np.rint(values / (2 * half)), -high, high - 1).astype(np.int64) * 2 * half

    for codes, image in layers(cfg, "conv"):
        weights = book(cfg)[codes]
        result = sonic.conv(cfg, codes, book(cfg), image)
        _, _, kh, kw = codes.shape
        for o, y, x in np.ndindex(result.y.shape):
            patch, kernel = image[:, y : y + kh, x : x + kw].ravel(), weights[o].ravel()
            chunks = dropped(kernel, cfg.conv_lanes)
            partial = [int(seen(kernel[c]) @ seen(patch[c])) for c in chunks]
            assert result.y[o, y, x] == sum(adc(cfg, p) for p in partial)


@pytest.mark.parametrize("preset", Config.presets)
def test_fc_counts_are_the_closed_forms(preset):
    cfg = Config.preset(preset)
    for codes, a in layers(cfg, "fc"):
        rows, alive = len(codes), int((a != 0).sum())
        chunks = math.ceil(alive / cfg.fc_lanes)
        result = sonic.fc(cfg, codes, book(cfg), a)
        assert result.passes == rows * chunks
        assert result.rounds == math.ceil(rows / cfg.fc_units) * chunks
        assert result.active == ((codes != 0) & (a != 0)).sum()
        assert result.gated == ((codes == 0) & (a != 0)).sum()
        assert result.pad == rows * (chunks * cfg.fc_lanes - alive)


@pytest.mark.parametrize("preset", Config.presets)
def test_conv_counts_are_the_closed_forms(preset):
    cfg, n = Config.preset(preset), Config.preset(preset).conv_lanes
    for codes, image in layers(cfg, "conv"):
        result = sonic.conv(cfg, codes, book(cfg), image)
        places = result.y[0].size
        alive = (codes != 0).sum(axis=(1, 2, 3))
        chunks = int(np.ceil(alive / n).sum())
        patches = sonic.conv(cfg, np.minimum(codes, 1), [0, 1], (image != 0).astype(int))
        assert result.passes == places * chunks
        assert result.rounds == math.ceil(places / cfg.conv_units) * chunks
        assert result.active == patches.y.sum()
        assert result.gated == places * alive.sum() - result.active
        assert result.pad == places * (chunks * n - alive.sum())


def by_hand(kept, other, lanes, units):
    """Count what units do, pass by pass: vectors whose zeros are dropped, against all others."""
    counts = dict.fromkeys(("passes", "rounds", "active", "gated", "pad"), 0)
    for vector in kept:
        for chunk in dropped(vector, lanes):
            for first in range(0, len(other), units):
                counts["rounds"] += 1
                for row in other[first : first + units]:
                    lit = sum(1 for j in chunk if row[j] != 0)
                    counts["passes"] += 1
                    counts["active"] += lit
                    counts["gated"] += len(chunk) - lit
                    counts["pad"] += lanes - len(chunk)
    return counts


def counted(result):
    return {name: getattr(result, name) for name in ("passes", "rounds", "active", "gated", "pad")}


@pytest.mark.parametrize("preset", Config.presets)
@pytest.mark.parametrize("seed", range(6))
def test_counts_of_any_size_are_those_of_the_passes_one_by_one(preset, seed):
    """Rows, lengths, windows and kernels that divide by nothing, of every density."""
    cfg, rng = Config.preset(preset), np.random.default_rng(seed)
    levels, low = book(cfg), 1 << (cfg.act_bits - 1)

    def sparse(shape, high):
        return np.where(rng.random(shape) < rng.random(), 0, rng.integers(1, high, shape))

    rows, length = rng.integers(1, 2 * cfg.fc_units + 2), rng.integers(1, 2 * cfg.fc_lanes + 9)
    codes, a = sparse((rows, length), 1 << cfg.code_bits), sparse(length, low)
    result = sonic.fc(cfg, codes, levels, a)
    assert counted(result) == by_hand(a[None], levels[codes], cfg.fc_lanes, cfg.fc_units)
    depth, kh, kw = rng.integers(1, 4, 3)
    kernels = sparse((3, depth, kh, kw), 1 << cfg.code_bits)
    image = sparse((depth, kh + rng.integers(0, 5), kw + rng.integers(0, 5)), low)
    windows = np.lib.stride_tricks.sliding_window_view(image, (kh, kw), axis=(1, 2))
    patches = windows.transpose(1, 2, 0, 3, 4).reshape(-1, depth * kh * kw)
    result = sonic.conv(cfg, kernels, levels, image)
    unrolled = levels[kernels].reshape(3, -1)
    assert counted(result) == by_hand(unrolled, patches, cfg.conv_lanes, cfg.conv_units)


def test_pooled_units_visit_windows_and_give_the_same_sums():
    codes, image = layers(SMALL, "conv")[0]
    plain, pooled = (sonic.conv(SMALL, codes, book(SMALL), image, pool=p) for p in (1, 2))
    assert np.array_equal(plain.y, pooled.y)
    rows, columns = (size // 2 for size in plain.y.shape[1:])
    chunks = plain.passes // plain.y[0].size
    assert pooled.passes == 4 * rows * columns * chunks
    assert pooled.rounds == 4 * math.ceil(rows * columns / SMALL.conv_units) * chunks
    assert pooled.active + pooled.gated + pooled.pad == pooled.passes * SMALL.conv_lanes


def test_batches_are_their_images_one_by_one():
    cfg = SMALL.replace(adc_bits=8, adc_shift=4)
    codes, image = layers(cfg, "conv")[0]
    images = np.stack([image, np.roll(image, 1, axis=2), 0 * image])
    whole = sonic.conv(cfg, codes, book(cfg), images)
    single = [sonic.conv(cfg, codes, book(cfg), one) for one in images]
    codes, a = layers(cfg, "fc")[0]
    vectors = np.stack([a, a[::-1], 0 * a])
    whole_fc = sonic.fc(cfg, codes, book(cfg), vectors)
    single_fc = [sonic.fc(cfg, codes, book(cfg), one) for one in vectors]
    for one, parts in ((whole, single), (whole_fc, single_fc)):
        assert np.array_equal(one.y, np.stack([part.y for part in parts]))
        for name in ("passes", "rounds", "active", "gated", "pad", "saturations"):
            assert getattr(one, name) == sum(getattr(part, name) for part in parts)


def test_two_dimensions_mean_one_of_each():
    codes, image = np.array([[1, 0], [2, 3]]), np.arange(12).reshape(3, 4)
    flat = sonic.conv(SMALL, codes, book(SMALL), image)
    full = sonic.conv(SMALL, codes[None, None], book(SMALL), image[None])
    assert flat.y.shape == (1, 2, 3)
    assert np.array_equal(flat.y, full.y)


def test_all_zero_vectors_and_kernels_are_no_pass():
    result = sonic.fc(SMALL, [[1, 2]], book(SMALL), [0, 0])
    assert (result.y.tolist(), result.passes, result.rounds, result.pad) == ([0], 0, 0, 0)
    result = sonic.conv(SMALL, np.zeros((1, 1, 2, 2), int), book(SMALL), np.ones((1, 3, 3), int))
    assert (result.y.any(), result.passes, result.rounds) == (False, 0, 0)


def test_codes_that_were_not_loaded_count_as_zero_and_are_told():
    result = sonic.fc(SMALL, [[1, 9], [2, 0]], book(SMALL, 9), [3, 4])
    assert np.array_equal(result.y, book(SMALL)[[1, 2]] * 3)
    assert result.unloaded
    assert (result.active, result.gated) == (2, 2)
    assert not sonic.fc(SMALL, [[1, 9]], book(SMALL, 9), [3, 0]).unloaded
    assert sonic.conv(SMALL, [[1, 9]], book(SMALL, 9), np.ones((2, 2), int)).unloaded


def test_post_is_batch_norm_relu_and_pool_in_exact_arithmetic():
    cfg = SMALL
    y = RNG.integers(-30000, 30000, (3, 5, 7))
    scale, bias, shift = np.array([3, -7, 100]), np.array([0, 999, -77]), 9
    for relu in (False, True):
        got = sonic.post(cfg, y, scale, bias, shift, relu=relu)
        for o, i, j in np.ndindex(y.shape):
            value = adc(
                cfg.replace(adc_bits=cfg.act_bits, adc_shift=shift),
                int(y[o, i, j]) * int(scale[o]) + int(bias[o]),
            )
            assert got[o, i, j] == (max(value, 0) if relu else value)
    pooled = sonic.post(cfg, y, scale, bias, shift, pool=2)
    plain = sonic.post(cfg, y, scale, bias, shift)
    assert pooled.shape == (3, 2, 3)
    for o, i, j in np.ndindex(pooled.shape):
        assert pooled[o, i, j] == plain[o, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max()
    assert sonic.post(cfg, [5, -5, 7], 1, shift=1, relu=False).tolist() == [2, -2, 4]
    assert sonic.post(cfg, [1 << 20, -(1 << 20)], 1, relu=False).tolist() == [127, -128]
    assert sonic.post(cfg, [100, -100], 100, shift=63, relu=False).tolist() == [0, 0]


def test_accumulator_holds_the_worst_case():
    cfg = SMALL
    low = -(1 << 7)
    worst = sonic.fc(cfg, np.ones((1, 128), int), [0, low], np.full(128, low)).y[0]
    assert worst == 128 << 14 < 1 << (cfg.sum_bits - 1)
    assert Config().sum_bits == 44


def test_clusters_keep_zeros_and_ascend():
    weights = RNG.normal(size=(40, 50))
    weights[RNG.random(weights.shape) < 0.5] = 0
    book, codes = sonic.cluster(weights, 15)
    assert book[0] == 0
    assert len(book) == 16
    assert (np.diff(book[1:]) > 0).all()
    assert np.array_equal(codes == 0, weights == 0)
    # A fixed point: every centroid is its cluster's mean, every weight is at its nearest centroid.
    for code in range(1, 16):
        assert math.isclose(weights[codes == code].mean(), book[code], abs_tol=1e-9)
    used = weights[weights != 0]
    nearest = np.abs(used[:, None] - book[None, 1:]).argmin(axis=1) + 1
    assert np.array_equal(codes[weights != 0], nearest)


def test_fewer_weights_than_clusters_are_their_own_centroids():
    book, codes = sonic.cluster([0.5, 0.0, -1.0, 0.5], 8)
    assert book.tolist() == [0.0, -1.0, 0.5]
    assert codes.tolist() == [2, 0, 1, 2]
    assert sonic.cluster(np.zeros(3), 3)[1].tolist() == [0, 0, 0]


def test_levels_use_the_whole_range_and_never_more():
    for top in (0.99, 1.0, 1.01, 127.4, 127.6, 1e-6):
        ints, exponent = sonic.levels([0.0, -top, top / 3, top], 8)
        assert 64 <= np.abs(ints).max() <= 127
        assert np.abs(ints * 2.0**exponent - [0, -top, top / 3, top]).max() <= 2.0**exponent / 2
    assert sonic.levels([0.0], 8)[0].tolist() == [0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"conv_lanes": 0}, "sonic.conv_lanes must be in 1..256, not 0"),
        ({"code_bits": 8, "level_bits": 6}, "sonic.code_bits must be at most level_bits 6, not 8"),
        ({"adc_shift": -1}, "sonic.adc_shift must be in 0..40, not -1"),
        ({"adc_bits": 25}, "sonic.adc_bits must be in 2..24, not 25"),
        ({"acc_bits": 43}, "sonic.acc_bits must be in 44..48, not 43"),
        ({"acc_bits": 9, "adc_bits": 8}, "sonic.acc_bits must be in 18..48, not 9"),
        ({"max_length": 65536, "batchnorm_bits": 18}, "sonic.batchnorm_bits must be at most 62"),
    ],
)
def test_bad_parameters_are_named(values, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what is tested
        Config(**values)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sonic.cluster([1.0], 64), "clusters must be in 1..63, not 64"),
        (lambda: sonic.cluster([np.nan], 4), "weights must be finite"),
        (lambda: sonic.fc(SMALL, [[1]], [1, 2], [1]), "codebook[0] must be 0, not 1"),
        (lambda: sonic.fc(SMALL, [[16]], [0, 2], [1]), "codes must be in 0..15, not 16"),
        (lambda: sonic.fc(SMALL, [[1]], [0, 128], [1]), "codebook must fit 8 signed bits, not 128"),
        (lambda: sonic.fc(SMALL, [[1]], [0, 2], [200]), "a must fit 8 signed bits, not 200"),
        (lambda: sonic.fc(SMALL, [[1]], [0, 2], [1, 2]), "a must be of shape [1], not [2]"),
        (lambda: sonic.fc(SMALL, np.ones((1, 129), int), [0, 2], [1]), "unroll to 1..128 elements"),
        (lambda: sonic.conv(SMALL, [[1, 1]], [0, 2], [[1]]), "is smaller than the kernel [1, 2]"),
        (lambda: sonic.conv(SMALL, [[1]], [0, 2], [[1]], pool=3), "pool must be 1 or 2, not 3"),
        (lambda: sonic.post(SMALL, [1], 1, shift=-1), "shift must be in 0..63, not -1"),
        (lambda: sonic.post(SMALL, [1], 200), "scale must fit 8 signed bits, not 200"),
        (lambda: sonic.post(SMALL, [1], 1, pool=2), "pool needs y of shape [.., O, OH, OW]"),
    ],
)
def test_bad_operands_are_named(call, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what is tested
        call()
    assert message in str(caught.value)


def test_fractions_are_not_activations():
    with pytest.raises(TypeError, match="a must be integers, not float64"):
        sonic.fc(SMALL, [[1]], [0, 2], [0.5])
