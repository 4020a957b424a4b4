"""The command line `supportagent`."""

from __future__ import annotations

import sys

import click

from gateway.client.answering import answering
from gateway.client.ask import ask
from gateway.client.audit import audit
from gateway.client.errors import ApiError, ClientError
from gateway.client.kb import kb
from gateway.client.keys import keys
from gateway.client.user_keys import user_keys
from gateway.client.workspaces import workspaces


@click.group()
def supportagent() -> None:
    """
    The AI support agent from the terminal.

    kb and ask need an API key (--key, SUPPORTAGENT_KEY, else the demo workspace's) and find the gateway by
    --url or GATEWAY_PORT; the others need the installation's data folder (DATA_DIR, default ./data).
    """


for each in (workspaces, keys, user_keys, answering, audit, kb, ask):
    supportagent.add_command(each)


def main(arguments: list[str] | None = None) -> None:
    """Runs a command. Exit status: 0 done, 1 refused or failed, 2 wrong usage."""
    try:
        status = supportagent.main(args=arguments, prog_name="supportagent", standalone_mode=False)
        sys.exit(status or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except ClientError as error:
        _explain(error)
        sys.exit(1)


def _explain(error: ClientError) -> None:
    click.echo(f"Error: {error}", err=True)
    if isinstance(error, ApiError):
        for pointer, detail in error.violations:
            if detail in error.detail:
                continue
            click.echo(f"  {pointer}: {detail}", err=True)
        if error.request_id:
            click.echo(f"Request id: {error.request_id}", err=True)
