"""
Settings from the environment.

A frozen dataclass per process names them; a missing or an unknown one stops the process at its start, so that
a misspelt name never silently means the default. (The well-known libraries ignore unknown variables.)
"""

import os
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

_TRUE, _FALSE = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})

Settings = TypeVar("Settings")


class SettingsError(Exception):
    """The environment does not fit; the text lists everything that is wrong."""


@dataclass(frozen=True)
class Secret:
    """A value that never shows itself in a log or a traceback."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the value."""
        return self._value


@dataclass(frozen=True)
class SharedSettings:
    """What every process of an installation shares (prefix `SUPPORTAGENT_`)."""

    internal_credential: Secret
    log_level: str = "info"


@dataclass(frozen=True)
class ProcessSettings:
    """What every process has of its own; a process's settings extend it."""

    listen: str
    metrics_port: int = 0
    reflection: bool = False
    workers: int = 16
    drain_seconds: float = 10.0


def load(kind: type[Settings], prefix: str, environment: Mapping[str, str] | None = None) -> Settings:
    """
    Read a dataclass from the variables with `prefix`: field `listen` from `KNOWLEDGE_LISTEN`.

    Raises:
        SettingsError: a variable is missing, unknown or of the wrong form.
    """
    environment = os.environ if environment is None else environment
    hints = get_type_hints(kind)
    known: dict[str, Field[Any]] = {prefix + each.name.upper(): each for each in fields(kind)}  # type: ignore[arg-type]
    values: dict[str, object] = {}
    wrong = [
        f"{name} is unknown" for name in sorted(environment) if name.startswith(prefix) and name not in known
    ]
    for name, each in known.items():
        if name in environment:
            try:
                values[each.name] = _parse(environment[name], hints[each.name])
            except ValueError:
                wrong.append(f"{name} is no {_name(hints[each.name])}")
        elif each.default is MISSING and each.default_factory is MISSING:
            wrong.append(f"{name} is missing")
    if wrong:
        raise SettingsError("; ".join(wrong))
    return kind(**values)


def load_shared() -> SharedSettings:
    """Read what every process of the installation shares."""
    return load(SharedSettings, "SUPPORTAGENT_")


def _parse(text: str, hint: Any) -> object:
    if get_origin(hint) in (Union, types.UnionType):
        return (
            None
            if text == ""
            else _parse(text, next(each for each in get_args(hint) if each is not type(None)))
        )
    if hint is bool:
        if text.lower() not in _TRUE | _FALSE:
            raise ValueError
        return text.lower() in _TRUE
    if hint in (Path, Secret) and not text:
        raise ValueError
    if hint in (int, float, str, Path, Secret):
        return hint(text)
    raise TypeError(f"settings of type {hint} are not supported")


def _name(hint: Any) -> str:
    return str(getattr(hint, "__name__", hint))
