"""A vector_search service over gRPC with passages in memory."""

import grpc
import numpy as np
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb
from supportagent.vector_search.v1 import vector_search_service_pb2_grpc as pb_grpc

from services.kernel.errors import DomainError, ErrorKind
from services.query.domain.ports import OtherModel, SearchQuery
from services.query.domain.question import Filters
from services.runtime.interceptors.caller import caller
from services.runtime.server import Service
from tests.fakes.passage_search import REVISION, FakePassageSearch

NAME = "supportagent.vector_search.v1.VectorSearchService"


class ModelMismatch(DomainError):
    """The vector is of another model than the index."""

    kind = ErrorKind.FAILED_PRECONDITION
    reason = "EMBEDDING_MODEL_MISMATCH"


class FakeVectorSearchService(pb_grpc.VectorSearchServiceServicer):
    """Implements the real proto over a `FakePassageSearch`; `requests` is for the tests."""

    def __init__(self, search: FakePassageSearch) -> None:
        self._search = search
        self.requests: list[pb.SearchRequest] = []

    def service(self) -> Service:
        """Return how it joins a server."""
        return Service(NAME, pb_grpc.add_VectorSearchServiceServicer_to_server, self)

    def BatchSearch(
        self, request: pb.BatchSearchRequest, context: grpc.ServicerContext
    ) -> pb.BatchSearchResponse:
        """Find passages of the caller's workspace for several questions."""
        return pb.BatchSearchResponse(responses=[self.Search(each, context) for each in request.requests])

    def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:
        """Find passages of the caller's workspace."""
        self.requests.append(request)
        query = SearchQuery(
            request.text,
            np.frombuffer(request.vector, dtype="<f4"),
            request.embedding_model,
            Filters(
                tuple(request.filter.any_tags), request.filter.locale, tuple(request.filter.document_ids)
            ),
            request.exact,
            request.at_revision or None,
        )
        try:
            (found,) = self._search.search_each(caller(context), [query], request.limit)
        except OtherModel as other:
            raise ModelMismatch("another model", metadata={"embedding_model": other.model}) from None
        return pb.SearchResponse(
            hits=[
                pb.Hit(
                    chunk_id=each.chunk_id,
                    document_id=each.document_id,
                    title=each.title,
                    url=each.url,
                    heading_path=each.heading_path,
                    text=each.text,
                    ordinal=each.ordinal,
                    score=each.score,
                    dense=each.dense,
                    lexical=each.lexical,
                    kind=each.kind,
                    units=[
                        pb.Unit(
                            start=unit.start,
                            end=unit.end,
                            kind=unit.kind.value,
                            block=unit.block,
                            heading=unit.heading,
                            place=unit.place,
                        )
                        for unit in each.units
                        if request.with_units
                    ],
                    unit_cosines=each.cosines if request.with_units else (),
                )
                for each in found.passages
            ],
            revision=found.revision,
            generation=found.generation,
        )

    def GetIndexStatus(
        self, request: pb.GetIndexStatusRequest, context: grpc.ServicerContext
    ) -> pb.GetIndexStatusResponse:
        """Return the one revision that there is."""
        return pb.GetIndexStatusResponse(revision=REVISION, dense_index="exact")
