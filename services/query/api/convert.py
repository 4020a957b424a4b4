"""Between protobuf messages and the domain."""

from dataclasses import asdict

from supportagent.query.v1 import query_service_pb2 as pb

from services.kernel.errors import DomainError, ErrorKind
from services.query.api.convert_explanation import explanation
from services.query.domain.answer import Answer, Citation, Results, Source
from services.query.domain.asking import Delta, Event, SourcesFound
from services.query.domain.compose import excerpt
from services.query.domain.passage import Passage
from services.query.domain.question import (
    DEFAULT_RESULTS,
    DEFAULT_SOURCES,
    Filters,
    Lookup,
    Question,
    Said,
)

_MAX_INT32 = 2**31 - 1

_STATUS = {
    ErrorKind.INVALID_ARGUMENT: (400, "Bad Request"),
    ErrorKind.UNAUTHENTICATED: (401, "Unauthorized"),
    ErrorKind.PERMISSION_DENIED: (403, "Forbidden"),
    ErrorKind.NOT_FOUND: (404, "Not Found"),
    ErrorKind.ALREADY_EXISTS: (409, "Conflict"),
    ErrorKind.FAILED_PRECONDITION: (400, "Bad Request"),
    ErrorKind.ABORTED: (409, "Conflict"),
    ErrorKind.RESOURCE_EXHAUSTED: (429, "Too Many Requests"),
    ErrorKind.UNAVAILABLE: (503, "Service Unavailable"),
    ErrorKind.DEADLINE_EXCEEDED: (504, "Gateway Timeout"),
    ErrorKind.CANCELLED: (499, "Client Closed Request"),
    ErrorKind.INTERNAL: (500, "Internal Server Error"),
}


def question(request: pb.QueryRequest | pb.StreamQueryRequest) -> Question:
    """Return the question, not yet checked."""
    return Question(
        message=request.message,
        conversation_id=request.conversation_id,
        history=tuple(Said(each.role, each.content) for each in request.history),
        user_token=request.user_token,
        filters=_filters(request.filters),
        exact=request.exact,
        knowledge_revision=request.knowledge_revision if request.HasField("knowledge_revision") else None,
        max_sources=request.max_sources if request.HasField("max_sources") else DEFAULT_SOURCES,
        min_confidence=request.min_confidence if request.HasField("min_confidence") else None,
        channel=request.channel,
        metadata=dict(request.metadata),
        store=request.store if request.HasField("store") else True,
        explain=request.explain,
    )


def lookup(request: pb.SearchRequest) -> Lookup:
    """Return the look-up, not yet checked."""
    return Lookup(
        message=request.message,
        conversation_id=request.conversation_id,
        history=tuple(Said(each.role, each.content) for each in request.history),
        user_token=request.user_token,
        filters=_filters(request.filters),
        exact=request.exact,
        knowledge_revision=request.knowledge_revision if request.HasField("knowledge_revision") else None,
        max_results=request.max_results if request.HasField("max_results") else DEFAULT_RESULTS,
    )


def query_response(answer: Answer) -> pb.QueryResponse:
    """Return an answer."""
    return pb.QueryResponse(
        answer=answer.text,
        answered=answer.answered,
        reason=answer.reason,
        confidence=pb.Confidence(score=answer.confidence.score, level=answer.confidence.level),
        sources=[_source(each) for each in answer.sources],
        citations=[_citation(each) for each in answer.citations],
        actions=[pb.Action(**asdict(each)) for each in answer.actions],
        conversation_id=answer.conversation_id,
        message_id=answer.message_id,
        knowledge_revision=_revision(answer.knowledge_revision),
        answerer=answer.answerer,
        explanation=None if answer.explanation is None else explanation(answer.explanation),
        escalation_suggested=answer.escalation_suggested,
    )


def stream_query_response(event: Event) -> pb.StreamQueryResponse:
    """Return an event of a stream."""
    if isinstance(event, SourcesFound):
        return pb.StreamQueryResponse(sources=pb.Sources(items=[_source(each) for each in event.sources]))
    if isinstance(event, Delta):
        return pb.StreamQueryResponse(delta=pb.Delta(text=event.text))
    if isinstance(event, Citation):
        return pb.StreamQueryResponse(citation=_citation(event))
    return pb.StreamQueryResponse(completed=query_response(event.answer))


def stream_error(error: DomainError, request_id: str) -> pb.StreamQueryResponse:
    """Return the last event of a stream that failed."""
    status, title = _STATUS[error.kind]
    return pb.StreamQueryResponse(
        error=pb.Problem(
            type="about:blank",
            title=title,
            status=status,
            detail=error.detail,
            code=error.reason,
            request_id=request_id,
        )
    )


def search_response(results: Results) -> pb.SearchResponse:
    """Return passages."""
    return pb.SearchResponse(
        results=[_result(each) for each in results.passages],
        knowledge_revision=_revision(results.revision),
    )


def _filters(filters: pb.Filters) -> Filters:
    return Filters(tuple(filters.tags), filters.locale, tuple(filters.document_ids))


def _source(source: Source) -> pb.Source:
    return pb.Source(**asdict(source))


def _citation(citation: Citation) -> pb.Citation:
    return pb.Citation(start=citation.start, end=citation.end, source_index=citation.source_index)


def _result(passage: Passage) -> pb.Result:
    return pb.Result(
        document_id=passage.document_id,
        chunk_id=passage.chunk_id,
        title=passage.title,
        url=passage.url,
        excerpt=excerpt(passage.text),
        score=round(passage.shown_score, 4),
        scores=pb.Scores(dense=round(passage.dense, 4), lexical=round(passage.lexical, 4)),
    )


def _revision(revision: int) -> int:
    # The public field is an int32, since JSON prints an int64 as a string.
    return min(revision, _MAX_INT32)
