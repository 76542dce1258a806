"""The steps from a name to results: configure, emit, simulate, synthesize.

The command line, the demo and the tests all take these, so what a user runs is what was tested.
"""

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul.registry import Block

if TYPE_CHECKING:
    from nomul.golden.config import Config
    from nomul.hw.reset import Reset
    from nomul.sim.harness import Report
    from nomul.synth.check.netcheck import Checked
    from nomul.synth.emit import Emitted
    from nomul.synth.energy.power import Energy
    from nomul.synth.map.targets import StandardCells
    from nomul.synth.measure import Row
    from nomul.synth.place.pnr import Placed


def configure(block: Block, preset: str | None = None, settings: Iterable[str] = ()) -> "Config":
    """Return a configuration from text.

    Parameters
    ----------
    block
        Whose configuration.
    preset
        Name of a preset; its first one if None.
    settings
        ``name=value`` each, applied on top; values as :meth:`nomul.golden.config.Config.parse`
        reads them.

    Raises
    ------
    TypeError, ValueError
        An unknown preset or parameter, or a value that the block refuses. The message names it and
        the alternatives.
    """
    kind: type[Config] = block.config()
    overrides = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(
                f"--set wants name=value, not {setting!r}; {block.name} has "
                f"{', '.join(kind.names())}"
            )
        overrides[name.strip()] = kind.parse(name.strip(), text.strip())
    return kind.preset(preset or next(iter(kind.presets)), **overrides)


def default_folder(block: Block, preset: str | None = None) -> Path:
    """Return where results go if nobody says: build/<block>/<preset> under the current folder."""
    return Path("build") / block.name / (preset or block.first_preset)


def emit(
    block: Block,
    cfg: "Config",
    folder: Path | None = None,
    top: Any = None,
    *,
    axi: bool = False,
    reset: "Reset | None" = None,
) -> "Emitted":
    """Return the block's Verilog and manifest, written into ``folder`` unless that is None.

    Models of the black boxes that it instantiates, if any, come as files of their own.

    Parameters
    ----------
    top
        Replaces the component, for tests that break it on purpose.
    axi
        Put it behind AXI4-Stream and AXI4-Lite, as ``<block>_axi``.
    reset
        Kind and active level; synchronous and high if None. AXI's is low.
    """
    from nomul.hw.axi import shell
    from nomul.hw.reset import Reset
    from nomul.sim import cells
    from nomul.synth import emit

    top = block.top(cfg) if top is None else top
    top, name = (shell.Axis(top), f"{block.name}_axi") if axi else (top, block.name)
    emitted = emit.emit(top, name, paper=block.paper, reset=reset or Reset())
    emitted = dataclasses.replace(emitted, files=cells.models(emitted.verilog))
    if folder is not None:
        emitted.write(folder)
    return emitted


def add_testbench(
    block: Block, cfg: "Config", emitted: "Emitted", *, count: int = 1000, seed: int = 1
) -> "Emitted":
    """Run the block's bench, and return the design with a testbench of the recorded vectors.

    Parameters
    ----------
    emitted
        From :func:`emit`, however reset and wrapped.
    count
        Transfers to record.
    seed
        Of the stimuli.

    Raises
    ------
    BenchError
        The block does not do what its model says.
    """
    from nomul.synth.emit import flags, lanes, testbench, vectors

    plain, axi = emit(block, cfg), emitted.manifest.get("axi")
    recording = vectors.take(block, plain, count=count, seed=seed, simulator=installed_simulator())
    streams = lanes.recorded(plain.manifest, recording, axi)
    seen = flags.of(plain.manifest, axi)
    files = testbench.write(emitted, streams, recording.complete, seen) | emitted.files
    design = {f"{emitted.name}.v": emitted.verilog}
    end = recording.status if recording.complete else None
    known = flags.settled(seen, emitted.name, files | design, end)
    files |= testbench.write(emitted, streams, recording.complete, known)
    return dataclasses.replace(emitted, files=files)


def simulate(
    block: Block,
    cfg: "Config",
    folder: Path,
    *,
    bench: str | None = None,
    top: Any = None,
    simulator: str | None = None,
    **options: Any,
) -> "Report":
    """Emit a block into ``folder``, run its bench on the Verilog there, and return the report.

    Parameters
    ----------
    bench
        Import name of another bench than the block's own.
    simulator
        The one that is installed if None.
    options
        Of :func:`nomul.sim.harness.run`: tests, seed, waves, environment.

    Raises
    ------
    BenchError
        The bench failed, or checked nothing.
    """
    from nomul.sim import cells, harness

    emit(block, cfg, folder, top)
    design = folder / f"{block.name}.v"
    return harness.run(
        bench or block.bench,
        top=block.name,
        verilog=[design, *cells.write(design)],
        build_dir=folder / "sim",
        config=cfg.to_json(),
        simulator=simulator or installed_simulator(),
        **options,
    )


