"""Folders to work in: private to one run, with paths that no tool misreads, moved to where they go.

Simulators, `make`, Tcl and Yosys each read some characters of a path as their own language, so
work is done in folders whose paths have none of them, under names that we choose. What a run leaves
comes to its place whole: whoever looks there sees one run's files, never those of two.
"""

import contextlib
import errno
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PLAIN = re.compile(r"/[A-Za-z0-9/._+@-]*")

# Lists what a run left in its folder, so that the next one replaces that and nothing else.
MARK = ".nomul"

_END_LINES = 12  # of a log
_TRIES = 100  # to take a place that other runs take too


def is_plain(path: Path) -> bool:
    """Whether a path has no character that some tool takes for part of its language."""
    return _PLAIN.fullmatch(str(path)) is not None


def plain_root() -> Path:
    """Return the folder for temporary files, or another where its path is not plain.

    Raises
    ------
    OSError
        There is none.
    """
    wanted = Path(tempfile.gettempdir()).resolve()
    for root in (wanted, Path("/tmp"), Path("/var/tmp"), Path("/dev/shm")):
        if is_plain(root) and os.access(root, os.W_OK | os.X_OK):
            return root
    raise OSError(f"TMPDIR: {str(wanted)!r} has characters that tools misread, and /tmp is no help")


def writable(folder: Path) -> None:
    """Make a folder where there is none, and see that a file can be written, before long work.

    Raises
    ------
    OSError
        It cannot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            error.errno, f"no file can be written: {error.strerror}", str(folder)
        ) from None


@contextlib.contextmanager
def scratch(prefix: str = "nomul-") -> Iterator[Path]:
    """Give a temporary folder that is gone afterwards.

    An error that names a log in it says how the log ends instead, in a note.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=plain_root()))
    try:
        yield folder
    except Exception as error:
        quote_log(error, folder)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def private(final: Path, *, beside: bool = False) -> Iterator[Path]:
    """Give an empty folder of a run's own, whose content comes to ``final`` when the run ends.

    Also after an error, so that its logs can be read; not after an interruption.

    Parameters
    ----------
    final
        Where the content goes. What an earlier run left there is replaced as a whole; other files
        stay.
    beside
        Put each file and folder beside what is there, instead of replacing the whole.

    Raises
    ------
    OSError
        Nothing can be written there.
    """
    final = final.resolve()
    near = final
    while not near.exists():
        near = near.parent
    for wrong, number in (
        (not near.is_dir(), errno.ENOTDIR),
        (not os.access(near, os.W_OK | os.X_OK), errno.EACCES),
    ):
        if wrong:  # before anything is done
            raise OSError(number, os.strerror(number), str(final))
    near = near.parent if near == final else near
    own = is_plain(near) and os.access(near, os.W_OK | os.X_OK)
    try:
        hold = Path(tempfile.mkdtemp(prefix=".nomul-", dir=near if own else plain_root()))
    except OSError as error:  # a file system may refuse what its permissions allow
        raise OSError(error.errno, os.strerror(error.errno or 0), str(final)) from None
    work, put = hold / "run", _merge if beside else _place
    work.mkdir()
    try:
        yield work
    except Exception as error:
        _rename_in(error, work, final)
        put(work, final)
        raise
    else:
        put(work, final)
    finally:
        shutil.rmtree(hold, ignore_errors=True)


@contextlib.contextmanager
def plain(folder: Path) -> Iterator[Path]:
    """Give a folder itself if its path is plain, else a copy of its files that goes back."""
    if is_plain(folder.resolve()):
        yield folder
        return
    with scratch() as work:
        for path in folder.iterdir():
            if path.is_file():
                shutil.copy2(path, work / path.name)
        try:
            yield work
        finally:
            for path in work.iterdir():
                if path.is_file():
                    replace(path, folder / path.name)


def _place(work: Path, final: Path) -> None:
    """Move a folder to its place in one step; what nomul did not put there before is kept."""
    final.parent.mkdir(parents=True, exist_ok=True)
    (work / MARK).write_text(json.dumps(sorted(path.name for path in work.iterdir())) + "\n")
    with _on_one_disk(work, final.parent) as near:
        try:
            near.rename(final)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        if (final / MARK).is_file():
            _replace(near, final)
        else:
            _merge(near, final)


@contextlib.contextmanager
def _on_one_disk(work: Path, folder: Path) -> Iterator[Path]:
    """Give a folder itself, or a copy where it is on another disk, since only a name can move."""
    if work.stat().st_dev == folder.stat().st_dev:
        yield work
        return
    hold = Path(tempfile.mkdtemp(prefix=".nomul-", dir=folder))
    try:
        yield Path(shutil.copytree(work, hold / work.name, symlinks=True))
    finally:
        shutil.rmtree(hold, ignore_errors=True)


def _replace(work: Path, final: Path) -> None:
    """Put a folder in the place of one that an earlier run has left."""
    aside = Path(tempfile.mkdtemp(prefix=".nomul-", dir=final.parent))
    try:
        for number in range(_TRIES):
            with contextlib.suppress(FileNotFoundError):  # another run has just taken it away
                final.rename(aside / str(number))
            with contextlib.suppress(OSError):  # another run has just come
                work.rename(final)
                break
        else:
            raise FileExistsError(f"{final} is written to by others all the time")
        for old in sorted(aside.iterdir()):
            left = set(json.loads((old / MARK).read_text())) if (old / MARK).is_file() else set()
            for entry in old.iterdir():
                if entry.name not in left | {MARK} and not (final / entry.name).exists():
                    entry.rename(final / entry.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _merge(work: Path, final: Path) -> None:
    """Move each file of a folder into another one, and each folder as a whole."""
    final.mkdir(parents=True, exist_ok=True)
    for entry in sorted(work.iterdir()):
        if entry.name == MARK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            _place(entry, final / entry.name)
        else:
            replace(entry, final / entry.name)


def stage(source: Path, folder: Path, name: str) -> str:
    """Copy a file into a folder under a name that we choose, and return that name.

    A script names what is beside it, never a path that somebody else has chosen.
    """
    with tempfile.TemporaryDirectory(prefix=".nomul-", dir=folder) as near:
        shutil.copyfile(source, Path(near, name))
        Path(near, name).replace(folder / name)
    return name


def replace(source: Path, target: Path) -> None:
    """Move a file over another one, so that nobody ever sees half of it."""
    if source.lstat().st_dev == target.parent.stat().st_dev:
        source.replace(target)
        return
    with tempfile.TemporaryDirectory(prefix=".nomul-", dir=target.parent) as near:
        Path(shutil.move(source, near)).replace(target)


def _rename_in(error: Exception, work: Path, final: Path) -> None:
    """Let an error's message name the place where its files will be."""
    if len(error.args) == 1 and isinstance(error.args[0], str):
        error.args = (error.args[0].replace(str(work), str(final)),)


def quote_log(error: Exception, folder: Path) -> None:
    """Replace what an error's message says of a folder that will be gone by the end of its log."""
    if len(error.args) != 1 or not isinstance(error.args[0], str):
        return
    inside = re.escape(str(folder))
    text = error.args[0]
    for named in re.findall(rf"{inside}[^\s;,)]*", text):
        log = Path(named)
        if log.is_file():
            lines = log.read_text(errors="replace").splitlines()[-_END_LINES:]
            error.add_note("\n".join([f"{log.name} ends:", *lines]))
    text = re.sub(rf" ?\(see {inside}[^)]*\)|[;,] see {inside}\S*| in {inside}[^\s;,):]*", "", text)
    error.args = (text.replace(f"{folder}/", ""),)
