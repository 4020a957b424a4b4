"""`supportagent kb reindex`, `rollback`, `delete`, `retry`, `operations`: what takes its time."""

from __future__ import annotations

import time
from typing import Any

import click

from gateway.client.client import SupportAgent
from gateway.client.connect import agent, connection_options
from gateway.client.delivery import ENDED
from gateway.client.kb_progress import PATIENCE, IndexingProgress
from gateway.client.output import json_option, print_json, print_table

_POLL_SECONDS = 0.5


@click.command()
@click.option("--document", "documents", multiple=True, help="Only this document's id; may be repeated.")
@connection_options
@json_option
def reindex(documents: tuple[str, ...], key: str | None, url: str | None, as_json: bool) -> None:
    """Make the index anew while the old one serves, then switch to it."""
    with agent(key, url, patience=PATIENCE) as workspace:
        _follow(workspace, workspace.reindex(documents), as_json=as_json)


@click.command()
@connection_options
@json_option
def rollback(key: str | None, url: str | None, as_json: bool) -> None:
    """Go back to the index that served before the last re-index."""
    with agent(key, url, patience=PATIENCE) as workspace:
        _follow(workspace, workspace.roll_back_reindex(), as_json=as_json)


@click.command()
@click.argument("external_id")
@connection_options
@json_option
def delete(external_id: str, key: str | None, url: str | None, as_json: bool) -> None:
    """Delete a document, wait until it is gone from everywhere, and print the receipt as JSON."""
    with agent(key, url, patience=PATIENCE) as workspace:
        _follow(workspace, workspace.delete_document_by_external_id(external_id), as_json=as_json)


@click.command()
@click.argument("operation_id")
@connection_options
@json_option
def retry(operation_id: str, key: str | None, url: str | None, as_json: bool) -> None:
    """Try again what failed in an operation."""
    with agent(key, url, patience=PATIENCE) as workspace:
        _follow(workspace, workspace.retry_operation(operation_id), as_json=as_json)


@click.command()
@connection_options
@json_option
def operations(key: str | None, url: str | None, as_json: bool) -> None:
    """List operations, newest first."""
    with agent(key, url, patience=10.0) as workspace:
        found = list(workspace.operations())
    if as_json:
        print_json(found)
        return
    names = ("id", "kind", "status", "done", "failed", "total", "created_at")
    print_table([name.upper() for name in names], [[each.get(name, 0) for name in names] for each in found])


def _follow(workspace: SupportAgent, operation: dict[str, Any], *, as_json: bool) -> None:
    with IndexingProgress() as progress:
        while operation["status"] not in ENDED:
            time.sleep(_POLL_SECONDS)
            operation = workspace.operation(operation["id"])
            progress(operation.get("done", 0) + operation.get("failed", 0), operation.get("total", 0))
    for error in operation.get("errors", []):
        name = error.get("external_id") or error.get("document_id", "")
        click.echo(f"{name}: {error['detail']} ({error['code']})", err=True)
    if as_json:
        print_json(operation)
    else:
        click.echo(f"{operation['id']} {operation['status']}")
        if operation.get("receipt"):
            print_json(operation["receipt"])
    if operation["status"] != "succeeded":
        raise click.exceptions.Exit(1)
