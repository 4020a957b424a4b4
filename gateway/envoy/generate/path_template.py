"""A path template of `google.api.http`, such as `/v1/things/{id}` or `/v1/things/by-name/{name=**}`."""

from __future__ import annotations

import re
from dataclasses import dataclass

# One segment of a path: anything but a slash, which stays out in its escaped form (%2F) too,
# so that no variable can reach into another route.
_ONE_SEGMENT = r"(?:[^/%]|%(?:[013-9A-Fa-f][0-9A-Fa-f]|2[0-9A-Ea-e]))+"
_ANY_SEGMENTS = r".+"
_LUA_SPECIAL = re.compile(r"([%^$().\[\]*+\-?])")
_VARIABLE = re.compile(r"^\{([a-z_]+)(=\*\*)?\}$")


@dataclass(frozen=True)
class Variable:
    """A variable of a path; `many` spans slashes and stands last."""

    name: str
    many: bool


@dataclass(frozen=True)
class PathTemplate:
    """The segments of a path; each is a literal or a variable."""

    segments: tuple[str | Variable, ...]

    @classmethod
    def parse(cls, text: str) -> PathTemplate:
        """Read a template. Raises ValueError for forms that the gateway does not route."""
        if not text.startswith("/"):
            raise ValueError(f"a path begins with a slash: {text}")
        segments: list[str | Variable] = []
        for segment in text[1:].split("/"):
            variable = _VARIABLE.match(segment)
            if variable is not None:
                segments.append(Variable(variable[1], bool(variable[2])))
            elif re.fullmatch(r"[a-z0-9._-]+", segment):
                segments.append(segment)
            else:
                raise ValueError(f"not a segment that the gateway can route: {segment!r} in {text}")
        if any(isinstance(segment, Variable) and segment.many for segment in segments[:-1]):
            raise ValueError(f"a `**` variable stands last: {text}")
        return cls(tuple(segments))

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables from left to right."""
        return tuple(segment for segment in self.segments if isinstance(segment, Variable))

    @property
    def is_literal(self) -> bool:
        """Whether it stands for one path only."""
        return not self.variables

    @property
    def text(self) -> str:
        """As in OpenAPI: `/v1/things/{id}`."""
        return "/" + "/".join(f"{{{s.name}}}" if isinstance(s, Variable) else s for s in self.segments)

    @property
    def regex(self) -> str:
        """RE2 that matches the whole path, without the query string."""
        parts = []
        for segment in self.segments:
            if isinstance(segment, str):
                parts.append(re.escape(segment))
            else:
                parts.append(_ANY_SEGMENTS if segment.many else _ONE_SEGMENT)
        return "/" + "/".join(parts)

    @property
    def lua_pattern(self) -> str:
        """Lua pattern that captures each variable as it is written in the path."""
        parts = []
        for segment in self.segments:
            if isinstance(segment, str):
                parts.append(_LUA_SPECIAL.sub(r"%\1", segment))
            else:
                parts.append("(.+)" if segment.many else "([^/]+)")
        return "^/" + "/".join(parts) + "$"

    def order(self) -> tuple[tuple[int, str], ...]:
        """Sort key: of two templates that match a path, the more literal one comes first."""
        ranked = []
        for segment in self.segments:
            if isinstance(segment, str):
                ranked.append((0, segment))
            else:
                ranked.append((2 if segment.many else 1, ""))
        return tuple(ranked)
