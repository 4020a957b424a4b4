"""`supportagent ask`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from gateway.client.connect import agent, connection_options
from gateway.client.errors import Unreachable
from gateway.client.output import json_option, print_json


@click.command()
@click.argument("question")
@click.option("--conversation", default="", help="Go on with this conversation (conv_…).")
@connection_options
@json_option
def ask(question: str, conversation: str, key: str | None, url: str | None, as_json: bool) -> None:
    """Ask QUESTION and print the answer as it comes, then its sources."""
    options = {"conversation_id": conversation} if conversation else {}
    with agent(key, url, patience=10.0) as workspace:
        completed = _follow(workspace.stream(question, **options), as_json)
    if as_json:
        print_json(completed)
        return
    click.echo()
    if not completed.get("answered"):
        click.echo(f"\n(not answered: {completed.get('reason', '')})")
    for source in completed.get("sources", []):
        where = source.get("url") or source["document_id"]
        click.echo(f"{source['index']:>3}. {source['title']}  {where}")
    confidence = completed.get("confidence", {})
    click.echo(f"\nconfidence {confidence.get('score', 0):.2f} ({confidence.get('level', '')})")
    if completed.get("conversation_id"):
        click.echo(f"go on with --conversation {completed['conversation_id']}")


def _follow(events: Iterator[dict[str, Any]], quiet: bool) -> dict[str, Any]:
    for event in events:
        if "completed" in event:
            completed: dict[str, Any] = event["completed"]
            return completed
        if "delta" in event and not quiet:
            click.echo(event["delta"]["text"], nl=False)
    raise Unreachable("The answer broke off before its end.")
