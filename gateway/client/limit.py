"""Limits of a workspace on the command line."""

from __future__ import annotations

import re

import click


class Limit(click.ParamType[tuple[str, int]]):
    """A limit by its name: `queries=500`, `requests-per-minute=1200`."""

    name = "name=number"

    def convert(
        self, value: str | tuple[str, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Returns the name, as the API writes it, and the number."""
        if isinstance(value, tuple):
            return value
        parts = re.fullmatch(r"([a-z_-]+)=(\d{1,18})", value, re.ASCII)
        if parts is None:
            self.fail(f"{value!r} is no limit such as queries=500.", param, ctx)
        return limit_name(parts[1]), int(parts[2])


def limit_name(text: str) -> str:
    """Returns a limit's name as the API writes it."""
    return text.replace("-", "_")
