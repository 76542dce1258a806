"""Bitstream sources: closed forms, scipy's Sobol, sharing, and the RTL against the model."""

import numpy as np
import pytest
from scipy.stats import qmc

from nomul.golden import bitstream, lfsr
from nomul.golden.bitstream import Config
from nomul.hw.bitstream import Top
from nomul.sim.harness import BenchError


@pytest.mark.parametrize("preset", Config.presets)
def test_rtl_equals_model(simulate, preset):
    simulate("bitstream", Config.preset(preset))


@pytest.mark.parametrize("source", bitstream.SOURCES)
@pytest.mark.parametrize("share", bitstream.SHARES)
def test_rtl_equals_model_for_every_source(simulate, source, share):
    small = {"rows": 3, "cols": 11, "width": 4, "stream_bits": 8, "bits_per_cycle": 2}
    if share == "lane" and source in ("vdc", "sobol"):
        with pytest.raises(ValueError, match=r"bitstream.share must be pair or rotate"):
            Config(source=source, share=share, **small)
        return
    cfg = Config(source=source, share=share, permute="rotate", lfsr_width=9, **small)
    simulate("bitstream", cfg)


def test_bench_notices_a_wrong_scramble(simulate):
    """Mutation: the hardware starts from another seed."""
    cfg = Config.preset("small")
    with pytest.raises(BenchError, match=r"r\[0, 0\] is 0x"):
        simulate("bitstream", cfg, top=Top(cfg.replace(seeds=[0x1234, 1])), tests="never")


@pytest.mark.parametrize("source", ["sobol"])
def test_sobol_equals_scipy(source):
    r, s = bitstream.words(Config(source=source, stream_bits=256), 1)
    expected = qmc.Sobol(2, scramble=False).random(256) * 256
    assert np.array_equal(np.stack([r[0], s[0]], axis=1), expected)


@pytest.mark.parametrize("sng", bitstream.GENERATORS)
@pytest.mark.parametrize("width", [1, 4, 8])
def test_every_operand_has_as_many_ones_as_its_value(sng, width):
    """Over all words, for every operand up to 2**W."""
    word, operand = np.arange(1 << width), np.arange((1 << width) + 1)
    ones = bitstream.ones(sng, word[:, None], operand, width)
    assert np.array_equal(ones.sum(axis=0), operand)


def test_weighted_generator_reads_the_operand_at_the_leading_one():
    words = np.array([0b0000, 0b0001, 0b0011, 0b0110, 0b1111])
    got = bitstream.ones("wbg", words, np.array(0b1010), 4)
    assert got.tolist() == [False, False, True, False, True]
    assert bitstream.ones("wbg", words, np.array(0b10000), 4).all()


