"""What a knowledge base held at an earlier revision, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.kernel.errors import InvalidArgument, Unavailable, Violation
from services.kernel.ids import WorkspaceId
from services.kernel.pages import decode_token, encode_token
from services.knowledge.domain.change_feed import ANSWER_BYTES, ChunkChange, DocumentChange
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.errors import RevisionNotKept
from services.knowledge.domain.generation import Generation
from services.knowledge.domain.ports.bases import Base
from services.knowledge.domain.ports.store import Transaction

DOCUMENTS_AT_ONCE = 1000
_DOCUMENTS, _CHUNKS = "documents", "chunks"


@dataclass(frozen=True)
class PastPage:
    """Documents and passages as they were, and the token of what comes next, empty at the end."""

    generation: Generation
    documents: Sequence[DocumentChange] = ()
    chunks: Sequence[ChunkChange] = ()
    next_token: str = ""


def past_page(
    tx: Transaction,
    workspace_id: WorkspaceId,
    revision: int,
    token: str,
    *,
    documents_at_once: int = DOCUMENTS_AT_ONCE,
    answer_bytes: int = ANSWER_BYTES,
) -> PastPage:
    """
    Return a page of what search saw at a revision; documents come before passages.

    Whatever is written between two pages, all of them together are that state; of documents that are deleted
    meanwhile there is no more.

    Raises:
        InvalidArgument: the revision is yet to come, or the token is of another list.
        RevisionNotKept: it is too long ago, or the index that served then is gone.
        Unavailable: the pages must be read again from the first one.
    """
    base = tx.bases.get(workspace_id)
    if not 0 <= revision <= base.revision:
        detail = f"must be between 0 and {base.revision}, the newest revision"
        raise InvalidArgument.of([Violation("/knowledge_revision", detail)])
    generation = tx.past.generation(workspace_id, revision)
    if revision < base.past_from_revision or generation.number not in _kept(base):
        raise RevisionNotKept(f"What was so at revision {revision} is not kept any more.")
    bound = {"list": "past", "workspace": workspace_id, "revision": revision}
    match decode_token(token, bound):
        case None:
            kind, after = _DOCUMENTS, ""
        case (str() as kind, str() as after, number):
            if number != generation.number:  # at the newest revision, which another generation serves by now
                raise Unavailable("The index has gone over to another generation meanwhile.")
        case _:
            raise InvalidArgument.of([Violation("/page_token", "is not a token of this API")])
    if kind == _DOCUMENTS:
        documents = tx.past.documents(workspace_id, revision, DocumentId(after), documents_at_once)
        more = len(documents) == documents_at_once
        following = (_DOCUMENTS, documents[-1].document_id) if more else (_CHUNKS, "")
        next_token = encode_token(bound, (*following, generation.number))
        return PastPage(generation, documents=documents, next_token=next_token)
    chunks = tx.past.chunks(workspace_id, generation.number, revision, after, answer_bytes)
    next_token = encode_token(bound, (_CHUNKS, chunks[-1].chunk_id, generation.number)) if chunks else ""
    return PastPage(generation, chunks=chunks, next_token=next_token)


def _kept(base: Base) -> set[int]:
    numbers = {each.number for each in base.written}
    return numbers if base.previous_generation is None else numbers | {base.previous_generation}
