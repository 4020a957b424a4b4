"""`supportagent kb`: the knowledge base."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from gateway.client.connect import agent, connection_options
from gateway.client.kb_operations import delete, operations, reindex, retry, rollback
from gateway.client.kb_progress import PATIENCE, IndexingProgress
from gateway.client.kb_sync import sync
from gateway.client.output import json_option, print_json, print_table
from gateway.client.push import Push


@click.group()
def kb() -> None:
    """The knowledge base of a workspace."""


@kb.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@connection_options
@json_option
def push(folder: Path, key: str | None, url: str | None, as_json: bool) -> None:
    """
    Bring the Markdown, text, HTML, PDF and DOCX files below FOLDER into the index, and custom answers.

    A broken push is gone on with by doing it again: what is there already is not sent. Front matter may give
    title, url, tags, locale and audience; its other texts become metadata. Custom answers are files
    NAME.qa.json: a list of objects with question, alternatives (a list, if any) and answer.
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


for each in (sync, reindex, rollback, delete, retry, operations):
    kb.add_command(each)
