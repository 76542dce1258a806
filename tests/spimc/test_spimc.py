"""SP-IMC golden model: every packing of one matrix gives the same product; malformed tiles.

One file, since every packing is compared with the same product.
"""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nomul.golden import sparse, spimc
from nomul.golden.sparse import Packed
from nomul.golden.spimc import Config, Tile

SMALL = Config(window=20, columns=3, slots=20, lanes=4, max_group=32)


def tiles(cfg, length, act_bits=8, x_signed=True):
    """Return every way to read a tile of the given length."""
    common = {"act_bits": act_bits, "x_signed": x_signed, "length": length}
    yield from (Tile(format=name, **common) for name in ("dense", "coo", "bitmap"))
    yield from (Tile(format="rl", run_bits=bits, **common) for bits in range(cfg.ib + 1))
    for log2 in range(6):
        group = 1 << log2
        for kept in range(1, group + 1):
            yield Tile(format="nm", nnz_per_group=kept, group=group, **common)


@st.composite
def matrices(draw):
    """Draw a length, weights with zeros, activations, their width and signedness."""
    length = draw(st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    density = draw(st.sampled_from([0.0, 0.1, 0.3, 0.6, 1.0]))
    w = rng.integers(-128, 128, (length, 3)) * (rng.random((length, 3)) < density)
    act_bits, x_signed = draw(st.integers(1, 8)), draw(st.booleans())
    low, high = spimc.act_range(Tile(act_bits=act_bits, x_signed=x_signed))
    return w, rng.integers(low, high + 1, (3, length)), act_bits, x_signed


@settings(max_examples=60, deadline=None)
@given(matrices())
def test_every_legal_packing_gives_the_same_product(drawn):
    w, x, act_bits, x_signed = drawn
    legal = 0
    for tile in tiles(SMALL, len(w), act_bits, x_signed):
        try:
            packed = sparse.pack(w, SMALL, tile)
        except ValueError:  # not legal: too many slots, or non-zeros in a group
            continue
        legal += 1
        assert spimc.check(SMALL, packed) == []
        assert np.array_equal(sparse.unpack(packed), w)
        assert np.array_equal(spimc.model(SMALL, packed, x), x @ w)
        assert np.array_equal(spimc.model_by_planes(SMALL, packed, x), x @ w)
    assert legal >= 3


@pytest.mark.parametrize("fmt", spimc.FORMATS)
def test_the_extreme_product_needs_every_bit(fmt):
    cfg = Config(columns=1, slots=128)
    tile = Tile(format=fmt, x_signed=True, nnz_per_group=4, group=4, run_bits=1)
    packed = sparse.pack(np.full((128, 1), -128), cfg, tile)
    assert spimc.model(cfg, packed, np.full(128, -128)) == 1 << 21
    assert cfg.y_bits == 23


def test_one_signed_bit_is_zero_or_minus_one():
    cfg = Config(window=4, columns=1, slots=4, lanes=1)
    packed = sparse.pack([[1], [2], [4], [8]], cfg, Tile(act_bits=1, x_signed=True))
    assert spimc.model(cfg, packed, [0, -1, 0, -1]) == -10
    with pytest.raises(ValueError, match=r"x must be in -1\.\.0, not 0\.\.1"):
        spimc.model(cfg, packed, [0, 1, 0, 0])


def test_run_length_pads_long_gaps():
    cfg = Config(window=16, columns=1, slots=8, lanes=1)
    w = np.zeros((16, 1), dtype=int)
    w[[0, 13], 0] = 5, -3
    packed = sparse.pack(w, cfg, Tile(format="rl", run_bits=2))
    # Twelve zeros between them: three pads of four rows each, then no zero.
    assert packed.count == 5
    assert packed.index[0, :5].tolist() == [0, 3, 3, 3, 0]
    assert packed.value[0, :5].tolist() == [5, 0, 0, 0, -3]


@pytest.mark.parametrize("run_bits", range(1, 7))
@pytest.mark.parametrize("sparsity", [0.5, 0.8, 0.9])
def test_run_length_entries_follow_the_closed_form(run_bits, sparsity):
    """Entries per non-zero are 1 / (1 - s^(2^ZB)), in a long column."""
    rng = np.random.default_rng(1)
    w = (rng.random((40, 2560)) >= sparsity).astype(np.int8)
    tile = Tile(format="rl", run_bits=run_bits)
    entries = sparse.entries_needed(w, Config(), tile).sum()
    expected = w.sum() / (1 - sparsity ** (1 << run_bits))
    assert abs(entries / expected - 1) < 0.01


@pytest.mark.parametrize(("sparsity", "fmt"), [(0.3, "bitmap"), (0.6, "bitmap"), (0.9, "rl")])
def test_choice_of_format_follows_the_sparsity(sparsity, fmt):
    rng = np.random.default_rng(2)
    w = rng.integers(1, 128, (512, 64)) * (rng.random((512, 64)) >= sparsity)
    best = sparse.choose_format(w)
    assert best.tile.format == fmt
    for cost in sparse.survey(w, Config()):
        assert abs(cost.bits / cost.expected - 1) < 0.01


def test_choice_of_a_pruned_matrix_is_its_pattern():
    rng = np.random.default_rng(3)
    w = sparse.prune_groups(rng.integers(1, 128, (256, 16)), 1, 8)
    best = sparse.choose_format(w)
    assert (best.tile.nnz_per_group, best.tile.group, best.utilisation) == (1, 8, 1.0)


def test_random_columns_use_sixty_per_cent_of_the_slots():
    rng = np.random.default_rng(4)
    w = (rng.random((128, 64)) >= 0.9).astype(int)
    cost = next(c for c in sparse.survey(w, Config()) if c.tile.format == "coo")
    assert 0.5 < cost.utilisation < 0.7


def test_quantiser_keeps_zeros_and_the_error_within_half_a_step():
    rng = np.random.default_rng(5)
    w = sparse.prune_magnitude(rng.normal(size=(64, 10)), 0.8)
    assert (w == 0).mean() == pytest.approx(0.8, abs=1e-3)
    assert np.array_equal(sparse.prune_magnitude(w.T, 0.9).T, sparse.prune_magnitude(w, 0.9))
    for bits in (4, 8):
        q, scale = sparse.quantise(w, bits)
        assert not q[w == 0].any()
        assert np.abs(q * scale - w).max() <= scale.max() / 2 + 1e-12
        assert np.abs(q).max() == (1 << (bits - 1)) - 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["coo", "bitmap", "rl"]))
