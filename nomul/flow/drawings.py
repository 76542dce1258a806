"""Drawings for a notebook or a file: a block from its netlist, a transaction, shares of a whole."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul.flow import steps
from nomul.registry import Block
from nomul.runs import folders

if TYPE_CHECKING:
    from nomul.golden.config import Config

# Cycles of a simulation that are recorded at most, for the drawing of one transaction.
RECORDED = 4000


class Drawing:
    """A picture that a notebook shows by itself.

    Parameters
    ----------
    svg
        Its text.
    title
        What it is of.
    """

    def __init__(self, svg: str, title: str):
        self.svg, self.title = svg, title

    def save(self, path: Path | str) -> Path:
        """Write it as SVG, and return the path."""
        path = Path(path)
        path.write_text(self.svg)
        return path

    def __repr__(self) -> str:
        return f"<drawing: {self.title}>"

    def _repr_svg_(self) -> str:
        return self.svg[max(0, self.svg.find("<svg")) :]


def diagram(block: Block, cfg: "Config", preset: str) -> Drawing:
    """Return streams, modules and the bits between them, drawn from the netlist.

    Raises
    ------
    FileNotFoundError
        Graphviz is not installed.
    """
    from nomul.synth.emit import diagram

    modules = diagram.netlist(steps.emit(block, cfg))
    about = f"Streams, submodules and the number of bits between them, {preset}."
    title = f"Block diagram of {block.name}"
    return Drawing(diagram.draw(diagram.diagram(modules, block.name), title, about), title)


def transaction(block: Block, cfg: "Config", folder: Path, seed: int = 1) -> Drawing:
    """Run a block's bench and return the drawing of its first transaction, cycle by cycle.

    Raises
    ------
    BenchError
        The bench failed.
    """
    from nomul.report import waves
    from nomul.sim import trace

    manifest = steps.emit(block, cfg).manifest
    with folders.private(folder) as work:
        ports = work / "ports.json"
        ports.write_text(json.dumps(manifest))
        traced = {trace.VARIABLE: f"{ports}:{RECORDED}"}
        steps.simulate(block, cfg, work, environment=traced, seed=seed)
        title = f"One transaction of {block.name}, as its bench simulated it"
        return Drawing(waves.svg(title, manifest, trace.read(work / "sim")), title)


def bars(title: str, shares: Mapping[str, float], unit: str) -> Drawing:
    """Return a bar for each share, the largest on top.

    Raises
    ------
    ImportError
        Matplotlib is not installed; the message says how to get it.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            "plots need matplotlib: pip install 'nomul[synth]'", name="matplotlib"
        ) from None
    ordered = sorted(shares.items(), key=lambda share: share[1])
    figure = Figure(figsize=(7, 0.8 + 0.35 * len(ordered)), layout="constrained")
    axes: Any = figure.subplots()
    drawn = axes.barh([name for name, _ in ordered], [value for _, value in ordered])
    axes.bar_label(drawn, labels=[f" {value:,.4g}" for _, value in ordered])
    axes.margins(x=0.15)
    axes.set(xlabel=unit, title=title)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Title": title})
    return Drawing(text.getvalue(), title)
