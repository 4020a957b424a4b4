"""A panel of a figure: values over sizes, both on logarithmic scales."""

import math
from collections.abc import Callable, Iterator, Sequence

WIDTH, HEIGHT = 760, 340
LEFTS = (70, 450)
_TOP, _LOW, _PANEL = 60, 285, 270
# Figures stay readable where a line passes behind them.
_HALO = 'paint-order="stroke" stroke="#fff" stroke-width="4"'
BLUE, RED, GREY = "#1f5fbf", "#b3471d", "#777"


class Panel:
    """Sizes to the right, a value upwards, from the power of ten (or its half) below all to that above."""

    def __init__(
        self,
        left: int,
        points: Sequence[int],
        values: Sequence[float],
        shown: Callable[[float], str],
        unit: str = "points",
    ) -> None:
        """`values` are all that will be drawn; `unit` says of what the sizes are."""
        self._left, self._points, self._shown, self._unit = left, points, shown, unit
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
            yield f'<text x="{self._left - 6}" y="{y + 4:.0f}" text-anchor="end" fill="{GREY}">'
            yield f"{self._shown(mark)}</text>"
        yield f'<path d="M{self._left} {_TOP}V{_LOW}H{right}" fill="none" stroke="{GREY}"/>'
        for each in self._points:
            yield f'<text x="{self._x(each):.0f}" y="{_LOW + 18}" text-anchor="middle">{each:,}</text>'
        middle = self._left + _PANEL // 2
        yield f'<text x="{middle}" y="{_LOW + 38}" text-anchor="middle" fill="{GREY}">{self._unit}</text>'

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
        yield f'<polyline points="{self._line(values)}" fill="none" stroke="{GREY}" stroke-dasharray="5 4"/>'
        x, y = self._x(self._points[-1]), self._y(values[-1])
        yield f'<text x="{x:.0f}" y="{y + (-8 if above else 16):.0f}" text-anchor="end" '
        yield f'fill="{GREY}" {_HALO}>{name}</text>'

    def _line(self, values: Sequence[float]) -> str:
        places = zip(self._points, values, strict=True)
        return " ".join(f"{self._x(each):.1f},{self._y(value):.1f}" for each, value in places)

    def _x(self, points: int) -> float:
        return self._left + 12 + (_PANEL - 24) * _share(points, self._points[0], self._points[-1])

    def _y(self, value: float) -> float:
        return _LOW - (_LOW - _TOP) * _share(value, self._marks[0], self._marks[-1])


def _share(value: float, first: float, last: float) -> float:
    return math.log(value / first) / math.log(last / first)


def svg(parts: Sequence[str]) -> str:
    """Return the whole figure."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12">'
    )
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', *parts, "</svg>", ""])
