"""The memory that forgets writes: chances and counts against exact expectations, and the RTL."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import faultmem
from nomul.golden.faultmem import Config
from nomul.hw.faultmem import Top
from nomul.sim.harness import BenchError

WRITES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 63)), max_size=40)


@given(WRITES)
def test_without_chances_it_is_a_bare_memory(writes):
    cfg = Config(words=5, bits=6, p01=0, p10=0)
    address = [at for at, _ in writes]
    memory, failures = faultmem.model(cfg, address, [word for _, word in writes])
    expected = [0] * 5
    for at, word in writes:
        if at < 5:
            expected[at] = word
    assert memory.tolist() == expected
    assert not failures.any()


@given(WRITES, st.integers(1, 8), st.integers(1, 2**32 - 1))
def test_one_write_at_a_time_gives_the_same(writes, bank_bits, seed):
    """Writes are computed many at once; a plain loop over bits is the definition."""
    cfg = Config(words=5, bits=6, p01=200, p10=90, resolution=8, bank_bits=bank_bits, seed=seed)
    address, data = (np.array([w[k] for w in writes], dtype=int) for k in range(2))
    registers = [faultmem.Register(cfg, state) for state in cfg.seeds]
    memory, failures, took = [0] * 5, [0] * 6, []
    for at, word in writes:
        if at >= 5:
            took.append(1)
            continue
        old, most = memory[at], 1
        for register, (low, end) in zip(registers, cfg.banks, strict=True):
            tried = 0
            for bit in range(low, end):
                if (old ^ word) >> bit & 1:
                    tried += 1
                    failed = int(register.draw(1)[0]) < (200 if word >> bit & 1 else 90)
                    failures[bit] += failed
                    memory[at] ^= (not failed) << bit
            most = max(most, tried)
        took.append(most)
    got = faultmem.model(cfg, address, data)
    assert got.memory.tolist() == memory
    assert got.failures.tolist() == failures
    assert faultmem.history(cfg, address, data).cycles.tolist() == took
    assert faultmem.cycles(cfg, address, data) == sum(took) + 2


@given(WRITES, st.integers(1, 8), st.integers(1, 2**32 - 1))
def test_gaps_count_the_bits_between_failures(writes, bank_bits, seed):
    """A plain loop over bits: each that changes counts down, and at 0 fails and draws a gap."""
    cfg = Config(
        **{"words": 5, "bits": 6, "p01": 60, "p10": 60, "resolution": 8, "seed": seed},
        **{"bank_bits": bank_bits, "drawing": "gap"},
    )
    registers = [faultmem.Register(cfg, state) for state in cfg.seeds]
    thresholds = faultmem.gap_thresholds(60, 8)

    def gap(register):
        return sum(int(register.draw(1)[0] < t) << k for k, t in enumerate(thresholds))

    gaps = [gap(register) for register in registers]
    memory, took = [0] * 5, []
    for at, word in writes:
        most, old = 1, memory[at] if at < 5 else word
        for number, (low, end) in enumerate(cfg.banks):
            tried = 0
            for bit in range(low, end):
                if (old ^ word) >> bit & 1:
                    tried += 1
                    if gaps[number]:
                        gaps[number] -= 1
                        memory[at] ^= 1 << bit
                    else:
                        tried += len(thresholds)
                        gaps[number] = gap(registers[number])
            most = max(most, tried)
        took.append(most)
    address, data = (np.array([w[k] for w in writes], dtype=int) for k in range(2))
    assert faultmem.model(cfg, address, data).memory.tolist() == memory
    assert faultmem.history(cfg, address, data).cycles.tolist() == took


@pytest.mark.parametrize(("chance", "resolution"), [(-1, 2), (4, 2), (5, 2), (1, 0)])
def test_a_chance_that_is_none_has_no_gaps(chance, resolution):
    with pytest.raises(ValueError, match=rf"chance must be in 0\.\.\d+, not {chance}"):
        faultmem.gap_thresholds(chance, resolution)


@pytest.mark.parametrize(("chance", "resolution"), [(1, 1), (3, 4), (655, 16), (1, 12)])
def test_bits_of_a_gap_make_a_geometric_number(chance, resolution):
    """P(g) by the bits' chances, against (1 - p)^g p, to the rounding of thresholds."""
    share = np.array(faultmem.gap_thresholds(chance, resolution)) / 2**24
    gaps, p = np.arange(min(1 << len(share), 4096)), chance / 2**resolution
    ones = (gaps[:, None] >> np.arange(len(share))) & 1
    made = np.where(ones, share, 1 - share).prod(axis=1)
    wanted = (1 - p) ** gaps * p
    assert np.abs(made - wanted).max() < 2e-6
    assert np.abs(made / wanted - 1)[gaps * p < 3].max() < 1e-5
    mean = (share * 2.0 ** np.arange(len(share))).sum()
    assert mean == pytest.approx((1 - p) / p, rel=2e-6)


