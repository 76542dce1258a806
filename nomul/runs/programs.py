"""Programs of others as child processes that never outlive whoever started them."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from nomul.runs import folders

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
        return _leashed(words, folder, variables, text, log, timeout)


def _leashed(
    words: list[str],
    folder: Path | None,
    variables: Mapping[str, str],
    text: str,
    log: TextIO | None,
    timeout: float | None,
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
        out, err = child.communicate(text or None, timeout=timeout)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    finally:
        os.close(held)
    return subprocess.CompletedProcess(words, child.returncode, out or "", err or "")


def python(program: str, arguments: Sequence[str], folder: Path) -> _Done:
    """Run a piece of Python with this interpreter; arguments as for :func:`run`."""
    return run([sys.executable, "-c", program, *arguments], folder)
