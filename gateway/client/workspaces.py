"""`supportagent workspaces`."""

from __future__ import annotations

from typing import Any

import click

from gateway.client.connect import operator
from gateway.client.limit import Limit, limit_name
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
        rows = [(each["name"], each["id"], each["plan"], each["created_at"], _state(each)) for each in items]
        print_table(("NAME", "ID", "PLAN", "CREATED", "STATE"), rows)


@workspaces.command()
@click.argument("name")
@click.option("--plan", default="", help="starter, growth, scale or enterprise.")
@click.option(
    "--limit", "limits", type=Limit(), multiple=True, help="Its own, such as queries=500; repeatable."
)
@click.option("--clear-limit", "clear", multiple=True, metavar="NAME", help="Back to the plan's; repeatable.")
@json_option
def update(
    name: str, plan: str, limits: tuple[tuple[str, int], ...], clear: tuple[str, ...], as_json: bool
) -> None:
    """Change plan and limits of the workspace NAME; within 5 seconds they hold everywhere."""
    if not (plan or limits or clear):
        raise click.UsageError("Give --plan, --limit or --clear-limit.")
    with operator() as installation:
        workspace = installation.update_workspace(
            name, plan=plan, limits=dict(limits), clear=[limit_name(each) for each in clear]
        )
    if as_json:
        print_json(workspace)
        return
    click.echo(f"{workspace['name']} ({workspace['id']}) is on the plan {workspace['plan']}.")
    print_table(("LIMIT", ""), [(limit, f"{value:,.0f}") for limit, value in workspace["limits"].items()])


@workspaces.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def delete(name: str, yes: bool, as_json: bool) -> None:
    """Close the workspace NAME and its test twin for good. The name stays taken."""
    if not yes:
        click.confirm(f"Close {name} for good? Its keys are refused from then on.", abort=True, err=True)
    with operator() as installation:
        workspace = installation.delete_workspace(name)
    if as_json:
        print_json(workspace)
    else:
        click.echo(f"Closed {workspace['name']}; its keys are refused everywhere within 5 seconds.")


def _state(workspace: dict[str, Any]) -> str:
    return f"closed {workspace['deleted_at']}" if workspace.get("deleted_at") else "open"
