"""The package: the wheel holds what the tree holds, and works from another environment."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

import nomul

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINKED = ("docs", "experiments", "golden", "hw", "sim", "synth", "train")


def pip(*arguments, python=sys.executable):
    """Run pip quietly; its output is the error message."""
    command = [str(python), "-m", "pip", "-q", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """Return the source distribution of a copy of the tracked files: no build folder is left."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("sdist")
    for file in tracked():
        target = source / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, target, follow_symlinks=False)
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "-o", built, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = built.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """Return the wheel built from the source distribution, as an index would serve both."""
    built = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", built, sdist)
    (path,) = built.glob("*.whl")
    return path


def test_source_distribution_is_the_tree(sdist):
    """With each room once, under ``nomul/``, where a build finds it without links."""
    with tarfile.open(sdist) as archive:
        members = [member for member in archive.getmembers() if "/" in member.name]
    assert not [member.name for member in members if member.issym() or member.islnk()]
    names = {member.name.partition("/")[2] for member in members if member.isfile()}
    made = {name for name in names if "egg-info" not in name} - {"PKG-INFO", "setup.cfg"}
    assert made == {packaged(file) for file in tracked()} - LINKS


LINKS = {f"nomul/{room}" for room in LINKED}


def packaged(file):
    """Return where a file of the tree is in what is distributed: rooms are below ``nomul/``."""
    return f"nomul/{file}" if file.partition("/")[0] in LINKED else file


def tracked():
    """Return the files of the tree that belong to it: tracked or not yet, but not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return [file for file in listed.splitlines() if os.path.lexists(ROOT / file)]


def test_wheel_holds_what_the_tree_holds(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    in_tree = {packaged(file) for file in tracked()} - LINKS
    assert names == {file for file in in_tree if file.startswith("nomul/")}


@pytest.mark.parametrize("room", LINKED)
def test_a_room_is_a_committed_link(room):
    """Relative, so that it leads from any clone to that clone's own room."""
    assert str((ROOT / "nomul" / room).readlink()) == f"../{room}"


def test_wheel_carries_licence_and_notice(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/NOTICE") for name in names)


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    """Return the ``nomul`` command of a second environment that has the wheel.

    The libraries are those of this environment, seen through a path file: installing them again
    would only test the package index. The path file comes last, so ``nomul`` is the wheel's.
    """
    folder = tmp_path_factory.mktemp("second") / "env"
    venv.create(folder, with_pip=False, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    pip("--python", folder, "install", "--no-deps", "--no-index", wheel)
    libraries = [p for p in sys.path if p.endswith("site-packages")]
    (site / "libraries.pth").write_text("\n".join(libraries) + "\n")
    return folder / "bin" / "nomul"


def run(command, *arguments, cwd):
    """Return what a command prints."""
    done = subprocess.run(
        [command, *arguments], capture_output=True, text=True, check=False, cwd=cwd
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_works_from_another_environment_and_folder(elsewhere, tmp_path):
    python = elsewhere.with_name("python")
    where = run(python, "-c", "import nomul.synth.emit as m; print(m.__file__)", cwd=tmp_path)
    assert str(elsewhere.parents[1]) in where
    assert run(elsewhere, "--version", cwd=tmp_path).strip() == nomul.__version__
    assert json.loads(run(elsewhere, "list", "--json", cwd=tmp_path))[0]["name"] == "essop"
    emitted = json.loads(run(elsewhere, "emit", "lfsr", "--json", cwd=tmp_path))
    assert all((tmp_path / file).is_file() for file in emitted["files"])
    report = json.loads(run(elsewhere, "sim", "lfsr", "--json", cwd=tmp_path))
    assert report["compared"] > 600


@pytest.mark.parametrize("options", [(), ("--table", "steps")], ids=["rows", "table"])
def test_an_installed_package_keeps_its_numbers(elsewhere, tmp_path, options):
    """``report --update`` says in one line that this is no checkout, and writes nothing."""
    (site,) = elsewhere.parents[1].glob("lib/python*/site-packages")
    before = {p: p.stat().st_mtime_ns for p in (site / "nomul").rglob("*.json")}
    # Nobody's PYTHONPATH may put a checkout before the wheel: that would be measured, and written.
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    python = elsewhere.with_name("python")
    source = subprocess.run(
        [python, "-c", "import nomul; print(nomul.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=alone,
    ).stdout
    assert source.startswith(str(site))
    command = [elsewhere, "report", "sotfp", *options, "--update"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=alone, timeout=60
    )
    assert done.returncode == 2
    assert "--update writes committed numbers" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert {p: p.stat().st_mtime_ns for p in (site / "nomul").rglob("*.json")} == before
    assert len(before) > 50
    assert not list(tmp_path.iterdir())


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == nomul.__version__
    assert f"## [{nomul.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_citation_is_complete():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "license"} <= set(citation)
    assert citation["license"] == PROJECT["project"]["license"]


def test_licence_is_apache_2_and_the_patent_is_named():
    licence = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in licence
    assert licence.count("\n") > 195
    notice = " ".join((ROOT / "NOTICE").read_text().split())
    assert "US patent 11,436,302 concerns the crossbar of stochastic outer products" in notice
    assert "grants none of the rights" in notice


def test_every_requirement_is_pinned():
    pinned = dict(
        line.lower().split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    )
    project = PROJECT["project"]
    wanted = sum(project["optional-dependencies"].values(), project["dependencies"])
    for requirement in wanted:
        name, _, exact = requirement.lower().partition("==")
        name = re.split(r"[<>=!~ ]", name)[0]
        version = pinned.get(name) or pinned.get(name.replace("-", "_"))
        assert version, f"constraints.txt does not pin {name}"
        assert exact in ("", version), f"constraints.txt has {name} {version}, not {exact}"
