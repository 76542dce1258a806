"""Tables of the page: what needs no tools is computed again and equals the committed rows."""

from pathlib import Path

import pytest

from nomul.experiments import tables
from nomul.experiments.lif import energy, rounding
from nomul.experiments.lif import tables as lif_tables
from nomul.golden import lif
from nomul.golden.lif import files
from nomul.train import data


def test_additions_of_digits_are_the_committed_ones():
    rows = {row["network"]: row for row in tables.load("lif", "T1").rows}
    again = lif_tables._row("digits-32", "digits")
    assert rows[again["network"]] == again


def test_spikes_add_less_below_eight_events_per_input():
    """The share of additions is the mean rate, weighted, over 8 / T."""
    network, samples = files.load(lif.trained()["digits-32"]), data.load("digits")
    row = lif_tables._row("digits-32", "digits")
    events = network.spikes(samples.x_test).sum(axis=1).mean(axis=0).sum()
    first = events * network.layers[0].neurons
    assert first < row["additions"] < first * 1.5
    sizes = [w.size for w in network.weights]
    rates = [row["rate, input"], row["rate, hidden"]]
    expected = sum(r * n for r, n in zip(rates, sizes, strict=True)) * network.steps
    assert row["additions"] == pytest.approx(expected, rel=0.01)
    assert row["share"] == pytest.approx(expected / (8 * sum(sizes)), abs=0.01)


def test_cycles_of_an_image_follow_the_formula():
    network, samples = files.load(lif.trained()["digits-32"]), data.load("digits")
    counts = lif.counts(network, network.spikes(samples.x_test[:1]))
    slow = [c.events * k + 8 * (k + 2) for c, k in zip(counts, (4, 2), strict=True)]
    assert lif_tables.cycles(network, 8, samples, 1) == max(slow)


def test_rates_at_which_spikes_stop_paying_follow_from_the_committed_energies():
    """A network of as many INT8 products as spikes have weights is the page's, and not a row."""
    network = files.load(lif.trained()["digits-32"])
    spikes, whole, logic, looked_up = tables.load("lif", "T3").rows
    per_cycle = spikes["pJ per image"] / spikes["cycles per image"]
    for row in (whole, logic):
        rate = energy._even(row["pJ per image"] / per_cycle, network)
        assert rate == pytest.approx(row["equal at a rate of"], rel=0.01)
    assert looked_up["equal at a rate of"] is None
    weights = sum(w.size for w in network.weights)
    smaller = logic["pJ per image"] * weights / 6464
    page = (Path(tables.__file__).parents[1] / "docs" / "lif.md").read_text()
    assert f"{smaller:,.0f} pJ" in page
    assert f"a rate of {energy._even(smaller / per_cycle, network):.2f};" in page


def test_exact_arithmetic_and_many_fraction_bits_agree():
    found = rounding.first_differences((0, 8))
    assert found[0] is not None
    assert found[8] is None
