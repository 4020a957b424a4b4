"""Passages from the vector_search service."""

import grpc
import numpy as np
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb
from supportagent.vector_search.v1 import vector_search_service_pb2_grpc as pb_grpc

from services.kernel.caller import Caller
from services.kernel.errors import DeadlineExceeded, DomainError, ErrorKind, Unavailable
from services.query.domain.passage import PASSAGE, Found, Passage
from services.query.domain.ports import SearchQuery
from services.query.domain.units import Kind, Unit
from services.runtime.call import acting_as, seconds_left
from services.runtime.channel import call

IDEMPOTENT = ("/supportagent.vector_search.v1.VectorSearchService/Search",)
MOST_HITS = 200

_PASSED_ON = (ErrorKind.UNAVAILABLE, ErrorKind.DEADLINE_EXCEEDED, ErrorKind.CANCELLED)
_NO_TIME = 0.1
# While a newer version is rolled out its replicas may know kinds that this one does not.
_KINDS = {kind.value: kind for kind in Kind}


class VectorSearch:
    """A `PassageSearch`."""

    def __init__(self, channel: grpc.Channel, timeout: float) -> None:
        self._stub = pb_grpc.VectorSearchServiceStub(channel)
        self._timeout = timeout

    def search(self, caller: Caller, query: SearchQuery, limit: int) -> Found:
        """Return at most `limit` passages, best first."""
        request = pb.SearchRequest(
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
        )
        left = seconds_left()
        try:
            with acting_as(caller, left):
                response = call(self._stub.Search, request, timeout=self._timeout)
        except DeadlineExceeded:
            if left is not None and left - self._timeout < _NO_TIME:
                raise
            # The caller would still wait: it is the search that hangs.
            raise Unavailable("The search does not answer.") from None
        except DomainError as error:
            if error.kind in _PASSED_ON:
                raise
            raise RuntimeError(f"the search refused a question of ours: {error.reason}: {error}") from error
        return Found(tuple(_passage(hit) for hit in response.hits), response.revision)


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
