"""A user's own samples: files and their refusals, training within a budget, the estimator.

One file, since the cases vary one table of samples.
"""

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs pip install 'nomul[train]'")
datasets = pytest.importorskip("sklearn.datasets", reason="needs pip install 'nomul[train]'")

from sklearn.model_selection import StratifiedKFold, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

import nomul  # noqa: E402
from nomul import flow, train  # noqa: E402
from nomul.capabilities import lutnet as capability  # noqa: E402
from nomul.golden import lutnet  # noqa: E402
from nomul.sim.harness import BenchError  # noqa: E402
from nomul.train import samples  # noqa: E402
from nomul.train.lutnet import budget, tabular  # noqa: E402

TEXT = "size;colour;kind\n1.5;red;yes\n-2;blue;no\n3e0;red;yes\n0;green;no\n"


def write(path, text):
    path.write_text(text)
    return path


@pytest.fixture
def coloured(tmp_path):
    return write(tmp_path / "my.csv", TEXT)


def test_a_text_becomes_features_and_classes(coloured):
    got = samples.load(coloured, "kind")
    assert got.classes == ("no", "yes")
    assert got.labels.tolist() == [1, 0, 1, 0]
    assert got.columns[1].categories == ("blue", "green", "red")
    assert got.x.tolist() == [[1.5, 0, 0, 1], [-2, 1, 0, 0], [3, 0, 0, 1], [0, 0, 1, 0]]


def test_another_file_is_read_by_the_names_of_the_first(coloured, tmp_path):
    """Its columns in another order, one of them too many, and a part of the categories."""
    first = samples.load(coloured, "kind")
    other = write(tmp_path / "b.csv", "kind,more,colour,size\nno,9,red,7\n")
    got = samples.load(other, "kind", first.columns, first.classes)
    assert got.x.tolist() == [[7, 0, 0, 1]]
    assert got.labels.tolist() == [0]


def test_arrays_are_samples_too(tmp_path):
    x, y = np.arange(6.0).reshape(3, 2), np.array([10, 2, 10])
    np.savez(tmp_path / "a.npz", x=x, y=y)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    for path, target in (("a.npz", "y"), ("x.npy", str(tmp_path / "y.npy"))):
        got = samples.load(tmp_path / path, target)
        assert got.x.tolist() == x.tolist()
        assert got.classes == ("2", "10")
        assert got.labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.replace("kind", "sort", 1), "my.csv: has no column 'kind' for the target; it has si"),
        (TEXT.replace("-2;blue", "-2"), "my.csv: row 2 must have 3 values, not 2"),
        (TEXT.replace("size", "colour"), "my.csv: has the column 'colour' twice"),
        ("1,2,3\n4,5,6\n", "my.csv: must begin with a line of names, not '1,2,3'"),
        ("a,kind\n", "my.csv: must have a line of names and at least one row"),
        (",a,kind\n0,1,x\n1,2,y\n", "my.csv: column 1 has no name: leave it out if it numbers the"),
        (TEXT.replace("-2;blue;no", "-2;blue;"), "my.csv: row 2, target 'kind' must have a value"),
        (TEXT.replace("blue", ""), "my.csv: row 2, column 'colour' must have a value, not ''"),
        (TEXT.replace("-2", ""), "my.csv: row 2, column 'size' must have a value, not ''"),
        ("kind\n1\n", "my.csv: has no column beside the target"),
        (
            "a,kind\n" + "".join(f"{i},1\n" for i in range(70)) + "?,0\n",
            r"my.csv: row 71, column 'a' must be a number, not '\?'",
        ),
        ("a,kind\n1,x\n2,y\nNA,x\n3,y\n", "row 3, column 'a' must be a number, not 'NA'"),
        (
            "a;kind\n1,5;x\n2,25;y\n",
            "my.csv: row 1, column 'a' must be a number with a decimal point, not '1,5'",
        ),
        (
            'a,kind\n1,x\n"-1.234,5",y\n3,x\n',
            "my.csv: row 2, column 'a' must be a number with a decimal point, not '-1.234,5'",
        ),
        (
            "a,kind\n" + "".join(f"n{i},1\n" for i in range(70)),
            "my.csv: column 'a' has 70 categories, more than 64: leave it out if it names",
        ),
        (
            "a,kind\n" + "".join(f"{i},{i}\n" for i in range(300)),
            "my.csv: target 'kind' has 300 values, more than the 256 classes",
        ),
        (
            "a,kind\n1,2\n2,0.5\n3,1\n",
            r"my.csv: row 2, target 'kind' must be a class, .* not 0.5; numbers are learned",
        ),
        (
            "a,kind\n1,2\n-1e300,0\n3,1\n",
            r"my.csv: row 2, column 'a' must be a number that single precision holds, not -1e\+300",
        ),
    ],
)
def test_what_is_not_understood_is_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        samples.load(write(tmp_path / "my.csv", text), "kind")


