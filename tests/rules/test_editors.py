"""Editors and type checkers: they follow an import of the package to its source, unaided."""

import json
import subprocess
import sys
from pathlib import Path

import jedi
import pytest

ROOT = Path(__file__).parents[2]

SCRIPT = """\
from nomul.golden import lfsr
from nomul.hw.lfsr import Top

cfg = lfsr.Config(width=4)
top = Top(cfg)
states = lfsr.model(cfg, 3)
reveal_type(cfg)
reveal_type(states)
lfsr.model(cfg, many=3)
"""


@pytest.fixture
def script(tmp_path):
    """Return somebody's script, in a folder of their own."""
    path = tmp_path / "theirs.py"
    path.write_text(SCRIPT)
    return path


@pytest.mark.parametrize(
    ("line", "column", "file"),
    [(4, 12, "golden/lfsr.py"), (5, 7, "hw/lfsr.py"), (6, 15, "golden/lfsr.py")],
)
def test_a_definition_is_found_from_a_script_elsewhere(script, line, column, file):
    environment = jedi.create_environment(sys.prefix, safe=False)
    found = jedi.Script(path=script, environment=environment).goto(
        line, column, follow_imports=True
    )
    assert [path.module_path.resolve() for path in found] == [ROOT / file]


def pyright(*arguments, cwd):
    """Return what pyright says, a dictionary per message."""
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False, cwd=cwd
    )
    return json.loads(done.stdout)["generalDiagnostics"]


def test_pyright_follows_the_imports_of_a_script_elsewhere(script):
    said = {
        said["range"]["start"]["line"] + 1: said["message"] for said in pyright(script, cwd="/")
    }
    assert said[7] == 'Type of "cfg" is "Config"'
    assert "ndarray" in said[8]
    assert 'No parameter named "many"' in said[9]


def test_mypy_follows_the_imports_of_a_script_elsewhere(script):
    """It reads ``py.typed``, so it holds a user to our types."""
    command = [sys.executable, "-m", "mypy", "--cache-dir", script.parent / "cache", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=script.parent)
    assert 'Revealed type is "nomul.golden.lfsr.Config"' in done.stdout, done.stdout
    assert 'Unexpected keyword argument "many" for "model"' in done.stdout
    assert "import" not in done.stdout.partition("error")[0]
