"""Blocks of other packages: written by a command, installed, and known like nomul's own."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from nomul import registry, starter
from nomul.experiments import checkout

ROOT = Path(__file__).parents[2]
NAME = "clipper"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return the folder of a package as ``nomul new`` writes it, and one that does not load."""
    folder = tmp_path_factory.mktemp("projects")
    starter.write(NAME, folder / NAME)
    starter.write("cracked", folder / "cracked")
    golden = folder / "cracked" / "nomul_cracked" / "golden.py"
    golden.write_text(f"{golden.read_text()}\nraise RuntimeError('half\\ndone')\n")
    return folder / NAME


@pytest.fixture(scope="module")
def nomul_(project, tmp_path_factory):
    """Return a function that runs a command where the two packages are installed, editable.

    nomul and the libraries are this environment's, seen through a path file.
    """
    home = tmp_path_factory.mktemp("author")
    environment = home / "env"
    venv.create(environment, with_pip=False, symlinks=True)
    site = next(environment.glob("lib/python*/site-packages"))
    libraries = [p for p in sys.path if p.endswith("site-packages")]
    (site / "libraries.pth").write_text("\n".join([str(ROOT), *libraries]) + "\n")
    pip = [sys.executable, "-m", "pip", "-q", "--python", str(environment), "install"]
    options = ["--no-deps", "--no-build-isolation", "--no-index"]
    both = [word for one in (project, project.with_name("cracked")) for word in ("-e", str(one))]
    done = subprocess.run([*pip, *options, *both], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    def run(*arguments, module="nomul", code=0):
        command = [str(environment / "bin" / "python"), "-m", module, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=home)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    run.home = home
    return run


def test_list_names_it_and_says_in_one_line_what_does_not_load(nomul_):
    done = nomul_("list", "--json")
    listed = {row["name"]: row for row in json.loads(done.stdout)}
    assert list(listed) == [*registry.BLOCKS, NAME]
    assert listed[NAME]["presets"] == ["small", "wide"]
    assert listed[NAME]["package"] == f"nomul_{NAME}"
    (line,) = done.stderr.splitlines()
    assert line.startswith("block cracked cannot be used: nomul_cracked:BLOCK: RuntimeError: half")
    refused = nomul_("show", "cracked", code=2).stderr
    assert "block 'cracked' cannot be used" in refused
    assert len(refused.splitlines()) == 1


def test_show_and_emit(nomul_):
    shown = json.loads(nomul_("show", NAME, "--set", "shift=3", "--json").stdout)
    assert shown["notes"]["shift"] == "Binary places by which words are scaled down, 0..31."
    emitted = json.loads(nomul_("emit", NAME, "--json").stdout)
    assert all((nomul_.home / file).is_file() for file in emitted["files"])
    assert f"{NAME}.v" in {Path(file).name for file in emitted["files"]}


def test_its_own_tests_pass(nomul_, project):
    """All of them: model, hardware under all stalls, the mutation, bad input."""
    done = nomul_("-q", "-p", "no:cacheprovider", project, module="pytest")
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


def test_sweep_goes_over_it_and_knows_when_it_was_changed(nomul_, project):
    command = ("sweep", NAME, "--set", "shift=1,2", "--steps", "model,emit", "--workers", 1)
    first = json.loads(nomul_(*command, "--json").stdout)
    assert [point["shift"] for point in first["points"]] == [1, 2]
    assert not any(point["failure"] for point in first["points"])
    assert first["computed"] == 2
    assert json.loads(nomul_(*command, "--json").stdout)["computed"] == 0
    golden = project / f"nomul_{NAME}" / "golden.py"
    golden.write_text(f"{golden.read_text()}\n\ndef metrics(cfg):\n    return {{'two': 2}}\n")
    again = json.loads(nomul_(*command, "--json").stdout)
    assert again["computed"] == 2
    assert {point["two"] for point in again["points"]} == {2}


def test_report_keeps_its_rows_in_its_own_checkout(nomul_, project):
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "experiments").rglob("*.json")}
    nomul_("report", NAME, "--target", "freepdk45", "--preset", "small", "--update")
    written = project / f"nomul_{NAME}" / "baseline" / "freepdk45.json"
    (row,) = json.loads(written.read_text())
    assert (row["block"], row["preset"]) == (NAME, "small")
    shown = json.loads(nomul_("report", "--target", "freepdk45", "--json").stdout)
    assert row in shown
    assert {one["block"] for one in shown} > {NAME, "lfsr"}
    assert {p: p.stat().st_mtime_ns for p in before} == before


TABLES = '''"""Tables of the scaling rectifier."""

from nomul.experiments.captions import caption

from nomul_clipper.golden import Config


@caption("Largest words.")
def largest():
    return [{"preset": n, "largest": Config.preset(n).largest} for n in Config.presets]


TABLES = {"T1": largest}


def claims():
    return [{"claim": "none", "paper (quoted)": "-", "ours": "a saying", "compared with": "-"}]
'''


def test_report_measures_a_table_of_it_and_shows_it_on_a_page(nomul_, project):
    """With its own page, its parameters and what it claims."""
    package = project / f"nomul_{NAME}"
    (package / "tables.py").write_text(TABLES)
    page = package / "docs" / f"{NAME}.md"
    page.write_text(f"{page.read_text()}\n<!-- table: T1 -->\n<!-- /table -->\n")
    shown = nomul_("report", NAME, "--table", "T1", "--update").stdout
    assert "Largest words." in shown
    assert (package / "baseline" / f"table-{NAME}-T1.json").is_file()
    assert "| small | 15 |" in page.read_text()
    nomul_("report", NAME, "--html", "site")
    text = (nomul_.home / "site" / "index.html").read_text()
    for part in ("Scales words down by a power of two", "a saying", "One transaction", "Largest w"):
        assert part in text


def test_numbers_of_an_installed_package_are_not_written(tmp_path):
    site = tmp_path / "lib" / "site-packages" / "nomul_x"
    site.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    assert not checkout.is_checkout(site)
    assert checkout.is_checkout(tmp_path / "src" / "nomul_x")


@pytest.mark.parametrize("name", ["Relu", "8bit", "class", "a-b", ""])
def test_a_name_that_no_module_can_have_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match="a block's name is a word of small letters"):
        starter.write(name, tmp_path / "new")
    assert not any(tmp_path.iterdir())


def test_nothing_that_is_there_is_written_over(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ValueError, match="is there already"):
        starter.write(NAME, tmp_path)
    with pytest.raises(ValueError, match="there is a block 'lfsr' already"):
        starter.write("lfsr", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
