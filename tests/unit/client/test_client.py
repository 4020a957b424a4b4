from __future__ import annotations

import httpx
import pytest

from gateway.client.client import SupportAgent
from gateway.client.errors import ApiError, Unreachable
from gateway.client.transport import Transport
from tests.fakes.client_api import FakeApi


def agent(api: FakeApi) -> SupportAgent:
    transport = Transport("http://gateway", "k", wire=httpx.MockTransport(api), sleep=lambda _: None)
    return SupportAgent("http://gateway", "k", transport=transport)


def test_stream_yields_events_up_to_the_last_one() -> None:
    """The events come as they are, the completed one last."""
    api = FakeApi()
    api.events = [{"delta": {"text": "Hi"}}, {"completed": {"answer": "Hi"}}]
    assert list(agent(api).stream("Hello?", store=False)) == api.events
    assert api.requests[0][2] == {"message": "Hello?", "store": False}


def test_stream_that_breaks_off_is_an_error() -> None:
    """A stream that ends before its last event is not taken for a whole answer."""
    api = FakeApi()
    api.events = [{"delta": {"text": "Hi"}}]
    with pytest.raises(Unreachable, match="broke off"):
        list(agent(api).stream("Hello?"))


def test_error_event_is_raised() -> None:
    """A stream that ends with an error raises it with its code."""
    api = FakeApi()
    api.events = [{"error": {"status": 503, "code": "UNAVAILABLE", "detail": "Away."}}]
    with pytest.raises(ApiError) as caught:
        list(agent(api).stream("Hello?"))
    assert (caught.value.status, caught.value.code) == (503, "UNAVAILABLE")


def test_lists_follow_their_pages() -> None:
    """A list yields the items of all pages."""
    api = FakeApi()
    documents = [{"external_id": str(number), "title": "t", "content": ""} for number in range(5)]
    agent(api).upsert_documents(documents)
    assert [each["external_id"] for each in agent(api).documents(status="queued")] == list("01234")
    assert all("status=queued" in target for method, target, _ in api.requests if method == "GET")


def test_names_are_quoted_in_paths() -> None:
    """Ids can't leave their place in the path; an external id keeps its slashes."""
    api = FakeApi()
    with pytest.raises(ApiError):
        agent(api).conversation("../documents?x")
    with pytest.raises(ApiError):
        agent(api).delete_document_by_external_id("a b/ü?.md")
    targets = [target for _, target, _ in api.requests]
    assert targets[0] == "/v1/conversations/..%2Fdocuments%3Fx"
    assert targets[1] == "/v1/knowledge/documents/by-external-id/a%20b/%C3%BC%3F.md"
