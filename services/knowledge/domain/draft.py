"""The rules for what callers say of a document: all violations at once."""

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from services.kernel.errors import InvalidArgument, Violation
from services.knowledge.domain import custom_answers
from services.knowledge.domain.document import Audience, ContentType, Description, Draft, Patch
from services.knowledge.domain.front_matter import (
    MAX_METADATA,
    MAX_METADATA_KEY,
    MAX_METADATA_VALUE,
    with_pairs,
)

MAX_TITLE = 500
MAX_EXTERNAL_ID = 512
MAX_CONTENT_BYTES = 10 * 1024 * 1024
MAX_URL = 2048
MAX_TAGS, MAX_TAG = 50, 64

_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
# Control characters, lone surrogates, line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True)
class Said:
    """A document as a caller wrote it, unchecked; None: not given."""

    external_id: str = ""
    title: str = ""
    content: str | None = None
    content_base64: str | None = None
    content_type: str = ""
    url: str = ""
    tags: tuple[str, ...] = ()
    locale: str = ""
    audience: str = ""
    active: bool | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def draft(said: Said) -> Draft:
    """
    Return what `said` asks for.

    Raises:
        InvalidArgument: with each rule that is broken.
    """
    violations = _described(said, frozenset(vars(said)))
    content, broken = _content(said, said.content_type or ContentType.MARKDOWN)
    violations += _content_given(said) or broken
    if violations:
        raise InvalidArgument.of(violations)
    content_type = ContentType(said.content_type or ContentType.MARKDOWN)
    description = Description(
        external_id=said.external_id,
        title=said.title,
        content_type=content_type,
        url=said.url,
        tags=_distinct(said.tags),
        locale=said.locale,
        audience=Audience(said.audience or Audience.PUBLIC),
        active=True if said.active is None else said.active,
        metadata=with_pairs(said.metadata, content_type.pairs_in(content)),
    )
    return Draft(description, content)


def patch(said: Said, given: frozenset[str]) -> Patch:
    """
    Return the changes that `said` asks for; `given` names the fields that are meant.

    Raises:
        InvalidArgument: with each rule that is broken, or when nothing is given.
    """
    given &= frozenset(vars(said)) - {"external_id"}
    if not given:
        raise InvalidArgument.of([Violation("", "names no field to change")])
    violations = _described(said, given)
    content: bytes | None = None
    if {"content", "content_base64"} <= given:
        violations.append(_BOTH)
    elif given & {"content", "content_base64"}:
        # Without a type, it has to be of the one that the document has.
        content, broken = _content(said, said.content_type)
        violations += broken
    for name in ("content_type", "audience"):
        if name in given and not getattr(said, name):
            violations.append(Violation(f"/{name}", "must not be empty"))
    if violations:
        raise InvalidArgument.of(violations)
    return Patch(
        title=said.title if "title" in given else None,
        content_type=ContentType(said.content_type) if "content_type" in given else None,
        url=said.url if "url" in given else None,
        tags=_distinct(said.tags) if "tags" in given else None,
        locale=said.locale if "locale" in given else None,
        audience=Audience(said.audience) if "audience" in given else None,
        active=said.active if "active" in given else None,
        metadata=dict(said.metadata) if "metadata" in given else None,
        content=content,
        as_text=said.content is not None,
    )


def check_external_id(external_id: str) -> list[Violation]:
    """Return what is wrong with the external id of a path."""
    if not external_id:
        return [Violation("/external_id", "must not be empty")]
    return _external_id(external_id)


def check_content(content_type: ContentType, content: bytes, *, as_text: bool) -> list[Violation]:
    """
    Return what in a content is not as its type wants it.

    `as_text`: it was given in `content`, where the bytes of a PDF can't be.
    """
    if as_text and not content_type.is_text:
        return [Violation("/content", f"must be given in content_base64: it is to be {content_type}")]
    if not as_text and content_type.is_text:
        try:
            content.decode()
        except UnicodeDecodeError:
            return [Violation("/content_base64", "is not text in UTF-8, as its content_type says")]
    return custom_answers.violations(content) if content_type is ContentType.CUSTOM_ANSWERS else []


_BOTH = Violation("/content_base64", "must not be given together with content")


