"""The host program in C of any block on a board: words in, words out, over its serial line."""

from collections.abc import Mapping
from importlib.resources import files as resources
from string import Template
from typing import Any


def words_host(title: str, line: Mapping[str, Any], file: str = "host.c") -> str:
    """Return a program in C99 that sends words to a block and prints what it answers.

    Parameters
    ----------
    title
        What is on the board.
    line
        The serial line, a ``uart``, as the file beside a bitstream has it.
    file
        Name of the program's source.
    """
    from nomul.golden.serial import word_bytes

    streams = {side: dict(line[side]) for side in ("inputs", "outputs")}
    tables = {
        side: "".join(f'{{"{n}", {bits}, {word_bytes(bits)}}}, ' for n, bits in widths.items())
        for side, widths in streams.items()
    }
    about = {
        side: ", ".join(f"{name} of {bits} bits" for name, bits in widths.items()) or "none"
        for side, widths in streams.items()
    }
    widest = [word_bytes(bits) for widths in streams.values() for bits in widths.values()]
    most = max(widest, default=1)
    return Template((resources("nomul.hosts") / "words_c.template").read_text()).substitute(
        tables,
        title=title,
        file=file,
        inputs_about=about["inputs"],
        outputs_about=about["outputs"],
        most=most,
        digits=2 * most + 1,
        input_count=len(streams["inputs"]),
        output_count=len(streams["outputs"]),
        baud=line["baud"],
    )
