"""Between protobuf and the domain."""

from collections.abc import Sequence

from supportagent.vector_search.v1 import vector_search_service_pb2 as pb

from services.kernel.errors import InvalidArgument, Violation
from services.vector_search.domain.filters import Filter
from services.vector_search.domain.search import MAX_BATCH, Hit, IndexStatus, SearchQuery, SearchResult


def search_query(request: pb.SearchRequest) -> SearchQuery:
    """Return the question; raise InvalidArgument where it is none."""
    return SearchQuery.of(
        vector=request.vector,
        text=request.text,
        limit=request.limit,
        wanted=Filter(
            any_tags=frozenset(request.filter.any_tags),
            locale=request.filter.locale,
            document_ids=frozenset(request.filter.document_ids),
            include_authenticated=request.filter.include_authenticated,
            all_tags=frozenset(request.filter.all_tags),
        ),
        min_revision=request.min_revision,
        exact=request.exact,
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


def search_response(result: SearchResult) -> pb.SearchResponse:
    """Return the answer to a question."""
    return pb.SearchResponse(hits=[_hit(each) for each in result.hits], revision=result.revision)


def batch_search_response(results: Sequence[SearchResult]) -> pb.BatchSearchResponse:
    """Return the answers to several questions."""
    return pb.BatchSearchResponse(responses=[search_response(each) for each in results])


def status_response(status: IndexStatus) -> pb.GetIndexStatusResponse:
    """Return the state of an index."""
    return pb.GetIndexStatusResponse(
        revision=status.revision,
        chunks=status.chunks,
        dense_index=status.dense_index,
        ef=status.ef,
        recall=status.recall,
    )


def _hit(hit: Hit) -> pb.Hit:
    passage = hit.passage
    return pb.Hit(
        chunk_id=passage.chunk_id,
        document_id=passage.document_id,
        title=passage.title,
        url=passage.url,
        heading_path=passage.heading_path,
        text=passage.text,
        ordinal=passage.ordinal,
        score=hit.score,
        dense=hit.dense,
        lexical=hit.lexical,
    )
