"""Documents to and from messages."""

from collections.abc import Sequence
from typing import TypeAlias

from supportagent.knowledge.v1 import document_service_pb2 as pb

from services.kernel.clock import parse_instant
from services.kernel.errors import DomainError, InvalidArgument, Violation
from services.kernel.pages import Page
from services.knowledge.api.convert_content import set_content
from services.knowledge.domain.batch import Proposed
from services.knowledge.domain.document import DocumentId, Draft, Failure, Patch, Status
from services.knowledge.domain.draft import Said, check_external_id, draft, patch
from services.knowledge.domain.errors import DocumentNotFound
from services.knowledge.domain.ports.documents import ListFilters
from services.knowledge.domain.shown import Shown
from services.runtime.timestamps import timestamp

# An operation keeps what is wrong with each document of a batch.
_MAX_LISTED = 50
_PUBLIC_STATUSES = sorted({status.public for status in Status})

Input: TypeAlias = "pb.DocumentInput | pb.CreateDocumentRequest"


def created(request: pb.CreateDocumentRequest) -> Draft:
    """Return the document to create; raise InvalidArgument."""
    return draft(_said(request))


def upserted(request: pb.UpsertDocumentRequest) -> Draft:
    """Return the document to create or replace; raise InvalidArgument."""
    violations = check_external_id(request.external_id)
    given = request.document.external_id
    if given and given != request.external_id:
        violations.append(Violation("/external_id", "is not the one in the path"))
    said = pb.DocumentInput()
    said.CopyFrom(request.document)
    said.external_id = request.external_id
    return _together(said, violations)


def proposed(message: pb.DocumentInput) -> Proposed:
    """Return one document of a batch, with what is wrong with it."""
    try:
        return Proposed(message.external_id, draft(_said(message)))
    except InvalidArgument as error:
        return Proposed(message.external_id, Failure(error.reason, _listed(error.violations)))


def patched(message: pb.DocumentPatch, body_keys: str) -> Patch:
    """
    Return the fields to change; raise InvalidArgument.

    `body_keys` names the keys of the JSON body, by which `"tags": []` differs from no tags at all. Callers
    without JSON say what they mean by presence; they can't clear lists.
    """
    if body_keys:
        given = frozenset(body_keys.split(","))
    else:
        given = frozenset(field.name for field, _ in message.ListFields())
    return patch(_said_patch(message), given)


def filters(request: pb.ListDocumentsRequest) -> ListFilters:
    """Return which documents to list; raise InvalidArgument."""
    violations = []
    if request.status and request.status not in _PUBLIC_STATUSES:
        violations.append(Violation("/status", f"must be one of {', '.join(_PUBLIC_STATUSES)}"))
    for name in ("tag", "external_id"):
        if "\x00" in getattr(request, name):
            violations.append(Violation(f"/{name}", "must not hold control characters"))
    updated_after = None
    if request.updated_after:
        updated_after = parse_instant(request.updated_after)
        if updated_after is None:
            violations.append(Violation("/updated_after", "must be an RFC 3339 instant with a time zone"))
    if violations:
        raise InvalidArgument.of(violations)
    return ListFilters(
        status=request.status,
        active=request.active if request.HasField("active") else None,
        tag=request.tag,
        external_id=request.external_id,
        updated_after=updated_after,
    )


def document_id(text: str) -> DocumentId:
    """Return the id in a path; raise DocumentNotFound for what can't be one."""
    if "\x00" in text:
        raise DocumentNotFound("There is no such document.")
    return DocumentId(text)


def external_id(text: str) -> str:
    """Return the external id in a path; raise DocumentNotFound for what can't be one."""
    return document_id(text)


def document(shown: Shown) -> pb.Document:
    """Return a document as callers see it."""
    one, description = shown.document, shown.document.description
    message = pb.Document(
        id=one.id,
        external_id=description.external_id,
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
        status=one.status.public,
        chunks=one.chunks,
        chunks_embedded=one.chunks_embedded,
        revision=one.revision,
        created_at=timestamp(one.created_at),
        updated_at=timestamp(one.updated_at),
    )
    if shown.content is not None:
        set_content(message, description.content_type, shown.content)
    if one.error is not None:
        message.error.code, message.error.detail = one.error.code, one.error.detail
    if one.indexed_at is not None:
        message.indexed_at.CopyFrom(timestamp(one.indexed_at))
    if shown.place is not None:
        message.queue.position = shown.place.position
        message.queue.estimated_ready_at.CopyFrom(timestamp(shown.place.ready_at))
    return message


def create_response(shown: Shown) -> bytes:
    """Return the answer to a creation, as it is stored for repeated requests."""
    message = pb.CreateDocumentResponse(document=document(shown))
    return message.SerializeToString(deterministic=True)


def list_response(page: Page[Shown]) -> pb.ListDocumentsResponse:
    """Return a page of documents."""
    return pb.ListDocumentsResponse(
        items=[document(each) for each in page.items], next_page_token=page.next_token
    )


def _listed(violations: Sequence[Violation]) -> str:
    """All of them in a sentence, the first ones where they are very many."""
    detail = "; ".join(f"{each.pointer}: {each.detail}" for each in violations[:_MAX_LISTED])
    more = len(violations) - _MAX_LISTED
    return f"{detail}; and {more} more" if more > 0 else detail


def _said(message: "Input") -> Said:
    return Said(
        external_id=message.external_id,
        title=message.title,
        content=message.content if message.HasField("content") else None,
        content_base64=message.content_base64 if message.HasField("content_base64") else None,
        content_type=message.content_type,
        url=message.url,
        tags=tuple(message.tags),
        locale=message.locale,
        audience=message.audience,
        active=message.active if message.HasField("active") else None,
        metadata=dict(message.metadata),
    )


def _said_patch(message: pb.DocumentPatch) -> Said:
    return Said(
        title=message.title,
        content=message.content if message.HasField("content") else None,
        content_base64=message.content_base64 if message.HasField("content_base64") else None,
        content_type=message.content_type,
        url=message.url,
        tags=tuple(message.tags),
        locale=message.locale,
        audience=message.audience,
        active=message.active,
        metadata=dict(message.metadata),
    )


def _together(said: pb.DocumentInput, violations: list[Violation]) -> Draft:
    try:
        accepted = draft(_said(said))
    except InvalidArgument as error:
        raise _all([*violations, *error.violations]) from None
    if violations:
        raise _all(violations)
    return accepted


def _all(violations: list[Violation]) -> DomainError:
    return InvalidArgument.of(list(dict.fromkeys(violations)))
