"""A block's serial line: what its words are made of, and a simulation that answers on it."""

import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul.flow import steps
from nomul.registry import Block

if TYPE_CHECKING:
    from nomul.golden.config import Config

# Clock cycles per bit of a simulated line: few, since every one of them is computed.
DIVISOR = 5


def described(block: Block, cfg: "Config", top: Any) -> dict[str, Any]:
    """Return what a host has to know of a block beside its line: name, parameters, payloads.

    ``top`` is the block's component, whose ports are described.
    """
    from nomul.synth.emit.verilog import describe_ports

    ports = {port["name"]: port for port in describe_ports(top)}
    ends = [name for name in ports if name.endswith("__payload")]
    payloads = {name.removesuffix("__payload"): ports[name] for name in ends}
    return {"block": block.name, "config": cfg.to_dict(), "payloads": payloads}


def simulation(
    block: Block,
    cfg: "Config",
    folder: Path,
    simulator: str | None = None,
    link: str = "uart",
) -> tuple[dict[str, Any], str, "Future[Any]"]:
    """Start a simulation of a block behind its serial line, for whoever opens its socket.

    Returns what the file of a board would say, pyserial's address of the socket, and the run, which
    ends when the other side closes the port. ``link`` is ``uart`` or ``spi``.

    Raises
    ------
    BenchError
        The simulation ended before there was a socket.
    ValueError
        There is no such link.
    """
    from nomul.golden.spi import LEAST_DIVISOR
    from nomul.hw.serial import Serial, SpiSerial
    from nomul.sim import harness
    from nomul.synth.emit import emit

    if link not in ("uart", "spi"):
        raise ValueError(f"a link is uart or spi, not {link!r}")
    top, name = block.top(cfg), f"{block.name}_serial"
    serial = SpiSerial(top) if link == "spi" else Serial(top, DIVISOR)
    divisor = LEAST_DIVISOR if link == "spi" else DIVISOR
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    design, port = folder / f"{name}.v", folder / "port"
    design.write_text(emit(serial, name).verilog)
    port.unlink(missing_ok=True)
    widths = {
        "inputs": serial.widths(serial.inputs),
        "outputs": serial.widths(serial.outputs),
    }
    line = {"link": link, "divisor": divisor, **widths, "socket": str(port)}
    (folder / "serial.json").write_text(json.dumps(line))
    pool = ThreadPoolExecutor(1)
    run = pool.submit(
        harness.run,
        "nomul.sim.serial",
        top=name,
        verilog=[design],
        build_dir=folder / "sim",
        environment={"NOMUL_SERIAL": str(folder / "serial.json")},
        simulator=simulator or steps.installed_simulator(),
        tests="a_socket_leads_to_the_line",
    )
    pool.shutdown(wait=False)
    while not (port.is_file() and port.read_text()):
        if run.done():
            run.result()
            raise harness.BenchError(f"{name}: the simulation ended before it was used")
        time.sleep(0.05)
    about = {
        "name": f"{block.name}_simulated",
        "serial": {**({"link": link} if link == "spi" else {"baud": 115200}), **widths},
        **described(block, cfg, serial.top),
    }
    return about, f"socket://127.0.0.1:{port.read_text()}", run
