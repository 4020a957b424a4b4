"""How far the index is, on standard error."""

from __future__ import annotations

import sys
from types import TracebackType

import click

# Processes may be restarting while a push runs.
PATIENCE = 120.0


class IndexingProgress:
    """A bar on a terminal, a line now and then elsewhere; on standard error."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._width = 0
        self._last: tuple[int, int] | None = None

    def __enter__(self) -> IndexingProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._width:
            click.echo(err=True)

    def __call__(self, done: int, total: int) -> None:
        """Shows that `done` of `total` changed pages are in the index."""
        if not total or (done, total) == self._last:
            return
        if self._terminal:
            full = 40 * done // total
            line = f"indexed [{'#' * full}{'-' * (40 - full)}] {done}/{total}"
            self._width = max(self._width, len(line))
            click.echo(f"\r{line.ljust(self._width)}", nl=False, err=True)
        else:
            click.echo(f"indexed {done}/{total}", err=True)
        self._last = (done, total)
