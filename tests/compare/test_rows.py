"""Rows: what follows from what was measured, what resumes, who wins, and what is shown of it."""

import csv
import dataclasses
import json

import numpy as np
import pytest

from nomul import ledger
from nomul.experiments import labels
from nomul.experiments.compare import entries, page, pictures, regimes, rows
from nomul.experiments.compare.memory import Memory
from nomul.golden import pq
from nomul.golden.products import members

FAMILY = ("dense", "bitplanes", "permdiag", "spimc", "sonic")


def compared(subject, tmp_path, members=FAMILY, **options):
    return rows.compare(subject, members=members, store=tmp_path / "store", **options)


def test_a_row_follows_from_tiles_windows_and_loads(subject, tmp_path, measured):
    found = compared(subject, tmp_path, ["dense"])
    row = found.rows()[0]
    conv, dense = found.entries[0].about["layers"]
    assert len(measured) == 2
    assert [len(job.parts) for job in measured] == [2, 2]
    tiles, vectors = conv["tiles"] + dense["tiles"], conv["tiles"] * 12 + dense["tiles"]
    assert row["pJ"] == tiles * 1 + vectors * 0.5
    assert row["of it loading, pJ"] == tiles
    beats = row["load beats"]
    assert row["us"] == pytest.approx((row["cycles"] + beats) * 0.002, rel=1e-3)
    assert row["area x us"] == pytest.approx(100 * row["us"], rel=1e-3)
    assert row["accuracy, %"] == 100
    assert row["stored bits"] == conv["bits"] + dense["bits"]


def test_rows_come_back_from_the_store(subject, tmp_path, measured):
    first = compared(subject, tmp_path)
    assert first.computed == len(first.entries) == len(measured)
    again = compared(subject, tmp_path)
    assert again.computed == 0
    assert again.rows() == first.rows()
    other = compared(subject, tmp_path, period_ps=1500)
    assert other.computed == len(other.entries)


def test_an_interrupted_comparison_goes_on(subject, tmp_path, measured, monkeypatch):
    whole = rows.cluster.spread

    def stopped(task, jobs, *more):
        yield next(whole(task, jobs, *more))
        raise KeyboardInterrupt

    monkeypatch.setattr(rows.cluster, "spread", stopped)
    first = compared(subject, tmp_path)
    assert first.stopped
    assert first.computed == 1
    assert [row["cannot"] for row in first.rows()].count("not measured yet") == 5
    monkeypatch.setattr(rows.cluster, "spread", whole)
    second = compared(subject, tmp_path)
    assert not second.stopped
    assert second.computed == 5


def test_a_job_that_fails_fails_alone(subject, tmp_path, measured, monkeypatch):
    whole = rows.cluster.spread

    def broken(task, jobs, *more):
        for number, (key, values, _) in enumerate(whole(task, jobs, *more)):
            yield key, values, "ToolError: no more room" if number == 0 else ""

    monkeypatch.setattr(rows.cluster, "spread", broken)
    found = compared(subject, tmp_path)
    assert [entry.failed for entry in found.entries].count(True) == 1
    assert found.rows()[0]["cannot"] == "ToolError: no more room"
    assert compared(subject, tmp_path).entries[0].measured is None


def test_what_one_member_cannot_hold_is_its_own_matter(subject, tmp_path, measured, monkeypatch):
    module = members.member("permdiag")

    def refuse(cfg, w):
        raise ValueError("permdiag: not today")

    monkeypatch.setattr(module, "project", refuse)
    found = compared(subject, tmp_path)
    by = {entry.label: entry for entry in found.entries}
    assert by["permdiag"].error.startswith("cannot hold layer 0, conv2d 4x1x3x3: permdiag")
    assert not by["permdiag"].failed
    assert not found.dropped
    alone = compared(subject, tmp_path / "other", ["permdiag"])
    assert list(alone.dropped) == ["layer 0, conv2d 4x1x3x3", "layer 3, dense 48x3"]
    assert page.write(alone, tmp_path / "page")[-1].name == "index.html"


def made(array, accuracy, **values):
    """Return a row with some figures."""
    row = dict.fromkeys(("fine-tuned, %", *entries.COLUMNS))
    row |= {"array": array, "size": "small", "weights": "exact", "accuracy, %": accuracy}
    return row | {"cannot": ""} | values


ROWS = [
    made("dense", 97.0, **{"pJ": 100.0, "us": 10.0, "um2": 50, "stored bits": 80, "cycles": 8}),
    made("sparse", 96.5, **{"pJ": 40.0, "us": 20.0, "um2": 70, "stored bits": 20, "cycles": 16}),
    made("wrong", 30.0, **{"pJ": 1.0, "us": 1.0, "um2": 1, "stored bits": 1, "cycles": 1}),
    made("tables", 97.1, weights="another network", **{"pJ": 2.0, "us": 0.1, "um2": 30}),
]


def test_the_winner_recognises_enough_and_its_reasons_are_ratios():
    found = regimes.verdict(ROWS, "energy", 1.0)
    assert [row["array"] for row in found.ranks] == ["tables", "sparse", "dense"]
    assert [row["array"] for row in found.left_out] == ["wrong"]
    assert regimes.not_ranked(found, 1.0).endswith("1 point of accuracy: wrong (small) 30 %.")
    assert regimes.not_ranked(regimes.verdict(ROWS[:2], "energy", 1.0), 1.0) == ""
    assert "Of those that run this network sparse (small) is best with 40, 20 times" in found.text
    assert "0.40 times as much (cycles 2.00 times as much)" in found.text
    storage = regimes.verdict(ROWS, "storage", 1.0)
    assert storage.text.startswith("sparse (small) wins with 20 stored bits")
    assert regimes.verdict(ROWS, "storage", 0.1).ranks[0]["array"] == "dense"
    assert regimes.verdict(ROWS, "energy", 70).ranks[0]["array"] == "wrong"
    with pytest.raises(ValueError, match="--for must be one of latency, area"):
        regimes.verdict(ROWS, "beauty", 1)


