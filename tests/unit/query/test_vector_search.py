"""What the search service sends, as passages."""

from collections.abc import Iterator
from contextlib import closing

import grpc
import numpy as np
import pytest
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb

from services.kernel.errors import DomainError, ErrorKind, InvalidArgument, Unavailable, Violation
from services.query.clients.vector_search import VectorSearch
from services.query.domain.errors import RevisionNotKept
from services.query.domain.passage import Found, Passage
from services.query.domain.ports import OtherModel, SearchQuery
from services.query.domain.question import Filters
from services.query.domain.units import Kind, Unit
from services.runtime.channel import open_channel
from services.runtime.server import start_server
from services.runtime.settings import Secret
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.passage_search import REVISION, FakePassageSearch
from tests.fakes.vector_search_service import FakeVectorSearchService
from tests.unit.query.given import ACME, PLANS, SYNC

FIRST = pb.Unit(start=0, end=4, kind="sentence", block=0, heading="Above", place=0)
SECOND = pb.Unit(start=5, end=9, kind="item", block=1, heading="", place=1)


class OneHit(FakeVectorSearchService):
    """A search service that knows one hit."""

    def __init__(self) -> None:
        super().__init__(FakePassageSearch())
        self.hit = pb.Hit()

    def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:
        """Return it."""
        return pb.SearchResponse(hits=[self.hit], revision=5)


class TestVectorSearch:
    """Over real gRPC."""

    @pytest.fixture(autouse=True)
    def _running(self) -> Iterator[None]:
        self.service, credential = OneHit(), Secret("test")
        server = start_server([self.service.service()], credential=credential)
        with closing(open_channel(server.address, credential=credential)) as channel:
            self.search = VectorSearch(channel, 5.0)
            yield
        server.stop(0)

    def found(self, *units: pb.Unit, cosines: tuple[float, ...] = ()) -> Passage:
        """Return what becomes of a hit with these units."""
        self.service.hit = pb.Hit(
            chunk_id="c", document_id="d", text="One. Two.", units=units, unit_cosines=cosines, dense=0.5
        )
        query = SearchQuery("one", np.ones(4, np.float32), "m", Filters(), False)
        (result,) = self.search.search_each(ACME, [query], 3)
        assert result.revision == 5
        return result.passages[0]

    def test_units_come_with_their_cosines(self) -> None:
        """One each, in their order; a passage is no custom answer unless it says so."""
        passage = self.found(FIRST, SECOND, cosines=(0.25, 0.75))
        assert passage.units == (Unit(0, 4, Kind.SENTENCE, 0, "Above", 0), Unit(5, 9, Kind.ITEM, 1, "", 1))
        assert passage.cosines == (0.25, 0.75)
        assert passage.kind == "passage"

    @pytest.mark.parametrize("cosines", [(), (0.5,), (0.5, 0.5, 0.5)])
    def test_cosines_that_are_not_one_each_are_none(self, cosines: tuple[float, ...]) -> None:
        """The passage's own counts for each of its units then."""
        passage = self.found(FIRST, SECOND, cosines=cosines)
        assert passage.cosines == ()
        assert passage.nearness(1) == 0.5

    @pytest.mark.parametrize(("start", "end"), [(5, 10), (9, 9), (7, 5), (-1, 4), (100, 120)])
    def test_units_outside_of_the_text_are_none(self, start: int, end: int) -> None:
        """What can't be quoted is not: the passage is taken as a whole."""
        passage = self.found(FIRST, pb.Unit(start=start, end=end, kind="sentence"), cosines=(0.5, 0.5))
        assert (passage.units, passage.cosines) == ((), ())
        assert [(each.start, each.end) for each in passage.quotable] == [(0, 9)]

    def test_a_kind_of_a_newer_version_is_a_sentence(self) -> None:
        """While replicas are replaced one after the other, questions are answered."""
        newer = pb.Unit(start=0, end=4, kind="formula")
        assert self.found(newer, cosines=(0.5,)).units[0].kind is Kind.SENTENCE


class TestQuestions:
    """What is asked of the service, and what its refusals mean; over real gRPC."""

    @pytest.fixture(autouse=True)
    def _running(self) -> Iterator[None]:
        self.passages = FakePassageSearch()
        self.passages.add(ACME.workspace_id, [PLANS, SYNC])
        self.service, credential = FakeVectorSearchService(self.passages), Secret("test")
        server = start_server([self.service.service()], credential=credential)
        with closing(open_channel(server.address, credential=credential)) as channel:
            self.search = VectorSearch(channel, 5.0)
            yield
        server.stop(0)

    def ask(self, *texts: str, model: str = FakeEmbedder().model, as_of: int | None = None) -> list[Found]:
        """Search for some texts."""
        queries = [
            SearchQuery(text, FakeEmbedder().embed_query(text), model, Filters(), False, as_of)
            for text in texts
        ]
        return self.search.search_each(ACME, queries, 3)

    def test_several_are_one_call(self) -> None:
        """Answered in their order, each with its generation."""
        self.passages.generations = iter((4, 5))
        plans, sync = self.ask("Pro plan", "Sync")
        assert plans.passages[0].document_id == "doc_plans"
        assert sync.passages[0].document_id == "doc_sync"
        assert (plans.generation, sync.generation) == (4, 5)
        assert [each.embedding_model for each in self.service.requests] == [FakeEmbedder().model] * 2

    def test_another_model(self) -> None:
        """It is named; of one question and of several."""
        for texts in (["one"], ["one", "two"]):
            with pytest.raises(OtherModel) as raised:
                self.ask(*texts, model="other")
            assert raised.value.model == FakeEmbedder().model

    def test_the_past(self) -> None:
        """An answer as of a revision says that revision."""
        self.passages.remember(3, [SYNC])
        (found,) = self.ask("Pro plan", as_of=3)
        assert ([each.document_id for each in found.passages], found.revision) == (["doc_sync"], 3)
        (now,) = self.ask("Pro plan")
        assert (now.passages[0].document_id, now.revision) == ("doc_plans", REVISION)

    def test_a_past_that_is_not_kept(self) -> None:
        """404, in the words of who knows why."""
        with pytest.raises(RevisionNotKept, match="not kept any more"):
            self.ask("Pro plan", as_of=2)

    def test_a_revision_that_is_yet_to_come(self) -> None:
        """Is a mistake in that field."""
        with pytest.raises(InvalidArgument) as raised:
            self.ask("Pro plan", as_of=REVISION + 1)
        assert [each.pointer for each in raised.value.violations] == ["/knowledge_revision"]

    def test_what_else_is_refused_is_our_mistake(self) -> None:
        """No fault of the caller's; neither now nor in the past."""
        self.passages.remember(3, [SYNC])
        self.passages.failure = InvalidArgument.of([Violation("/vector", "has 3 dimensions")])
        for as_of in (None, 3):
            with pytest.raises(RuntimeError):
                self.ask("Pro plan", as_of=as_of)

    def test_a_past_that_is_being_fetched(self) -> None:
        """Is to be asked for again a little later."""
        self.passages.failure = Unavailable("being fetched", retry_after=2.5)
        with pytest.raises(DomainError) as raised:
            self.ask("Pro plan", as_of=3)
        assert (raised.value.kind, raised.value.retry_after) == (ErrorKind.UNAVAILABLE, 2.5)
