"""SONIC's device model: the published figures come out of the table, and errors are named."""

import dataclasses
import math

import numpy as np
import pytest

from nomul.golden import sonic
from nomul.golden.sonic import Config, Result, devices

TABLE = devices.load()
PAPER = Config.preset("paper")


def counts(passes, rounds, active, gated, pad, kind=""):
    return Result(np.zeros(0, dtype=np.int64), passes, rounds, active, gated, pad, 0, kind)


def test_pass_and_full_activity_are_the_published_figures():
    assert round(devices.pass_ns(TABLE), 3) == 34.336
    assert math.isclose(devices.unit_mw(TABLE, "conv", 5), 286.3)
    assert math.isclose(devices.unit_mw(TABLE, "fc", 50), 2279.8)
    assert round(devices.full_mw(PAPER, TABLE) / 1000, 2) == 37.11
    assert round(devices.activation_dac_share(PAPER, TABLE), 3) == 0.808


def test_gating_helps_conv_and_hardly_fc():
    assert math.isclose(devices.unit_mw(TABLE, "conv", 2, 3), 162.4)
    saved = 1 - devices.unit_mw(TABLE, "fc", 0, 50) / devices.unit_mw(TABLE, "fc", 50)
    assert round(saved, 3) == 0.094


@pytest.mark.parametrize(("wavelengths", "bits"), [(5, 9.1), (15, 5.7), (50, 2.2)])
def test_crosstalk_is_the_published_resolution(wavelengths, bits):
    assert round(devices.crosstalk_bits(wavelengths), 1) == bits


def test_time_and_energy_of_full_units():
    time, energy = sonic.device(PAPER, counts(20, 2, 100, 0, 0))
    assert math.isclose(time, 2 * 34.3358e-9)
    assert math.isclose(energy, 20 * 286.3e-3 * 34.3358e-9)
    time, energy = sonic.device(PAPER, counts(10, 1, 500, 0, 0), TABLE)
    assert math.isclose(time, 34.3358e-9)
    assert math.isclose(energy, 10 * 2279.8e-3 * 34.3358e-9)
    assert sonic.device(PAPER, counts(0, 0, 0, 0, 0, "fc")) == (0.0, 0.0)


def test_energy_of_a_layer_is_the_sum_over_its_units():
    """Pass by pass from the definition, for a layer with gated and empty lanes."""
    cfg, rng = PAPER, np.random.default_rng(2)
    codes = np.where(rng.random((13, 120)) < 0.5, 0, rng.integers(1, 64, (13, 120)))
    a = np.where(rng.random(120) < 0.3, 0, rng.integers(1, 999, 120))
    result = sonic.fc(cfg, codes, np.arange(64), a)
    keep, energy = np.flatnonzero(a), 0.0
    for row in codes:
        for q in range(0, len(keep), cfg.fc_lanes):
            chunk = row[keep[q : q + cfg.fc_lanes]]
            active = int((chunk != 0).sum())
            energy += devices.unit_mw(TABLE, "fc", active, len(chunk) - active) * 1e-3
    got = sonic.device(cfg, result, TABLE)
    assert math.isclose(got.energy, energy * 34.3358e-9)
    assert math.isclose(got.time, result.rounds * 34.3358e-9)


def test_gating_saves_what_the_table_says():
    assert math.isclose(
        devices.gating_saves(PAPER, counts(1, 1, 2, 3, 0, "conv")), 1 - 162.4 / 286.3
    )
    assert devices.gating_saves(PAPER, counts(0, 0, 0, 0, 0, "fc")) == 0


def test_crosstalk_limits_the_operands():
    cfg = devices.limited(PAPER)
    assert (cfg.conv_resolution, cfg.fc_resolution) == (9, 2)
    # Two bits leave -2 .. 1 quarters of the range.
    y = sonic.fc(cfg, [[1]], [0, 16384], [20000]).y
    assert y.tolist() == [16384 * 16384]
    assert devices.limited(PAPER.replace(fc_lanes=1)).fc_resolution == 16


def test_a_table_of_ones_own(tmp_path):
    text = (devices.files("nomul.golden.sonic") / "devices.toml").read_text()
    path = tmp_path / "fast.toml"
    path.write_text(text.replace("latency_ns = 14.0", "latency_ns = 1.0"))
    assert devices.load(path) == dataclasses.replace(TABLE, adc_ns=1.0)
    path.write_text(text.replace("latency_ns = 14.0", 'latency_ns = "14"'))
    with pytest.raises(ValueError, match=r"device table: adc.latency_ns must be a number"):
        devices.load(path)
    with pytest.raises(ValueError, match="lanes in 3 passes; a unit has 50"):
        sonic.device(PAPER, counts(3, 1, 1, 1, 1))
    with pytest.raises(ValueError, match="wavelengths must be at least 1"):
        devices.crosstalk_bits(0)
