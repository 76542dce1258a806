"""Product quantisation: indices by brute force, ties, tables, wrapping, fitting, messages."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import pq, products

SEED = st.integers(0, 2**32)


def nearest(vector, prototypes, power):
    """Return the first prototype of the least distance, written out."""
    best, chosen = None, None
    for k, prototype in enumerate(prototypes):
        apart = sum(abs(int(a) - int(b)) ** power for a, b in zip(vector, prototype, strict=True))
        if best is None or apart < best:
            best, chosen = apart, k
    return chosen


@given(
    inputs=st.integers(1, 13),
    outputs=st.integers(1, 5),
    length=st.integers(1, 5),
    count=st.integers(1, 6),
    metric=st.sampled_from(["l1", "l2"]),
    shared=st.booleans(),
    bits=st.sampled_from([1, 4, 7, 14, 16]),
    seed=SEED,
)
def test_sums_are_those_of_the_nearest_prototypes(
    inputs, outputs, length, count, metric, shared, bits, seed
):
    rng = np.random.default_rng(seed)
    sizes = {"inputs": inputs, "outputs": outputs, "length": length, "prototypes": count}
    cfg = pq.Config(**sizes, metric=metric, shared=shared, act_bits=bits)
    made = pq.stimuli(cfg, rng)
    packed, found = made["packed"], pq.indices(cfg, **made)
    y = pq.model(cfg, **made)
    for vector, chosen, sums in zip(made["x"], found, y, strict=True):
        padded = [*vector, *[0] * (cfg.subvectors * length - inputs)]
        expected = np.zeros(outputs, dtype=int)
        for s in range(cfg.subvectors):
            part = padded[s * length : (s + 1) * length]
            k = nearest(part, packed.prototypes[0 if shared else s], 2 if metric == "l2" else 1)
            assert chosen[s] == k
            expected += packed.tables[s, k]
        assert sums.tolist() == expected.tolist()


@given(inputs=st.integers(1, 13), length=st.integers(1, 5), seed=SEED)
def test_leaves_are_found_by_four_comparisons(inputs, length, seed):
    """Threshold of level l at offset 0, 1, 3, 7 plus the leaf so far: leaf = 2 leaf + (x > t)."""
    rng = np.random.default_rng(seed)
    cfg = pq.Config(inputs=inputs, outputs=2, length=length, metric="tree", act_bits=5)
    made = pq.stimuli(cfg, rng)
    packed, found = made["packed"], pq.indices(cfg, **made)
    for vector, chosen in zip(made["x"], found, strict=True):
        padded = [*vector, *[0] * (cfg.subvectors * length - inputs)]
        for s in range(cfg.subvectors):
            leaf = 0
            for level, offset in enumerate((0, 1, 3, 7)):
                element = padded[s * length + packed.dims[s, level]]
                leaf = 2 * leaf + int(element > packed.thresholds[s, offset + leaf])
            assert chosen[s] == leaf


def test_a_tie_is_the_first_prototype():
    packed = pq.Packed([[[3], [-3], [3]]], [[[1], [2], [4]]])
    assert pq.indices(packed.cfg, packed, [[0], [1], [-1]]).tolist() == [[0], [0], [1]]
    assert pq.model(packed.cfg, packed, [[0], [-2]]).tolist() == [[1], [2]]


def test_sums_of_the_released_kernel_wrap_at_16_bits():
    """One codebook for all subvectors, and 3 x 30,000 = 90,000 = 24,464 modulo 2^16."""
    cfg = pq.Config(
        inputs=3, outputs=2, length=1, prototypes=2, shared=True, compat=True, table_bits=16
    )
    packed = pq.Packed([[[0], [9]]], np.tile([[30000, -30000], [1, 2]], (3, 1, 1)), cfg=cfg)
    assert pq.model(cfg, packed, [[1, 2, 3], [8, 9, 5]]).tolist() == [[24464, -24464], [3, 6]]
    wide = cfg.replace(compat=False)
    assert pq.model(wide, packed, [[1, 2, 3]]).tolist() == [[90000, -90000]]
    assert (cfg.y_bits, wide.y_bits, cfg.exact) == (16, 18, False)


def _released(x, prototypes, tables, squares):
    """Compute one vector as the kernel released with PQA does, written out.

    Distances in 32 bits; 16 prototypes at a time of which the first of the least is kept, and one
    of a later group only if it is nearer still; entries and sums in 16 bits, 16 subvectors at a
    time, each sum cut off as it is made.
    """

    def short(value):
        return (value + (1 << 15)) % (1 << 16) - (1 << 15)

    outputs, sides = tables.shape[2], len(x)
    chosen = []
    for part in x:
        index, least = 0, None
        for group in range(0, len(prototypes), 16):
            apart = []
            for prototype in prototypes[group : group + 16]:
                each = [int(a) - int(b) for a, b in zip(part, prototype, strict=True)]
                total = sum(d * d if squares else abs(d) for d in each)
                assert total < 1 << 31
                apart.append(total)
            within = apart.index(min(apart))
            if least is None or apart[within] < least:
                index, least = group + within, apart[within]
        chosen.append(index)
    sums = [0] * outputs
    for first in range(0, sides, 16):
        for output in range(outputs):
            partial = 0
            for side in range(first, min(first + 16, sides)):
                partial = short(partial + int(tables[side, chosen[side], output]))
            sums[output] = short(sums[output] + partial)
    return sums


@pytest.mark.parametrize("metric", ["l1", "l2"])
@pytest.mark.parametrize("act_bits", [3, 14])
def test_compat_computes_what_the_released_kernel_does(metric, act_bits):
    """Of few codes distances tie; entries are as large as 16 bits, so that sums wrap."""
    rng = np.random.default_rng(3)
    sizes = {"inputs": 80, "outputs": 3, "length": 4, "prototypes": 48, "table_bits": 16}
    cfg = pq.Config(**sizes, metric=metric, shared=True, compat=True, act_bits=act_bits)
    made = pq.stimuli(cfg, rng, 12)
    packed, y = made["packed"], pq.model(cfg, **made)
    parts = made["x"].reshape(len(y), cfg.subvectors, cfg.length)
    expected = [_released(x, packed.prototypes[0], packed.tables, metric == "l2") for x in parts]
    assert y.tolist() == expected
    assert (pq.model(cfg.replace(compat=False), packed, made["x"]) != y).any()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"table_bits": 17}, "table_bits must be at most 16 with compat, not 17"),
        ({"prototypes": 129}, "prototypes must be at most 128 with compat, not 129"),
        ({"act_bits": 17}, "act_bits must be at most 16 with compat, not 17"),
        ({"metric": "l2", "act_bits": 16}, "length must be such that distances fit 32 bits"),
    ],
)
def test_compat_has_the_kernels_widths(more, message):
    with pytest.raises(ValueError, match=message):
        pq.Config(**{"shared": True, "compat": True, **more})


def test_tables_are_rounded_half_to_even_and_saturate():
    cfg = pq.Config(inputs=1, outputs=5, length=1, prototypes=1, table_bits=4, table_shift=2)
    w = np.array([[2, 6, -2, -6, 120]])
    assert pq.tables(cfg, w, np.array([[[1]]])).tolist() == [[[0, 2, 0, -2, 7]]]
    assert pq.least_shift(cfg, w, [[[1]]]) == 5


def test_prototypes_are_the_means_of_clusters():
    """Four clusters far apart, of which each has its own mean, rounded half to even."""
    rng = np.random.default_rng(1)
    centres = np.array([[-100, -100], [-100, 100], [100, -100], [100, 100]])
    moved = np.array([0, 5])
    samples = np.concatenate([centres + moved, centres - moved + [[0, 1]]])
    samples = rng.permutation(samples)
    cfg = pq.Config(inputs=2, outputs=1, length=2, prototypes=4)
    packed = pq.fit(cfg, [[1], [1]], samples)
    expected = {(-100, -100), (-100, 100), (100, -100), (100, 100)}
    assert set(map(tuple, packed.prototypes[0].tolist())) == expected
    again = pq.fit(cfg, [[1], [1]], samples)
    assert np.array_equal(again.prototypes, packed.prototypes)


@pytest.mark.parametrize("metric", ["l1", "tree"])
def test_a_fitted_tile_comes_near_the_product(metric):
    """Of inputs in a few clusters sums are nearer than their spread, and more prototypes help."""
    rng = np.random.default_rng(2)
    w = rng.integers(-20, 21, (8, 6))
    x = rng.choice(rng.integers(-60, 61, (6, 8)), 300) + rng.integers(-3, 4, (300, 8))
    cfg = pq.Config(inputs=8, outputs=6, length=4, metric=metric, table_bits=16)
    y = pq.model(cfg, pq.fit(cfg, w, x), x)
    exact = x @ w
    assert ((y - exact) ** 2).mean() < 0.05 * exact.var()
    if metric == "l1":
        fewer = cfg.replace(prototypes=2)
        worse = pq.model(fewer, pq.fit(fewer, w, x), x)
        assert ((worse - exact) ** 2).mean() > ((y - exact) ** 2).mean()


def test_as_many_prototypes_as_inputs_are_exact():
    x = np.array(list(itertools.product((-1, 0, 1), repeat=2)))
    cfg = pq.Config(inputs=2, outputs=3, length=2, prototypes=9, table_bits=12)
    w = np.array([[100, -7, 3], [50, 2, -1]])
    assert np.array_equal(pq.model(cfg, pq.fit(cfg, w, x), x), x @ w)


def test_tables_are_larger_than_weights():
    """16 prototypes of 9 elements: 1.78 times the weights at equal bits, prototypes apart."""
    cfg = pq.Config(inputs=576, outputs=64, length=9)
    made = pq.stimuli(cfg, np.random.default_rng(3))["packed"]
    assert made.tables.size * 8 / (576 * 64 * 8) == pytest.approx(16 / 9)
    assert made.bits == made.tables.size * 8 + 576 * 16 * 8
    assert len(made.words()["w"]) == made.beats == cfg.depth


def test_cycles_follow_the_formula():
    """Beats times the longer of encoding and look-up, and the shorter one once."""
    cfg = pq.Config(inputs=90, outputs=20, length=9, units=(2, 4, 4), groups=3)
    assert (cfg.beats, cfg.encoding, cfg.looking_up) == (4, 5 * 4, 5)
    assert cfg.interval == 4 * 20
    assert cfg.cycles(3) == 3 * 80 + 5 + 6 + cfg.y_beats - 1


@pytest.mark.parametrize("preset", [*pq.Config.presets, "tree, shared prototypes of none"])
def test_a_tile_survives_its_file(preset, tmp_path):
    cfg = pq.Config() if "," in preset else pq.Config.preset(preset)
    made = pq.stimuli(cfg, np.random.default_rng(4))
    made["packed"].save(tmp_path / "tile.npz")
    again = pq.Packed.load(tmp_path / "tile.npz")
    assert again.cfg == cfg
    assert np.array_equal(pq.model(cfg, again, made["x"]), pq.model(cfg, **made))
    with pytest.raises(ValueError, match="holds a tile of 'pq', not of dense"):
        products.member("dense").Packed.load(tmp_path / "tile.npz")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"metric": "tree", "prototypes": 8}, "pq.prototypes must be 16 of a tree, not 8"),
        ({"metric": "tree", "shared": True}, "pq.shared must be false of a tree, not True"),
        ({"compat": True}, "pq.shared must be true with compat, not False"),
        ({"units": (1, 0, 1)}, "pq.units must be three numbers of at least 1"),
        ({"metric": "cosine"}, "pq.metric must be one of l1, l2, tree, not 'cosine'"),
        ({"metric": "l2", "act_bits": 32}, "act_bits must be such that distances of 66 bits fit"),
    ],
)
def test_arrays_that_cannot_be_are_refused(more, message):
    with pytest.raises(ValueError, match=message):
        pq.Config(**more)


def test_what_there_is_not_is_refused():
    cfg = pq.Config(inputs=4, outputs=2)
    w = np.zeros((4, 2), dtype=int)
    with pytest.raises(ValueError, match=r"pq: weights alone make no tables; use pq\.fit"):
        pq.compress(cfg, w)
    with pytest.raises(ValueError, match="pq: there are no nearest weights"):
        pq.project(cfg, w)
    with pytest.raises(TypeError, match="has prototypes and tables, and no weights"):
        pq.stimuli(cfg, np.random.default_rng(5))["packed"].weights()
    with pytest.raises(ValueError, match="pq: samples must not be empty"):
        pq.fit(cfg, w, np.zeros((0, 4), dtype=int))
    with pytest.raises(ValueError, match=r"pq: x\[0, 3\] must be in -128\.\.127, not 128"):
        pq.fit(cfg, w, [[0, 0, 0, 128]])


def test_a_tile_of_another_size_is_refused():
    cfg = pq.Config(inputs=4, outputs=2, length=2, prototypes=4)
    packed = pq.stimuli(cfg, np.random.default_rng(5))["packed"]
    for inputs, outputs in ((6, 2), (4, 1)):
        other = cfg.replace(inputs=inputs, outputs=outputs)
        with pytest.raises(ValueError, match=r"pq: the tile must be of .*, not \[2, 4, 2, 2\]"):
            pq.model(other, packed, np.zeros((1, inputs), dtype=int))


def test_bad_tables_are_named():
    codes, tables = np.zeros((1, 2, 3), dtype=int), np.zeros((1, 2, 4), dtype=int)
    large = np.where(np.arange(8).reshape(1, 2, 4) == 6, 200, tables)
    assert pq.Packed(codes, large).cfg.table_bits == 9
    cfg = pq.Config(inputs=3, outputs=4, length=3, prototypes=2)
    with pytest.raises(ValueError, match=r"tables\[0, 1, 2\] must be in -128\.\.127, not 200"):
        pq.Packed(codes, large, cfg=cfg)
    with pytest.raises(ValueError, match=r"tables must be of shape \[1, 2, 4\], not \[1, 3, 4\]"):
        pq.Packed(codes, np.zeros((1, 3, 4), dtype=int))
    with pytest.raises(TypeError, match="prototypes must be integers, not float64"):
        pq.Packed(codes * 0.5, tables)
    with pytest.raises(ValueError, match=r"dims\[0, 0\] must be in 0\.\.2, not 3"):
        pq.Packed(np.zeros((1, 16, 3), int), np.zeros((1, 16, 4), int), dims=[[3, 0, 0, 0]])
    with pytest.raises(ValueError, match="must be of three dimensions, and not empty"):
        pq.Packed(codes[0], tables)
