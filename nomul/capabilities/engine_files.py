"""What ``nomul build`` writes of an engine: sources, weights, programs of the host, bitstream."""

import dataclasses
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul import flow, registry

if TYPE_CHECKING:
    from nomul.golden.engine import Config
    from nomul.golden.network import Network

BLOCK = "engine"


def made(
    name: str,
    member: str,
    settings: Sequence[str],
    out: Path,
    calibration: Path | None = None,
) -> "Config":
    """Return the configuration that is to be built; the network is kept in ``out``.

    Parameters
    ----------
    name
        A trained network that comes with nomul, a small random one, or a file.
    member
        Of the product family.
    settings
        ``name=value`` each, as :func:`nomul.golden.engine.files.asked` takes them.
    out
        Folder for ``network.npz``.
    calibration
        Inputs in real numbers, for scales of a network of real numbers and for tables of sums.

    Raises
    ------
    TypeError, ValueError
        The file is no network, the member cannot hold it, there is no such setting, or nothing that
        tables could be fitted to.
    """
    import numpy as np

    from nomul.golden import network
    from nomul.golden.engine import examples
    from nomul.golden.engine.files import asked
    from nomul.golden.network import examples as trained

    out.mkdir(parents=True, exist_ok=True)
    if name not in (*examples.KINDS, *trained.names()):
        network.save(_read(Path(name), calibration), out / "network.npz")
        name = str(out / "network.npz")
    cfg = asked(name, member, settings)
    if cfg.tile.exact or cfg.samples is not None:
        return cfg
    if calibration is None:
        raise ValueError(f"{member} fits tables to inputs: --calibration X.npy gives some")
    x, path = _inputs(calibration), out / "samples.npy"
    np.save(path, cfg.net.encode(x.reshape(len(x), *cfg.net.input_shape)))
    return cfg.replace(samples=str(path))


def _inputs(path: Path) -> Any:
    from nomul.golden.foreign.archives import array_file

    return array_file(path)


def _read(path: Path, calibration: Path | None) -> "Network":
    """Return the network of a file, read as ``nomul import --as matrix`` reads it."""
    from nomul.capabilities import readers

    values = None if calibration is None else _inputs(calibration)
    return readers.load(path, "auto", "matrix", (), values).network


