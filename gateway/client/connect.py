"""From the options of a command to a client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from gateway.client.client import SupportAgent
from gateway.client.installation import Installation
from gateway.client.operator import Operator


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --key and --url to a command."""
    key = click.option("--key", default=None, help="API key; default SUPPORTAGENT_KEY, else the demo key.")
    url = click.option("--url", default=None, help="Where the gateway is; default by GATEWAY_PORT.")
    return key(url(command))


def agent(key: str | None, url: str | None, *, patience: float) -> SupportAgent:
    """The public API, by the options or by what is found."""
    installation = Installation.from_environment()
    return SupportAgent(url or installation.gateway_url(), key or installation.api_key(), patience=patience)


def operator() -> Operator:
    """The operator's API of the local installation."""
    installation = Installation.from_environment()
    return Operator(installation.operator_url(), installation.operator_token())