def test_lines_end_where_a_table_says_so_and_nowhere_else(tmp_path):
    """Not at what Unicode calls a line separator, which a text may hold."""
    path = write(tmp_path / "my.csv", 'a,b,kind\r\n1,"x\u2028y",no\r\n2,"u\nv",yes\r\n')
    got = samples.load(path, "kind")
    assert got.columns[1].categories == ("u\nv", "x\u2028y")
    assert got.classes == ("no", "yes")


def test_arrays_are_taken_in_the_order_of_the_columns(tmp_path):
    """They have no names, which a training set in text has; as many there must be."""
    first = samples.load(write(tmp_path / "a.csv", "b,a,kind\n1,2,0\n3,4,1\n"), "kind")
    np.savez(tmp_path / "t.npz", x=[[5.0, 6.0]], kind=[1])
    got = samples.load(tmp_path / "t.npz", "kind", first.columns, first.classes)
    assert (got.x.tolist(), got.labels.tolist()) == ([[5, 6]], [1])
    np.savez(tmp_path / "t.npz", x=[[5.0, 6.0, 7.0]], kind=[1])
    with pytest.raises(ValueError, match=r"t.npz: has no column 'b'; it has x0, x1, x2"):
        samples.load(tmp_path / "t.npz", "kind", first.columns, first.classes)