class Steps:
    """The steps of a build, each of which leaves its files in the folder.

    Parameters
    ----------
    cfg
        What is built.
    out
        The folder.

    Attributes
    ----------
    files
        What was written: what each file holds, by its path below the folder.
    figures
        What is worth knowing of the whole, by name.
    """

    def __init__(self, cfg: "Config", out: Path):
        from nomul.golden.engine.members import word_bits

        self.cfg, self.out = cfg, out
        self.block = registry.get(BLOCK)
        self.files: dict[str, str] = {}
        program, net = cfg.program, cfg.net
        self.figures: dict[str, Any] = {
            "products": net.products,
            "weights": net.weights,
            "passes": len(program.passes),
            "tile": f"{cfg.member}, {cfg.inputs} x {cfg.outputs}",
            "cycles per input": cfg.interval,
            "words of weights": program.beats,
            "bits of a word": word_bits(cfg.tile),
        }

    def write(self, name: str, content: str | bytes, about: str) -> None:
        """Write a file below the folder."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.files[name] = about

    @cached_property
    def described(self) -> dict[str, Any]:
        """What a host knows of the streams."""
        from nomul.flow import lines
        from nomul.synth.place import boards

        top = self.block.top(self.cfg)
        top._MustUse__silence = True  # it is described, and never built
        about = lines.described(self.block, self.cfg, top)
        return {**about, "serial": boards.serial_line(top)}

    def sources(self) -> None:
        """Write Verilog, with and without AXI, registers, weights, programs of the host."""
        from nomul.golden import network
        from nomul.golden.engine.files import program_words, weights
        from nomul.hosts import serial_hosts

        cfg, program = self.cfg, self.cfg.program
        network.save(cfg.net, self.out / "network.npz")
        self.files["network.npz"] = "the network as it is computed"
        self.write("config.json", cfg.to_json() + "\n", "parameters of the engine")
        flow.emit(self.block, cfg, self.out / "rtl")
        self.files[f"rtl/{BLOCK}.v"] = "Verilog, with streams"
        shell = flow.emit(self.block, cfg, self.out / "axi", axi=True)
        self.files[f"axi/{shell.name}.v"] = "Verilog behind AXI4-Stream and AXI4-Lite"
        for end, about in ((".rdl", "registers, SystemRDL"), (".h", "registers and words, C99")):
            self._shown(f"axi/{shell.name}{end}", about)
        self._shown(f"axi/{shell.name}.py", "registers and words, Python")
        words, places = weights(cfg)
        self.write("weights.bin", words, "words of weights, each of whole bytes, lowest first")
        self.write("weights.json", places + "\n", "where each tile begins in weights.bin")
        if cfg.loads:
            rows = program_words(cfg)
            self.write("program.bin", rows, "words of the layer program, for the register program")
        if cfg.weights == "rom" and not cfg.loads:
            hosts = serial_hosts(
                f"the engine, {cfg.network}, on {cfg.member}",
                self.described["payloads"],
                self.described["serial"],
                codes=program.entry.words,
                scores=program.scores,
                reach=(cfg.net.input_low, cfg.net.input_high),
            )
            for name, text in hosts.items():
                self.write(f"host/{name}", text, "classifies over the serial line")

    def _shown(self, name: str, about: str) -> None:
        """List a file that the emission wrote, where it did."""
        if (self.out / name).is_file():
            self.files[name] = about

    def testbench(self) -> None:
        """Write a testbench in plain Verilog with vectors of the bench, which they have passed."""
        emitted = flow.add_testbench(self.block, self.cfg, flow.emit(self.block, self.cfg))
        emitted.write(self.out / "rtl")
        for name in emitted.files:
            self.files[f"rtl/{name}"] = "testbench"

    def place(self, target: str, device: str | None, seed: int) -> None:
        """Place and route, and keep clock and sites."""
        folder = self.out / target
        placed = flow.place(self.block, self.cfg, folder, target, device=device, seeds=(seed,))
        self._measured(placed.device, placed.fmax_mhz, placed.utilisation)
        about = {**dataclasses.asdict(placed), "fmax_mhz": placed.fmax_mhz}
        self.write(f"{target}/placed.json", json.dumps(about, indent=1) + "\n", "clock and sites")

    def bitstream(self, board: str, target: str | None, seed: int) -> None:
        """Write the file that configures a board, and what a host has to know of it."""
        from nomul.synth.place import boards

        name = Path(board).stem  # a board of the user's own is a file of pins
        folder = self.out / name
        about = flow.bitstream(self.block, self.cfg, folder, board, seed=seed, target=target)
        placed, clock_mhz = about["placed"], boards.get(board).clock_hz / 1e6
        self._measured(about["board"], placed["fmax_mhz"], placed["utilisation"], clock_mhz)
        bits = Path(about["bitstream"])
        self.files[f"{name}/{bits.name}"] = "bitstream"
        self.files[f"{name}/{bits.stem}.json"] = "for nomul.board.Board.open"

    def _measured(
        self, where: str, fmax_mhz: float, sites: dict[str, int], clock_mhz: float | None = None
    ) -> None:
        """Note clock and sites, and the rate at that clock or at the one that a board has."""
        self.figures["device"] = where
        self.figures["clock (MHz)"] = fmax_mhz
        self.figures |= sites
        rate = "inputs per second"
        if clock_mhz is not None:
            self.figures["clock of the board (MHz)"] = clock_mhz
            rate = "inputs per second, without the line"
        self.figures[rate] = int(1e6 * (clock_mhz or fmax_mhz) / self.cfg.interval)

    def summary(self) -> dict[str, Any]:
        """Return configuration, figures and files, and keep them in ``build.json``."""
        about = {"config": self.cfg.to_dict(), "figures": self.figures, "files": self.files}
        text = json.dumps(about, indent=1, default=_plain)
        (self.out / "build.json").write_text(text + "\n")
        return about


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