def test_a_baseline_that_wins_says_that_nothing_pays():
    text = regimes.verdict(ROWS[:2], "latency", 1.0).text
    assert text.startswith("dense (small) wins with 10 us; no structure pays: sparse (small)")


def test_every_mark_of_a_front_is_labelled():
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    marks = pictures.draw(ROWS, "energy", axes)
    labels.label(axes, marks)
    assert [text.get_text() for text in axes.texts].count("dense") == 1
    assert len(axes.texts) == len(ROWS)
    line = axes.lines[0]
    assert list(line.get_xdata()) == [1.0, 2.0]  # what is wrong but small, and what nothing beats


def test_the_page_has_winners_losers_and_constants(subject, tmp_path, measured):
    found = compared(subject, tmp_path)
    files = page.write(found, tmp_path / "out", within=100, chosen="storage")
    names = [path.name for path in files]
    assert names == ["table.csv", "energy.svg", "energy.png", "area.svg", "area.png", "index.html"]
    text = files[-1].read_text()
    assert text.index("For storage") < text.index("For latency")
    for entry in found.entries:
        assert f"{entry.label} (small)" in text
    assert "0.826" in text
    assert "modelled" in text
    with files[0].open() as stream:
        table = list(csv.DictReader(stream))
    assert [row["array"] for row in table] == [entry.label for entry in found.entries]


def test_memory_is_modelled_by_its_constants():
    memory = Memory(bits=18_433, moved=640.0)
    assert memory.um2 == pytest.approx(18_433 / 0.826)
    assert memory.pj == 100
    assert memory.blocks == 2


def test_jobs_survive_json(subject, tmp_path, measured):
    """What a result is kept under must be plain, whatever went into it."""
    compared(subject, tmp_path)
    for job in measured:
        ledger.stamp({**vars(job), "parts": list(job.parts)})
        json.dumps(job.parts)


def test_sums_that_are_none_of_the_weights_are_measured_with_their_samples(
    subject, tmp_path, measured
):
    found = compared(subject, tmp_path, ["pq", "circulant"])
    assert [row["weights"] for row in found.rows()][:2] == ["approximated", "imposed"]
    assert not any(row["cannot"] for row in found.rows())
    assert ["samples" in job.parts[0] for job in measured][:2] == [True, False]


def test_networks_of_few_bits_are_held(subject, tmp_path, measured):
    """Their tables are not all zero, and their codebooks no longer than weights have values."""
    layers, rng = list(subject.net.layers), np.random.default_rng(2)
    for number in (0, 3):
        w = rng.integers(-3, 4, layers[number].w.shape)
        layers[number] = dataclasses.replace(layers[number], w=w)
    layers[1] = dataclasses.replace(layers[1], shift=9, high=7)
    scale = {"input_scale": 1 / 7, "input_low": 0, "input_high": 7}
    net = subject.net.replace(layers=layers, weight_bits=3, act_bits=3, **scale)
    found = compared(dataclasses.replace(subject, net=net), tmp_path, ["pq", "sonic"])
    assert [row["cannot"] for row in found.rows()] == ["", ""]
    assert [row["weights"] for row in found.rows()] == ["approximated", "exact"]
    tables, levels = (entry.job for entry in found.entries)
    cfg = pq.Config.from_json(tables.config)
    for part in tables.parts:
        # Four of the largest products are within twice the largest entry.
        assert 4 * 3 * 7 >> cfg.table_shift < 2 * 128
        x, w = np.array(part["x"]), np.array(part["w"])
        packed = pq.fit(cfg, w, np.array(part["samples"]))
        y = pq.model(cfg, packed, x) << cfg.table_shift
        # Sixteen prototypes may miss some vectors, and not by as much as sums of nothing.
        assert np.abs(y - x @ w).sum() < np.abs(x @ w).sum() / 2
    assert json.loads(levels.config)["code_bits"] == 3


def test_training_counts_where_it_helps(subject, tmp_path, measured, monkeypatch):
    """In place of a trained network: the network itself projected, and one of nothing but zeros."""
    plain = compared(subject, tmp_path, ["permdiag"]).entries[0]
    zeros = [
        dataclasses.replace(layer, w=np.zeros_like(layer.w)) if hasattr(layer, "w") else layer
        for layer in subject.net.layers
    ]
    lost = subject.net.replace(layers=zeros)
    monkeypatch.setattr(rows, "tuned", lambda *_: lost)
    worse = compared(subject, tmp_path, ["permdiag"], finetune=True)
    assert worse.entries[0].about == plain.about
    row = worse.rows()[0]
    assert row["fine-tuned, %"] < row["accuracy, %"] == regimes.accuracy(row)
    low = {**plain.about, "accuracy": 0.0}
    monkeypatch.setattr(
        rows, "fit", lambda subject, candidate, net=None: plain.about if net else low
    )
    monkeypatch.setattr(rows, "_own", lambda: "another program")
    better = compared(subject, tmp_path, ["permdiag"], finetune=True).rows()[0]
    assert better["accuracy, %"] == 0
    assert regimes.accuracy(better) == better["fine-tuned, %"] > 0
