"""`supportagent audit`."""

from __future__ import annotations

from itertools import islice
from typing import Any

import click

from gateway.client.connect import operator
from gateway.client.output import json_option, print_json, print_table


@click.command()
@click.option("--workspace", default="", help="Its name or id; without it, all of the installation.")
@click.option("--event", default="", help="Such as key.created or request.refused; without it, all.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="At most so many.")
@json_option
def audit(workspace: str, event: str, limit: int, as_json: bool) -> None:
    """Show what was changed and what was refused, newest first."""
    with operator() as installation:
        items = list(islice(installation.audit(workspace=workspace, event=event), limit))
    if as_json:
        print_json({"items": items})
        return
    rows = [
        (
            each["at"],
            each["event"],
            each.get("workspace_id", ""),
            each.get("key_id", ""),
            each.get("actor", ""),
            _said(each),
        )
        for each in items
    ]
    print_table(("AT", "EVENT", "WORKSPACE", "KEY", "BY", ""), rows)


def _said(entry: dict[str, Any]) -> str:
    if entry.get("reason"):
        return f"{entry['reason']} ×{entry['count']}"
    return ", ".join(f"{name}: {text}" for name, text in sorted(entry.get("details", {}).items()))
