"""`supportagent user-keys`."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.client.connect import operator
from gateway.client.errors import NotConfigured
from gateway.client.output import json_option, print_json, print_table


@click.group("user-keys")
def user_keys() -> None:
    """Keys that a customer's back end signs its end users' tokens with."""


@user_keys.command()
@click.option("--workspace", required=True, help="Its name or id.")
@click.option("--environment", type=click.Choice(["live", "test"]), default="live", show_default=True)
@click.option(
    "--alg",
    type=click.Choice(["HS256", "RS256", "ES256", "EdDSA"]),
    default="HS256",
    show_default=True,
    help="HS256 has a secret, which is made here; the others need --public-key or --jwks-url.",
)
@click.option("--iss", default="", help="What tokens have to say in iss; without it, the workspace's name.")
@click.option(
    "--public-key",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="File with the public key in PEM, - for standard input.",
)
@click.option("--jwks-url", default="", help="Where the public keys are: https, on a public address.")
@json_option
def create(
    workspace: str,
    environment: str,
    alg: str,
    iss: str,
    public_key: Path | None,
    jwks_url: str,
    as_json: bool,
) -> None:
    """Create a signing key. Its secret, where it has one, is shown once, now."""
    pem = "" if public_key is None else _text(public_key)
    with operator() as installation:
        key = installation.create_user_key(
            workspace, environment=environment, alg=alg, iss=iss, public_key=pem, jwks_url=jwks_url
        )
    if as_json:
        print_json(key)
        return
    click.echo(f"Created {key['kid']}. Tokens need iss {key['iss']} and aud {key['aud']}.", err=True)
    if key.get("secret"):
        click.echo("Keep the secret, it is not shown again:", err=True)
        click.echo(key["secret"])


@user_keys.command("list")
@click.option("--workspace", required=True, help="Its name or id.")
@json_option
def list_(workspace: str, as_json: bool) -> None:
    """List a workspace's signing keys, newest first."""
    with operator() as installation:
        items = list(installation.user_keys(workspace))
    if as_json:
        print_json({"items": items})
        return
    rows = [
        (
            each["kid"],
            each["environment"],
            each["alg"],
            each["iss"],
            each["aud"],
            f"disabled {each['disabled_at']}" if each.get("disabled_at") else "active",
        )
        for each in items
    ]
    print_table(("KID", "ENVIRONMENT", "ALG", "ISS", "AUD", "STATE"), rows)


@user_keys.command()
@click.argument("kid")
@json_option
def disable(kid: str, as_json: bool) -> None:
    """Disable the signing key KID for good."""
    with operator() as installation:
        key = installation.disable_user_key(kid)
    if as_json:
        print_json(key)
    else:
        click.echo(f"Disabled {key['kid']}; its tokens are refused everywhere within 5 seconds.")


def _text(file: Path) -> str:
    try:
        return click.get_text_stream("stdin").read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"The public key can't be read from {file}.") from error
