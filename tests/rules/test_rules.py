"""The rules of the house, read from the source: who imports whom, and what makes a block.

One file, since the rules share what they read from the source.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from nomul import flow, registry

ROOT = Path(__file__).parents[2]
ROOMS = ("golden", "hw", "sim", "synth", "train", "experiments", "nomul")

BENCHMARKS = {"threadpoolctl"}  # to hold them to one core

SHARED = ("axi", "once", "reset", "serial", "tinytapeout")
HW_SHARED = {f"nomul.hw.{part}" for part in SHARED}

# What a room's modules may import as they are imported. Inside functions more is allowed, since
# that is how the command line stays quick and how foreign files are read.
AT_IMPORT = {
    "golden": {"nomul.golden", "numpy"},
    "hw": {"nomul.golden", "nomul.hw", "amaranth", "numpy"},
    # One bench drives AXI by agents of another project, which come with the extra `dev`.
    "sim": {"nomul.golden", "nomul.sim", "nomul.runs", "cocotb", "cocotbext.axi", "numpy"},
    # Of the hardware only what every block can be wrapped in: the flow knows no block.
    "synth": {"nomul.version", "nomul.runs", *HW_SHARED, "nomul.synth", "amaranth", "numpy"},
    # The ledger of results, the version and what runs processes need the standard library alone.
    "train": {
        "nomul.golden",
        "nomul.ledger",
        "nomul.runs",
        "nomul.train",
        "nomul.version",
        "numpy",
        "sklearn",
        "threadpoolctl",
        "torch",
    },
    "experiments": {"nomul", "nomul.*", "amaranth", "numpy", "torch", *BENCHMARKS},
    "nomul": {"nomul", "nomul.face", "rich", "typer"},
}

# What no function of the room may import either.
NEVER = {
    "golden": {"nomul.hw", "nomul.sim", "nomul.synth", "nomul.train", "amaranth", "cocotb"},
    "hw": {"nomul.sim", "nomul.synth", "nomul.train", "cocotb"},
    "sim": {"nomul.hw", "nomul.synth", "nomul.train", "amaranth"},
    "synth": {
        *("nomul.golden", "nomul.train", "nomul.registry", "nomul.flow", "nomul.capabilities"),
        *(f"nomul.hw.{name}" for name in registry.BLOCKS),
    },
    "train": {"nomul.hw", "nomul.sim", "nomul.synth", "amaranth", "cocotb"},
    "experiments": set(),
    "nomul": set(),
}
for room in ("golden", "hw", "sim", "synth", "train"):
    NEVER[room].add("nomul.experiments")


def sources(room: str) -> list[Path]:
    """Return the modules of a room; those of the face are not behind its links."""
    paths = (path for path in sorted((ROOT / room).rglob("*.py")))
    return [path for path in paths if room != "nomul" or room_of(path) == "nomul"]


def room_of(path: Path) -> str:
    """Return the room that a file is in."""
    inside = path.resolve().relative_to(ROOT)
    return inside.parts[0]


def name_of(path: Path) -> str:
    """Return the import name of a module."""
    parts = path.resolve().relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "nomul" else ("nomul", *parts)
    return ".".join(parts).removesuffix(".__init__")


FILES = [path for room in ROOMS for path in sources(room)]
FACE = {name_of(path) for path in sources("nomul")}


def shown(path: Path) -> str:
    """Return a file's path from the root, to name a test case."""
    return path.resolve().relative_to(ROOT).as_posix()


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
    if "nomul.face" in allowed and module in FACE:
        return True
    if "nomul.*" in allowed and module.startswith("nomul."):
        return True
    return any(
        module == name or (name != "nomul" and module.startswith(f"{name}.")) for name in allowed
    )


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_imports_follow_the_dependency_rule(path):
    room = room_of(path)
    for module, at_import in imports(path):
        assert not within(module, NEVER[room]), f"{room} must not import {module}"
        standard = module.partition(".")[0] in sys.stdlib_module_names
        if at_import and not standard:
            assert within(module, AT_IMPORT[room]), f"{room} must not import {module} at import"