def test_a_text_in_another_code_says_what_to_do(tmp_path):
    (tmp_path / "my.csv").write_bytes("größe,kind\n1,x\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"my.csv: is no text in UTF-8: byte 2: .*save it as"):
        samples.load(tmp_path / "my.csv", "kind")


@pytest.mark.parametrize(("share", "part"), [(0.1, "test"), (0.9, "training")])
def test_a_split_leaves_samples_on_both_sides(coloured, share, part):
    with pytest.raises(ValueError, match=f"{share} leaves none of the 4 samples for {part}"):
        samples.load(coloured, "kind").split(share, 1)


def test_real_numbers_are_no_classes():
    with pytest.raises(ValueError, match=r"y must hold classes, .*for nomul.LutRegressor"):
        train.fit(np.zeros((4, 2)), [0.5, 1.5, 0.5, 1.5])


def test_what_cannot_be_trained_or_written_is_said_before_training(tmp_path, monkeypatch):
    own = {"target": "kind", "test": None, "luts": 50, "bits": 4, "edges": "quantile"}
    monkeypatch.setattr(train, "fit", None)
    path = write(tmp_path / "one.csv", "a,kind\n1,x\n2,x\n")
    with pytest.raises(
        ValueError, match=r"one.csv: target 'kind' must hold at least 2 classes, no"
    ):
        capability.train_own(capability.Own(data=path, **own), tmp_path / "n.npz", 1, 1)
    path = write(tmp_path / "two.csv", "a,kind\n" + "1,x\n2,y\n" * 5)
    with pytest.raises(NotADirectoryError, match=r"two\.csv"):
        capability.train_own(capability.Own(data=path, **own), path / "in" / "n.npz", 1, 1)


def test_unknown_categories_classes_and_endings_are_named(coloured, tmp_path):
    first = samples.load(coloured, "kind")
    for row, message in (
        ("1;pink;no", "row 1, column 'colour' must be one of blue, green, red, not 'pink'"),
        ("1;red;maybe", "row 1, target 'kind' must be one of no, yes, not 'maybe'"),
        ("x;red;no", "row 1, column 'size' must be a number, not 'x'"),
    ):
        other = write(tmp_path / "b.csv", f"size;colour;kind\n{row}\n")
        with pytest.raises(ValueError, match=message):
            samples.load(other, "kind", first.columns, first.classes)
    with pytest.raises(ValueError, match=r"a.xls: must end in one of .csv, .tsv, .npz"):
        samples.load(write(tmp_path / "a.xls", "x"), "kind")


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_a_budget_is_used_and_kept(classes):
    for luts in (200, 300, 2000):
        size = budget.tables(luts, classes)
        assert budget.luts(classes, size) <= luts < budget.luts(classes, size + 1)
    with pytest.raises(ValueError, match=f"luts must be at least .* for {classes} classes"):
        budget.tables(budget.luts(classes, 1) - 1, classes)


@pytest.mark.long
@pytest.mark.parametrize(("classes", "size"), [(2, 8), (2, 70), (5, 50), (10, 24)])
def test_the_estimate_is_above_what_is_mapped(classes, size, tmp_path):
    rng = np.random.default_rng(size)
    layer = lutnet.DirectLut(
        k=6,
        idx=[rng.choice(200, 6, replace=False) for _ in range(classes * size)],
        tt=[int.from_bytes(rng.bytes(8), "little") for _ in range(classes * size)],
    )
    head = lutnet.GroupSum(groups=classes), lutnet.Argmax()
    lutnet.Network([layer, *head], 200).save(tmp_path / "net.npz")
    design = nomul.design("lutnet", network=str(tmp_path / "net.npz"))
    mapped = design.synthesize("xc7", tmp_path).figures["luts"]
    assert 0.8 * budget.luts(classes, size) < mapped <= budget.luts(classes, size)


@pytest.fixture(scope="module")
def cancer():
    return datasets.load_breast_cancer(return_X_y=True)


def test_breast_cancer_from_a_text_within_300_look_up_tables(cancer, tmp_path):
    """Five splits; the network alone, with its quantiser, gives the same answers after a file."""
    x, y = cancer
    rows = [",".join([*map(repr, row), f"k{c}"]) for row, c in zip(x.tolist(), y, strict=True)]
    head = ",".join([f"f{i}" for i in range(30)] + ["kind"])
    whole = samples.load(write(tmp_path / "c.csv", "\n".join([head, *rows])), "kind")
    scores = []
    folds = StratifiedKFold(5, shuffle=True, random_state=11)
    for rest, held in folds.split(whole.x, whole.labels):
        fitted = train.fit(whole.x[rest], whole.labels[rest], luts=300)
        scores.append(fitted.score(whole.x[held], whole.labels[held]))
        assert fitted.luts <= 300
    assert np.mean(scores) >= 0.95
    fitted.network.save(tmp_path / "net.npz")
    again = lutnet.Network.load(tmp_path / "net.npz")
    assert np.array_equal(lutnet.predict(again, x[held]), fitted.predict(x[held]))
    assert sum(map(len, again.quantiser.edges)) == len(again.layers[0].feature)


def test_edges_that_no_table_looks_at_are_left_out(cancer):
    """Codes have as many bits as the edges in use need, and answers are those of all edges."""
    fitted = train.fit(*cancer, luts=30, epochs=1, edges="uniform")
    network, offered = fitted.network, tabular.edges(cancer[0], 4, "uniform")
    used = network.quantiser.edges
    assert all(set(few) <= set(many) for few, many in zip(used, offered.edges, strict=True))
    assert sum(map(len, used)) <= 6 * network.n_tables < sum(map(len, offered.edges))
    assert network.input_bits == network.quantiser.bits < 4


def test_uniform_edges_divide_the_range():
    got = tabular.edges(np.array([[0.0, 5.0], [8.0, 5.0]]), 2, "uniform")
    assert [e.tolist() for e in got.edges] == [[2, 4, 6], []]


def test_an_interrupted_run_goes_on_and_others_do_not_take_its_place(cancer, tmp_path):
    given = {"luts": 30, "epochs": 3}
    whole, seen = train.fit(*cancer, **given), []

    def interrupt(loss):
        seen.append(loss)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train.fit(*cancer, **given, checkpoint=tmp_path / "n", advance=interrupt)
    assert len(list(tmp_path.iterdir())) == 1
    other, again = [], []
    train.fit(*cancer, luts=40, epochs=1, checkpoint=tmp_path / "n", advance=other.append)
    done = train.fit(*cancer, **given, checkpoint=tmp_path / "n", advance=again.append)
    assert done.network == whole.network
    assert again[:1] == seen[:1]
    assert len(again) == 3
    assert len(other) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.zeros(4)}, "y must hold at least 2 classes, not 1 class"),
        ({"y": np.arange(3)}, r"shapes \[n, features\] and \[n\], not \[4, 2\] and \[3\]"),
        ({"X": np.ones((4, 2))}, "X must have a feature that is not the same in all samples"),
        ({"X": np.full((4, 2), np.nan)}, r"x\[0\]\[0\] must be finite, not nan"),
        ({"edges": "log"}, "edges must be one of quantile, uniform, not 'log'"),
        ({"luts": 2.5}, "luts must be an integer, not 2.5"),
        ({"luts": 5}, "luts must be at least 10 for 2 classes"),
        ({"bits": 9}, r"bits must be in 1\.\.8, not 9"),
    ],
)
def test_what_cannot_be_trained_is_refused(change, message):
    given = {"X": np.arange(8.0).reshape(4, 2), "y": np.array([0, 1, 0, 1])} | change
    with pytest.raises(ValueError, match=message):
        train.fit(given.pop("X"), given.pop("y"), **given)


