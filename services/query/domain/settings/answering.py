"""How a workspace wants its questions answered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import WorkspaceId
from services.query.domain.retrieval.reranking import RerankModel
from services.query.domain.settings.endpoint_rules import range_violations
from services.query.domain.settings.language_model import LanguageModel

MIN_CHARACTERS, MAX_CHARACTERS, DEFAULT_CHARACTERS = 100, 2_000, 400
MIN_PRECISION, MAX_PRECISION = 0.5, 0.999
DEFAULT_MEDIUM_FROM, DEFAULT_HIGH_FROM = 0.4, 0.7

Endpoint = TypeVar("Endpoint", LanguageModel, RerankModel)


@dataclass(frozen=True)
class Answering:
    """
    A workspace's settings.

    `answer_characters` bounds an extractive answer. An answer is withheld whose confidence is below
    `min_confidence`, or below the bound at which the share `wanted_precision` of the answers given is right;
    both None: below the shipped bound. The level is low below `medium_from` and high from `high_from`.
    """

    answer_characters: int = DEFAULT_CHARACTERS
    min_confidence: float | None = None
    wanted_precision: float | None = None
    medium_from: float = DEFAULT_MEDIUM_FROM
    high_from: float = DEFAULT_HIGH_FROM
    language_model: LanguageModel | None = None
    reranker: RerankModel | None = None

    def violations(self) -> Iterator[Violation]:
        """Yield every broken rule."""
        yield from range_violations(
            "/answer_characters", self.answer_characters, MIN_CHARACTERS, MAX_CHARACTERS
        )
        if self.min_confidence is not None:
            yield from range_violations("/min_confidence", self.min_confidence, 0, 1)
        if self.wanted_precision is not None:
            yield from range_violations(
                "/wanted_precision", self.wanted_precision, MIN_PRECISION, MAX_PRECISION
            )
        if not 0 < self.medium_from < self.high_from:
            yield Violation("/medium_from", "must be above 0 and below high_from")
        if not self.high_from <= 1:
            yield Violation("/high_from", "must be at most 1")
        if self.language_model is not None:
            yield from self.language_model.violations("/language_model")
        if self.reranker is not None:
            yield from self.reranker.violations("/reranker")


@dataclass(frozen=True)
class Change:
    """
    What to change of a workspace's settings.

    `given` holds numbers by the names of `Answering`'s fields; `language_model` and `reranker` hold what to
    change of these by the names of their fields, None: nothing. `clear` names fields of `Answering` that go
    back to their defaults.
    """

    given: Mapping[str, float] = field(default_factory=dict)
    language_model: Mapping[str, Any] | None = field(default=None, repr=False)
    reranker: Mapping[str, Any] | None = field(default=None, repr=False)
    clear: tuple[str, ...] = ()

    def applied_to(self, before: Answering) -> Answering:
        """
        Return the settings after it.

        Raises:
            InvalidArgument: the change contradicts itself, or what comes of it breaks rules; all are listed.
        """
        wrong = list(self._contradictions())
        cleared = {each.name: each.default for each in fields(Answering) if each.name in self.clear}
        changed: dict[str, Any] = {**self._one_bound(), **cleared, **self.given}
        for name, kind, parts in (
            ("language_model", LanguageModel, self.language_model),
            ("reranker", RerankModel, self.reranker),
        ):
            if parts is not None and name not in self.clear:
                found = getattr(before, name)
                wrong += _missing(f"/{name}", found, parts)
                changed[name] = _changed(kind, found, parts)
        after = replace(before, **changed)
        seen = {each.pointer for each in wrong}
        wrong += [each for each in after.violations() if each.pointer not in seen]
        if wrong:
            raise InvalidArgument.of(wrong)
        return after

    def _one_bound(self) -> dict[str, None]:
        # The one that is given replaces the other.
        pairs = (("min_confidence", "wanted_precision"), ("wanted_precision", "min_confidence"))
        return {other: None for one, other in pairs if one in self.given}

    def _contradictions(self) -> Iterator[Violation]:
        if {"min_confidence", "wanted_precision"} <= set(self.given):
            yield Violation("/wanted_precision", "can't be given together with min_confidence")
        known = [each.name for each in fields(Answering)]
        said = {*self.given, *(n for n in ("language_model", "reranker") if getattr(self, n) is not None)}
        for index, name in enumerate(self.clear):
            if name not in known:
                yield Violation(f"/clear/{index}", f"must be one of {', '.join(known)}")
            elif name in said:
                yield Violation(f"/clear/{index}", "is also given")


class AnsweringSettings(Protocol):
    """Knows the settings of all workspaces. Safe to share between threads."""

    def get(self, workspace_id: WorkspaceId) -> Answering:
        """
        Return a workspace's settings, the defaults where none were set.

        Raises:
            Unavailable: they can't be read; safe to retry.
        """
        ...


class AnsweringStore(AnsweringSettings, Protocol):
    """Keeps them; what it returns is what was changed last."""

    def change(self, workspace_id: WorkspaceId, change: Change) -> Answering:
        """
        Change a workspace's settings and return them; changes at the same time come one after the other.

        Raises:
            InvalidArgument: the change is refused, nothing was changed.
            Unavailable: it was not written.
        """
        ...


def _missing(pointer: str, before: object, parts: Mapping[str, Any]) -> Iterator[Violation]:
    if before is None:
        for name in ("base_url", "model"):
            if name not in parts:
                yield Violation(f"{pointer}/{name}", "is required")


def _changed(kind: type[Endpoint], before: Endpoint | None, parts: Mapping[str, Any]) -> Endpoint:
    if before is None:
        return kind(**{"base_url": "", "model": "", **parts})
    # Else whoever may name another place could have the key, which nobody may read, sent there.
    moved = "base_url" in parts and _origin(parts["base_url"]) != _origin(before.base_url)
    return replace(before, **{**({"key": ""} if moved else {}), **parts})


def _origin(url: str) -> tuple[str, str, int | None] | str:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return url
