"""`supportagent workspaces`."""

from __future__ import annotations

import click

from gateway.client.connect import operator
from gateway.client.output import json_option, print_json, print_table


@click.group()
def workspaces() -> None:
    """Workspaces of this installation."""


@workspaces.command()
@click.argument("name")
@click.option("--plan", default="growth", show_default=True, help="starter, growth, scale or enterprise.")
@json_option
def create(name: str, plan: str, as_json: bool) -> None:
    """Create the workspace NAME."""
    with operator() as installation:
        workspace = installation.create_workspace(name, plan=plan)
    if as_json:
        print_json(workspace)
    else:
        click.echo(f"Created {workspace['name']} ({workspace['id']}) on the plan {workspace['plan']}.")


@workspaces.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the workspaces, oldest first."""
    with operator() as installation:
        items = list(installation.workspaces())
    if as_json:
        print_json({"items": items})
    else:
        rows = [(each["name"], each["id"], each["plan"], each["created_at"]) for each in items]
        print_table(("NAME", "ID", "PLAN", "CREATED"), rows)