def test_folding_keeps_the_product_and_fits_the_slots(seed, fmt):
    rng = np.random.default_rng(seed)
    cfg = Config(window=32, columns=64, slots=8, lanes=1)
    w = rng.integers(-9, 9, (32, 5)) * (rng.random((32, 5)) < rng.random(5))
    tile = Tile(format=fmt, run_bits=3)
    split, owner = sparse.fold(w, cfg, tile)
    packed = sparse.pack(split, cfg, tile)
    x = rng.integers(0, 256, 32)
    y = np.zeros(5, dtype=int)
    np.add.at(y, owner, spimc.model(cfg, packed, x)[: len(owner)])
    assert np.array_equal(y, x @ w)


def test_pruning_must_be_asked_for():
    w = np.zeros((8, 2), dtype=int)
    w[4:7, 1] = 3, -1, 2
    cfg = Config(window=8, columns=2, slots=8)
    tile = Tile(format="nm", nnz_per_group=2, group=4)
    with pytest.raises(ValueError, match=r"column 1 has 3 non-zeros in rows 4\.\.7, more than 2"):
        sparse.pack(w, cfg, tile)
    kept = sparse.unpack(sparse.pack(w, cfg, tile, prune=True))
    assert kept[:, 1].tolist() == [0, 0, 0, 0, 3, 0, 2, 0]
    assert np.array_equal(kept, sparse.prune_groups(w, 2, 4))