def test_the_estimator_passes_the_checks_of_scikit_learn():
    failed = check_estimator(nomul.LutClassifier(luts=60, epochs=8), on_skip=None)
    assert {r["status"] for r in failed} <= {"passed", "skipped"}
    assert sum(r["status"] == "passed" for r in failed) > 40


def test_the_estimator_works_in_pipelines_and_cross_validation(cancer):
    x, y = cancer
    words = np.where(y == 1, "benign", "malignant")
    pipeline = make_pipeline(StandardScaler(), nomul.LutClassifier(luts=100, epochs=15))
    assert cross_val_score(pipeline, x, words, cv=3).min() > 0.9
    one = nomul.LutClassifier(luts=100, epochs=5).fit(x, words)
    assert set(one.predict(x)) == {"benign", "malignant"}
    assert one.network.n_tables > 20
    other = nomul.LutClassifier(luts=100, epochs=5, random_state=2).fit(x, words)
    assert other.network != one.network


def nomul_(*arguments):
    line = [sys.executable, "-m", "nomul", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_the_command_trains_on_a_file(tmp_path):
    rng = np.random.default_rng(3)
    x, colour = rng.normal(size=300), rng.choice(["red", "blue"], 300)
    kind = np.where((x > 0.3) == (colour == "red"), "yes", "no")
    rows = [f"{a:.4f},{b},{c}" for a, b, c in zip(x, colour, kind, strict=True)]
    data = write(tmp_path / "my.csv", "\n".join(["size,colour,kind", *rows]))
    out = tmp_path / "net.npz"
    given = ("train", "lutnet", "--data", data, "--target", "kind", "--luts", 60, "--out", out)
    ran = nomul_(*given, "--json")
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["samples, training"] + said["samples, test"] == 300
    assert said["accuracy, test"] > 0.9
    about = lutnet.Network.load(out).about
    assert about["classes"] == ["no", "yes"]
    assert about["columns"][1] == {"name": "colour", "categories": ["blue", "red"]}
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".pt"] == []
    again = nomul_(*given, "--test", data, "--epochs", 1, "--json")
    assert json.loads(again.stdout)["samples, test"] == 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "my.csv"), "--data with a file needs --target, the column that holds"),
        (("--data", "digits", "--luts", "9"), "--luts is for a file of samples, not for digits"),
        (("--data", "digits", "--epochs", "3"), "--epochs is for a file of samples"),
        (("--bits", "3"), "--bits is for a file of samples, not for a preset"),
        (("--data", "my.csv", "--seeds", "3"), "--preset and --seeds are for the data sets"),
        (("--data", "mnist"), "data must be a file, or one of digits, fashion-mnist, not 'mnist'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments, message):
    ran = nomul_("train", "lutnet", *arguments)
    assert ran.returncode == 2
    assert message in ran.stderr


@pytest.mark.parametrize("option", ["luts", "epochs"])
def test_a_zero_is_no_default(coloured, tmp_path, option):
    given = ("--data", coloured, "--target", "kind", "--test", 0.5, f"--{option}", 0)
    ran = nomul_("train", "lutnet", *given, "--out", tmp_path / "n.npz")
    assert ran.returncode == 2
    assert f"{option} must be at least 1, not 0" in ran.stderr


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """Return a folder with samples and a network that is right on about nine tenths of them."""
    folder = tmp_path_factory.mktemp("halves")
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 3))
    kind = np.where((x[:, 0] > 0) ^ (rng.random(60) < 0.1), "yes", "no")
    rows = [",".join([*map(str, row), k]) for row, k in zip(x.tolist(), kind, strict=True)]
    write(folder / "my.csv", "\n".join(["a,b,c,kind", *rows]))
    np.savez(folder / "my.npz", x=x, y=(kind == "yes").astype(int))
    fitted = train.fit(x, kind, luts=40, epochs=8)
    fitted.network.save(folder / "net.npz")
    (folder / "score").write_text(str(fitted.score(x, kind)))
    return folder