def target_name(target: str | None, liberty: Path | None) -> str:
    """Return the target's name: what was asked for, else the file's, else ``freepdk45``."""
    return target or (liberty.stem if liberty else "freepdk45")


def measure(
    block: Block,
    cfg: "Config",
    folder: Path,
    *,
    preset: str = "",
    target: str | None = None,
    liberty: Path | None = None,
    period_ps: int = 1000,
    hierarchical: bool = False,
    seeds: Sequence[int] = (1, 2, 3),
    clock_gating: int = 0,
) -> "Row":
    """Synthesize a block into ``folder`` and return the row of what was measured.

    Parameters
    ----------
    preset
        Label of the configuration in the row; empty if it has no name.
    target
        Name of a target; ``freepdk45`` if None. With ``liberty`` a label, by default the file's.
    liberty
        Standard cells to map to.
    period_ps, hierarchical, seeds
        As in :func:`nomul.synth.measure.measure`.
    clock_gating
        Smallest number of registers with a common enable that get a clock gate; 0 for none.

    Raises
    ------
    YosysError
        The design has a latch, or a wire without driver or with several; or a tool failed.
    FileNotFoundError, ValueError
        There is no such library, or target, or it has no standard cells to gate clocks with.
    """
    from nomul.synth import measure
    from nomul.synth.map import targets

    name = target_name(target, liberty)
    chosen = targets.get(name, liberty=liberty)
    if clock_gating:
        if not isinstance(chosen, targets.StandardCells):
            raise ValueError(f"target {name} has no standard cells to gate clocks with")
        chosen = dataclasses.replace(chosen, clock_gating=clock_gating)
    return measure.measure(
        block.top(cfg),
        cfg,
        block.name,
        chosen,
        preset=preset,
        paper=block.paper,
        period_ps=period_ps,
        hierarchical=hierarchical,
        seeds=seeds,
        folder=folder,
    )


def place(
    block: Block,
    cfg: "Config",
    folder: Path,
    target: str,
    *,
    device: str | None = None,
    seeds: Sequence[int] = (1, 2, 3),
) -> "Placed":
    """Place and route a block into ``folder``, and return clock and utilisation.

    Parameters
    ----------
    target, device, seeds
        As in :func:`nomul.synth.place.pnr.place_and_route`.

    Raises
    ------
    PnrError
        The block fits no device, or cannot be routed.
    ValueError
        There is no such target, or device.
    """
    from nomul.synth.place import pnr

    emitted = emit(block, cfg, folder)
    return pnr.place_and_route(emitted, target, seeds, device=device, folder=folder)


def bitstream(
    block: Block, cfg: "Config", folder: Path, board: str, *, seed: int = 1
) -> dict[str, Any]:
    """Put a block on a board with its serial line, and write bitstream and what feeds it.

    Returns what ``<block>_<board>.json`` says: manifest, clock, sites, serial line, bitstream.

    Raises
    ------
    PnrError
        The block does not fit the board, or is slower than its oscillator.
    ValueError
        There is no such board.
    """
    from nomul.synth.place import boards

    chosen = boards.get(board)
    file, placed, emitted = boards.bitstream(block.top(cfg), block.name, chosen, folder, seed=seed)
    about = {
        **emitted.manifest,
        "board": chosen.title,
        "bitstream": str(file),
        "serial": boards.serial_line(block.top(cfg)),
        "placed": {**vars(placed), "fmax_mhz": placed.fmax_mhz},
    }
    (folder / f"{emitted.name}.json").write_text(json.dumps(about, indent=2) + "\n")
    return about


def cells_with_models(
    target: str | None = None, liberty: Path | None = None, models: Path | None = None
) -> "StandardCells":
    """Return the standard cells of :func:`measure`'s arguments, if energy can be measured on them.

    ``models`` is the Verilog of the cells of ``liberty``.

    Raises
    ------
    FileNotFoundError
        The library is not installed, or has no Verilog models of its cells.
    ValueError
        The target has no standard cells.
    """
    from nomul.synth.map import targets

    found = targets.get(target_name(target, liberty), liberty=liberty, models=models)
    if not isinstance(found, targets.StandardCells):
        raise ValueError(f"energy needs standard cells, and {target} has none; try freepdk45")
    found.models()
    return found


def energy(
    block: Block,
    cfg: "Config",
    folder: Path,
    cells: "StandardCells",
    *,
    period_ps: int = 1000,
    glitches: bool = False,
    seed: int = 1,
) -> "Energy":
    """Run a block's bench on the netlist that :func:`measure` left in ``folder``; see its energy.

    Parameters
    ----------
    cells
        What it was mapped to, from :func:`cells_with_models`.
    period_ps
        Clock period of the estimate.
    glitches
        Give every cell a delay, and count what nets do before they settle.
    seed
        Of the bench's stimuli.

    Raises
    ------
    BenchError
        The netlist does not do what the model says.
    """
    from nomul.synth.energy import gatesim, power

    return power.measure(
        block,
        cfg,
        folder / "mapped.v",
        cells,
        folder=folder / "energy",
        period_ps=period_ps,
        seed=seed,
        delays=gatesim.UnitDelay() if glitches else None,
    )


