"""SP-IMC: the macro's Verilog against the model, well-formed and malformed tiles, every store."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from nomul.golden import sparse, spimc
from nomul.golden.sparse import Packed
from nomul.golden.spimc import Config, Tile
from nomul.sim.harness import BenchError

TINY = {"window": 13, "columns": 3, "slots": 5, "lanes": 4, "tree_regs": 0}

CORNERS = {
    "one of everything": {"window": 1, "columns": 1, "slots": 1, "lanes": 1, "tree_regs": 0},
    "one slot": {"window": 9, "columns": 2, "slots": 1, "lanes": 2, "tree_regs": 0},
    "every lane a row": {**TINY, "lanes": 8, "slots": 13},
    "one lane": {**TINY, "lanes": 1},
    "groups beyond the window": {"window": 6, "columns": 2, "slots": 8, "lanes": 2},
    "deep tree": {**TINY, "slots": 11, "tree_regs": 4},
    "latches": {**TINY, "store": "latch"},
    "short words": {**TINY, "weight_bits": 2, "act_bits": 1},
    "spare index bits": {**TINY, "index_bits": 6},
    "coordinates only": {**TINY, "formats": ("coo",)},
    "run length only": {**TINY, "formats": ("rl",), "index_bits": 2, "slots": 9},
    "groups only": {**TINY, "formats": ("nm",), "index_bits": 3, "max_group": 8, "slots": 14},
    "dense only": {**TINY, "formats": ("dense",), "slots": 13},
    "serial, lenient": {**TINY, "store": "rowserial", "strict": False},
    "serial, one slot": {**TINY, "store": "rowserial", "slots": 1},
    "lenient": {**TINY, "strict": False},
}

# Every number of lanes, and every store: what runs always of all their pairs.
QUICK = {("ff", 1), ("ff", 2), ("ff", 4), ("ff", 8), ("latch", 8), ("rowserial", 1)}


@pytest.mark.parametrize("preset", ["small", "rowserial"])
def test_rtl_equals_model(simulate, preset):
    report = simulate("spimc", Config.preset(preset))
    assert report.records["cycles_coo"] == Config.preset(preset).cycles(
        Tile(format="coo", length=16)
    )


def packings(w, cfg, act_bits):
    """Return every legal packing of one matrix: formats, run widths, and N:M in all groups."""
    common = {"act_bits": act_bits, "x_signed": True, "length": len(w)}
    every = [Tile(format=name, **common) for name in ("dense", "coo", "bitmap")]
    every += [Tile(format="rl", run_bits=bits, **common) for bits in range(cfg.ib + 1)]
    for group in (1, 2, 4, 8, 16):
        kept = range(1, group + 1)
        every += [Tile(format="nm", nnz_per_group=n, group=group, **common) for n in kept]
    packed = []
    for tile in every:
        try:
            packed.append(sparse.pack(w, cfg, tile))
        except ValueError:  # more entries than slots, or than a group keeps
            continue
    return packed


@pytest.mark.parametrize(
    ("store", "lanes"),
    [
        pytest.param(store, lanes, marks=() if (store, lanes) in QUICK else pytest.mark.long)
        for store, lanes in itertools.product(spimc.STORES, (1, 2, 4, 8))
    ],
)
def test_one_matrix_in_every_packing(simulate, tmp_path, lanes, store):
    """Every lane count and store: each packing gives W^T x, under all stalls.

    An empty and a full column, -128, 13 rows (not a power of two, not a multiple of a group).
    """
    cfg = Config.from_dict({**TINY, "slots": 13, "lanes": lanes, "store": store})
    w = np.zeros((13, 3), dtype=int)
    w[[0, 5, 6, 12], 1] = -128, 3, 127, -1
    w[:, 2] = np.arange(-128, -115)
    full = packings(w, cfg, 2)
    sparser = packings(np.where(np.arange(13)[:, None] % 4 == 1, w, 0), cfg, 1)
    forms = {(p.tile.format, p.tile.nnz_per_group, p.tile.group) for p in full + sparser}
    assert {name for name, _, _ in forms} == set(spimc.FORMATS)
    assert {("nm", 1, 4), ("nm", 2, 8), ("nm", 1, 1)} <= forms
    for packed in full:
        assert np.array_equal(sparse.unpack(packed), w)
    sparse.save(tmp_path / "tiles.npz", full + sparser)
    report = simulate(
        "spimc",
        cfg,
        tests="products",
        environment={"NOMUL_STIMULI": str(tmp_path / "tiles.npz")},
    )
    assert report.tests == 4  # both sides, stalled or not


@pytest.mark.long
def test_rtl_equals_model_at_full_size(simulate):
    simulate("spimc", Config.preset("paper"))


@pytest.mark.parametrize("name", CORNERS)
def test_rtl_equals_model_at_the_corners(simulate, name):
    stalls = "products.*random.*random|malformed.*random|refuses"
    simulate("spimc", Config.from_dict(CORNERS[name]), tests=stalls)


def test_the_full_window_and_the_extreme_product(simulate):
    """128 rows of -128 times -128, at one column, in dense and grouped form."""
    cfg = Config(columns=1, slots=128, lanes=128, formats=("dense", "nm"), tree_regs=2)
    simulate("spimc", cfg, tests="products.*never.*never")


def test_the_paper_preset_computes(simulate, tmp_path):
    """A short run at full size: one tile per format at two bits."""
    cfg = Config.preset("paper")
    rng, tiles = np.random.default_rng(1), []
    for name in ("coo", "bitmap", "nm"):
        tile = Tile(format=name, act_bits=2, length=100, nnz_per_group=1, group=4)
        tiles.append(sparse.pack(spimc.operands(cfg, rng, tile)["w"], cfg, tile))
    sparse.save(tmp_path / "tiles.npz", tiles)
    simulate(
        "spimc",
        cfg,
        tests="products.*never.*never",
        environment={"NOMUL_STIMULI": str(tmp_path / "tiles.npz")},
    )


@st.composite
def malformed(draw, cfg):
    """Draw any tile that the stream can carry: most are malformed."""
    length = draw(st.integers(1, cfg.window))
    name = draw(st.sampled_from(cfg.formats))
    group = 1 << draw(st.integers(0, spimc.bits_for(cfg.max_group)))
    tile = Tile(
        format=name,
        act_bits=draw(st.integers(1, cfg.act_bits)),
        x_signed=draw(st.booleans()),
        nnz_per_group=draw(st.integers(1, group)),
        group=group,
        run_bits=draw(st.integers(0, cfg.ib)),
        length=length,
    )
    width = cfg.passes(tile) * cfg.slots + 2
    shape = (cfg.columns, width)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    highest = draw(st.sampled_from([1, 2, 4, 1 << cfg.ib]))
    index = rng.integers(0, min(highest, 1 << cfg.ib), shape)
    if draw(st.booleans()):
        index.sort(axis=1)
    count = rng.integers(0, width + 1, cfg.columns)
    wanted = tile.nnz_per_group * -(-length // group)
    if name == "nm" and draw(st.booleans()) and wanted <= width:
        count[:] = wanted
    header = rng.random((cfg.columns, length)) < 0.3 if name == "bitmap" else None
    half = 1 << (cfg.weight_bits - 1)
    value = rng.integers(-half, half, shape) * rng.integers(0, 2, shape)
    return Packed(value, index, count, tile, header)


@pytest.mark.parametrize("store", ["ff", "rowserial"])
@pytest.mark.parametrize("strict", [True, False])
def test_golden_and_rtl_agree_on_every_malformed_stream(simulate, tmp_path, strict, store):
    cfg = Config.from_dict({**TINY, "strict": strict, "store": store})
    drawn = []

    @seed(1)
    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(malformed(cfg))
    def collect(packed):
        drawn.append(packed)

    collect()
    flags = {flag for packed in drawn for flag, _, _ in spimc.check(cfg, packed)}
    assert flags == set(spimc.FLAGS[1:7])
    sparse.save(tmp_path / "tiles.npz", drawn)
    simulate(
        "spimc",
        cfg,
        tests="malformed.*never",
        environment={"NOMUL_STIMULI": str(tmp_path / "tiles.npz")},
    )


def test_bench_notices_a_wrong_comparator(simulate, monkeypatch):
    """Mutation: the upper bits of an index are not compared."""
    from nomul.hw.spimc import column

    def careless(m, cfg, index, ref, bundle, rl):
        return true(m, cfg, index & 3, ref & 3, bundle, rl)

    true = column.selected
    monkeypatch.setattr(column, "selected", careless)
    with pytest.raises(BenchError, match=r"y of \w+\[\d\] is"):
        simulate("spimc", Config.preset("small"), tests="products.*never.*never")


def test_bench_notices_a_missing_check(simulate):
    """Mutation: the hardware accepts what the configuration under test refuses."""
    from nomul.hw.spimc import Top

    cfg = Config.preset("small")
    with pytest.raises(BenchError):
        simulate("spimc", cfg, top=Top(cfg.replace(strict=False)), tests="malformed.*never")
