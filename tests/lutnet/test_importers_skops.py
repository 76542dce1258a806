"""Files of skops: the trees within answer as scikit-learn, and nothing untrusted is loaded."""

import zipfile

import numpy as np
import pytest

from nomul.capabilities import readers, skops_files
from nomul.golden import lutnet

io = pytest.importorskip("skops.io", reason="needs pip install skops")
ensemble = pytest.importorskip("sklearn.ensemble", reason="needs pip install scikit-learn")
from sklearn import base, linear_model, tree  # noqa: E402

RNG = np.random.default_rng(4)
X = RNG.normal(size=(150, 4)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
MODELS = {
    "forest": ensemble.RandomForestClassifier(4, max_depth=3, random_state=1),
    "boosted": ensemble.GradientBoostingClassifier(n_estimators=3, random_state=1),
    "tree": tree.DecisionTreeClassifier(max_depth=4, random_state=1),
}


def saved(model, path, y=Y):
    io.dump(model.fit(X, y), path)
    return path


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("y", [Y, Y > 0], ids=["three", "two"])
def test_the_network_answers_as_the_estimator(tmp_path, name, y):
    model = MODELS[name]
    path = saved(model, tmp_path / "m.skops", y)
    read = readers.load(path, options=["leaf_bits=12", "real=true"])
    assert (read.reader.kind, read.reader.format) == ("tables", "skops")
    wanted = np.searchsorted(model.classes_, model.predict(X))
    assert np.array_equal(lutnet.predict(read.network, X), wanted)


class Strange(base.BaseEstimator, base.ClassifierMixin):
    """An estimator whose code is not known to whoever reads the file."""

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self


def test_types_that_are_not_trusted_are_refused_before_anything_is_loaded(tmp_path, monkeypatch):
    path = saved(Strange(), tmp_path / "m.skops")
    monkeypatch.setattr(io, "load", lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(ValueError, match=r"m.skops: types that are not trusted: .*Strange"):
        readers.load(path)


def test_an_estimator_without_trees_is_refused(tmp_path):
    path = saved(linear_model.LogisticRegression(), tmp_path / "m.skops")
    with pytest.raises(
        ValueError, match=r"m.skops: model must be one of .*, not LogisticRegression"
    ):
        readers.load(path)


def test_a_tree_whose_children_are_not_there_is_refused(tmp_path, monkeypatch):
    """What skops warns of: an index beyond the tree."""
    path = saved(MODELS["tree"], tmp_path / "m.skops")
    model = skops_files.estimator(path)
    model.tree_.children_left[0] = 999
    monkeypatch.setattr(skops_files, "estimator", lambda _: model)
    with pytest.raises(ValueError, match=r"m.skops: .*999"):
        readers.load(path, options=["real=true"])


def test_what_is_no_file_of_skops_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "m.skops"
    path.write_text("no")
    with pytest.raises(ValueError, match=r"m.skops: is no file of skops"):
        readers.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", "{}")
    with pytest.raises(ValueError, match=r"m.skops: is no file of skops: "):
        readers.load(path)
    saved(MODELS["tree"], path)
    monkeypatch.setattr(skops_files, "MOST_BYTES", 100)
    with pytest.raises(
        ValueError, match=r"m.skops: has \d+ bytes, more than the 100 that are read"
    ):
        readers.load(path)
