"""Numbers on the command line."""

from __future__ import annotations

import math

import click


class Number(click.ParamType[float]):
    """A number that JSON can hold: neither `nan` nor `inf`."""

    name = "number"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Returns it."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number
