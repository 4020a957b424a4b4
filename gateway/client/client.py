"""The public API as Python: one method per endpoint, plain dictionaries as in the reference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import uuid4

from gateway.client.errors import ApiError, Unreachable
from gateway.client.transport import Transport

Json: TypeAlias = dict[str, Any]


class SupportAgent:
    """
    A workspace, seen through one API key.

    `base_url` is where the gateway listens, `patience` how many seconds a request may be repeated while
    the system is not available.
    """

    def __init__(
        self, base_url: str, key: str, *, patience: float = 10.0, transport: Transport | None = None
    ) -> None:
        self._transport = transport or Transport(base_url, key, patience=patience)

    def __enter__(self) -> SupportAgent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def query(self, message: str, **options: Any) -> Json:
        """Asks a question; `options` are the other fields of `POST /v1/query`."""
        return self._object("POST", "/v1/query", body={"message": message, **options})

    def stream(self, message: str, **options: Any) -> Iterator[Json]:
        """
        Asks a question and yields the events; the last one has `completed`.

        Raises:
            ApiError: the question was refused, or the stream ended with an `error` event.
            Unreachable: the stream ended before its last event.
        """
        body = {"message": message, **options}
        with self._transport.stream("POST", "/v1/query/stream", body=body) as lines:
            for line in lines:
                if not line.startswith("data:"):
                    continue
                event: Json = json.loads(line.removeprefix("data:"))
                if "error" in event:
                    raise ApiError(int(event["error"].get("status", 500)), event["error"], "")
                yield event
                if "completed" in event:
                    return
        raise Unreachable("The answer broke off before its end.")

    def search(self, message: str, **options: Any) -> Json:
        """Finds passages; `options` are the other fields of `POST /v1/search`."""
        return self._object("POST", "/v1/search", body={"message": message, **options}, idempotent=True)

    def create_document(self, document: Mapping[str, Any], *, idempotency_key: str = "") -> Json:
        """Creates a document."""
        headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
        return self._object(
            "POST",
            "/v1/knowledge/documents",
            body=dict(document),
            headers=headers,
            idempotent=bool(idempotency_key),
        )

    def upsert_documents(self, documents: Sequence[Mapping[str, Any]]) -> Json:
        """Creates or replaces up to 1,000 documents by `external_id`; returns the operation."""
        body = {"documents": [dict(each) for each in documents]}
        return self._object("POST", "/v1/knowledge/documents/batch", body=body, idempotent=True)

    def upsert_document(self, external_id: str, document: Mapping[str, Any]) -> Json:
        """Creates or replaces one document."""
        return self._object("PUT", _by_external_id(external_id), body=dict(document))

    def documents(self, **filters: str | int | bool) -> Iterator[Json]:
        """Yields all documents that meet the filters, without content, newest first."""
        return self._items("/v1/knowledge/documents", filters)

    def document(self, document_id: str) -> Json:
        """Returns a document with its content."""
        return self._object("GET", f"/v1/knowledge/documents/{quote(document_id, safe='')}")

    def update_document(self, document_id: str, patch: Mapping[str, Any]) -> Json:
        """Changes the given fields of a document."""
        path = f"/v1/knowledge/documents/{quote(document_id, safe='')}"
        return self._object("PATCH", path, body=dict(patch), idempotent=True)

    def delete_document(self, document_id: str) -> Json:
        """Deletes a document; returns the operation."""
        return self._object("DELETE", f"/v1/knowledge/documents/{quote(document_id, safe='')}")

    def delete_document_by_external_id(self, external_id: str) -> Json:
        """Deletes the document of an external id; returns the operation."""
        return self._object("DELETE", _by_external_id(external_id))

    def operation(self, operation_id: str) -> Json:
        """Returns an operation with its progress."""
        return self._object("GET", f"/v1/knowledge/operations/{quote(operation_id, safe='')}")

    def operations(self) -> Iterator[Json]:
        """Yields all operations, newest first."""
        return self._items("/v1/knowledge/operations", {})

    def cancel_operation(self, operation_id: str) -> Json:
        """Cancels what an operation has not begun; returns it."""
        path = f"/v1/knowledge/operations/{quote(operation_id, safe='')}/cancel"
        return self._object("POST", path, idempotent=True)

    def retry_operation(self, operation_id: str) -> Json:
        """Tries again what failed in an operation; returns the new one."""
        return self._created(f"/v1/knowledge/operations/{quote(operation_id, safe='')}/retry")

    def reindex(self, document_ids: Sequence[str] = ()) -> Json:
        """Makes the whole index anew beside the old one, or some documents; returns the operation."""
        body = {"document_ids": list(document_ids)} if document_ids else {}
        return self._created("/v1/knowledge/reindex", body=body)

    def roll_back_reindex(self) -> Json:
        """Goes back to the index before the last re-index; returns the operation."""
        return self._created("/v1/knowledge/reindex/rollback")

    def document_versions(self, document_id: str) -> Iterator[Json]:
        """Yields a document's versions without content, newest first."""
        return self._items(f"/v1/knowledge/documents/{quote(document_id, safe='')}/versions", {})

    def document_version(self, document_id: str, version: int) -> Json:
        """Returns one version of a document with its content."""
        path = f"/v1/knowledge/documents/{quote(document_id, safe='')}/versions/{version}"
        return self._object("GET", path)

    def index(self) -> Json:
        """Returns the state of the index."""
        return self._object("GET", "/v1/knowledge/index")

    def conversations(self, **filters: str | int | bool) -> Iterator[Json]:
        """Yields all conversations that meet the filters, without messages, newest first."""
        return self._items("/v1/conversations", filters)

    def conversation(self, conversation_id: str) -> Json:
        """Returns a conversation with its messages."""
        return self._object("GET", f"/v1/conversations/{quote(conversation_id, safe='')}")

    def _object(self, method: str, path: str, **request: Any) -> Json:
        answer: Json = self._transport.call(method, path, **request)
        return answer

    def _created(self, path: str, **request: Any) -> Json:
        """Sends what makes something, under a key of its own, so that it can be repeated."""
        headers = {"idempotency-key": uuid4().hex}
        return self._object("POST", path, headers=headers, idempotent=True, **request)

    def _items(self, path: str, filters: Mapping[str, str | int | bool]) -> Iterator[Json]:
        return paged(self._transport, path, filters)


def paged(transport: Transport, path: str, filters: Mapping[str, str | int | bool]) -> Iterator[Json]:
    """Yields the items of all pages of a list."""
    token = ""
    while True:
        asked: dict[str, str | int | bool] = {"page_size": 200, **filters}
        if token:
            asked["page_token"] = token
        page = transport.call("GET", path, params=asked)
        yield from page.get("items", [])
        token = page.get("next_page_token", "")
        if not token:
            return


def _by_external_id(external_id: str) -> str:
    return f"/v1/knowledge/documents/by-external-id/{quote(external_id, safe='/')}"