def test_chances_below_a_number_of_random_bits_are_kept():
    """At 2^-40 a gap has 45 bits, and its mean is what it should be."""
    thresholds = faultmem.gap_thresholds(1, 40)
    assert len(thresholds) == 45
    mean = sum(t / 2**24 * 2**k for k, t in enumerate(thresholds))
    assert mean == pytest.approx(2**40 - 1, rel=2e-6)
    assert faultmem.gap_thresholds(0, 40) == ()


@pytest.mark.parametrize("bank_bits", [1, 8])
def test_counts_of_gaps_are_within_their_confidence(bank_bits):
    """All failures, against the binomial of the attempts, five standard deviations."""
    p = 1 / 300
    chance = round(p * 2**40)
    cfg = Config(
        **{"words": 1, "p01": chance, "p10": chance, "resolution": 40},
        **{"bank_bits": bank_bits, "drawing": "gap"},
    )
    data = np.random.default_rng(0).integers(0, 256, 30_000)
    after = faultmem.history(cfg, np.zeros(len(data), dtype=int), data)
    before = np.concatenate([[0], after.word[:-1]])
    tried = np.bitwise_count((before ^ data).astype(np.uint64)).sum()
    failed = np.bitwise_count(after.failed.astype(np.uint64)).sum()
    assert abs(failed - tried * p) < 5 * np.sqrt(tried * p)


def test_counts_are_within_their_confidence():
    """Every bit's failures, against the binomial of its own attempts, five standard deviations."""
    cfg = Config(words=1, bits=8, p01=(3000, 0, 500, 60, 9000, 1, 30000, 12), p10=700)
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, 40_000)
    address = np.zeros(len(data), dtype=int)
    after = faultmem.history(cfg, address, data).word
    before = np.concatenate([[0], after[:-1]])
    changing = ((before ^ data)[:, None] >> np.arange(8)) & 1
    rising = changing * ((data[:, None] >> np.arange(8)) & 1)
    p01, p10 = (cfg.chances(name) / 65536 for name in ("p01", "p10"))
    mean = rising.sum(0) * p01 + (changing - rising).sum(0) * p10
    variance = rising.sum(0) * p01 * (1 - p01) + (changing - rising).sum(0) * p10 * (1 - p10)
    failures = faultmem.model(cfg, address, data).failures
    assert (np.abs(failures - mean) <= 5 * np.sqrt(variance)).all()


def test_expectation_is_exact():
    """The mean over many seeds, against the chain of chances."""
    base = {"words": 2, "bits": 3, "p01": 20000, "p10": (9000, 30000, 100)}
    address, data = [0, 1, 0, 0, 1, 0], [7, 5, 0, 7, 2, 7]
    chance, expected = faultmem.ideal(Config(**base), address, data)
    runs = [faultmem.model(Config(**base, seed=1 + 977 * k), address, data) for k in range(3000)]
    ones = np.mean([(m.memory[:, None] >> np.arange(3)) & 1 for m in runs], axis=0)
    assert np.abs(ones - chance).max() < 5 * 0.5 / np.sqrt(3000)
    failures = np.mean([m.failures for m in runs], axis=0)
    assert np.abs(failures - expected).max() < 5 * np.sqrt(expected.max() / 3000)


