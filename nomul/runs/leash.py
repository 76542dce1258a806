"""Runs a command, and ends it with all that it has started as soon as its owner is gone.

Started as ``leash.py FD COMMAND...`` at the head of a process group of its own. ``FD`` is the
reading end of a pipe whose other end only the owner holds: however the owner dies, by SIGKILL too,
the pipe closes then. Imports little, because every program that is run waits for it.
"""

import os
import signal
import sys
from _thread import start_new_thread


def _watch(rope: int) -> None:
    """Wait until the owner is gone, then end the whole group, this process with it."""
    os.read(rope, 1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Run the command, and end with its exit code; 128 and the number of a signal that ended it."""
    rope, command = int(sys.argv[1]), sys.argv[2:]
    close = [(os.POSIX_SPAWN_CLOSE, rope)]
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=close)
    start_new_thread(_watch, (rope,))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
