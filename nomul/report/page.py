"""The report as one self-contained page: what a block is, how it is built, what was measured."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nomul
from nomul import flow, present, registry
from nomul.report.prose import prose

if TYPE_CHECKING:
    from nomul.registry import Block
    from nomul.synth.emit.diagram import Block as Module
    from nomul.synth.measure import Row

CLOCK = "clock (MHz)"
CLAIM = ("claim", "paper (quoted)", "ours", "met", "compared with")
VERDICTS = {"yes": "met", "no": "not met"}

Step = Callable[[str], AbstractContextManager[None]]


def write(
    folder: Path, names: Sequence[str] = (), *, simulate: bool = True, step: Step | None = None
) -> Path:
    """Write ``index.html`` for the named blocks, or for all, and return its path.

    Parameters
    ----------
    folder
        Made if absent; simulations leave their files in ``build`` below it.
    names
        Blocks; all of the registry if empty.
    simulate
        Run each block's bench, and draw one transaction of it.
    step
        Opens one step of the work by its description, to show progress.

    Raises
    ------
    ValueError
        There is no such block.
    FileNotFoundError
        Graphviz, which draws the block diagrams, is not installed.
    BenchError
        A bench failed.
    """
    from nomul.report import bars, templates

    chosen = [registry.get(name) for name in names] or list(registry.blocks().values())
    step = step or (lambda _: nullcontext())
    anchors = {block.name for block in chosen} | {"numbers", "claims", "overview"}
    sections = []
    for block in chosen:
        with step(block.name):
            build = folder / "build" / block.name
            sections.append(section(block, anchors, build, simulate=simulate))
    here = files("nomul.report")
    page = (
        templates.environment()
        .from_string((here / "page.html").read_text())
        .render(
            version=nomul.__version__,
            style=(here / "page.css").read_text(),
            script=(here / "page.js").read_text(),
            blocks=sections,
            papers=papers(chosen),
            legend=bars.WHO,
            overview=overview(chosen),
            numbers=prose(docs() / "numbers.md", anchors),
        )
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(page)
    return path


def section(block: "Block", anchors: set[str], folder: Path, *, simulate: bool) -> dict[str, Any]:
    """Return what the page says of one block, in its first preset; HTML where it is drawn."""
    from nomul.experiments import claims
    from nomul.flow import drawings
    from nomul.synth.emit import diagram

    cfg: Any = flow.configure(block)
    emitted = flow.emit(block, cfg)
    modules = diagram.netlist(emitted)
    notes = present.parameter_notes(type(cfg))
    return {
        "name": block.name,
        "kind": block.kind,
        "title": block.title,
        "paper": block.paper,
        "link": link(block.paper),
        "preset": block.first_preset,
        "presets": list(cfg.presets),
        "claims": claims.of(block.name),
        "prose": prose(block.page, anchors) if block.page.is_file() else "",
        "diagram": drawings.diagram(block, cfg, f"preset {block.first_preset}").svg,
        "tree": tree(diagram.hierarchy(modules, block.name)),
        "ports": emitted.manifest["ports"],
        "parameters": [(n, str(value), notes.get(n, "")) for n, value in cfg.to_dict().items()],
        "timing": {
            "latency": cfg.latency,
            "interval": cfg.interval,
            "cycles for 1000": cfg.cycles(1000),
        },
        "waves": drawings.transaction(block, cfg, folder).svg if simulate else "",
    }


def overview(blocks: Iterable["Block"]) -> dict[str, Any]:
    """Return the committed rows of some blocks as one table, with what measured them."""
    from nomul import report

    rows = report.committed(blocks=[block.name for block in blocks])
    tools = sorted({f"{tool} {version}" for row in rows for tool, version in row.tools.items()})
    targets: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        targets.setdefault(row.target, []).append(_row(row))
    axes = {target: (list(some[0])[2], CLOCK) for target, some in targets.items()}
    return {"targets": targets, "axes": axes, "tools": ", ".join(tools)}


def _row(row: "Row") -> dict[str, Any]:
    """Return what is shown of a row: its size in the target's own measure, its clock."""
    cells = row.area_um2 is not None
    size = {"area (um2)": round(row.area_um2 or 0, 1)} if cells else {}
    return {
        "block": row.block,
        "preset": row.preset,
        **(size or {"LUTs": row.resources.get("luts")}),
        **({} if cells else {"flip-flops": row.resources.get("ffs")}),
        CLOCK: round(row.timing.fmax_mhz, 1) if row.timing else None,
        "timed by": row.timing.tool if row.timing else None,
        "cycles per result": row.interval,
    }


def papers(blocks: Iterable["Block"]) -> list[dict[str, Any]]:
    """Return the claims of the blocks' papers, with a picture of each that can be compared."""
    from nomul.experiments import claims, pictures
    from nomul.report import bars

    found = []
    for block in blocks:
        told = ({"met": "not stated"} | row for row in claims.of(block.name))
        rows = [{name: row.get(name, "") for name in CLAIM} for row in told]
        drawn = [
            {"title": p.title, "best": p.best.name, "svg": bars.svg(p)}
            for p in pictures.of(block.name)
        ]
        counted = Counter(row["met"] for row in rows)
        verdict = ", ".join(f"{VERDICTS.get(m, m)} {n}" for m, n in counted.items())
        about = {"name": block.name, "title": block.title, "paper": block.paper}
        about["verdict"] = f"Claims: {verdict}."
        if rows:
            found.append({**about, "claims": rows, "pictures": drawn})
    return found


def docs() -> Path:
    """Return the folder of the documentation."""
    return Path(nomul.__file__).parent / "docs"


def tree(module: "Module") -> str:
    """Return the hierarchy as nested lists."""
    many = f" &times; {module.count}" if module.count > 1 else ""
    bits = (
        f' <span class="tools">{module.registers:,} bits stored</span>' if module.registers else ""
    )
    below = "".join(map(tree, module.children))
    inner = f"<ul>{below}</ul>" if below else ""
    return f"<li><code>{escape(module.name)}</code>{many}{bits}{inner}</li>"


def link(paper: str) -> str:
    """Return where a source is found: an arXiv number or a DOI; empty if it is neither."""
    if match := re.search(r"arXiv (\d{4}\.\d{5})", paper):
        return f"https://arxiv.org/abs/{match[1]}"
    if match := re.search(r"\b(10\.\d{4,}/\S+)", paper):
        return f"https://doi.org/{match[1]}"
    return ""
