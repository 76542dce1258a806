"""The rules of the house, read from the source: who imports whom, and what makes a block."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nomul import registry

ROOT = Path(__file__).parents[1]
ROOMS = ("golden", "hw", "sim", "synth", "nomul", "train")

BENCHMARKS = {"threadpoolctl"}  # to hold them to one core
NEXT_DOOR = {
    "nomul.cli",
    "nomul.cli_blocks",
    "nomul.cli_measure",
    "nomul.cli_options",
    "nomul.cli_work",
    "nomul.doctor",
    "nomul.flow",
    "nomul.present",
    "nomul.registry",
    "nomul.sweep_cluster",
    "nomul.sweep_grid",
    "nomul.sweep_point",
}

# What a room's modules may import as they are imported. Inside functions more is allowed, since
# that is how the command line stays quick and how foreign files are read.
AT_IMPORT = {
    "golden": {"nomul.golden", "numpy"},
    "hw": {"nomul.golden", "nomul.hw", "amaranth", "numpy"},
    # One bench drives AXI by agents of another project, which come with the extra `dev`.
    "sim": {"nomul.golden", "nomul.sim", "cocotb", "cocotbext.axi", "numpy"},
    # The registry knows the blocks by name only, so rows may be measured by name.
    "synth": {
        "nomul",
        "nomul.registry",
        "nomul.golden",
        "nomul.hw",
        "nomul.synth",
        "amaranth",
        "numpy",
        *BENCHMARKS,
    },
    "train": {"nomul.golden", "nomul.train", "numpy", "threadpoolctl", "torch"},
    "nomul": {"nomul", *NEXT_DOOR, "rich", "typer"},
}

# What no function of the room may import either.
NEVER = {
    "golden": {"nomul.hw", "nomul.sim", "nomul.synth", "nomul.train", "amaranth", "cocotb"},
    "hw": {"nomul.sim", "nomul.synth", "nomul.train", "cocotb"},
    "sim": {"nomul.hw", "nomul.synth", "nomul.train", "amaranth"},
    "synth": {"nomul.train"},
    "train": {"nomul.hw", "nomul.sim", "nomul.synth", "amaranth", "cocotb"},
    "nomul": set(),
}

FILES = [path for room in ROOMS for path in sorted((ROOT / room).glob("*.py"))]


def only_for_types(node: ast.AST) -> bool:
    """Whether a node is ``if TYPE_CHECKING:``, which does not run."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield each imported module, and whether it is imported together with the file."""
    tree = ast.parse(path.read_text())
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or only_for_types(function)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        outer = id(node) not in inner
        if isinstance(node, ast.Import):
            yield from ((alias.name, outer) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            module = str(node.module)
            # `from nomul import x` may take a module or a name; a room's name is what matters.
            names = (
                [f"nomul.{alias.name}" for alias in node.names] if module == "nomul" else [module]
            )
            yield from ((name, outer) for name in names)


def within(module: str, allowed: set[str]) -> bool:
    """Whether a module is one of the allowed ones, or below one; plain ``nomul`` has no below."""
    return any(
        module == name or (name != "nomul" and module.startswith(f"{name}.")) for name in allowed
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_imports_follow_the_dependency_rule(path):
    room = path.parent.name
    for module, at_import in imports(path):
        assert not within(module, NEVER[room]), f"{room} must not import {module}"
        standard = module.partition(".")[0] in sys.stdlib_module_names
        if at_import and not standard:
            assert within(module, AT_IMPORT[room]), f"{room} must not import {module} at import"


@pytest.mark.parametrize(
    ("text", "module", "at_import"),
    [
        ("from nomul.hw.lfsr import Top", "nomul.hw.lfsr", True),
        ("from nomul import hw", "nomul.hw", True),
        ("def f():\n    import amaranth.hdl", "amaranth.hdl", False),
        ("import numpy, amaranth", "amaranth", True),
    ],
)
def test_the_rule_sees_every_form_of_import(tmp_path, text, module, at_import):
    path = tmp_path / "x.py"
    path.write_text(text)
    assert (module, at_import) in list(imports(path))


@pytest.mark.parametrize("folder", ["golden", "sim"])
def test_rooms_load_without_hardware(folder):
    """As a whole, in a fresh interpreter: whatever they import indirectly counts too."""
    names = [f"nomul.{p.parent.name}.{p.stem}" for p in (ROOT / folder).glob("*.py")]
    check = f"import sys, {', '.join(names)}; print(sorted(m for m in sys.modules if '.' not in m))"
    loaded = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd="/"
    ).stdout
    assert "'amaranth'" not in loaded
    assert "'pyosys'" not in loaded
    assert ("'cocotb'" in loaded) == (folder == "sim")


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_a_block_has_its_file_in_every_room(name):
    files = [f"{room}/{name}.py" for room in ("golden", "hw", "sim")]
    files += [f"tests/test_{name}.py", f"docs/{name}.md"]
    missing = [file for file in files if not (ROOT / file).is_file()]
    assert not missing, f"{name} lacks {', '.join(missing)}"


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_a_block_speaks_the_vocabulary(name):
    golden = registry.get(name).golden()
    assert {"Config", "ideal", "model", "stimuli"} <= set(dir(golden))
    for preset in golden.Config.presets:
        cfg = golden.Config.preset(preset)
        assert golden.Config.from_json(cfg.to_json()) == cfg
        assert cfg.latency >= 0
        assert cfg.interval >= 1
        assert cfg.cycles(2) >= cfg.cycles(1)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_says_what_it_is(path):
    first = path.read_text().split("\n", 1)[0]
    assert first.startswith('"""'), f"{path.name} does not begin with its docstring"
    assert len(first) > 20, f"{path.name} says too little"


@pytest.mark.parametrize("room", ["golden", "hw", "sim", "synth", "train"])
def test_ruff_bans_the_folder_as_a_module(room):
    """``golden.x`` and ``nomul.golden.x`` would be two modules with two sets of classes."""
    refused = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--select",
            "TID251",
            "--stdin-filename",
            "x.py",
            "-",
        ],
        input=f"import {room}\nfrom {room} import lfsr\n",
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert refused.returncode == 1
    assert refused.stdout.count("TID251") == 2, refused.stdout
