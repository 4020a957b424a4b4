"""Good answers: their status, their headers and what their JSON shows."""

import socket
from typing import Any

import grpc
import httpx
from google.protobuf.timestamp_pb2 import Timestamp
from supportagent.knowledge.v1 import document_service_pb2 as documents
from supportagent.query.v1 import query_service_pb2 as query

from tests.gateway.conftest import MEBIBYTE, Gateway

ONE = "/v1/knowledge/documents/doc_1"


def test_defaults_are_printed(client: httpx.Client) -> None:
    """False, zero and empty texts and lists are there; unset messages and optional fields are not."""
    assert client.post("/v1/query", json={"message": "hi"}).json() == {
        "answer": "You asked: hi",
        "answered": False,
        "reason": "NO_RELEVANT_SOURCE",
        "sources": [],
        "citations": [],
        "actions": [],
        "conversation_id": "",
        "message_id": "",
        "knowledge_revision": 0,
        "answerer": "extractive",
        "escalation_suggested": False,
    }


def test_values_are_printed(client: httpx.Client, gateway: Gateway) -> None:
    """Names stay as in the proto, counts are numbers, times are RFC 3339."""
    made = Timestamp(seconds=1_795_332_393)
    document = documents.Document(
        id="d", bytes=12, created_at=made, metadata={"k": "v"}, error=documents.DocumentError(code="X")
    )

    def behaviour(request: Any, context: grpc.ServicerContext) -> documents.GetDocumentResponse:
        return documents.GetDocumentResponse(document=document)

    gateway.knowledge.calls.on("GetDocument", behaviour)
    body = client.get(ONE).json()
    assert (body["bytes"], body["created_at"]) == (12, "2026-11-22T07:26:33Z")
    assert body["metadata"] == {"k": "v"}
    assert body["error"] == {"code": "X", "detail": ""}
    assert "content" not in body
    assert "indexed_at" not in body


def test_unset_lists_and_scores(client: httpx.Client, gateway: Gateway) -> None:
    """Doubles are numbers, text arrives in UTF-8."""

    def behaviour(request: Any, context: grpc.ServicerContext) -> query.SearchResponse:
        result = query.Result(title="日本語 🦊", score=0.5, scores=query.Scores(dense=1.0))
        return query.SearchResponse(results=[result])

    gateway.query.calls.on("Search", behaviour)
    response = client.post("/v1/search", json={"message": "a"})
    assert response.headers["content-type"] == "application/json"
    result = response.json()["results"][0]
    assert (result["title"], result["score"]) == ("日本語 🦊", 0.5)
    assert result["scores"] == {"dense": 1, "lexical": 0}


def test_answers_are_bare(client: httpx.Client) -> None:
    """An answer whose RPC names a `response_body` is that field alone; a list stays as it is."""
    response = client.get(ONE)
    assert response.json()["id"] == "doc_1"
    assert int(response.headers["content-length"]) == len(response.content)
    assert client.get("/v1/knowledge/documents").json() == {"items": [], "next_page_token": ""}


def test_success_statuses(client: httpx.Client) -> None:
    """What is only accepted is 202."""
    assert client.post("/v1/knowledge/documents", json={"title": "a"}).status_code == 202
    assert client.delete(ONE).status_code == 202
    assert client.patch(ONE, json={"title": "a"}).status_code == 200


def test_headers_of_a_service(client: httpx.Client) -> None:
    """Initial metadata such as the ETag are response headers; no cache keeps an answer."""
    response = client.get(ONE)
    assert response.headers["etag"] == '"7"'
    assert response.headers["cache-control"] == "no-store"


def test_request_headers_reach_the_service(client: httpx.Client, gateway: Gateway) -> None:
    """`If-Match` and `Idempotency-Key` are the service's to read."""
    client.patch(ONE, json={"title": "a"}, headers={"if-match": '"7"', "idempotency-key": "k-1"})
    metadata = gateway.knowledge.calls.last.metadata
    assert (metadata["if-match"], metadata["idempotency-key"]) == ('"7"', "k-1")


def test_large_answers(client: httpx.Client, gateway: Gateway) -> None:
    """A document of 15 MiB comes back whole."""
    content = "é" * (15 * MEBIBYTE // 2)

    def behaviour(request: Any, context: grpc.ServicerContext) -> documents.GetDocumentResponse:
        return documents.GetDocumentResponse(document=documents.Document(id="d", content=content))

    gateway.knowledge.calls.on("GetDocument", behaviour)
    assert client.get(ONE).json()["content"] == content


def test_http2(gateway: Gateway) -> None:
    """HTTP/2 without TLS is served on the same port."""
    frame = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
    with socket.create_connection(
        ("127.0.0.1", gateway.envoy.endpoints.public.port), timeout=5
    ) as connection:
        connection.sendall(frame)
        assert connection.recv(9)[3:4] == b"\x04"