@pytest.mark.parametrize("source", ["vdc", "sobol"])
def test_rows_are_cut_to_their_levels_and_columns_are_not(source):
    whole = bitstream.points(Config(source=source, stream_bits=16))
    rows, cols = bitstream.points(Config(source=source, stream_bits=16, row_levels=4))
    assert np.array_equal(rows, whole[0] & 0xC0)
    assert np.bincount(rows // 64).tolist() == [4, 4, 4, 4]
    assert np.array_equal(cols, whole[1])


def test_van_der_corput_is_counting_and_reversed_counting():
    r, s = bitstream.words(Config(source="vdc", stream_bits=16), 2)
    assert r[1].tolist() == list(range(0, 256, 16))
    assert s[1].tolist() == [int(f"{n:08b}"[::-1], 2) for n in range(16)]


@pytest.mark.parametrize("source", ["vdc", "sobol"])
@pytest.mark.parametrize("stream_bits", [2, 16, 128])
def test_points_are_linear_in_their_index(source, stream_bits):
    """What the hardware relies on: point(a XOR b) = point(a) XOR point(b)."""
    for sequence in bitstream.points(Config(source=source, stream_bits=stream_bits)):
        n = np.arange(stream_bits)
        assert np.array_equal(sequence[n[:, None] ^ n], sequence[:, None] ^ sequence)


@pytest.mark.parametrize("source", bitstream.SOURCES)
def test_words_continue_where_they_stopped(source):
    cfg = Config(source=source)
    for whole, rest in zip(
        bitstream.words(cfg, 50), bitstream.words(cfg, 20, n_vectors_before=30), strict=True
    ):
        assert np.array_equal(whole[30:], rest)


@pytest.mark.parametrize("source", ["lfsr", "lfsr_shared", "vdc_xor", "sobol_xor"])
def test_pair_is_the_first_lane_of_the_other_schemes(source):
    pair = bitstream.words(Config(source=source), 3)
    for share in ("rotate", "lane"):
        cfg = Config(source=source, share=share)
        lanes = bitstream.words(cfg, 3)
        assert np.array_equal(lanes[0][:, :, 0], pair[0])
        assert lanes[0].shape == (3, 16, cfg.rows)
        assert lanes[1].shape == (3, 16, cfg.cols)


def test_rotation_follows_the_definition():
    cfg = Config(source="lfsr", share="rotate", rows=20)
    word = bitstream.words(Config(source="lfsr"), 1)[0][0, 0]
    lanes = bitstream.words(cfg, 1)[0][0, 0]
    for lane, got in enumerate(lanes):
        by = lane % 8
        rotated = int(word << by | word >> (8 - by)) & 0xFF
        assert got == rotated ^ (lane // 8 * 0x9D % 256)


def test_scramble_leap_visits_every_state():
    """The leap is the smallest number from 2W on that shares no factor with the period."""
    for width in range(1, 9):
        cfg = Config(width=width, lfsr_width=max(2 * width, 3), stream_bits=2)
        period = (1 << cfg.lfsr_width) - 1
        assert cfg.step >= 2 * width
        assert np.gcd(cfg.step, period) == 1
        assert all(np.gcd(leap, period) != 1 for leap in range(2 * width, cfg.step))


def test_first_vector_uses_the_seed_itself():
    cfg = Config(source="vdc_xor", seeds=[0xBEEF, 1])
    r, s = bitstream.words(cfg, 1)
    assert (r[0, 0], s[0, 0]) == (0xBE, 0xEF)


def test_lfsr_reads_the_top_bits_of_two_registers():
    r, s = bitstream.words(Config(source="lfsr", leap=3), 2)
    a = lfsr.sequence(16, lfsr.TAPS[16], 0xACE1, 32, 3) >> 8
    b = lfsr.sequence(16, (16, 14, 13, 11), 0x1D0F, 32, 3) >> 8
    assert np.array_equal(r.ravel(), a)
    assert np.array_equal(s.ravel(), b)


def test_shared_register_is_read_reversed():
    r, s = bitstream.words(Config(source="lfsr_shared"), 1)
    state = 0xACE1
    assert (r[0, 0], s[0, 0]) == (0xAC, int(f"{state:016b}"[::-1], 2) >> 8)


def test_ideal_words_are_uniform_and_independent():
    r, s = bitstream.ideal(Config(width=4, rows=2, cols=3), np.random.default_rng(3), 2000)
    assert r.shape == (2000, 16, 2)
    assert s.shape == (2000, 16, 3)
    counts = np.bincount(r.ravel(), minlength=16)
    chi_square = ((counts - r.size / 16) ** 2).sum() / (r.size / 16)
    assert chi_square < 37.7  # 99.9 % quantile at 15 degrees of freedom


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stream_bits": 12}, "bitstream.stream_bits must be a power of two in 1..256, not 12"),
        ({"bits_per_cycle": 32}, "bitstream.bits_per_cycle must be a power of two in 1..16, not 3"),
        ({"seeds": (0, 1)}, "bitstream.seeds must be in 1..65535, not (0, 1)"),
        ({"lfsr_width": 15}, "bitstream.lfsr_width must be at least 2 * width = 16 for source"),
        ({"source": "lfsr", "lfsr_width": 8}, "bitstream.lfsr_width must be more than width = 8"),
        ({"width": 3, "stream_bits": 16}, "bitstream.stream_bits must be at most 2**width = 8"),
        ({"source": "sobol", "width": 9}, "bitstream.width must be at most 8 for a sobol source"),
        ({"row_levels": 3}, "bitstream.row_levels must be a power of two in 1..16, not 3"),
        ({"source": "lfsr", "row_levels": 4}, "bitstream.row_levels must be absent for source"),
        ({"source": "halton"}, "bitstream.source must be one of lfsr, lfsr_shared, vdc_xor"),
    ],
)
def test_bad_parameters_are_named(values, message):
    with pytest.raises(ValueError, match="bitstream") as caught:
        Config(**values)
    assert message in str(caught.value)