def build(fmt, entries, count=None, header=None, **fields):
    """Return a tile of three columns whose middle one holds (index, value) pairs."""
    index, value = np.zeros((3, 12), dtype=int), np.zeros((3, 12), dtype=int)
    for place, (number, weight) in enumerate(entries):
        index[1, place], value[1, place] = number, weight
    counts = np.array([0, len(entries) if count is None else count, 0])
    values = {"length": 8, **fields}
    if fmt == "nm":
        kept, group = fields["nnz_per_group"], fields["group"]
        groups = -(-values["length"] // group)
        counts[[0, 2]] = kept * groups
        index[np.ix_([0, 2], range(kept * groups))] = np.tile(np.arange(kept), groups)
    return Packed(value, index, counts, Tile(format=fmt, **values), header)


NARROW = {"window": 16, "columns": 3, "slots": 6, "lanes": 4}
PAIRS = {"nnz_per_group": 2, "group": 4}
HEADER = np.zeros((3, 8), dtype=bool)
HEADER[1, [1, 4, 6]] = True

# Every rule a stream can break: the tile, and the flags with their slots in column 1.
MALFORMED = {
    "coo range": (build("coo", [(1, 5), (8, 5)]), [("E_RANGE", 1)]),
    "coo duplicate": (build("coo", [(1, 5), (1, 0), (2, 1)]), [("E_DUP", 1)]),
    "coo order": (build("coo", [(5, 5), (3, 5), (4, 0), (6, 1)]), [("E_ORDER", 1), ("E_ORDER", 2)]),
    "coo slots": (build("coo", [(n, 1) for n in range(8)]), [("E_SLOTS", 6), ("E_SLOTS", 7)]),
    "rl run": (build("rl", [(3, 1), (3, 1), (0, 7)], run_bits=2), [("E_RLRUN", 2)]),
    "rl range": (build("rl", [(1, 1), (4, 1), (0, 1)], run_bits=2), [("E_RANGE", 1)]),
    "rl long": (
        build("rl", [(15, 1), (15, 1), (15, 2)], run_bits=4),
        [("E_RLRUN", 0), ("E_RLRUN", 1), ("E_RLRUN", 2)],
    ),
    "nm short": (build("nm", [(0, 1), (1, 1), (0, 1)], **PAIRS), [("E_NMCNT", 2)]),
    "nm empty": (build("nm", [], **PAIRS), [("E_NMCNT", 0)]),
    "nm long": (
        build("nm", [(0, 1), (1, 1), (0, 1), (1, 1), (2, 1)], **PAIRS),
        [("E_NMCNT", 4)],
    ),
    "nm order": (build("nm", [(3, 1), (0, 1), (0, 1), (1, 1)], **PAIRS), [("E_ORDER", 1)]),
    "nm duplicate": (build("nm", [(2, 1), (2, 0), (0, 1), (1, 1)], **PAIRS), [("E_DUP", 1)]),
    "nm range": (
        build("nm", [(0, 1), (1, 1), (0, 1), (3, 1)], length=7, **PAIRS),
        [("E_RANGE", 3)],
    ),
    "nm index": (build("nm", [(0, 1), (4, 0), (0, 1), (3, 1)], **PAIRS), [("E_RANGE", 1)]),
    "bitmap long": (
        build("bitmap", [(0, 1), (0, 2), (0, 3), (0, 4)], header=HEADER),
        [("E_NMCNT", 3)],
    ),
    "bitmap short": (build("bitmap", [(0, 1), (0, 2)], header=HEADER), [("E_NMCNT", 1)]),
    "bitmap empty": (build("bitmap", [], header=HEADER), [("E_NMCNT", 0)]),
    "bitmap duplicate": (build("bitmap", [(2, 1), (2, 2)]), [("E_NMCNT", 1)]),
    "dense range": (build("dense", [(0, 1)] * 10), [("E_RANGE", 8), ("E_RANGE", 9)]),
}
DENSE_SLOTS = {"dense range": [("E_RANGE", 2), ("E_RANGE", 3)]}  # within the second pass


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_entries_are_flagged_and_count_as_nothing(name):
    packed, flags = MALFORMED[name]
    expected = [(flag, 1, slot) for flag, slot in DENSE_SLOTS.get(name, flags)]
    strict, lenient = Config(**NARROW), Config(strict=False, **NARROW)
    assert spimc.check(strict, packed) == expected
    x = np.arange(1, 1 + packed.tile.length)
    with pytest.raises(spimc.NotLoaded, match="E_NOTLOADED"):
        spimc.model(strict, packed, x)
    value = packed.value.copy()
    value[1, [slot for _, slot in flags]] = 0
    position = spimc.positions(lenient, packed)
    y = np.zeros(3, dtype=int)
    for column, slot in np.ndindex(value.shape):
        if slot < packed.count[column] and value[column, slot]:
            y[column] += value[column, slot] * x[position[column, slot]]
    assert np.array_equal(spimc.model(lenient, packed, x), y)


LEGAL = {
    "zero weights": build("coo", [(1, 0), (2, 0)]),
    "pads": build("rl", [(3, 0), (3, 0)], run_bits=2),
    "zero groups": build("nm", [(2, 0), (3, 0), (2, 0), (3, 0)], **PAIRS),
    "zeros beyond the length": build("nm", [(0, 1), (1, 1), (0, 1), (3, 0)], length=7, **PAIRS),
    "full column": build("coo", [(n, 1) for n in range(6)]),
    "empty columns": build("coo", []),
    "short dense column": build("dense", [(0, 1)]),
}


@pytest.mark.parametrize("name", LEGAL)
def test_unusual_but_legal_tiles_are_accepted(name):
    assert spimc.check(Config(**NARROW), LEGAL[name]) == []


HEADERS = [
    ({"format": "rl", "run_bits": 5}, "tile.run_bits must be in 0..4, not 5"),
    ({"format": "rl"}, "tile.run_bits must be in 0..4, not None"),
    ({"format": "nm", "nnz_per_group": 5, "group": 4}, "tile.nnz_per_group must be in 1..4, not 5"),
    ({"format": "nm", "nnz_per_group": 0, "group": 4}, "tile.nnz_per_group must be in 1..4, not 0"),
    ({"format": "nm", "nnz_per_group": 1, "group": 6}, "tile.group must be a power of two up to 8"),
    ({"format": "nm", "nnz_per_group": 1, "group": 16}, "tile.group must be a power of two up to"),
    ({"format": "bitmap"}, "tile.format must be one of dense, coo, rl, nm, not 'bitmap'"),
    ({"act_bits": 0}, "tile.act_bits must be in 1..6, not 0"),
    ({"act_bits": 7}, "tile.act_bits must be in 1..6, not 7"),
    ({"length": 0}, "tile.length must be in 1..16, not 0"),
    ({"length": 17}, "tile.length must be in 1..16, not 17"),
]


@pytest.mark.parametrize(("fields", "message"), HEADERS)
def test_bad_headers_are_refused(fields, message):
    formats = ("dense", "coo", "rl", "nm")
    cfg = Config(**NARROW, act_bits=6, formats=formats, max_group=8, strict=False)
    tile = Tile(**{"length": 8, "act_bits": 4, **fields})
    packed = Packed(np.zeros((3, 6), int), np.zeros((3, 6), int), np.zeros(3, int), tile)
    assert spimc.check(cfg, packed) == [("E_HDR", 0, 0)]
    assert message in spimc.header_fault(cfg, tile)
    with pytest.raises(spimc.NotLoaded, match="E_HDR"):
        spimc.model(cfg, packed, np.zeros(8, dtype=int))
    with pytest.raises(ValueError, match="tile"):
        sparse.pack(np.zeros((8, 3), dtype=int), cfg, tile)


def test_missing_columns_are_a_truncated_tile():
    packed = sparse.pack(np.eye(8, 3, dtype=int), Config(**NARROW), Tile(format="coo"))
    assert spimc.check(Config(**NARROW), packed.columns(0, 2)) == [("E_TRUNC", 2, 0)]


@pytest.mark.parametrize(
    ("fields", "ff", "rowserial"),
    [
        ({"format": "dense"}, 4 * 8, 4 * 8 * 32),
        ({"format": "coo"}, 16 * 8, 16 * 8 * 32),
        ({"format": "rl", "run_bits": 4}, 128 * 8, 128 * 8 * 32),
        ({"format": "nm", "nnz_per_group": 1, "group": 4}, 8, 8 * 32),
        ({"format": "nm", "nnz_per_group": 4, "group": 16, "act_bits": 3}, 6, 6 * 32),
        ({"format": "bitmap", "length": 100, "act_bits": 1}, 13, 13 * 32),
    ],
)
def test_cycles_follow_the_formulas(fields, ff, rowserial):
    assert Config(tree_regs=2).cycles(Tile(**fields)) == ff + 3
    assert Config(store="rowserial", tree_regs=0).cycles(Tile(**fields)) == rowserial + 1


def test_only_dense_tiles_are_written_again():
    assert Config().rewrites(Tile(format="dense")) == (128 - 32) * 16
    assert Config().rewrites(Tile(format="coo")) == 0


def test_container_keeps_tiles_and_refuses_other_files(tmp_path):
    cfg = Config(**NARROW)
    packed = sparse.pack(np.eye(8, 3, dtype=int), cfg, Tile(format="coo"))
    sparse.save(tmp_path / "a.npz", [packed, packed], {"layer": "fc1"})
    (first, _), about = sparse.load(tmp_path / "a.npz")
    assert about == {"layer": "fc1"}
    assert first.tile == packed.tile
    assert np.array_equal(sparse.unpack(first), np.eye(8, 3))
    np.savez(tmp_path / "b.npz", x=1)
    with pytest.raises(ValueError, match="not a container of packed weights"):
        sparse.load(tmp_path / "b.npz")


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"window": 0}, ValueError, "spimc.window must be in 1..256, not 0"),
        ({"lanes": 6}, ValueError, "spimc.lanes must be a power of two, not 6"),
        ({"lanes": 256}, ValueError, "spimc.lanes must be in 1..128, not 256"),
        ({"formats": ["csr"]}, ValueError, "spimc.formats must be distinct, some of dense, coo"),
        ({"index_bits": 6}, ValueError, "spimc.index_bits must be in 7..12, not 6"),
        ({"store": "sram"}, ValueError, "spimc.store must be one of ff, latch, rowserial"),
        ({"tree_regs": 6}, ValueError, "spimc.tree_regs must be in 0..5, not 6"),
        ({"max_group": 3}, ValueError, "spimc.max_group must be a power of two, not 3"),
        ({"window": 8.0}, TypeError, "spimc.window must be an integer, not 8.0 (float)"),
        ({"lane": 8}, TypeError, "spimc has no parameter 'lane'; it has lanes, "),
    ],
)
def test_bad_parameters_are_named(values, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        Config.from_dict(values)


@pytest.mark.parametrize(
    ("w", "kind", "message"),
    [
        (np.zeros((8, 3)), TypeError, "W must be integers, not float64; quantise it first"),
        (np.full((8, 3), 128), ValueError, r"W\[0, 0\] = 128 does not fit 8 bits"),
        (np.zeros((8, 4), int), ValueError, "W must have at most 3 columns, not 4"),
        (np.ones((8, 3), int), ValueError, "column 0 needs 8 slots, more than 6"),
        (np.zeros(8, int), ValueError, r"W must be \[rows, columns\], not \[8\]"),
    ],
)
def test_bad_weights_are_named(w, kind, message):
    with pytest.raises(kind, match=message):
        sparse.pack(w, Config(**NARROW), Tile(format="coo"))
