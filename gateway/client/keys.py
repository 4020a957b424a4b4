"""`supportagent keys`."""

from __future__ import annotations

import re

import click

from gateway.client.connect import operator
from gateway.client.output import json_option, print_json, print_table

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Lifetime(click.ParamType[int]):
    """A length of time: `90d`, `12h`, `30m`, `45s` or seconds."""

    name = "lifetime"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Returns it in seconds."""
        parts = re.fullmatch(r"([1-9]\d*)([smhd]?)", str(value))
        if parts is None:
            self.fail(f"{value!r} is no length of time such as 90d, 12h, 30m or 45s.", param, ctx)
        return int(parts[1]) * SECONDS[parts[2] or "s"]


@click.group()
def keys() -> None:
    """API keys of a workspace."""


@keys.command()
@click.option("--workspace", required=True, help="Its name or id.")
@click.option("--scopes", required=True, help="Separated by commas, such as query,knowledge:write.")
@click.option("--name", default="", help="What to call the key.")
@click.option("--environment", type=click.Choice(["live", "test"]), default="live", show_default=True)
@click.option("--expires-in", type=Lifetime(), default=None, help="Such as 90d, 12h, 30m; without it, never.")
@json_option
def create(
    workspace: str, scopes: str, name: str, environment: str, expires_in: int | None, as_json: bool
) -> None:
    """Create a key. It is shown once, now."""
    named = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    if not named:
        raise click.BadParameter("Name at least one scope.", param_hint="--scopes")
    with operator() as installation:
        key = installation.create_key(
            workspace, named, name=name, environment=environment, expires_in_seconds=expires_in or 0
        )
    if as_json:
        print_json(key)
    else:
        click.echo(f"Created {key['id']}. Keep the key, it is not shown again:", err=True)
        click.echo(key["key"])


@keys.command("list")
@click.option("--workspace", required=True, help="Its name or id.")
@json_option
def list_(workspace: str, as_json: bool) -> None:
    """List a workspace's keys, newest first."""
    with operator() as installation:
        items = list(installation.keys(workspace))
    if as_json:
        print_json({"items": items})
        return
    rows = [
        (each["id"], each.get("name", ""), f"{each['prefix']}…", ",".join(each["scopes"]), _state(each))
        for each in items
    ]
    print_table(("ID", "NAME", "KEY", "SCOPES", "STATE"), rows)


@keys.command()
@click.argument("key_id")
@json_option
def revoke(key_id: str, as_json: bool) -> None:
    """Revoke the key KEY_ID for good."""
    with operator() as installation:
        key = installation.revoke_key(key_id)
    if as_json:
        print_json(key)
    else:
        click.echo(f"Revoked {key['id']}; it is refused everywhere within 5 seconds.")


def _state(key: dict[str, str]) -> str:
    if key.get("revoked_at"):
        return f"revoked {key['revoked_at']}"
    return f"until {key['expires_at']}" if key.get("expires_at") else "active"
