"""Passages from the vector_search service."""

from collections.abc import Sequence

import grpc
import numpy as np
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb
from supportagent.vector_search.v1 import vector_search_service_pb2_grpc as pb_grpc

from services.kernel.caller import Caller
from services.kernel.errors import (
    DeadlineExceeded,
    DomainError,
    ErrorKind,
    InvalidArgument,
    Unavailable,
)
from services.query.domain.errors import RevisionNotKept
from services.query.domain.passage import PASSAGE, Found, Passage
from services.query.domain.ports import OtherModel, SearchQuery
from services.query.domain.units import Kind, Unit
from services.runtime.call import acting_as, seconds_left
from services.runtime.channel import call

IDEMPOTENT = tuple(
    f"/supportagent.vector_search.v1.VectorSearchService/{method}" for method in ("Search", "BatchSearch")
)
MOST_HITS = 200

_PASSED_ON = (ErrorKind.UNAVAILABLE, ErrorKind.DEADLINE_EXCEEDED, ErrorKind.CANCELLED)
_REVISION = "/knowledge_revision"
_OTHER_MODEL, _MODEL = "EMBEDDING_MODEL_MISMATCH", "embedding_model"
_NO_TIME = 0.1
# While a newer version is rolled out its replicas may know kinds that this one does not.
_KINDS = {kind.value: kind for kind in Kind}


class VectorSearch:
    """A `PassageSearch`."""

    def __init__(self, channel: grpc.Channel, timeout: float) -> None:
        self._stub = pb_grpc.VectorSearchServiceStub(channel)
        self._timeout = timeout

    def search_each(self, caller: Caller, queries: Sequence[SearchQuery], limit: int) -> list[Found]:
        """Return at most `limit` passages, best first, for each question; one call for all of them."""
        requests = [_request(query, limit) for query in queries]
        left = seconds_left()
        try:
            with acting_as(caller, left):
                responses = self._ask(requests)
        except DeadlineExceeded:
            if left is not None and left - self._timeout < _NO_TIME:
                raise
            # The caller would still wait: it is the search that hangs.
            raise Unavailable("The search does not answer.") from None
        except DomainError as error:
            raise _meant(error, past=queries[0].as_of is not None) from error
        return [
            Found(
                tuple(_passage(hit) for hit in response.hits),
                response.revision if query.as_of is None else query.as_of,
                response.generation,
            )
            for query, response in zip(queries, responses, strict=True)
        ]

    def _ask(self, requests: Sequence[pb.SearchRequest]) -> Sequence[pb.SearchResponse]:
        if len(requests) == 1:
            return [call(self._stub.Search, requests[0], timeout=self._timeout)]
        batch = pb.BatchSearchRequest(requests=requests)
        return call(self._stub.BatchSearch, batch, timeout=self._timeout).responses


def _request(query: SearchQuery, limit: int) -> pb.SearchRequest:
    return pb.SearchRequest(
        vector=np.ascontiguousarray(query.vector, dtype="<f4").tobytes(),
        text=query.text,
        limit=min(limit, MOST_HITS),
        filter=pb.Filter(
            any_tags=query.filters.tags,
            locale=query.filters.locale,
            document_ids=query.filters.document_ids,
            include_authenticated=query.filters.authenticated,
        ),
        exact=query.exact,
        with_units=True,
        embedding_model=query.model,
        at_revision=query.as_of or 0,
    )


def _meant(error: DomainError, *, past: bool) -> Exception:
    """Return what an error of the search means to a question; `past`: it was asked as of a revision."""
    if error.kind in _PASSED_ON:
        return error
    if error.reason == _OTHER_MODEL:
        return OtherModel(error.metadata.get(_MODEL, ""))
    if past and error.reason == RevisionNotKept.reason:
        return RevisionNotKept(error.detail)
    if past and any(each.pointer == _REVISION for each in error.violations):
        return InvalidArgument.of([each for each in error.violations if each.pointer == _REVISION])
    return RuntimeError(f"the search refused a question of ours: {error.reason}: {error}")


def _passage(hit: pb.Hit) -> Passage:
    units = tuple(_unit(each) for each in hit.units)
    if not all(0 <= each.start < each.end <= len(hit.text) for each in units):
        units = ()  # as of an index without units: nothing outside of the text is quoted
    return Passage(
        chunk_id=hit.chunk_id,
        document_id=hit.document_id,
        title=hit.title,
        url=hit.url,
        heading_path=tuple(hit.heading_path),
        text=hit.text,
        ordinal=hit.ordinal,
        score=hit.score,
        dense=hit.dense,
        lexical=hit.lexical,
        kind=hit.kind or PASSAGE,
        units=units,
        cosines=tuple(hit.unit_cosines) if len(hit.unit_cosines) == len(units) else (),
    )


def _unit(unit: pb.Unit) -> Unit:
    return Unit(
        unit.start, unit.end, _KINDS.get(unit.kind, Kind.SENTENCE), unit.block, unit.heading, unit.place
    )
