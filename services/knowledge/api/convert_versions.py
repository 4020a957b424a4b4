"""Versions of documents to messages."""

from supportagent.knowledge.v1 import document_service_pb2 as pb

from services.kernel.pages import Page
from services.knowledge.api.convert_content import set_content
from services.knowledge.domain.version import Version
from services.runtime.timestamps import timestamp


def version(one: Version, content: bytes | None = None) -> pb.DocumentVersion:
    """Return a version as callers see it; with its content where that is given."""
    description = one.description
    message = pb.DocumentVersion(
        version=one.number,
        current=one.replaced_at is None,
        title=description.title,
        content_type=description.content_type,
        url=description.url,
        tags=description.tags,
        locale=description.locale,
        audience=description.audience,
        active=description.active,
        metadata=description.metadata,
        content_sha256=one.content_sha256,
        bytes=one.bytes,
        revision=one.whole_since,
        created_at=timestamp(one.created_at),
    )
    if content is not None:
        set_content(message, description.content_type, content)
    if one.replaced_at is not None:
        message.replaced_at.CopyFrom(timestamp(one.replaced_at))
    return message


def list_response(page: Page[Version]) -> pb.ListDocumentVersionsResponse:
    """Return a page of versions."""
    return pb.ListDocumentVersionsResponse(
        items=[version(each) for each in page.items], next_page_token=page.next_token
    )
