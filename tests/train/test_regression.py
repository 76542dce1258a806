"""Regression by a network of look-up tables: the estimator, its network in Verilog, and a board."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs pip install 'nomul[train]'")
pytest.importorskip("sklearn", reason="needs pip install 'nomul[train]'")

from sklearn.datasets import make_friedman1
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import check_estimator

import nomul
from nomul.board import Word
from nomul.capabilities import lutnet as capability
from nomul.flow import lines
from nomul.golden import lutnet
from nomul.train.lutnet import regression, tabular


def test_the_estimator_passes_the_checks_of_scikit_learn():
    done = check_estimator(nomul.LutRegressor(luts=200, epochs=40), on_skip=None)
    assert {r["status"] for r in done} <= {"passed", "skipped"}
    assert sum(r["status"] == "passed" for r in done) > 40


@pytest.fixture(scope="module")
def curved():
    return make_friedman1(600, random_state=1, noise=0.5)


def test_what_is_not_linear_is_learned(curved):
    ours = cross_val_score(nomul.LutRegressor(luts=300, epochs=40), *curved, cv=3)
    assert ours.min() > 0.85 > cross_val_score(LinearRegression(), *curved, cv=3).max()


def test_scale_and_offset_are_the_best_of_all_lines(curved):
    """Errors of the training samples have no mean, and nothing in common with the counts."""
    x, y = curved
    made = nomul.LutRegressor(luts=100, epochs=3).fit(x, y)
    counts = lutnet.model(made.network, x)[:, 0]
    rest = y - made.predict(x)
    assert abs(rest.mean()) < 1e-9 * np.ptp(y)
    assert abs(rest @ counts) < 1e-9 * (np.abs(y) @ counts)
    assert made.network.about["luts"] <= 100


@pytest.mark.parametrize("y", [np.full(40, 7.0), np.arange(40) % 2])
def test_a_constant_and_two_values_are_numbers_too(y):
    x = np.stack([np.arange(40) % 2, np.arange(40)], axis=1)
    got = nomul.LutRegressor(luts=40, epochs=30).fit(x, y).predict(x)
    assert np.abs(got - y).max() < 0.3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"luts": 0}, "luts must be at least 1, not 0"),
        ({"luts": 5}, "luts must be at least 6 for a count"),
        ({"edges": "even"}, "edges must be one of quantile, uniform, not 'even'"),
        ({"bits": 9}, r"bits must be in 1\.\.8, not 9"),
    ],
)
def test_parameters_that_cannot_be_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        nomul.LutRegressor(**change).fit([[0.0], [1.0]], [0.0, 1.0])


def test_an_interrupted_run_goes_on(curved, tmp_path):
    plan = tabular.Plan(luts=40, bits=3, edges="quantile", epochs=3, seed=1)
    whole, _ = regression.train(plan, *curved)
    seen: list[float] = []

    def interrupt(loss):
        seen.append(loss)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        regression.train(plan, *curved, checkpoint=tmp_path / "n", advance=interrupt)
    again, _ = regression.train(plan, *curved, checkpoint=tmp_path / "n")
    assert again == whole
    assert not list(tmp_path.iterdir())


@pytest.mark.needs("icarus")
def test_the_verilog_counts_and_a_board_answers_numbers(curved, tmp_path):
    """The bench compares the counts; the answers of words are those of the estimator."""
    x, y = curved
    made = nomul.LutRegressor(luts=60, epochs=3).fit(x, y)
    made.network.save(tmp_path / "net.npz")
    design = nomul.design("lutnet", network=str(tmp_path / "net.npz"))
    assert design.simulate(tmp_path / "sim").tests == 4
    top = design.block.top(design.cfg)
    top._MustUse__silence = True
    payloads = lines.described(design.block, design.cfg, top)["payloads"]
    words = {name: Word(payload) for name, payload in payloads.items()}
    question = capability.predict(design.cfg, x[:20], words)
    counts = lutnet.model(made.network, x[:20])[:, 0].tolist()
    (lane,) = words["y"].fields.keys() - {"last"}
    given = {"y": [words["y"].pack(**{lane: count}) for count in counts]}
    assert np.allclose(question.classes(given), made.predict(x[:20]))
