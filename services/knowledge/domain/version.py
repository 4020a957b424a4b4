"""A version of a document: what it was between two of its caller's changes."""

from dataclasses import dataclass
from datetime import datetime

from services.knowledge.domain.document import Description, Document


@dataclass(frozen=True)
class Version:
    """
    A document without its content, as it was from one change to the next.

    `whole_since` is the workspace's revision since which search saw it so, its content included; 0: it never
    did. `replaced_at` None: it is so now.
    """

    number: int
    description: Description
    content_sha256: str
    bytes: int
    whole_since: int
    created_at: datetime
    replaced_at: datetime | None = None


def present(document: Document) -> Version:
    """Return the version that a document is now."""
    return Version(
        number=document.version,
        description=document.description,
        content_sha256=document.content_sha256,
        bytes=document.bytes,
        whole_since=document.whole_since,
        created_at=document.updated_at,
    )