def check(
    block: Block,
    cfg: "Config",
    folder: Path,
    target: str | None = None,
    liberty: Path | None = None,
    models: Path | None = None,
    *,
    count: int = 1000,
) -> "Checked":
    """Run a block's vectors on the netlist that :func:`measure` left in ``folder``.

    Parameters
    ----------
    target, liberty
        As for :func:`measure`.
    models
        Verilog of the cells of ``liberty``; None to read their functions there.
    count
        Transfers to record.

    Raises
    ------
    NetlistError
        An answer differs from that of the golden model, or does not come.
    """
    from nomul.synth.check import netcheck
    from nomul.synth.map import targets

    cells = targets.get(target_name(target, liberty), liberty=liberty, models=models)
    emitted = add_testbench(block, cfg, emit(block, cfg), count=count)
    return netcheck.check(emitted, folder / "mapped.v", cells, folder / "check")


def installed_simulator() -> str:
    """Return ``icarus`` where it is on PATH, since it builds at once, else ``verilator``."""
    return "icarus" if shutil.which("iverilog") else "verilator"


def train(
    block: Block,
    preset: str | None,
    out: Path,
    folder: Path | None = None,
    seeds: Sequence[int] = (1,),
    advance: Callable[[float], None] = lambda _: None,
) -> dict[str, Any]:
    """Train a network, save it, and return its file, tables and accuracies.

    An interrupted run goes on from what it left beside ``out``. Of several seeds that which is best
    on images held out of the training set is kept.

    Raises
    ------
    ValueError
        The block has nothing to train, or there is no such preset.
    FileNotFoundError
        The data set is not installed.
    """
    from nomul.train import lutnet

    name, what = to_train(block, preset)
    data = lutnet.load(what.data, folder or lutnet.FASHION)
    out.parent.mkdir(parents=True, exist_ok=True)
    if len(seeds) > 1:
        runs = out.with_name(f"{out.name}.runs")
        trained = lutnet.choose(what, data, list(seeds), runs, advance)
    else:
        checkpoint = out.with_name(f"{out.name}.pt")
        trained = lutnet.train(what, data, seeds[0], checkpoint=checkpoint, advance=advance)
    trained.network.about["preset"] = name
    trained.network.save(out)
    return {
        "file": str(out),
        "data": what.data,
        "tables": trained.network.n_tables,
        "accuracy, training": round(trained.accuracy_train, 4),
        "accuracy, test": round(trained.accuracy, 4),
        **{
            f"seeds, {split}": ", ".join(map(str, trained.network.about[split]))
            for split in ("validation", "test")
            if len(seeds) > 1
        },
    }


def to_train(block: Block, preset: str | None, data: str | None = None) -> tuple[str, Any]:
    """Return the name of what is to be trained, and the preset itself.

    Raises
    ------
    ValueError
        The block has nothing to train, or there is no such preset.
    """
    if block.name != "lutnet":
        raise ValueError(f"only lutnet is trained, not {block.name}")
    from nomul.train import lutnet

    presets = {n: p for n, p in lutnet.PRESETS.items() if data in (None, p.data)}
    if not presets:
        raise ValueError(f"data must be one of digits, fashion-mnist, not {data!r}")
    name = preset or next(iter(presets))
    if name not in presets:
        raise ValueError(f"there is no {name!r} to train; there are {', '.join(presets)}")
    return name, presets[name]


def test_set(
    block: Block, cfg: "Config", name: str, folder: Path, images: int | None
) -> dict[str, Any]:
    """Write a test set where a bench finds it, and return that and the model's accuracy on it.

    With ``images`` it is the first so many of the set.

    Raises
    ------
    ValueError
        The block is not a network, there is no such data set, it does not fit the network, or no
        image is asked for.
    """
    if images is not None and images < 1:
        raise ValueError(f"images must be at least 1, not {images}")
    if block.name != "lutnet":
        raise ValueError(f"only lutnet runs on a data set, not {block.name}")
    import numpy as np

    from nomul.golden import lutnet
    from nomul.train import data

    assert isinstance(cfg, lutnet.Config)
    test = data.load(name)
    x, labels = test.x_test[:images], test.labels_test[:images]
    right = lutnet.predict(cfg.load(), x) == labels
    folder.mkdir(parents=True, exist_ok=True)
    path = (folder / "stimuli.npz").resolve()
    np.savez(path, x=x)
    return {"stimuli": str(path), "samples": len(right), "accuracy": round(float(right.mean()), 4)}
