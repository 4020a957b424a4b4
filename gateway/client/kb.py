"""`supportagent kb`: the knowledge base."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

import click

from gateway.client.connect import agent, connection_options
from gateway.client.output import json_option, print_json, print_table
from gateway.client.push import Push

# Processes may be restarting while a push runs.
PATIENCE = 120.0


@click.group()
def kb() -> None:
    """The knowledge base of a workspace."""


@kb.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@connection_options
@json_option
def push(folder: Path, key: str | None, url: str | None, as_json: bool) -> None:
    """
    Bring the Markdown and text files below FOLDER into the index, and custom answers.

    A broken push is gone on with by doing it again: what is there already is not sent. Front matter may give
    title, url, tags, locale and audience. Custom answers are files NAME.qa.json: a list of objects with
    question, alternatives (a list, if any) and answer.
    """
    with agent(key, url, patience=PATIENCE) as workspace, IndexingProgress() as progress:
        result = Push(workspace).run(folder, progress)
    for failure in result.failures:
        click.echo(f"{failure.external_id}: {failure.detail} ({failure.code})", err=True)
    if as_json:
        print_json({**asdict(result), "failed": len(result.failures)})
    else:
        click.echo(str(result))
    if result.failures:
        raise click.exceptions.Exit(1)


@kb.command()
@connection_options
@json_option
def status(key: str | None, url: str | None, as_json: bool) -> None:
    """Show the state of the index."""
    with agent(key, url, patience=10.0) as workspace:
        index = workspace.index()
    if as_json:
        print_json(index)
        return
    names = ("documents", "chunks", "pending", "failed", "revision", "indexed_revision", "embedding_model")
    print_table(("INDEX", ""), [(name, index.get(name, "")) for name in names])
    replicas = [(each["address"], each["revision"], each["lag_seconds"]) for each in index["replicas"]]
    if replicas:
        click.echo()
        print_table(("REPLICA", "REVISION", "LAG"), replicas)


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
