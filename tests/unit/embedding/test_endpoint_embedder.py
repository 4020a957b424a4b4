"""An endpoint that speaks OpenAI's protocol: what is sent, and what each answer means."""

import json
from dataclasses import replace

import httpx
import numpy as np
import pytest

from services.embedding.clients.answer import EmbeddingRefused
from services.embedding.clients.endpoint import Endpoint, EndpointEmbedder
from services.embedding.domain.embedder import Embedder
from services.kernel.caller import Caller
from services.kernel.errors import DeadlineExceeded, Unavailable
from services.kernel.ids import WorkspaceId
from services.runtime.call import acting_as
from services.runtime.settings import Secret
from tests.contracts.embedding_contract import EmbeddingContract
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.embedding_endpoint import FakeEmbeddingEndpoint

_ENDPOINT = Endpoint(
    base_url="https://models.test/v1",
    api_key=Secret("key-1"),
    model="fake-bag-of-words",
    dimensions=384,
    send_dimensions=False,
    max_tokens=256,
    batch_size=32,
    timeout=5.0,
)


@pytest.fixture
def server() -> FakeEmbeddingEndpoint:
    """Return an endpoint that takes the key."""
    return FakeEmbeddingEndpoint(FakeEmbedder(), key="key-1", batch=32)


@pytest.fixture
def embedder(server: FakeEmbeddingEndpoint) -> EndpointEmbedder:
    """Return an embedder that asks it."""
    return EndpointEmbedder(_ENDPOINT, transport=server)


class TestEndpointEmbedder(EmbeddingContract):
    """The shared suite."""

    @pytest.fixture
    def embedder(self, server: FakeEmbeddingEndpoint) -> Embedder:
        """Return an embedder that asks the fake endpoint."""
        return EndpointEmbedder(_ENDPOINT, transport=server)


def test_texts_go_in_batches(embedder: EndpointEmbedder, server: FakeEmbeddingEndpoint) -> None:
    """No request carries more texts than the batch size, and none is empty."""
    embedder.embed_passages([f"text {number}" for number in range(70)])
    embedder.embed_passages([])
    assert [len(json.loads(request.content)["input"]) for request in server.requests] == [32, 32, 6]


def test_dimensions_are_sent_only_when_asked(server: FakeEmbeddingEndpoint) -> None:
    """Models of one size refuse the field."""
    EndpointEmbedder(_ENDPOINT, transport=server).embed_query("a")
    EndpointEmbedder(replace(_ENDPOINT, send_dimensions=True), transport=server).embed_query("a")
    bodies = [json.loads(request.content) for request in server.requests]
    assert "dimensions" not in bodies[0]
    assert bodies[1]["dimensions"] == 384


def test_no_key_no_header(server: FakeEmbeddingEndpoint) -> None:
    """An endpoint without a key is asked without one."""
    with pytest.raises(EmbeddingRefused):
        EndpointEmbedder(replace(_ENDPOINT, api_key=None), transport=server).embed_query("a")
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_busy_endpoint(embedder: EndpointEmbedder, server: FakeEmbeddingEndpoint, status: int) -> None:
    """An overloaded endpoint may be asked again, when it says so."""
    server.answer = httpx.Response(status, headers={"retry-after": "7"})
    with pytest.raises(Unavailable) as caught:
        embedder.embed_query("a")
    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize(
    ("header", "seconds"), [("soon", 1.0), ("-3", 1.0), ("nan", 1.0), ("1e9", 60.0), ("inf", 1.0)]
)
def test_odd_retry_after(
    embedder: EndpointEmbedder, server: FakeEmbeddingEndpoint, header: str, seconds: float
) -> None:
    """A time to wait that makes no sense is replaced by one that does."""
    server.answer = httpx.Response(429, headers={"retry-after": header})
    with pytest.raises(Unavailable) as caught:
        embedder.embed_query("a")
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
def test_silent_endpoint(embedder: EndpointEmbedder, server: FakeEmbeddingEndpoint, error: Exception) -> None:
    """An endpoint that cannot be reached may be asked again."""
    server.answer = error
    with pytest.raises(Unavailable):
        embedder.embed_passages(["a"])


def test_time_of_the_caller(embedder: EndpointEmbedder, server: FakeEmbeddingEndpoint) -> None:
    """The endpoint gets no more time than the caller has, and is not asked when there is none."""
    caller = Caller(WorkspaceId("ws_1"))
    embedder.embed_query("a")
    with acting_as(caller, timeout=2.0):
        embedder.embed_query("a")
    with acting_as(caller, timeout=0.0), pytest.raises(DeadlineExceeded):
        embedder.embed_query("a")
    unhurried, hurried = (request.extensions["timeout"]["read"] for request in server.requests)
    assert unhurried == 5.0
    assert 0.0 < hurried <= 2.0


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 422])
def test_refused_request(embedder: EndpointEmbedder, server: FakeEmbeddingEndpoint, status: int) -> None:
    """A wrong key or model is not asked again, and the endpoint's words and the key stay in here."""
    server.answer = httpx.Response(status, json={"error": {"message": "bad key key-1"}})
    with pytest.raises(EmbeddingRefused) as caught:
        embedder.embed_query("a")
    assert str(status) in caught.value.detail
    assert "key-1" not in repr(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "[]",
        "{}",
        '{"data": []}',
        '{"data": null}',
        '{"data": [{"index": 0, "embedding": [1, 2]}]}',
        '{"data": [{"index": 0, "embedding": "AAAA"}]}',
        '{"data": [{"embedding": [1]}]}',
        json.dumps({"data": [{"index": 0, "embedding": [0.0] * 384}]}),
        json.dumps({"data": [{"index": 0, "embedding": [float("nan")] * 384}]}),
        json.dumps(
            {"data": [{"index": 0, "embedding": [1.0] * 384}, {"index": 1, "embedding": [1.0] * 383}]}
        ),
        json.dumps({"data": [{"index": index, "embedding": [1.0] * 384} for index in range(2)]}),
    ],
)
def test_answer_that_is_no_vector(
    embedder: EndpointEmbedder, server: FakeEmbeddingEndpoint, body: str
) -> None:
    """Anything but one finite vector of the right length per text is refused."""
    server.answer = httpx.Response(200, text=body)
    with pytest.raises(EmbeddingRefused):
        embedder.embed_query("a")


def test_vectors_are_brought_to_length_one(embedder: EndpointEmbedder, server: FakeEmbeddingEndpoint) -> None:
    """The endpoint's vectors may have any length."""
    server.answer = httpx.Response(200, json={"data": [{"index": 0, "embedding": [3.0, 4.0] + [0.0] * 382}]})
    np.testing.assert_allclose(embedder.embed_query("a")[:3], [0.6, 0.8, 0.0], rtol=1e-6)


def test_long_text_is_cut(embedder: EndpointEmbedder, server: FakeEmbeddingEndpoint) -> None:
    """At most about `max_tokens` tokens are sent."""
    embedder.embed_query("word " * 5000)
    assert json.loads(server.requests[0].content)["input"] == [("word " * 256).strip()]
