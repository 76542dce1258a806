"""The documents: every command in them runs, every link leads somewhere, every example is true."""

import doctest
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from nomul.train import save_trees

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

# Commands that measure for minutes.
SLOW = ("nomul demo", "nomul claim essop", "nomul report --update", "nomul report --check")

# Commands that run tools: of those that differ in values alone, one runs always.
DEAR = ("sim", "synth", "layout", "pnr", "sweep")


def form(command):
    """Return a command without the values of its options, and without how it prints."""
    words = [word for word in shlex.split(command) if word != "--json"]
    values = {i + 1 for i, word in enumerate(words) if word.startswith("--")}
    return tuple(word for i, word in enumerate(words) if i not in values or word.startswith("--"))


def test_commands_of_one_form_differ_in_values_alone():
    assert form("nomul synth lfsr --target ice40 --energy --check --json") == form(
        "nomul synth lfsr --target 'my cells' --energy --check"
    )
    assert form("nomul sim lfsr --seed 7") != form("nomul sim lfsr --preset leap")
    assert form("nomul sim lfsr --seed 7") != form("nomul sim essop --seed 7")


def commands():
    """Yield a test case per command line of a shell block, once however often it is shown."""
    seen, forms = set(), set()
    for page in PAGES:
        for block in re.findall(
            r"^ *```sh\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE
        ):
            for line in block.splitlines():
                command = line.split("#")[0].strip().removeprefix("$ ")
                if command and command not in seen:
                    seen.add(command)
                    dear = command.split()[:2][-1] in DEAR
                    again = dear and form(command) in forms
                    forms.add(form(command))
                    marks = [pytest.mark.long] if command.startswith(SLOW) or again else []
                    if "osu018" in command.split():
                        marks.append(pytest.mark.needs("osu018"))
                    yield pytest.param(command, marks=marks, id=command)


@pytest.fixture(scope="session")
def own_files(tmp_path_factory):
    """Return the files that pages call a reader's own: samples, and a network trained on them."""
    datasets = pytest.importorskip("sklearn.datasets", reason="needs pip install scikit-learn")
    pytest.importorskip("torch", reason="needs pip install 'nomul[train]'")
    folder = tmp_path_factory.mktemp("own")
    cancer = datasets.load_breast_cancer()
    kinds = cancer.target_names[cancer.target]
    lines = [",".join([*cancer.feature_names, "kind"])]
    for row, kind in zip(cancer.data.tolist(), kinds, strict=True):
        lines.append(",".join([*map(str, row), str(kind)]))
    (folder / "my.csv").write_text("\n".join(lines))
    (folder / "new.csv").write_text("\n".join(lines[:41]))
    train = ["train", "lutnet", "--data", "my.csv", "--target", "kind", "--epochs", "3"]
    line = [sys.executable, "-m", "nomul", *train, "--luts", "100", "--out", "net.npz"]
    subprocess.run(line, cwd=folder, capture_output=True, check=True)
    forest = pytest.importorskip("sklearn.ensemble").RandomForestClassifier(10, max_depth=4)
    save_trees(forest.fit(cancer.data, cancer.target), folder / "forest.json")
    np.savez(folder / "seen.npz", x=cancer.data, y=forest.predict(cancer.data))
    few = np.where(np.arange(240).reshape(30, 8) % 5, 0, np.arange(240).reshape(30, 8) - 120)
    np.save(folder / "w.npy", few)
    np.save(folder / "x.npy", np.arange(60).reshape(2, 30))
    shutil.copy(ROOT / "docs" / "spimc_host.c", folder)
    packed = ["pack", "w.npy", "--preset", "small", "--export", "c", "--out", "w.packed.npz"]
    line = [sys.executable, "-m", "nomul", *packed]
    subprocess.run(line, cwd=folder, capture_output=True, check=True)
    return folder


OWN = (
    *("my.csv", "new.csv", "net.npz", "forest.json", "seen.npz", "w.npy"),
    *("w.packed.npz", "w.h", "x.npy", "spimc_host.c"),
)


@pytest.mark.parametrize("command", list(commands()))
def test_command_runs(command, tmp_path, request):
    """Targets of make are asked for in a dry run: they are what runs this test."""
    if any(name in command.split() for name in OWN):
        for name in OWN:
            shutil.copy(request.getfixturevalue("own_files") / name, tmp_path)
    program, *arguments = shlex.split(command)
    if program == "make":
        line, folder = ["make", "--dry-run", *arguments], ROOT
    elif program == "nomul":
        line, folder = [sys.executable, "-m", "nomul", *arguments], tmp_path
    else:
        pytest.fail(f"a document shows {command!r}, which this test cannot run")
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_are_true(page):
    failed, _ = doctest.testfile(str(page), module_relative=False)
    assert failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            file = (page.parent / target.partition("#")[0]).resolve()
            assert file.exists(), f"{page.name} links to {target}"
            assert file.is_relative_to(ROOT)


def test_readme_shows_both_commands_of_a_newcomer():
    assert "```sh\nmake demo\nmake test\n```" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").glob("*.svg")), ids=lambda p: p.name)
def test_pictures_are_readable_by_everybody(picture):
    """Well formed, with a title for those who cannot see it, and colours for a dark page."""
    root = ElementTree.parse(picture).getroot()
    space = {"svg": "http://www.w3.org/2000/svg"}
    assert root.find("svg:title", space) is not None
    assert root.find("svg:desc", space) is not None
    assert "prefers-color-scheme: dark" in picture.read_text()
