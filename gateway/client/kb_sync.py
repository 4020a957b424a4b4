"""`supportagent kb sync`."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from gateway.client.client import SupportAgent
from gateway.client.connect import agent, connection_options
from gateway.client.errors import ClientError
from gateway.client.kb_progress import PATIENCE, IndexingProgress
from gateway.client.output import json_option, print_json
from gateway.client.span import Span
from gateway.client.sync.difference import difference
from gateway.client.sync.site import Site
from gateway.client.sync.source import Folder, Source
from gateway.client.sync.sync import Plan, Sync
from gateway.client.sync.web import Web


@click.command()
@click.argument("source")
@click.option("--every", type=Span(), default=None, help="Go on for ever, once in so long: 15m, 1h, 1d.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--force", is_flag=True, help="Delete even where more than half of the documents would go.")
@connection_options
@json_option
def sync(
    source: str,
    every: int | None,
    dry_run: bool,
    force: bool,
    key: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """
    Make the knowledge base what SOURCE has: a folder, or the URL of a site's sitemap.

    Creates and updates what is new, deletes documents that came from the same source and vanished from it;
    documents of other sources are left alone. Of a site, only public addresses are fetched, and only what its
    robots.txt allows.
    """
    pages = _source(source)
    while True:
        with agent(key, url, patience=PATIENCE) as workspace:
            try:
                failed = _once(workspace, pages, dry_run=dry_run, force=force, as_json=as_json)
            except ClientError as error:
                if every is None:
                    raise
                # The next round may fare better.
                click.echo(f"Error: {error}", err=True)
                failed = True
        if every is None:
            raise click.exceptions.Exit(1 if failed else 0)
        time.sleep(every)


def _source(text: str) -> Source:
    if text.startswith(("http://", "https://")):
        return Site(text, Web())
    folder = Path(text)
    if not folder.is_dir():
        raise click.BadParameter(f"{text!r} is neither a folder nor a URL.", param_hint="SOURCE")
    return Folder(folder)


def _once(workspace: SupportAgent, pages: Source, *, dry_run: bool, force: bool, as_json: bool) -> bool:
    """Returns whether something failed."""
    work = Sync(workspace, pages)
    plan = work.plan()
    if dry_run:
        _show(plan, workspace, as_json=as_json)
        failures = plan.delivery.outcomes.result().failures
    else:
        with IndexingProgress() as progress:
            result = work.run(plan, progress, force=force)
        failures = result.failures
        if as_json:
            print_json({**asdict(result), "failed": len(failures)})
        else:
            click.echo(str(result))
    for failure in failures:
        click.echo(f"{failure.external_id}: {failure.detail} ({failure.code})", err=True)
    return bool(failures)


def _show(plan: Plan, workspace: SupportAgent, *, as_json: bool) -> None:
    created = [each.external_id for each in plan.created]
    updated = [each.external_id for each, _ in plan.updated]
    deleted = [each["external_id"] for each in plan.vanished]
    if as_json:
        print_json({"created": created, "updated": updated, "deleted": deleted})
        return
    for line in difference(plan, workspace.document):
        click.echo(line)
    click.echo(f"{len(created)} to create, {len(updated)} to update, {len(deleted)} to delete")
