"""A document: what its caller says of it, and how far it is on its way into the index."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType, TypeAlias

from services.knowledge.domain.errors import EtagMismatch
from services.knowledge.domain.front_matter import front_matter_pairs, with_pairs

DocumentId = NewType("DocumentId", str)
Content: TypeAlias = bytes

# What search filters by and answers show: a change of one of these is a change of the index.
_SEEN_BY_SEARCH = ("title", "url", "tags", "locale", "audience", "active")


class ContentType(StrEnum):
    """The formats that are understood."""

    MARKDOWN = "text/markdown"
    PLAIN = "text/plain"
    HTML = "text/html"
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    CUSTOM_ANSWERS = "application/vnd.supportagent.qa+json"

    @property
    def is_text(self) -> bool:
        """Whether its contents are text in UTF-8; others are bytes, which JSON carries in base64."""
        return self not in (ContentType.PDF, ContentType.DOCX)

    def pairs_in(self, content: bytes) -> Mapping[str, str]:
        """Return the metadata that a content brings along."""
        return front_matter_pairs(content) if self is ContentType.MARKDOWN else {}


class Audience(StrEnum):
    """Who may be answered from a document."""

    PUBLIC = "public"
    AUTHENTICATED = "authenticated"


class Status(StrEnum):
    """How far a document's present content is."""

    QUEUED = "queued"
    INDEXING = "indexing"
    # Its passages are committed; some live replica has yet to confirm them. Callers see `indexing`.
    PUBLISHING = "publishing"
    INDEXED = "indexed"
    FAILED = "failed"

    @property
    def public(self) -> str:
        """The name that callers see."""
        return Status.INDEXING.value if self is Status.PUBLISHING else self.value


@dataclass(frozen=True)
class Description:
    """What a caller says of a document beside its content."""

    external_id: str
    title: str
    content_type: ContentType = ContentType.MARKDOWN
    url: str = ""
    tags: tuple[str, ...] = ()
    locale: str = ""
    audience: Audience = Audience.PUBLIC
    active: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Draft:
    """A document as a caller wants it to be."""

    description: Description
    content: Content


@dataclass(frozen=True)
class Patch:
    """The fields of a document that a caller wants to change; None: as it is."""

    title: str | None = None
    content_type: ContentType | None = None
    url: str | None = None
    tags: tuple[str, ...] | None = None
    locale: str | None = None
    audience: Audience | None = None
    active: bool | None = None
    metadata: Mapping[str, str] | None = None
    content: Content | None = None
    # Whether the content was given as text; what can't be is in base64.
    as_text: bool = False

    def of(self, description: Description) -> Description:
        """Return `description` with the changes."""
        fields = vars(description).keys()
        changes = {name: value for name, value in vars(self).items() if name in fields and value is not None}
        after = replace(description, **changes)
        if self.content is None:
            return after
        # What the caller says now outweighs new front matter, which outweighs what was said before.
        pairs = after.content_type.pairs_in(self.content)
        first, then = (after.metadata, pairs) if self.metadata is not None else (pairs, after.metadata)
        return replace(after, metadata=with_pairs(with_pairs({}, first), then))


@dataclass(frozen=True)
class Failure:
    """Why a document or an item of an operation failed."""

    code: str
    detail: str


@dataclass(frozen=True)
class Document:
    """
    A stored document without its content.

    `version` counts the caller's changes (the ETag), `content_version` those that need indexing. `revision`
    is the workspace's revision of its newest change that search can see, `content_revision` that of its
    present passages, `seen_since` the one since which search sees its fields as they are; all 0 before the
    first. `chunks_embedded` of its passages had to be embedded for its present content.
    """

    id: DocumentId
    description: Description
    content_sha256: str
    bytes: int
    created_at: datetime
    updated_at: datetime
    status: Status = Status.QUEUED
    error: Failure | None = None
    chunks: int = 0
    chunks_embedded: int = 0
    version: int = 1
    content_version: int = 1
    revision: int = 0
    content_revision: int = 0
    seen_since: int = 0
    indexed_at: datetime | None = None

    @property
    def etag(self) -> str:
        """The entity tag of its present state."""
        return f'"{self.version}"'

    @property
    def in_feed(self) -> bool:
        """Whether search replicas know it."""
        return self.revision > 0

    @property
    def whole_since(self) -> int:
        """The revision since which search sees it as it is, its content included; 0: it does not yet."""
        if self.status not in (Status.PUBLISHING, Status.INDEXED):
            return 0
        return max(self.seen_since, self.content_revision)

    def check_precondition(self, if_match: str) -> None:
        """Raise EtagMismatch unless `if_match` (an `If-Match` header, "" for none) allows a change."""
        tags = [tag.strip() for tag in if_match.split(",")]
        if if_match and self.etag not in tags and tags != ["*"]:
            raise EtagMismatch("The document has changed since you read it.")

    def revised(
        self, description: Description, content: "Digest", at: datetime, *, retry: bool
    ) -> "Revision":
        """
        Return what a change makes of it.

        `retry`: a failed document is indexed again even if nothing is different.
        """
        before, after = self.description, description
        embeds = (
            (before.title, before.content_type, self.content_sha256)
            != (after.title, after.content_type, content.sha256)
        ) or (retry and self.status is Status.FAILED)
        if not embeds and before == after:
            return Revision(self, changed=False, visible=False, reindex=False)
        visible = self.in_feed and any(
            getattr(before, name) != getattr(after, name) for name in _SEEN_BY_SEARCH
        )
        document = replace(
            self,
            description=after,
            content_sha256=content.sha256,
            bytes=content.bytes,
            version=self.version + 1,
            updated_at=at,
        )
        if embeds:
            document = replace(
                document,
                content_version=self.content_version + 1,
                status=Status.QUEUED,
                error=None,
                indexed_at=None,
            )
        return Revision(document, changed=True, visible=visible, reindex=embeds)


@dataclass(frozen=True)
class Digest:
    """What tells one content from another."""

    sha256: str
    bytes: int

    @classmethod
    def of(cls, content: Content) -> "Digest":
        """Return the digest of `content`."""
        return cls(hashlib.sha256(content).hexdigest(), len(content))


@dataclass(frozen=True)
class Revision:
    """
    A document after a change.

    `changed`: anything at all is different. `visible`: search replicas must be told now. `reindex`: its
    passages must be made anew.
    """

    document: Document
    changed: bool
    visible: bool
    reindex: bool


def new_document(document_id: DocumentId, draft: Draft, at: datetime) -> Document:
    """Return the first state of a document."""
    digest = Digest.of(draft.content)
    return Document(
        id=document_id,
        description=draft.description,
        content_sha256=digest.sha256,
        bytes=digest.bytes,
        created_at=at,
        updated_at=at,
    )