def test_unchanged_bits_cannot_fail_and_draw_nothing():
    cfg = Config(words=2, bits=4, p01=65535, p10=0)
    data = np.array([15, 15, 15, 0])
    first = faultmem.history(cfg, [0, 0, 0, 1], data)
    assert first.word.tolist() == [0, 0, 0, 0]  # the largest chance is not one, but close
    kept = faultmem.history(Config(words=1, p01=0, p10=65535), [0, 0, 0], [255, 255, 255])
    assert not kept.failed.any()
    one = Config(words=2, bits=4, p01=30000)
    plain = faultmem.history(one, [0, 0], [15, 5])
    between = faultmem.history(one, [0, 7, 1, 0], [15, 3, 0, 5])
    assert plain.word.tolist() == between.word[[0, 3]].tolist()


@pytest.mark.needs("icarus")
@pytest.mark.parametrize("preset", ["small", "gap"])
def test_rtl_equals_model(simulate, preset):
    simulate("faultmem", Config.preset(preset))


@pytest.mark.long
@pytest.mark.needs("icarus")
@pytest.mark.parametrize(
    "values",
    [
        Config.presets["graded"],
        Config.presets["perfect"],
        {"words": 1, "bits": 1, "p01": 1, "p10": 1, "resolution": 1, "bank_bits": 1},
        {"words": 5, "bits": 32, "bank_bits": 32, "p01": 1 << 29, "p10": 9, "resolution": 30},
        {"words": 3, "bits": 7, "bank_bits": 3, "seed": 2**32 - 1, "p01": 60000},
        {"drawing": "gap", "resolution": 1, "p01": 1, "p10": 1, "bits": 5, "bank_bits": 3},
        {"drawing": "gap", "resolution": 60, "p01": 1, "p10": 1, "bank_bits": 1},
        {
            **{"drawing": "gap", "resolution": 8, "bits": 3, "bank_bits": 1},
            **{"p01": (0, 9, 255), "p10": (0, 9, 255)},
        },
    ],
)
def test_rtl_equals_model_at_odd_sizes(simulate, values):
    simulate("faultmem", Config(**values))


@pytest.mark.needs("icarus")
def test_bench_notices_a_threshold_that_is_off_by_one(simulate):
    """Mutation: the chance of bit 0, where a single count decides."""
    cfg = Config(words=2, bits=2, resolution=3, p01=4, p10=4, bank_bits=1)
    with pytest.raises(BenchError, match=r"(word|failed)\["):
        simulate("faultmem", cfg, top=Top(cfg.replace(p01=(5, 4))), tests="words.*never.*never")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: Config(p01=65536),
            ValueError,
            "faultmem.p01 must be in 0..65535, of 16 bits",
        ),
        (
            lambda: Config(p10=-1),
            ValueError,
            "faultmem.p10 must be in 0..65535, of 16 bits",
        ),
        (lambda: Config(p10=(1, 2)), ValueError, "faultmem.p10 must be one, or one for each of 8"),
        (
            lambda: Config(drawing="gap", p10=(1, 2, 3, 4, 5, 6, 7, 8)),
            ValueError,
            "faultmem.p01 must be one, and p10 too, for bits 0..3, not 655",
        ),
        (
            lambda: Config(resolution=31),
            ValueError,
            "faultmem.resolution must be in 1..30, not 31",
        ),
        (
            lambda: Config(drawing="dice"),
            ValueError,
            "faultmem.drawing must be one of word, gap, not 'dice'",
        ),
        (lambda: Config(seed=0), ValueError, "faultmem.seed must be in 1..4294967295, not 0"),
        (lambda: Config(bits=33), ValueError, "faultmem.bits must be in 1..32, not 33"),
        (
            lambda: faultmem.model(Config(), [0], [256]),
            ValueError,
            "data must be in 0..255, not",
        ),
        (lambda: faultmem.model(Config(), [-1], [0]), ValueError, "addresses must be in 0.."),
        (
            lambda: faultmem.model(Config(), [0, 1], [0]),
            ValueError,
            "as many addresses (2) as",
        ),
        (
            lambda: faultmem.model(Config(), [0], [0.5]),
            TypeError,
            "data must hold integers, not",
        ),
        (lambda: faultmem.model(Config(), 0, 0), ValueError, "addresses must have one axis"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()
