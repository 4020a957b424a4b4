"""The past, as the change feed's adapter asks for it."""

from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from supportagent.knowledge.v1 import change_feed_service_pb2 as pb

from services.kernel.errors import DomainError, ErrorKind
from services.runtime.channel import open_channel
from services.runtime.server import start_server
from services.runtime.settings import Secret
from services.vector_search.clients.change_feed import GrpcChangeFeed
from services.vector_search.domain.errors import ChangesRefused, RevisionNotKept
from services.vector_search.domain.past import Moment
from tests.fakes.change_feed import FakeChangeFeed, FakeChangeFeedServicer, service
from tests.fakes.vector_search_data import ACME, DIMENSIONS, a_vector

SECRET = Secret("internal-credential")


class PastServicer(FakeChangeFeedServicer):
    """Knows revision 5: a document on the first page, a passage of it on the second."""

    vector = a_vector(1)

    def ListPast(self, request: pb.ListPastRequest, context: grpc.ServicerContext) -> pb.ListPastResponse:
        """Return a page."""
        if request.revision != 5:
            raise RevisionNotKept("not kept")
        page = pb.ListPastResponse(generation=3, embedding_model="fake-model", dimensions=DIMENSIONS)
        if not request.page_token:
            page.documents.add(document_id="doc_a", title="Then", audience="authenticated", active=True)
            page.next_page_token = "passages"
        else:
            raw = self.vector.astype("<f4").tobytes()[: -4 if request.page_token == "broken" else None]
            page.chunks.add(chunk_id="chunk_a", document_id="doc_a", text="words of then", vector=raw)
        return page


@pytest.fixture
def adapter() -> Iterator[GrpcChangeFeed]:
    """Return the adapter, connected to a server."""
    server = start_server([service(PastServicer(FakeChangeFeed()))], credential=SECRET)
    channel = open_channel(server.address, credential=SECRET)
    yield GrpcChangeFeed(channel, "rep_1", "127.0.0.1:1")
    channel.close()
    server.stop()


def test_the_past_arrives_page_by_page(adapter: GrpcChangeFeed) -> None:
    """With the generation and the model of then, whoever is to be kept from it included."""
    first = adapter.past(Moment(ACME, 5), "")
    assert (first.generation, first.model.name, first.model.dimensions) == (3, "fake-model", DIMENSIONS)
    (document,) = first.documents
    assert (document.document_id, document.title, document.authenticated) == ("doc_a", "Then", True)
    second = adapter.past(Moment(ACME, 5), first.next_page)
    (chunk,) = second.chunks
    assert (chunk.text, second.next_page) == ("words of then", "")
    assert np.array_equal(chunk.vector, PastServicer.vector)


def test_a_revision_that_is_not_kept_is_told_as_such(adapter: GrpcChangeFeed) -> None:
    """Its reason passes through."""
    with pytest.raises(DomainError) as raised:
        adapter.past(Moment(ACME, 4), "")
    assert (raised.value.kind, raised.value.reason) == (ErrorKind.NOT_FOUND, "REVISION_NOT_KEPT")


def test_a_past_that_breaks_the_rules_is_refused(adapter: GrpcChangeFeed) -> None:
    """A vector of another length is not taken."""
    with pytest.raises(ChangesRefused):
        adapter.past(Moment(ACME, 5), "broken")
