"""Between protobuf and the domain."""

from supportagent.vector_search.v1 import vector_search_service_pb2 as pb

from services.kernel.errors import InvalidArgument, Violation
from services.vector_search.domain.filters import EVERYTHING, Filter
from services.vector_search.domain.search import MAX_BATCH, IndexStatus, SearchQuery


def search_query(request: pb.SearchRequest) -> SearchQuery:
    """Return the question; raise InvalidArgument where it is none."""
    return SearchQuery.of(
        vector=request.vector,
        text=request.text,
        limit=request.limit,
        wanted=_filter(request.filter) if request.HasField("filter") else EVERYTHING,
        min_revision=request.min_revision,
        exact=request.exact,
        with_units=request.with_units,
        embedding_model=request.embedding_model,
        at_revision=request.at_revision,
    )


def search_queries(request: pb.BatchSearchRequest) -> list[SearchQuery]:
    """Return the questions; raise InvalidArgument that lists what is wrong with each."""
    if not 1 <= len(request.requests) <= MAX_BATCH:
        detail = f"must be between 1 and {MAX_BATCH}, are {len(request.requests)}"
        raise InvalidArgument.of([Violation("/requests", detail)])
    queries: list[SearchQuery] = []
    violations: list[Violation] = []
    for number, each in enumerate(request.requests):
        try:
            queries.append(search_query(each))
        except InvalidArgument as error:
            violations += [Violation(f"/requests/{number}{v.pointer}", v.detail) for v in error.violations]
    if violations:
        raise InvalidArgument.of(violations)
    return queries


def status_response(status: IndexStatus) -> pb.GetIndexStatusResponse:
    """Return the state of an index."""
    return pb.GetIndexStatusResponse(
        revision=status.revision,
        chunks=status.chunks,
        dense_index=status.dense_index,
        ef=status.ef,
        recall=status.recall,
    )


def _filter(message: pb.Filter) -> Filter:
    return Filter(
        any_tags=frozenset(message.any_tags),
        locale=message.locale,
        document_ids=frozenset(message.document_ids),
        include_authenticated=message.include_authenticated,
        all_tags=frozenset(message.all_tags),
    )
