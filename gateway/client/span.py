"""Lengths of time on the command line."""

from __future__ import annotations

import re

import click

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Span(click.ParamType[int]):
    """A length of time: `90d`, `12h`, `30m`, `45s` or seconds; `least` is the shortest, in seconds."""

    name = "span"

    def __init__(self, least: int = 1) -> None:
        self._least = least

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Returns it in seconds."""
        parts = re.fullmatch(r"(0|[1-9]\d{0,9})([smhd]?)", str(value), re.ASCII)
        seconds = int(parts[1]) * SECONDS[parts[2] or "s"] if parts else -1
        if seconds < self._least:
            self.fail(f"{value!r} is no length of time such as 90d, 12h, 30m or 45s.", param, ctx)
        return seconds
