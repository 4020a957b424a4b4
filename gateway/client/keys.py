"""`supportagent keys`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from gateway.client.connect import operator
from gateway.client.output import json_option, print_json, print_table
from gateway.client.span import Span


@click.group()
def keys() -> None:
    """API keys of a workspace."""


@keys.command()
@click.option("--workspace", required=True, help="Its name or id.")
@click.option("--scopes", default="", help="Of a secret key, by commas, such as query,knowledge:write.")
@click.option("--name", default="", help="What to call the key.")
@click.option("--environment", type=click.Choice(["live", "test"]), default="live", show_default=True)
@click.option("--expires-in", type=Span(), default=None, help="Such as 90d, 12h, 30m; without it, never.")
@click.option("--publishable", is_flag=True, help="A pk_ key for web pages; needs --origin.")
@click.option(
    "--origin", "origins", multiple=True, help="Where a pk_ key works: https://shop.example; repeatable."
)
@click.option("--requests-per-minute", type=click.IntRange(1), default=None, help="A limit of its own.")
@json_option
def create(
    workspace: str,
    scopes: str,
    name: str,
    environment: str,
    expires_in: int | None,
    publishable: bool,
    origins: tuple[str, ...],
    requests_per_minute: int | None,
    as_json: bool,
) -> None:
    """Create a key. It is shown once, now."""
    named = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    if publishable and not origins:
        raise click.UsageError("A publishable key needs at least one --origin.")
    if not named and not publishable:
        raise click.BadParameter("Name at least one scope.", param_hint="--scopes")
    with operator() as installation:
        key = installation.create_key(
            workspace,
            named,
            name=name,
            environment=environment,
            expires_in_seconds=expires_in or 0,
            kind="publishable" if publishable else "",
            origins=origins,
            requests_per_minute=requests_per_minute or 0,
        )
    _show_once(key, f"Created {key['id']}.", as_json)


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
    now = datetime.now(UTC)
    rows = [
        (
            each["id"],
            each.get("name", ""),
            each.get("kind", ""),
            f"{each['prefix']}…",
            each.get("environment", ""),
            # A publishable key has no scopes: its origins say where it works.
            ",".join(each["scopes"] or each.get("origins", ())),
            each.get("last_used_at", "never"),
            _state(each, now),
        )
        for each in items
    ]
    print_table(("ID", "NAME", "KIND", "KEY", "ENVIRONMENT", "SCOPES OR ORIGINS", "LAST USED", "STATE"), rows)


@keys.command()
@click.argument("key_id")
@click.option("--overlap", type=Span(least=0), default="24h", show_default=True, help="0 to 72h.")
@json_option
def rotate(key_id: str, overlap: int, as_json: bool) -> None:
    """Make a successor of the key KEY_ID. Both work during the overlap; the new one is shown once, now."""
    with operator() as installation:
        key = installation.rotate_key(key_id, overlap_seconds=overlap)
    _show_once(key, f"{key['id']} takes the place of {key_id}.", as_json)


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


def _show_once(key: dict[str, Any], said: str, as_json: bool) -> None:
    if as_json:
        print_json(key)
    else:
        click.echo(f"{said} Keep the key, it is not shown again:", err=True)
        click.echo(key["key"])


def _state(key: dict[str, str], now: datetime) -> str:
    if key.get("revoked_at"):
        return f"revoked {key['revoked_at']}"
    rotated = "rotated, " if key.get("rotated_to") else ""
    end = key.get("expires_at")
    if not end:
        return "active"
    return f"{rotated}{'expired' if datetime.fromisoformat(end) <= now else 'until'} {end}"
