"""A program of the user that drives a design in simulation, as it would on a processor."""

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul.flow import steps
from nomul.runs import folders, programs

if TYPE_CHECKING:
    from nomul.sim.harness import Report
    from nomul.synth.emit import Emitted

COMPILER = "cc"
FLAGS = ("-std=c99", "-O1", "-Wall", "-Wextra", "-DNOMUL_SIMULATED")


def compiled(source: Path, headers: Path, folder: Path) -> Path:
    """Return the program of a C source that includes the header of a design.

    Parameters
    ----------
    source
        One file of C99; headers beside it are found too.
    headers
        Folder of the design's headers.
    folder
        Where the program goes.

    Raises
    ------
    ChildProcessError
        There is no compiler, or it has errors to report.
    """
    if shutil.which(COMPILER) is None:
        raise ChildProcessError(f"{source.name} needs a C compiler: apt-get install gcc")
    program = folder.resolve() / source.stem
    command = [
        COMPILER,
        *FLAGS,
        f"-I{headers.resolve()}",
        str(source.resolve()),
        "-o",
        str(program),
    ]
    done = programs.run(command)
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if "error:" in line), done.stderr)
        raise ChildProcessError(f"{source.name} does not compile: {said.strip()}")
    return program


def run_program(
    emitted: "Emitted",
    program: Path,
    folder: Path,
    *,
    simulator: str | None = None,
    **streams: Any,
) -> "Report":
    """Simulate a design with AXI4-Lite registers, and run a program that drives it.

    Parameters
    ----------
    emitted
        The design; its register map, header and ``nomul_bus.h`` are among its files.
    program
        A C source, which is compiled first, or an executable. It finds the simulation by
        ``nomul_bus.h``; its standard input and output are those of this process.
    folder
        Where design, program and simulation go.
    streams
        Of :func:`subprocess.Popen`: ``stdin``, ``stdout``.

    Returns
    -------
    Report
        ``compared`` is the number of transfers on the bus.

    Raises
    ------
    ChildProcessError
        The program does not compile or ended with an error.
    BenchError
        The simulation failed, or the program never used the bus.
    """
    from nomul.sim import cells, harness

    with folders.private(folder, beside=True) as work:
        emitted.write(work)
        source = program.suffix == ".c"
        executable = compiled(program, work, work) if source else program.resolve()
        design = work / f"{emitted.name}.v"
        pipes = {name: str(work / name.lower()) for name in ("NOMUL_REQUESTS", "NOMUL_ANSWERS")}
        for pipe in pipes.values():
            os.mkfifo(pipe)
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(
                harness.run,
                "nomul.sim.program",
                top=emitted.name,
                verilog=[design, *cells.write(design)],
                build_dir=work / "sim",
                environment=pipes,
                simulator=simulator or steps.installed_simulator(),
            )
            with subprocess.Popen([executable], env=os.environ | pipes, **streams) as child:
                ended = threading.Event()  # the simulation, before the program

                def stop(_: object, child: "subprocess.Popen[bytes]" = child) -> None:
                    if child.poll() is None:
                        ended.set()
                        child.kill()

                run.add_done_callback(stop)
                code = child.wait()
            # A program that never opened the pipes leaves a simulation that waits for them.
            while not run.done():
                with contextlib.suppress(OSError):
                    for pipe, mode in zip(pipes.values(), (os.O_WRONLY, os.O_RDONLY), strict=True):
                        os.close(os.open(pipe, mode | os.O_NONBLOCK))
                with contextlib.suppress(TimeoutError):
                    run.exception(timeout=0.2)
            for pipe in pipes.values():
                os.unlink(pipe)
            if code > 0:
                raise ChildProcessError(f"{program.name} ended with {code}")
            if code < 0 and not ended.is_set():
                raise ChildProcessError(f"{program.name} was ended by {signal.Signals(-code).name}")
            report = run.result()
        return dataclasses.replace(report, log=folder.resolve() / "sim" / report.log.name)
