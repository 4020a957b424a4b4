"""Today's figures beside those of a former run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.eval.figures import LESS, MORE, NEITHER, Figure, Figures

COMMITTED = Path(__file__).with_name("baseline.json")
# Figures are written with four places.
_ROUNDING = 5e-5


@dataclass(frozen=True)
class Asked:
    """Which questions: the part of each set, and at most how many (0: all)."""

    part: str
    most: int


@dataclass(frozen=True)
class Baseline:
    """The figures of a former run, by case."""

    asked: Asked
    figures: dict[str, Figures]

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """Read what `write` has written."""
        value = json.loads(path.read_text())
        return cls(Asked(**value["asked"]), figures_from_json(value["figures"]))

    def write(self, path: Path) -> None:
        """Write a file with figures only: no question, no page."""
        text = json.dumps({"asked": asdict(self.asked), "figures": figures_as_json(self.figures)}, indent=1)
        path.write_text(text + "\n")


@dataclass(frozen=True)
class Difference:
    """A figure that is outside of its former interval, and its former self outside of the present one."""

    case: str
    name: str
    before: Figure
    now: Figure

    @property
    def worse(self) -> bool:
        """Whether it changed for the worse."""
        return is_worse(self.before, self.now)


def is_worse(before: Figure, now: Figure) -> bool:
    """Whether a figure is worse than the interval of its former value allows."""
    if before.better == MORE:
        return now.value < before.low - _ROUNDING
    return before.better == LESS and now.value > before.high + _ROUNDING


def shared(before: Mapping[str, Figures], now: Mapping[str, Figures]) -> Iterator[Difference]:
    """Yield every pair of figures that both runs have."""
    for case, figures in now.items():
        for name, figure in figures.items():
            former = before.get(case, {}).get(name)
            if former is not None:
                yield Difference(case, name, former, figure)


def differences(before: Mapping[str, Figures], now: Mapping[str, Figures]) -> list[Difference]:
    """Return what is worse than the former interval allows, then what differs beyond both intervals."""
    pairs = list(shared(before, now))
    worse = [each for each in pairs if each.worse]
    others = [each for each in pairs if not each.worse and _apart(each) and each.before.better != NEITHER]
    return worse + others


def figures_as_json(figures: Mapping[str, Figures]) -> dict[str, dict[str, list[Any]]]:
    """Return figures as lists of value, low, high, count, better."""
    return {
        case: {
            name: [
                *(round(number, 4) for number in (each.value, each.low, each.high)),
                each.count,
                each.better,
            ]
            for name, each in named.items()
        }
        for case, named in figures.items()
    }


def figures_from_json(value: Mapping[str, Mapping[str, list[Any]]]) -> dict[str, Figures]:
    """Read what `figures_as_json` has made."""
    return {case: {name: Figure(*each) for name, each in named.items()} for case, named in value.items()}


def _apart(pair: Difference) -> bool:
    before, now = pair.before, pair.now
    return not (before.low <= now.value <= before.high or now.low <= before.value <= now.high)
