"""Host programs of a classifier whose codes and scores are words on a serial line."""

from collections.abc import Mapping
from importlib.resources import files as resources
from string import Template
from typing import Any

FILES = {"classify.c": "classify_c", "classify.py": "classify_py"}


def serial_hosts(
    title: str,
    payloads: Mapping[str, Any],
    line: Mapping[str, Any],
    *,
    codes: int,
    scores: int,
    reach: tuple[int, int],
) -> dict[str, str]:
    """Return the text of each program by the name of its file.

    Parameters
    ----------
    title
        What is on the board.
    payloads, line
        The streams ``x`` (fields ``x``, ``last``) and ``y`` (``score``, ``label``, ``last``), and
        the serial line, as the file beside a bitstream has them.
    codes, scores
        Of an input and of an answer.
    reach
        The least and the greatest code.
    """
    from nomul.golden.serial import word_bytes

    fields = {(s, f["name"]): f for s in ("x", "y") for f in payloads[s]["fields"]}
    streams = {"x": list(line["inputs"]), "y": list(line["outputs"])}
    values = {
        "title": title,
        "codes": codes,
        "scores": scores,
        "low": reach[0],
        "high": reach[1],
        "baud": line["baud"],
        "x_stream": streams["x"].index("x"),
        "x_bytes": word_bytes(line["inputs"]["x"]),
        "x_last": fields["x", "last"]["offset"],
        "y_stream": streams["y"].index("y"),
        "y_bytes": word_bytes(line["outputs"]["y"]),
        "score_bits": fields["y", "score"]["width"],
        "label_at": fields["y", "label"]["offset"],
        "label_bits": fields["y", "label"]["width"],
    }
    folder = resources("nomul.hosts")
    return {
        name: Template((folder / f"{template}.template").read_text()).substitute(values)
        for name, template in FILES.items()
    }