def test_the_ledger_needs_the_standard_library_alone():
    """So that rooms below the face may keep their results in it."""
    names = {module for module, _ in imports(ROOT / "nomul" / "ledger.py")}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def graph(paths: Iterable[Path]) -> dict[str, set[str]]:
    """Return what each module imports: in functions and for types too, packages by their face.

    A package that only says what it is stands in nobody's way, so a module taken from it counts as
    that module alone.
    """
    modules = {name_of(path): path for path in paths}
    arrows: dict[str, set[str]] = {}
    for name, path in modules.items():
        arrows[name] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                wanted = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                whole = [f"{node.module}.{alias.name}" for alias in node.names]
                wanted = {one if one in modules else str(node.module) for one in whole}
            else:
                continue
            arrows[name] |= wanted & modules.keys() - {name}
    return arrows


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import one another."""
    left = {name: set(others) for name, others in arrows.items()}
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    # What nothing left imports is on no circle, it only leads to one.
    while leading := [n for n in left if not any(n in others for others in left.values())]:
        for name in leading:
            del left[name]
    return [sorted(left)] if left else []


def test_no_modules_import_each_other_in_a_circle():
    """Not inside functions and not for types either: the arrows are what a reader follows."""
    assert not circles(graph(FILES))


def test_a_circle_is_found_wherever_it_closes(tmp_path):
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}, "e": set()}
    assert circles(arrows) == [["b", "c"]]
    assert not circles({"a": {"b"}, "b": {"c"}, "c": set()})


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_a_block_never_imports_its_own_face(path):
    folder = name_of(path.parent / "__init__.py")
    if path.name == "__init__.py" or folder.count(".") < 2 or not face(path.parent):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == folder:
            names = [alias.name for alias in node.names]
            parts = [n for n in names if (path.parent / n).with_suffix(".py").exists()]
            assert names == parts, f"{shown(path)} takes {names} from its own face"


def face(folder: Path) -> list[str]:
    """Return the names that a folder's ``__init__`` brings."""
    tree = ast.parse((folder / "__init__.py").read_text())
    return [a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names]


FACES = [path for path in FILES if path.name == "__init__.py" and path.parent.name != "nomul"]


@pytest.mark.parametrize("path", FACES, ids=shown)
def test_a_face_defines_nothing(path):
    """It says what the folder holds and brings its public names; whatever does work has a file."""
    for node in ast.parse(path.read_text()).body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        listing = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        assert docstring or listing or isinstance(node, ast.ImportFrom), ast.unparse(node)


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
    names = [name_of(path) for path in sources(folder)]
    check = f"import sys, {', '.join(names)}; print(sorted(m for m in sys.modules if '.' not in m))"
    loaded = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd="/"
    ).stdout
    assert "'amaranth'" not in loaded
    assert "'pyosys'" not in loaded
    assert ("'cocotb'" in loaded) == (folder == "sim")


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_a_block_has_its_place_in_every_room(name):
    """A file or a folder of its name, so that whoever knows the block finds it in each room."""
    places = [f"{room}/{name}" for room in ("golden", "hw", "sim")]
    missing = [p for p in places if not any(Path(f"{ROOT / p}{end}").exists() for end in END)]
    missing += [p for p in (f"docs/{name}.md",) if not (ROOT / p).is_file()]
    tests = ROOT / "tests"
    if not (tests / name).is_dir() and not (tests / f"test_{name}.py").is_file():
        missing.append(f"tests/{name}")
    assert not missing, f"{name} lacks {', '.join(missing)}"


END = (".py", "/__init__.py")


