"""Blocks on one bus: Verilog with a register map, and a program on the bus in simulation."""

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul import registry
from nomul.flow import steps
from nomul.registry import Block
from nomul.runs import folders

if TYPE_CHECKING:
    from nomul.golden.config import Config
    from nomul.sim.harness import Report
    from nomul.synth.emit import Emitted

Members = Mapping[str, tuple[Block, "Config"]]

_ENTRY = re.compile(r"(?:(?P<alias>\w+)=)?(?P<block>\w+)(?::(?P<preset>\w+))?\Z")


def members(entries: Iterable[str], settings: Iterable[str] = ()) -> Members:
    """Return blocks by name from text.

    Parameters
    ----------
    entries
        ``BLOCK``, ``BLOCK:PRESET`` or ``NAME=BLOCK:PRESET`` each. The same block twice without
        names of its own gets numbers.
    settings
        ``NAME.parameter=value`` each, as for :func:`nomul.flow.configure`.

    Raises
    ------
    TypeError, ValueError
        An entry is none of these, a name is used twice, or a block refuses a setting.
    """
    found: dict[str, tuple[Block, str | None]] = {}
    matches = [_ENTRY.match(entry) for entry in entries]
    blocks = [match["block"] for match in matches if match]
    for entry, match in zip(entries, matches, strict=True):
        if match is None:
            raise ValueError(f"a block is named BLOCK, BLOCK:PRESET or NAME=..., not {entry!r}")
        name = match["alias"] or match["block"]
        if not match["alias"] and blocks.count(match["block"]) > 1:
            name += str(sum(other.startswith(name) for other in found))
        if name in found:
            raise ValueError(f"there are two blocks named {name}")
        found[name] = (registry.get(match["block"]), match["preset"])
    own: dict[str, list[str]] = {name: [] for name in found}
    for setting in settings:
        name, dot, rest = setting.partition(".")
        if not dot or name not in own:
            raise ValueError(
                f"--set wants NAME.parameter=value, not {setting!r}; there are {', '.join(own)}"
            )
        own[name].append(rest)
    return {
        name: (block, steps.configure(block, preset, own[name]))
        for name, (block, preset) in found.items()
    }


def emit_soc(
    blocks: Members, name: str = "soc", tops: Mapping[str, Any] | None = None
) -> "Emitted":
    """Return blocks behind one AXI4-Lite bus as Verilog, with header, driver and SystemRDL.

    Parameters
    ----------
    blocks
        From :func:`members`.
    name
        Of the design.
    tops
        Components that replace those of blocks, for tests that break them on purpose.
    """
    from nomul.hw.axi.soc import Soc
    from nomul.sim import cells
    from nomul.synth import emit

    made = {n: block.top(cfg) for n, (block, cfg) in blocks.items()} | dict(tops or {})
    about = ", ".join(f"{n}: {block.title}" for n, (block, _) in blocks.items())
    emitted = emit.emit(Soc(made, name, f"{about}."), name, summary=about)
    emitted.manifest["config"] = {
        n: {"block": block.name, **cfg.to_dict()} for n, (block, cfg) in blocks.items()
    }
    return dataclasses.replace(emitted, files=emitted.files | cells.models(emitted.verilog))


def simulate_soc(
    blocks: Members,
    emitted: "Emitted",
    folder: Path,
    *,
    count: int = 200,
    seed: int = 1,
    simulator: str | None = None,
) -> "Report":
    """Run a program on the bus that sends what the blocks' benches sent, and compare the answers.

    Parameters
    ----------
    blocks, emitted
        From :func:`members` and :func:`emit_soc`.
    folder
        Where design and simulation go.
    count
        Words to record of each block.
    seed
        Of the blocks' stimuli.

    Raises
    ------
    BenchError
        A block's bench failed, or an answer over the bus is another one.
    ImportError
        cocotbext-axi is not installed.
    """
    from nomul.sim import cells, harness

    if not util.find_spec("cocotbext.axi"):
        raise ImportError("a program on a bus needs an agent: pip install cocotbext-axi")
    simulator = simulator or steps.installed_simulator()
    with folders.private(folder, beside=True) as work:
        emitted.write(work)
        design = work / f"{emitted.name}.v"
        lanes = {
            name: _lanes(block, cfg, count=count, seed=seed, simulator=simulator)
            for name, (block, cfg) in blocks.items()
        }
        about = {"driver": str(work / f"{emitted.name}.py"), "blocks": lanes}
        (work / "soc.json").write_text(json.dumps(about))
        report = harness.run(
            "nomul.sim.soc",
            top=emitted.name,
            verilog=[design, *cells.write(design)],
            build_dir=work / "sim",
            environment={"NOMUL_SOC": str(work / "soc.json")},
            simulator=simulator,
            seed=seed,
        )
    return dataclasses.replace(report, log=folder.resolve() / "sim" / report.log.name)


def _lanes(block: Block, cfg: "Config", **options: Any) -> list[dict[str, Any]]:
    """Return the streams of a block with what its bench sent and received."""
    from nomul.synth.emit import lanes, vectors

    plain = steps.emit(block, cfg)
    recording = vectors.take(steps.workload(block, cfg, recorded=True), plain, **options)
    return [
        {
            "name": lane.name,
            "outward": lane.outward,
            "width": lane.width,
            "words": [f"{word:x}" for word in lane.words],
            "before": lane.before,
        }
        for lane in lanes.recorded(plain.manifest, recording, None)
    ]