def _described(said: Said, given: frozenset[str]) -> list[Violation]:
    checked = {
        "external_id": _external_id(said.external_id),
        "title": _title(said.title),
        "content_type": _content_type(said.content_type),
        "url": _url(said.url),
        "tags": _tags(said.tags),
        "locale": _locale(said.locale),
        "audience": _audience(said.audience),
        "metadata": _metadata(said.metadata),
    }
    return [violation for name, violations in checked.items() if name in given for violation in violations]


def _content_given(said: Said) -> list[Violation]:
    if said.content is None and said.content_base64 is None:
        return [Violation("/content", "is required (it may be empty); or content_base64")]
    if said.content is not None and said.content_base64 is not None:
        return [_BOTH]
    return []


def _content(said: Said, content_type: str) -> tuple[bytes, list[Violation]]:
    as_text = said.content is not None
    if said.content is not None:
        content, pointer = said.content.encode("utf-8", "replace"), "/content"
    else:
        pointer = "/content_base64"
        try:
            content = base64.b64decode((said.content_base64 or "").encode("ascii", "replace"), validate=True)
        except binascii.Error:
            return b"", [Violation(pointer, "is not base64")]
    if len(content) > MAX_CONTENT_BYTES:
        return b"", [Violation(pointer, f"has {len(content)} bytes; a document may have {MAX_CONTENT_BYTES}")]
    # Of another type nothing can be said but that it is wrong.
    known = content_type in list(ContentType)
    return content, check_content(ContentType(content_type), content, as_text=as_text) if known else []


def _external_id(text: str) -> list[Violation]:
    return _text("/external_id", text, MAX_EXTERNAL_ID)


def _title(text: str) -> list[Violation]:
    if not text.strip():
        return [Violation("/title", "must not be empty")]
    return _text("/title", text, MAX_TITLE)


def _content_type(text: str) -> list[Violation]:
    supported = [each.value for each in ContentType]
    if text and text not in supported:
        return [Violation("/content_type", f"must be one of {', '.join(supported)}")]
    return []


def _url(text: str) -> list[Violation]:
    violations = _text("/url", text, MAX_URL)
    if not text or violations:
        return violations
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text
    except ValueError:
        fine = False
    return [] if fine else [Violation("/url", "must be an http or https address")]


def _tags(tags: tuple[str, ...]) -> list[Violation]:
    if len(tags) > MAX_TAGS:
        return [Violation("/tags", f"has more than {MAX_TAGS} entries")]
    violations = []
    for place, tag in enumerate(tags):
        if not tag.strip():
            violations.append(Violation(f"/tags/{place}", "must not be empty"))
        violations += _text(f"/tags/{place}", tag, MAX_TAG)
    return violations


def _locale(text: str) -> list[Violation]:
    if text and (len(text) > 35 or not _LOCALE.fullmatch(text)):
        return [Violation("/locale", "must be a BCP 47 tag such as en or pt-BR")]
    return []


def _audience(text: str) -> list[Violation]:
    if text and text not in [each.value for each in Audience]:
        return [Violation("/audience", "must be public or authenticated")]
    return []


def _metadata(pairs: Mapping[str, str]) -> list[Violation]:
    if len(pairs) > MAX_METADATA:
        return [Violation("/metadata", f"has more than {MAX_METADATA} pairs")]
    violations = []
    for key, value in pairs.items():
        pointer = "/metadata/" + key.replace("~", "~0").replace("/", "~1")
        if not key:
            violations.append(Violation("/metadata", "has an empty key"))
        elif len(key) > MAX_METADATA_KEY:
            violations.append(Violation("/metadata", f"has a key longer than {MAX_METADATA_KEY} characters"))
        elif _unprintable(key):
            violations.append(Violation("/metadata", "has a key with control characters"))
        elif len(value) > MAX_METADATA_VALUE:
            violations.append(Violation(pointer, f"is longer than {MAX_METADATA_VALUE} characters"))
        elif _unprintable(value.translate({9: None, 10: None, 13: None})):
            violations.append(Violation(pointer, "must not hold control characters"))
    return violations


def _text(pointer: str, text: str, limit: int) -> list[Violation]:
    if len(text) > limit:
        return [Violation(pointer, f"is longer than {limit} characters")]
    if _unprintable(text):
        return [Violation(pointer, "must not hold control characters")]
    return []


def _unprintable(text: str) -> bool:
    return any(unicodedata.category(character) in _UNPRINTABLE for character in text)


def _distinct(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tags))
