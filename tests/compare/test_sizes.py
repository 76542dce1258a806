"""Arrays of three sizes: what is trained once, what is left out and says why, what is shown."""

import dataclasses

from nomul.experiments.compare import rows, sizes, tuning
from nomul.experiments.compare.choices import SIZES, candidates
from nomul.experiments.compare.fit import configured

ALL = tuple(SIZES)


def structures(subject, member):
    """Return what training sees of a member's candidates in two sizes."""
    chosen = candidates([member], ALL[:2], 8, False, {})
    return [tuning._structure(subject.net, member, configured(c, subject.net)) for c in chosen]


def test_arrays_that_hold_the_same_are_trained_once(subject, tmp_path, monkeypatch):
    """Blocks of four are the same in any tile, and by any engine; a codebook is of a tile."""
    assert len(set(structures(subject, "circulant"))) == 1
    assert len(set(structures(subject, "permdiag"))) == 1
    assert len(set(structures(subject, "sonic"))) == 2
    assert structures(subject, "circulant")[0] != structures(subject, "permdiag")[0]
    trained = []

    def train(subject, member, cfg):
        trained.append(cfg)
        return subject.net

    monkeypatch.setattr(tuning, "_trained", train)
    samples = dataclasses.replace(subject.samples, x=subject.samples.x_test)
    subject = dataclasses.replace(subject, samples=samples)
    for candidate in candidates(["circulant"], ALL[:2], 8, False, {}):
        tuning.tuned(subject, candidate, tmp_path)
    assert len(trained) == 1
    other = dataclasses.replace(samples, x=samples.x[::-1].copy())
    tuning.tuned(dataclasses.replace(subject, samples=other), candidate, tmp_path)
    assert len(trained) == 2


def test_what_was_made_with_other_samples_for_training_is_made_again(subject, tmp_path, measured):
    """Of the same network and test set: tables are fitted to the samples for training."""
    half = subject.samples.x_test[::2]
    for x in (None, half, half * 0.5, half):
        samples = dataclasses.replace(subject.samples, x=x)
        given = dataclasses.replace(subject, samples=samples)
        rows.compare(given, members=["pq"], store=tmp_path / "store")
    seen = [[part["samples"] for part in job.parts] for job in measured]
    assert len(seen) == 3
    assert seen[0] != seen[1] != seen[2] != seen[0]


def test_what_is_left_out_says_why(subject, tmp_path, measured):
    reason = "takes an hour to map"
    found = rows.compare(
        subject,
        members=["dense", "spimc"],
        sizes=ALL,
        without={("freepdk45", "spimc", "large"): reason, ("ecp5", "dense", "large"): reason},
        store=tmp_path / "store",
    ).rows()
    assert [row["size"] for row in found if row["cannot"] == reason] == ["large"]
    assert sum(row["um2"] is not None for row in found) == len(measured) == 8
    shown = sizes.shown(found)
    assert [row["size"] for row in shown if row["array"] == "spimc"] == list(ALL)
    assert [row["cannot"] for row in shown].count("") == 8
    assert "LUT" not in shown[0]


def test_every_array_has_a_line_over_its_sizes(subject, tmp_path, measured):
    from matplotlib.figure import Figure

    found = rows.compare(subject, members=["dense"], sizes=ALL, store=tmp_path / "store").rows()
    figure = Figure()
    sizes.against(found, figure)
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "um2",
        "us per inference",
        "pJ per inference",
    ]
    for axes in figure.axes:
        assert [list(line.get_xdata()) for line in axes.lines] == [[64, 256, 1024]] * 2


def test_what_the_tables_leave_out_exists():
    for target, member, size in sizes.LEFT_OUT:
        assert target in ("freepdk45", "ecp5")
        assert candidates([member], [size], 8, False, {})
