"""Between protobuf and the domain."""

from supportagent.vector_search.v1 import vector_search_service_pb2 as pb

from services.vector_search.domain.filters import Filter
from services.vector_search.domain.search import Hit, IndexStatus, SearchQuery, SearchResult


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
        ),
        min_revision=request.min_revision,
        exact=request.exact,
    )


def search_response(result: SearchResult) -> pb.SearchResponse:
    """Return the answer to a question."""
    return pb.SearchResponse(hits=[_hit(each) for each in result.hits], revision=result.revision)


def status_response(status: IndexStatus) -> pb.GetIndexStatusResponse:
    """Return the state of an index."""
    return pb.GetIndexStatusResponse(
        revision=status.revision, chunks=status.chunks, dense_index=status.dense_index
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
