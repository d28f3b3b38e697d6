"""Latency against load as a picture (SVG), drawn without a library; pure."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

WIDTH: Final = 760
HEIGHT: Final = 400
LEFT: Final = 70
RIGHT: Final = 170
TOP: Final = 44
BOTTOM: Final = 56
XMLNS: Final = "http://www.w3.org/2000/svg"
COLOURS: Final = ("#1f5fa8", "#b5462f", "#3a7d44", "#6b4f9e")
LINES: Final[Mapping[str, str]] = {"p50_ms": "2 4", "p95_ms": "", "p99_ms": "8 4"}
"""The dashes of each percentile."""
Rows = Sequence[Mapping[str, Any]]


def drawn(title: str, unit: str, target_ms: float, rows: Mapping[str, Rows]) -> str:
    """Return a picture of p50, p95 and p99 for each server; the latency's axis is logarithmic."""
    values = [row[key] for one in rows.values() for row in one for key in LINES if row[key]]
    loads = [row["load"] for one in rows.values() for row in one]
    scale = Scale(max(loads, default=1.0), [*values, target_ms])
    parts = [
        f'<svg xmlns="{XMLNS}" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 24, title, 'font-size="15"'),
        *_axes(scale, unit),
        _target(scale, target_ms),
    ]
    for number, (name, one) in enumerate(rows.items()):
        parts += _curves(scale, name, sorted(one, key=lambda row: float(row["load"])), number)
    return "\n".join([*parts, "</svg>", ""])


class Scale:
    """Maps load and latency to places in the picture."""

    def __init__(self, most: float, latencies_ms: Sequence[float]) -> None:
        self.most = most
        self.low = math.floor(math.log10(max(1.0, min(latencies_ms))))
        self.high = max(self.low + 1, math.ceil(math.log10(max(latencies_ms))))

    def x(self, load: float) -> float:
        """Return where a load is."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) * load / self.most, 1)

    def y(self, latency_ms: float) -> float:
        """Return where a latency is."""
        share = (math.log10(max(1.0, latency_ms)) - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)


def _axes(scale: Scale, unit: str) -> list[str]:
    parts: list[str] = []
    for power in range(scale.low, scale.high + 1):
        y = scale.y(10**power)
        parts += [_line(LEFT, y, WIDTH - RIGHT, y, "#ddd"), _text(LEFT - 8, y + 4, f"{10**power:,} ms", _END)]
    for number in range(5):
        load = scale.most * number / 4
        parts.append(_text(scale.x(load), HEIGHT - BOTTOM + 18, f"{load:.3g}", 'text-anchor="middle"'))
    return [*parts, _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, unit, 'text-anchor="middle"')]


_END: Final = 'text-anchor="end"'


def _target(scale: Scale, target_ms: float) -> str:
    y = scale.y(target_ms)
    return _line(LEFT, y, WIDTH - RIGHT, y, "#888") + _text(WIDTH - RIGHT + 6, y + 4, f"target {target_ms:g} ms")


def _curves(scale: Scale, name: str, rows: Rows, number: int) -> list[str]:
    colour, parts = COLOURS[number % len(COLOURS)], []
    for place, (key, dashes) in enumerate(LINES.items()):
        points = " ".join(f"{scale.x(row['load'])},{scale.y(row[key])}" for row in rows if row[key])
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'
        )
        y = TOP + 14 + 18 * (place + 4 * number)
        parts.append(_text(WIDTH - RIGHT + 14, y, f"{name} {key.removesuffix('_ms')}", f'fill="{colour}"'))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"/>'


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" {more}>{escape(text)}</text>'