def mutations(text: str) -> list[str]:
    """Return the tests that break the hardware and demand that its bench fails.

    By convention their names hold ``_notices``.
    """
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
    named = [f for f in functions if f.name.startswith("test_") and "_notices" in f.name]
    return [f.name for f in named if "BenchError" in ast.unparse(f)]


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_the_bench_of_a_block_is_known_to_fail(name):
    """Without a mutation nobody knows whether its comparison can."""
    tests = ROOT / "tests"
    files = [*(tests / name).rglob("test_*.py"), *tests.glob(f"test_{name}.py")]
    assert any(mutations(path.read_text()) for path in files), f"{name} has no test_..._notices_..."


def test_only_what_demands_a_failing_bench_is_a_mutation():
    body = "(simulate):\n    with pytest.raises(BenchError):\n        simulate(1)\n"
    assert mutations(f"def test_bench_notices_a_lost_bit{body}") == [
        "test_bench_notices_a_lost_bit"
    ]
    assert mutations(f"def test_rtl_equals_model{body}") == []
    assert mutations("def test_bench_notices(simulate):\n    simulate(1)\n") == []


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_a_block_speaks_the_vocabulary(name):
    golden = registry.get(name).golden()
    assert {"Config", "ideal", "model", "stimuli"} <= set(dir(golden))
    assert golden.Config.block_name == name
    for preset in golden.Config.presets:
        cfg = golden.Config.preset(preset)
        assert golden.Config.from_json(cfg.to_json()) == cfg
        assert cfg.latency >= 0
        assert cfg.interval >= 1
        assert cfg.cycles(2) >= cfg.cycles(1)


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_the_model_takes_the_stimuli_by_their_names(name):
    """On every preset, and twice the same from the same seed."""
    golden = registry.get(name).golden()
    for preset in [None, *golden.Config.presets]:
        cfg = golden.Config.preset(preset) if preset else golden.Config()
        if cfg.to_dict().get("rows", 0) > 128:
            continue  # the model of a large array takes seconds, and its small one has been tried
        first, again = (golden.stimuli(cfg, np.random.default_rng(7)) for _ in range(2))
        assert isinstance(first, dict)
        got, same = (repr(golden.model(cfg, **given)) for given in (first, again))
        assert got == same


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_a_bench_says_which_of_its_tests_is_measured(name):
    """By its full name, and per what; the test and its parameters are there."""
    block = registry.get(name)
    bench = import_module(block.bench)
    work = flow.workload(block, block.config()())
    taken = flow.workload(block, block.config()(), recorded=True)
    assert work.operation == bench.OPERATION
    for test in {work.test, taken.test}:
        function, *parameters = test.split("/")
        assert function in vars(bench), f"{bench.__name__} has no test {function}"
        assert all(re.fullmatch(r"\w+=\w+", one) for one in parameters), test


@pytest.mark.parametrize("path", sources("nomul"), ids=shown)
def test_general_code_names_no_block(path):
    """What only some blocks can do is declared in the registry, and done in ``capabilities``."""
    if path.parent.name == "capabilities" or path.name in ("registry.py", "demo.py"):
        return
    quoted = {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # Parts have common words for names: a bitstream is also what configures an FPGA.
    names = {name for name, block in registry.BLOCKS.items() if block.kind != "part"}
    assert not quoted & names
    imported = {part for module, _ in imports(path) for part in module.split(".")}
    assert not imported & names


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_a_file_says_what_it_is(path):
    first = path.read_text().split("\n", 1)[0]
    assert first.startswith('"""'), f"{path.name} does not begin with its docstring"
    assert len(first) > 20, f"{path.name} says too little"


LONG = 300  # lines
EVERY = [*FILES, *sorted((ROOT / "tests").rglob("*.py"))]


def test_a_long_file_says_why_it_is_one():
    """At its top, in a paragraph that begins with "One file, since"."""
    for path in EVERY:
        text = path.read_text()
        if text.count("\n") > LONG:
            said = str(ast.get_docstring(ast.parse(text)))
            assert "\nOne file, since " in said, f"{shown(path)} has more than {LONG} lines"


@pytest.mark.parametrize("room", ["golden", "hw", "sim", "synth", "train", "experiments"])
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
