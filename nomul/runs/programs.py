"""Programs of others as child processes that never outlive whoever started them."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from nomul.runs import folders, progress

_Done = subprocess.CompletedProcess[str]

_LEASH = Path(__file__).with_name("leash.py")


def run(
    command: Sequence[str | Path],
    folder: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    text: str = "",
    log: TextIO | None = None,
    timeout: float | None = None,
    watch: Callable[[], None] | None = None,
) -> _Done:
    """Run a program to its end, and return its exit code and what it said.

    The program and all that it starts are one process group. The group ends when this call is
    interrupted or its time is over, and also when this process dies, in whatever way. Temporary
    files of the program go to a folder of this run alone, whose path every tool can take, and which
    is gone when the run has ended.

    Parameters
    ----------
    command
        Name and arguments, never a line of a shell.
    folder
        Working directory; names in the arguments are best relative to it.
    environment
        All variables; this process' own if None.
    text
        Standard input.
    log
        File that takes standard output and standard error; they are returned if None.
    timeout
        Seconds.
    watch
        Called twice a second while it runs; what it raises ends the program.

    Raises
    ------
    FileNotFoundError
        There is no such program.
    subprocess.TimeoutExpired
        It took longer.
    """
    words = [str(word) for word in command]
    variables = {**(os.environ if environment is None else environment)}
    if shutil.which(words[0], path=variables.get("PATH")) is None:
        raise FileNotFoundError(f"there is no program {words[0]} on PATH")
    with folders.scratch("nomul-tmp-") as temporary:
        variables["TMPDIR"] = str(temporary)
        return _leashed(words, folder, variables, text, log, timeout, watch)


def _leashed(
    words: list[str],
    folder: Path | None,
    variables: Mapping[str, str],
    text: str,
    log: TextIO | None,
    timeout: float | None,
    watch: Callable[[], None] | None,
) -> _Done:
    """Run a program on a rope: when this process lets go of it, the program's group ends."""
    rope, held = os.pipe()
    try:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LEASH), str(rope), *words],
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE if text else subprocess.DEVNULL,
            stdout=subprocess.PIPE if log is None else log,
            stderr=subprocess.PIPE if log is None else subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=(rope,),
            process_group=0,
        )
    except BaseException:
        os.close(held)
        raise
    finally:
        os.close(rope)
    try:
        out, err = _end(child, text, timeout, watch)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    finally:
        os.close(held)
    return subprocess.CompletedProcess(words, child.returncode, out or "", err or "")


def _end(
    child: "subprocess.Popen[str]",
    text: str,
    timeout: float | None,
    watch: Callable[[], None] | None,
) -> tuple[str, str]:
    """Wait for a child, and return what it said; look around meanwhile, if there is a watch."""
    if watch is None:
        return child.communicate(text or None, timeout=timeout)
    begun = time.monotonic()
    while True:
        try:
            return child.communicate(text or None, timeout=progress.BREATH)
        except subprocess.TimeoutExpired:
            if timeout is not None and time.monotonic() - begun > timeout:
                raise
            watch()


def python(
    program: str,
    arguments: Sequence[str],
    folder: Path,
    watch: Callable[[], None] | None = None,
) -> _Done:
    """Run a piece of Python with this interpreter; arguments as for :func:`run`."""
    return run([sys.executable, "-c", program, *arguments], folder, watch=watch)