@pytest.mark.needs("icarus")
def test_own_samples_run_through_the_verilog(halves, tmp_path):
    given = ("--network", halves / "net.npz", "--data", halves / "my.csv", "--target", "kind")
    ran = nomul_("sim", "lutnet", *given, "--out", tmp_path, "--json")
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    right = round(float((halves / "score").read_text()), 4)
    assert said["accuracy"] == said["accuracy of the model"] == right
    assert said["samples"] == 60
    head, *lines = (tmp_path / "answers.csv").read_text().splitlines()
    assert head == "sample,class,model,verilog"
    cells = [line.split(",") for line in lines]
    assert [row[2] for row in cells] == [row[3] for row in cells]
    assert np.mean([row[1] == row[3] for row in cells]) == pytest.approx(right, abs=1e-4)


def test_a_wrong_answer_of_the_verilog_is_noticed(halves, tmp_path):
    """The table of answers is made of what the simulation wrote, not of the model."""
    design = nomul.design("lutnet", network=str(halves / "net.npz"))
    trial = flow.test_set(design.block, design.cfg, str(halves / "my.csv"), tmp_path, 7, "kind")
    x = np.load(trial.environment["NOMUL_STIMULI"])["x"]
    answers = lutnet.predict(design.cfg.load(), x)[:, None]
    np.save(trial.environment["NOMUL_ANSWERS"], answers)
    assert trial.judge()["samples"] == 7
    np.save(trial.environment["NOMUL_ANSWERS"], 1 - answers)
    with pytest.raises(BenchError, match="the simulated Verilog and the model give other cla"):
        trial.judge()


def test_test_sets_that_do_not_fit_the_network_are_refused(halves, tmp_path):
    design = nomul.design("lutnet", network=str(halves / "net.npz"))
    coded = design.cfg.load()
    lutnet.Network(coded.layers, 3, coded.input_bits).save(tmp_path / "coded.npz")

    def refused(network, data, target):
        made = nomul.design("lutnet", network=str(network))
        with pytest.raises(ValueError) as error:  # noqa: PT011
            flow.test_set(made.block, made.cfg, str(data), tmp_path, None, target)
        return str(error.value)

    csv = halves / "my.csv"
    assert "needs --target" in refused(halves / "net.npz", csv, None)
    assert "row 1, feature 0 must be an integer code" in refused(
        tmp_path / "coded.npz", halves / "my.npz", "y"
    )
    few = write(tmp_path / "few.csv", "a,b,kind\n1,2,yes\n")
    assert "has 2 features, the network takes 3" in refused(halves / "net.npz", few, "kind")
    assert "must be one of no, yes, not '1'" in refused(halves / "net.npz", halves / "my.npz", "y")
