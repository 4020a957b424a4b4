"""The options that name an endpoint of a language model or a reranker, and its secret."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from gateway.client.errors import NotConfigured

Command = Callable[..., Any]


@dataclass(frozen=True)
class EndpointOptions:
    """
    The options of one endpoint: `--NAME-base-url` and so on, and `--no-NAME`, which removes it.

    A key is never an argument, since every user of a machine sees those: it comes from a file, or from the
    variable `variable`.
    """

    name: str
    title: str
    variable: str
    others: Sequence[tuple[str, click.ParamType[Any], str]]

    def added_to(self, command: Command) -> Command:
        """Adds the options to a command."""
        options = [
            click.option(f"--{self.name}-base-url", help=f"Where the {self.title} is."),
            click.option(f"--{self.name}-model", help="Its name there."),
            click.option(
                f"--{self.name}-key-file",
                type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
                help=f"File with its key, - for standard input; else {self.variable}. Empty: none.",
            ),
            *(
                click.option(f"--{self.name}-{option}", type=kind, help=text)
                for option, kind, text in self.others
            ),
            click.option(f"--no-{self.name}", is_flag=True, help=f"Remove the {self.title}."),
        ]
        for option in reversed(options):
            command = option(command)
        return command

    def removed(self, given: Mapping[str, Any]) -> bool:
        """Whether `--no-NAME` was given. Raises UsageError where another of these was too."""
        if given[f"no_{self.name}"] and self._said(given):
            raise click.UsageError(f"--no-{self.name} can't be given together with --{self.name}-… .")
        return bool(given[f"no_{self.name}"])

    def patch(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """
        Returns what the options change, as the API has it; empty where none was given.

        Raises:
            NotConfigured: the key's file can't be read.
        """
        said = self._said(given)
        file = said.pop("key_file", None)
        if file is not None:
            said["key"] = _first_line(file)
        elif said and os.environ.get(self.variable):
            said["key"] = os.environ[self.variable]
        return said

    def _said(self, given: Mapping[str, Any]) -> dict[str, Any]:
        prefix = f"{self.name}_"
        return {
            name.removeprefix(prefix): value
            for name, value in given.items()
            if name.startswith(prefix) and value is not None
        }


def _first_line(file: Path) -> str:
    try:
        text = click.get_text_stream("stdin").read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"The key can't be read from {file}.") from error
    return text.strip()
