"""One transaction of a simulated design as a drawing: what came in and out, cycle by cycle."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

Cycle = Mapping[str, int | None]

# Cycles shown before the middle is left out, and how many of its ends are then kept.
MOST, HEAD, TAIL = 44, 26, 14
_CELL, _ROW, _LABEL, _TOP = 26, 26, 170, 30

# In the drawing itself, so that it looks the same alone, in a notebook and in a page.
_STYLE = """\
.waves .tick, .waves .word text {
  font: 10px "DejaVu Sans", sans-serif; text-anchor: middle; fill: #333;
}
.waves .name { font: 11px "DejaVu Sans", sans-serif; text-anchor: end; fill: #111; }
.waves .grid { stroke: #e2e2e2; }
.waves .bit { fill: none; stroke: #11694f; stroke-width: 1.5; }
.waves .idle { stroke: #b5b5b5; stroke-width: 2; }
.waves .word rect { fill: #eef1fb; stroke: #5a6aa5; }
.waves .gap { stroke: #a02010; stroke-dasharray: 4 3; }
"""


@dataclass(frozen=True)
class Lane:
    """One line of the drawing: a single bit, or a word with what to write into it per cycle."""

    name: str
    bit: bool
    values: list[str | None]  # None: unknown, or nothing is offered


def window(trace: Sequence[Cycle]) -> range:
    """Return the cycles of the first transaction: first transfer in, to first transfer out.

    A cycle before and two after are shown too. Where nothing comes in or out, the range ends with
    the record.
    """
    streams = {name.removesuffix("__valid") for name in trace[0] if name.endswith("__valid")}
    moved = [
        next((i for i, at in enumerate(trace) if at[f"{s}__valid"] and at[f"{s}__ready"]), None)
        for s in streams
    ]
    times = sorted(time for time in moved if time is not None) or [0]
    return range(max(times[0] - 1, 0), min(times[-1] + 3, len(trace)))


def lanes(manifest: Mapping[str, Any], trace: Sequence[Cycle]) -> list[Lane]:
    """Return what is drawn of some cycles: streams on which something moves, flags that change.

    Of a stream first the handshake, then the fields of its payload; inputs before outputs.
    """
    ports = {port["name"]: port for port in manifest["ports"]}
    streams = [name.removesuffix("__payload") for name in ports if name.endswith("__payload")]
    lanes_shown = []
    for stream in sorted(streams, key=lambda s: ports[f"{s}__payload"]["direction"]):
        valid, ready, payload = (f"{stream}__{part}" for part in ("valid", "ready", "payload"))
        if any(at[valid] and at[ready] for at in trace):
            lanes_shown += [_plain(ports[name], trace) for name in (valid, ready)]
            lanes_shown += _payload(stream, ports[payload], trace)
    flags = [_plain(port, trace) for name, port in ports.items() if "__" not in name]
    return lanes_shown + [lane for lane in flags if len(set(lane.values)) > 1]


def _payload(stream: str, port: Mapping[str, Any], trace: Sequence[Cycle]) -> list[Lane]:
    """Return a lane per field; while nothing is offered, a payload is noise and not shown."""
    words = [at[port["name"]] if at[f"{stream}__valid"] else None for at in trace]
    whole = {**port, "name": "", "offset": 0, "count": 1}
    return [
        Lane(
            f"{stream}.{field['name']}" if field["name"] else stream,
            False,
            [None if word is None else _field(field, word) for word in words],
        )
        for field in port.get("fields", [whole])
    ]


def _plain(port: Mapping[str, Any], trace: Sequence[Cycle]) -> Lane:
    values = (at[port["name"]] for at in trace)
    texts = [None if value is None else str(value) for value in values]
    return Lane(port["name"].replace("__", "."), port["width"] == 1, texts)


def _field(field: Mapping[str, Any], word: int) -> str:
    """Return a payload's field in decimal, an array with blanks between its elements."""
    width, texts = field["width"], []
    for index in range(field["count"]):
        value = (word >> (field["offset"] + index * width)) & ((1 << width) - 1)
        if field["signed"] and value >> (width - 1):
            value -= 1 << width
        texts.append(str(value) if width <= 32 else f"{value:x}")
    return " ".join(texts)


def svg(title: str, manifest: Mapping[str, Any], trace: Sequence[Cycle]) -> str:
    """Return the first transaction of a recorded run as an SVG element.

    Parameters
    ----------
    title
        Of the drawing.
    manifest
        That of the emitted design: ports and the fields of their payloads.
    trace
        Per cycle, the value of every port, as :func:`nomul.sim.trace.read` returns it.
    """
    shown = window(trace)
    cycles = list(shown)
    gap = None
    if len(cycles) > MOST:
        gap, cycles = HEAD, cycles[:HEAD] + cycles[-TAIL:]
    rows = lanes(manifest, [trace[i] for i in cycles])
    width, height = _LABEL + _CELL * len(cycles) + 8, _TOP + _ROW * len(rows) + 6
    about = f"Values of the ports from cycle {cycles[0]} to cycle {cycles[-1]} of a simulation."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="waves" role="img" width="{width}"'
        f' height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>{escape(title)}</title><desc>{escape(about)}</desc>",
        f"<style>{_STYLE}</style>",
    ]
    for column, cycle in enumerate(cycles):
        x = _LABEL + _CELL * column
        if cycle % 2 == 0:
            parts.append(f'<text class="tick" x="{x + _CELL / 2}" y="16">{cycle}</text>')
        parts.append(f'<path class="grid" d="M{x} 22V{height - 4}"/>')
    for index, lane in enumerate(rows):
        y = _TOP + _ROW * index
        parts.append(f'<text class="name" x="{_LABEL - 8}" y="{y + 15}">{escape(lane.name)}</text>')
        parts += _bit(lane, y) if lane.bit else _word(lane, y)
    if gap is not None:
        x = _LABEL + _CELL * gap
        left_out = len(shown) - len(cycles)
        parts.append(f'<path class="gap" d="M{x} 22V{height - 4}"/>')
        parts.append(f'<text class="tick" x="{x}" y="28">{left_out} cycles not shown</text>')
    return "".join([*parts, "</svg>"])


def _bit(lane: Lane, y: float) -> Iterator[str]:
    level = {"1": y + 3, "0": y + 19, None: y + 11}
    path = f"M{_LABEL} {level[lane.values[0]]}"
    for column, value in enumerate(lane.values):
        path += f"V{level[value]}H{_LABEL + _CELL * (column + 1)}"
    yield f'<path class="bit" d="{path}"/>'


def _word(lane: Lane, y: float) -> Iterator[str]:
    for start, length, value in _runs(lane.values):
        x, width = _LABEL + _CELL * start, _CELL * length
        if value is None:
            yield f'<path class="idle" d="M{x} {y + 11}h{width}"/>'
            continue
        room = max(int(width / 6.6) - 1, 1)
        text = value if len(value) <= room else value[: max(room - 1, 0)] + "…"
        yield (
            f'<g class="word"><title>{escape(f"{lane.name} = {value}")}</title>'
            f'<rect x="{x + 1}" y="{y + 2}" width="{width - 2}" height="18" rx="3"/>'
            f'<text x="{x + width / 2}" y="{y + 15}">{escape(text)}</text></g>'
        )


def _runs(values: Sequence[str | None]) -> Iterator[tuple[int, int, str | None]]:
    """Yield start, length and value of each run of equal values."""
    start = 0
    for index in range(1, len(values) + 1):
        if index == len(values) or values[index] != values[start]:
            yield start, index - start, values[start]
            start = index
