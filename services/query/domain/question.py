"""A question as it was asked, and the rules that it keeps."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.kernel.errors import InvalidArgument, Violation

MAX_MESSAGE = 8_000
MAX_HISTORY = 40
MAX_CHANNEL = 32
MAX_PAIRS, MAX_KEY, MAX_VALUE = 16, 64, 512
MAX_TAGS, MAX_TAG = 50, 64
MAX_DOCUMENT_IDS, MAX_ID = 200, 64
MAX_LOCALE = 35
MAX_SOURCES, DEFAULT_SOURCES = 10, 4
MAX_RESULTS, DEFAULT_RESULTS = 50, 10

USER, ASSISTANT, AGENT = "user", "assistant", "agent"


@dataclass(frozen=True)
class Said:
    """Something said before; `role` is user, assistant or agent."""

    role: str
    content: str


@dataclass(frozen=True)
class Filters:
    """What may be found; all conditions hold at once, an empty one does not limit."""

    tags: tuple[str, ...] = ()
    locale: str = ""
    document_ids: tuple[str, ...] = ()
    # Documents for authenticated users, too: no wish of a caller's, but what a verified token opens.
    authenticated: bool = False


@dataclass(frozen=True)
class Dialogue:
    """What is asked, and what was said before: `history`, or a conversation's id, or neither."""

    message: str
    conversation_id: str = ""
    history: tuple[Said, ...] = ()
    user_token: str = field(default="", repr=False)
    filters: Filters = Filters()
    exact: bool = False
    # What the knowledge base held at this revision is asked; None: what it holds now.
    knowledge_revision: int | None = None

    def check(self) -> None:
        """Raise InvalidArgument with every broken rule."""
        _refuse(self._violations())

    def _violations(self) -> Iterator[Violation]:
        yield from _text("/message", self.message, MAX_MESSAGE)
        if not any(each.isprintable() and not each.isspace() for each in self.message[:MAX_MESSAGE]):
            yield Violation("/message", "must not be blank")
        yield from _text("/conversation_id", self.conversation_id, MAX_ID)
        if self.conversation_id and self.history:
            yield Violation("/history", "can't be given together with conversation_id")
        if len(self.history) > MAX_HISTORY:
            yield Violation("/history", f"must have at most {MAX_HISTORY} entries")
        for index, said in enumerate(self.history[:MAX_HISTORY]):
            if said.role not in (USER, ASSISTANT):
                yield Violation(f"/history/{index}/role", "must be user or assistant")
            if not said.content:
                yield Violation(f"/history/{index}/content", "must not be empty")
            yield from _text(f"/history/{index}/content", said.content, MAX_MESSAGE)
        yield from _texts("/filters/tags", self.filters.tags, MAX_TAGS, MAX_TAG)
        yield from _text("/filters/locale", self.filters.locale, MAX_LOCALE)
        yield from _texts("/filters/document_ids", self.filters.document_ids, MAX_DOCUMENT_IDS, MAX_ID)
        if self.knowledge_revision is not None and self.knowledge_revision < 1:
            yield Violation("/knowledge_revision", "must be at least 1")


@dataclass(frozen=True)
class Question(Dialogue):
    """A question that wants an answer. `min_confidence` None: the default's."""

    max_sources: int = DEFAULT_SOURCES
    min_confidence: float | None = None
    channel: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    store: bool = True
    explain: bool = False

    def _violations(self) -> Iterator[Violation]:
        yield from super()._violations()
        yield from _between("/max_sources", self.max_sources, MAX_SOURCES)
        least = self.min_confidence
        if least is not None and not (math.isfinite(least) and 0 <= least <= 1):
            yield Violation("/min_confidence", "must be between 0 and 1")
        yield from _text("/channel", self.channel, MAX_CHANNEL)
        if len(self.metadata) > MAX_PAIRS:
            yield Violation("/metadata", f"must have at most {MAX_PAIRS} pairs")
        for key, value in sorted(self.metadata.items()):
            pointer = "/metadata/" + key[: MAX_KEY + 1].replace("~", "~0").replace("/", "~1")
            if not 1 <= len(key) <= MAX_KEY:
                yield Violation(pointer, f"the key must have 1 to {MAX_KEY} characters")
            yield from _text(pointer, value, MAX_VALUE)


@dataclass(frozen=True)
class Lookup(Dialogue):
    """A question that wants passages."""

    max_results: int = DEFAULT_RESULTS

    def _violations(self) -> Iterator[Violation]:
        yield from super()._violations()
        yield from _between("/max_results", self.max_results, MAX_RESULTS)


def _refuse(violations: Iterator[Violation]) -> None:
    found = list(violations)
    if found:
        raise InvalidArgument.of(found)


def _text(pointer: str, value: str, longest: int) -> Iterator[Violation]:
    if len(value) > longest:
        yield Violation(pointer, f"must have at most {longest:,} characters")


def _texts(pointer: str, values: Sequence[str], most: int, longest: int) -> Iterator[Violation]:
    if len(values) > most:
        yield Violation(pointer, f"must have at most {most} entries")
    for index, value in enumerate(values[:most]):
        if not 1 <= len(value) <= longest:
            yield Violation(f"{pointer}/{index}", f"must have 1 to {longest} characters")


def _between(pointer: str, value: int, most: int) -> Iterator[Violation]:
    if not 1 <= value <= most:
        yield Violation(pointer, f"must be between 1 and {most}")
