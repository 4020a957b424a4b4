"""`supportagent answering`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from gateway.client.connect import operator
from gateway.client.endpoint_options import Command, EndpointOptions
from gateway.client.number import Number
from gateway.client.output import json_option, print_json, print_table

LANGUAGE_MODEL = EndpointOptions(
    name="llm",
    title="language model",
    variable="SUPPORTAGENT_LLM_KEY",
    others=(
        ("timeout-seconds", Number(), "Longest time of an answer."),
        ("retries", click.INT, "Repeats of a call that failed."),
        ("max-prompt-tokens", click.INT, "Most tokens of a prompt."),
        ("max-answer-tokens", click.INT, "Most tokens of an answer."),
        ("temperature", Number(), "0 to 2."),
        ("rewrite", click.BOOL, "Whether it also makes follow-ups into whole questions."),
    ),
)
RERANKER = EndpointOptions(
    name="rerank",
    title="reranker",
    variable="SUPPORTAGENT_RERANK_KEY",
    others=(("timeout-seconds", Number(), "Longest time of a call."),),
)
NUMBERS = ("answer_characters", "min_confidence", "wanted_precision", "medium_from", "high_from")


@click.group()
def answering() -> None:
    """How a workspace's questions are answered."""


def workspace_options(command: Command) -> Command:
    """Adds --workspace and --environment to a command."""
    workspace = click.option("--workspace", required=True, help="Its name or id.")
    environment = click.option(
        "--environment",
        type=click.Choice(["live", "test"]),
        default="live",
        show_default=True,
        help="The workspace, or its test twin with settings of its own.",
    )
    return workspace(environment(command))


@answering.command()
@workspace_options
@json_option
def show(workspace: str, environment: str, as_json: bool) -> None:
    """Show the settings; keys are never shown."""
    with operator() as installation:
        settings = installation.answering(installation.workspace_id(workspace, environment))
    _print(settings, as_json)


@answering.command("set")
@workspace_options
@click.option("--answer-characters", type=int, help="Longest extractive answer, 100 to 2,000.")
@click.option("--min-confidence", type=Number(), help="Withhold answers less sure than this, 0 to 1.")
@click.option(
    "--wanted-precision", type=Number(), help="Instead: the share of answers to be right, such as 0.95."
)
@click.option("--medium-from", type=Number(), help="Confidence from which the level is medium.")
@click.option("--high-from", type=Number(), help="Confidence from which the level is high.")
@click.option("--default", "defaults", multiple=True, metavar="NAME", help="Back to the default; repeatable.")
@LANGUAGE_MODEL.added_to
@RERANKER.added_to
@json_option
def set_(workspace: str, environment: str, as_json: bool, defaults: tuple[str, ...], **given: Any) -> None:
    """Change the settings that are given; they hold everywhere within 2 seconds."""
    patch: dict[str, Any] = {name: given[name] for name in NUMBERS if given[name] is not None}
    clear = [name.replace("-", "_") for name in defaults]
    for name, options in (("language_model", LANGUAGE_MODEL), ("reranker", RERANKER)):
        if options.removed(given):
            clear.append(name)
        elif said := options.patch(given):
            patch[name] = said
    if clear:
        patch["clear"] = clear
    if not patch:
        raise click.UsageError("Give at least one setting.")
    with operator() as installation:
        settings = installation.update_answering(installation.workspace_id(workspace, environment), patch)
    _print(settings, as_json)


def _print(settings: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(settings)
    else:
        print_table(("SETTING", "VALUE"), list(_rows(settings)))


def _rows(settings: dict[str, Any], above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _rows(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", str(value).lower() if isinstance(value, bool) else value
