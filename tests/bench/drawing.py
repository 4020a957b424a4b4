"""The figure of growth: latency and memory over the number of points, all on logarithmic scales."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

# What is promised: latency grows by no more than this from the first size to the last, memory stays below
# so many times what vectors and links take.
MOST_GROWTH = 2.5
MOST_MEMORY = 1.6

_WIDTH, _HEIGHT = 760, 340
_TOP, _LOW, _PANEL = 60, 285, 270
_LEFTS = (70, 450)
# Figures stay readable where a line passes behind them.
_HALO = 'paint-order="stroke" stroke="#fff" stroke-width="4"'
_BLUE, _RED, _GREY = "#1f5fbf", "#b3471d", "#777"


@dataclass(frozen=True)
class Size:
    """What one number of points took; `bytes_least`: vectors once, and the graph's links."""

    points: int
    ef: int
    recall: float
    p50_ms: float
    p99_ms: float
    memory_bytes: int
    anonymous_bytes: int
    bytes_least: int
    searchable_per_second: float
    merged_per_second: float
    start_seconds: float


def drawing(sizes: Sequence[Size]) -> str:
    """Return an SVG with two panels; both draw what is promised as a broken line."""
    points = [each.points for each in sizes]
    latencies = [each.p50_ms for each in sizes]
    megabytes = [each.memory_bytes / 1e6 for each in sizes]
    least = [each.bytes_least / 1e6 for each in sizes]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
    ]
    slowest = [latencies[0] * MOST_GROWTH] * len(sizes)
    latency = _Panel(_LEFTS[0], points, [*latencies, *slowest], lambda ms: f"{ms:g} ms")
    parts += latency.frame("p50 of one caller, recall ≥ .95", _BLUE)
    parts += latency.curve(latencies, _BLUE, lambda ms: f"{ms:.2f} ms", under=slowest)
    parts += latency.promise(slowest, f"{MOST_GROWTH:g} × the first", over=latencies)
    most = [each * MOST_MEMORY for each in least]
    memory = _Panel(_LEFTS[1], points, [*megabytes, *least, *most], _memory_shown)
    parts += memory.frame("memory of the process", _RED)
    parts += memory.curve(megabytes, _RED, _memory_shown, under=most)
    parts += memory.promise(most, f"{MOST_MEMORY:g} × (vectors + links)", over=megabytes)
    return "\n".join([*parts, "</svg>", ""])


class _Panel:
    """Points to the right, a value upwards, from the power of ten (or its half) below all to that above."""

    def __init__(
        self, left: int, points: Sequence[int], values: Sequence[float], shown: Callable[[float], str]
    ) -> None:
        self._left, self._points, self._shown = left, points, shown
        marks = sorted(digit * 10.0**power for power in range(-4, 9) for digit in (1, 2, 5))
        first = max(place for place, mark in enumerate(marks) if mark <= min(values))
        last = min(place for place, mark in enumerate(marks) if mark >= max(values))
        self._marks = marks[first : last + 1] if last > first else marks[first : first + 2]

    def frame(self, title: str, colour: str) -> Iterator[str]:
        """Draw title, axes and marks."""
        right = self._left + _PANEL
        yield f'<text x="{self._left}" y="30" fill="{colour}" font-weight="bold">{title}</text>'
        for mark in self._marks:
            y = self._y(mark)
            yield f'<path d="M{self._left} {y:.0f}H{right}" stroke="#e4e4e4"/>'
            yield f'<text x="{self._left - 6}" y="{y + 4:.0f}" text-anchor="end" fill="{_GREY}">'
            yield f"{self._shown(mark)}</text>"
        yield f'<path d="M{self._left} {_TOP}V{_LOW}H{right}" fill="none" stroke="{_GREY}"/>'
        for each in self._points:
            yield f'<text x="{self._x(each):.0f}" y="{_LOW + 18}" text-anchor="middle">{each:,}</text>'
        middle = self._left + _PANEL // 2
        yield f'<text x="{middle}" y="{_LOW + 38}" text-anchor="middle" fill="{_GREY}">points</text>'

    def curve(
        self,
        values: Sequence[float],
        colour: str,
        shown: Callable[[float], str],
        *,
        under: Sequence[float],
    ) -> Iterator[str]:
        """Draw measured values; their figures stand on the side where the other line, `under`, is not."""
        below = values[-1] < under[-1]
        yield f'<polyline points="{self._line(values)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for each, value in zip(self._points, values, strict=True):
            x, y = self._x(each), self._y(value)
            anchor = "start" if each == self._points[0] else "end" if each == self._points[-1] else "middle"
            yield f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3.5" fill="{colour}"/>'
            yield f'<text x="{x:.0f}" y="{y + (19 if below else -9):.0f}" text-anchor="{anchor}" '
            yield f'fill="{colour}" {_HALO}>'
            yield f"{shown(value)}</text>"

    def promise(self, values: Sequence[float], name: str, *, over: Sequence[float]) -> Iterator[str]:
        """Draw what is not to be passed; its name stands on the side where the curve, `over`, is not."""
        above = values[-1] > over[-1]
        yield f'<polyline points="{self._line(values)}" fill="none" stroke="{_GREY}" stroke-dasharray="5 4"/>'
        x, y = self._x(self._points[-1]), self._y(values[-1])
        yield f'<text x="{x:.0f}" y="{y + (-8 if above else 16):.0f}" text-anchor="end" '
        yield f'fill="{_GREY}" {_HALO}>{name}</text>'

    def _line(self, values: Sequence[float]) -> str:
        places = zip(self._points, values, strict=True)
        return " ".join(f"{self._x(each):.1f},{self._y(value):.1f}" for each, value in places)

    def _x(self, points: int) -> float:
        return self._left + 12 + (_PANEL - 24) * _share(points, self._points[0], self._points[-1])

    def _y(self, value: float) -> float:
        return _LOW - (_LOW - _TOP) * _share(value, self._marks[0], self._marks[-1])


def _share(value: float, first: float, last: float) -> float:
    return math.log(value / first) / math.log(last / first)


def _memory_shown(megabytes: float) -> str:
    return f"{megabytes / 1000:.3g} GB" if megabytes >= 1000 else f"{megabytes:.3g} MB"
