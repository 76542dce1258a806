"""A paper's claim as a picture: ours, what it is compared with, and what the paper says."""

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nomul.experiments.pictures import Bar, Picture

_ROW, _LABEL, _WIDTH, _VALUE = 28, 165, 500, 75
_TOP, _BELOW = 8, 34

WHO = {
    "ours": "ours, measured",
    "baseline": "what it is compared with",
    "paper": "the paper, quoted",
}


def svg(picture: "Picture") -> str:
    """Return a picture as SVG: a bar each, on a logarithmic axis where they span decades."""
    shown = picture.bars
    low, high = min(bar.value for bar in shown), max(bar.value for bar in shown)
    decades = low > 0 and high / low > 20
    height = _TOP + _ROW * len(shown) + _BELOW
    room = _WIDTH - _LABEL - _VALUE
    start = 10 ** math.floor(math.log10(low)) if decades else 0.0

    def place(value: float) -> float:
        if decades:
            return room * math.log10(value / start) / math.log10(high / start)
        return room * value / high

    title = f"{picture.title}: " + ", ".join(f"{b.name} {number(b.value)}" for b in shown)
    parts = [
        f'<svg class="bars" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(title, quote=True)}">'
    ]
    for index, bar in enumerate(shown):
        parts.append(_bar(bar, _TOP + _ROW * index, place(bar.value)))
    bottom = _TOP + _ROW * len(shown)
    axis = f"{picture.unit}, {picture.better} is better" + (", logarithmic" if decades else "")
    parts.append(f'<path class="axis" d="M{_LABEL} {_TOP}V{bottom}H{_WIDTH - _VALUE}"/>')
    for value in _ticks(start, high, decades):
        x = _LABEL + place(value)
        parts.append(f'<path class="axis" d="M{x:.1f} {bottom}v4"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 15}">{number(value)}</text>')
    parts.append(
        f'<text class="unit" x="{_WIDTH / 2}" y="{bottom + 30}">{escape(axis)}</text></svg>'
    )
    return "".join(parts)


def _bar(bar: "Bar", y: int, width: float) -> str:
    middle, end = y + _ROW / 2 + 4, _LABEL + max(width, 1.5)
    return (
        f'<text class="name" x="{_LABEL - 8}" y="{middle}">{escape(bar.name)}</text>'
        f'<rect class="{bar.who}" x="{_LABEL}" y="{y + 4}" width="{max(width, 1.5):.1f}" '
        f'height="{_ROW - 8}"/>'
        f'<text class="value" x="{end + 6:.1f}" y="{middle}">{number(bar.value)}</text>'
    )


def _ticks(start: float, high: float, decades: bool) -> Sequence[float]:
    if decades:
        return [start * 10**n for n in range(math.floor(math.log10(high / start)) + 1)]
    step = 10 ** math.floor(math.log10(high))
    step = next(s for s in (step, step / 2, step / 5, step / 10) if high / s >= 3)
    return [step * n for n in range(int(high / step) + 1)]


def number(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
