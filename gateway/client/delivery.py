"""Sending pages to a workspace and waiting until they are in the index."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.client.errors import ApiError, ClientError
from gateway.client.folder import Page

BATCH_DOCUMENTS = 100
# The gateway checks a body's keys strictly in its first MiB.
BATCH_BYTES = 900 * 1024
ENDED = frozenset({"succeeded", "failed", "partially_failed", "cancelled"})
SETTLED = frozenset({"indexed", "failed"})


class Workspace(Protocol):
    """The calls of the public API that a delivery makes; `SupportAgent` has them."""

    def documents(self) -> Iterator[dict[str, Any]]:
        """Yields all documents of the workspace."""

    def document(self, document_id: str) -> dict[str, Any]:
        """Returns a document."""

    def upsert_documents(self, documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Creates or replaces documents; returns the operation."""

    def operation(self, operation_id: str) -> dict[str, Any]:
        """Returns an operation."""


@dataclass(frozen=True)
class Failure:
    """A page that is not in the index, and why."""

    external_id: str
    code: str
    detail: str


@dataclass(frozen=True)
class PushResult:
    """What a push came to; each page of the folder is counted once."""

    created: int
    updated: int
    unchanged: int
    failures: tuple[Failure, ...]

    def __str__(self) -> str:
        return (
            f"{self.created} created, {self.updated} updated, {self.unchanged} unchanged, "
            f"{len(self.failures)} failed"
        )


class Progress(Protocol):
    """Is told how many of the pages that need work are in the index."""

    def __call__(self, done: int, total: int) -> None:
        """Takes the present state."""


class Delivery:
    """
    One delivery: `expect` and `send` what is to be there, then `wait`.

    `present` are the workspace's documents by external id, `marks` metadata that every page sent gets.
    """

    def __init__(
        self,
        workspace: Workspace,
        present: Mapping[str, dict[str, Any]],
        *,
        marks: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        poll: float = 0.5,
    ) -> None:
        self.outcomes = Outcomes()
        self._workspace = workspace
        self._present = present
        self._marks = dict(marks or {})
        self._sleep = sleep
        self._poll = poll
        self._changed: list[Page] = []
        self._waiting: list[str] = []
        self._operations: list[dict[str, Any]] = []

    def expect(self, page: Page) -> None:
        """Takes a page that is to be there: it is sent unless it is there already."""
        document = self._present.get(page.external_id)
        if document is None:
            self.outcomes.expect(page.external_id, "created")
            self._changed.append(page)
        elif not page.same_as(document) or document["status"] == "failed" or self._unmarked(document):
            self.outcomes.expect(page.external_id, "updated")
            self._changed.append(page)
        else:
            self.outcomes.expect(page.external_id, "unchanged")
            if document["status"] not in SETTLED:
                self._waiting.append(document["id"])

    @property
    def changed(self) -> list[Page]:
        """The pages that are to be sent."""
        return list(self._changed)

    def run(self, progress: Progress) -> None:
        """
        Sends what is expected and waits until it is in the index.

        Raises:
            ClientError: the system refused or was away for too long; doing it again goes on from there.
        """
        total = len(self._changed) + len(self._waiting)
        progress(0, total)
        for batch in batches(self._changed):
            self._send(batch)
        self._wait(lambda done: progress(done, total))

    def _unmarked(self, document: dict[str, Any]) -> bool:
        metadata = document.get("metadata", {})
        return any(metadata.get(name) != value for name, value in self._marks.items())

    def _send(self, batch: list[Page]) -> None:
        documents = []
        for page in batch:
            # A replacement keeps what the pages have no say in: one that somebody hid stays hidden.
            document = self._present.get(page.external_id, {})
            kept: dict[str, Any] = {
                name: document[name] for name in ("active", "metadata") if name in document
            }
            kept["metadata"] = {**kept.get("metadata", {}), **page.metadata, **self._marks}
            documents.append({**page.as_document(), **kept})
        try:
            self._operations.append(self._workspace.upsert_documents(documents))
        except ApiError as error:
            if error.code != "BODY_TOO_LARGE" or len(batch) > 1:
                raise
            # A page beyond the largest body fails alone, as a bad page in a batch does.
            self.outcomes.fail(Failure(batch[0].external_id, error.code, error.detail))

    def _wait(self, progress: Callable[[int], None]) -> None:
        operations, left = self._operations, set(self._waiting)
        while True:
            operations = [
                each if each["status"] in ENDED else self._workspace.operation(each["id"])
                for each in operations
            ]
            for document_id in sorted(left):
                document = self._workspace.document(document_id)
                if document["status"] in SETTLED:
                    left.discard(document_id)
                    if document["status"] == "failed":
                        self.outcomes.fail(_failure(document["external_id"], document.get("error") or {}))
            done = sum(each.get("done", 0) + each.get("failed", 0) for each in operations)
            progress(done + len(self._waiting) - len(left))
            if not left and all(each["status"] in ENDED for each in operations):
                break
            self._sleep(self._poll)
        for operation in operations:
            self.outcomes.end(operation)


class Outcomes:
    """What became of each page, by external id."""

    def __init__(self) -> None:
        self._sent: dict[str, str] = {}
        self._failures: dict[str, Failure] = {}
        self._needed_nothing = 0

    def expect(self, external_id: str, outcome: str) -> None:
        """Notes what a page will be, unless it fails: created, updated or unchanged."""
        self._sent[external_id] = outcome

    def fail(self, failure: Failure) -> None:
        """Notes that a page failed."""
        self._failures[failure.external_id] = failure

    def end(self, operation: dict[str, Any]) -> None:
        """
        Takes an operation that has ended.

        Raises:
            ClientError: somebody cancelled it.
        """
        if operation["status"] == "cancelled":
            raise ClientError(f"The operation {operation['id']} was cancelled; push again to go on.")
        for error in operation.get("errors", []):
            self.fail(_failure(error.get("external_id", ""), error))
        self._needed_nothing += operation.get("unchanged", 0)

    def result(self) -> PushResult:
        """The counts."""
        counts = Counter(
            outcome for external_id, outcome in self._sent.items() if external_id not in self._failures
        )
        # What the system found to be the same was a replacement in our eyes.
        same = min(self._needed_nothing, counts["updated"])
        return PushResult(
            created=counts["created"],
            updated=counts["updated"] - same,
            unchanged=counts["unchanged"] + same,
            failures=tuple(self._failures.values()),
        )


def batches(pages: Sequence[Page]) -> Iterator[list[Page]]:
    """Splits pages into batches of at most 100 pages and, where one page allows it, 900 KiB of JSON."""
    batch: list[Page] = []
    size = 0
    for page in pages:
        weight = len(json.dumps(page.as_document(), ensure_ascii=False).encode()) + 1
        if batch and (len(batch) == BATCH_DOCUMENTS or size + weight > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(page)
        size += weight
    if batch:
        yield batch


def _failure(external_id: str, error: dict[str, Any]) -> Failure:
    return Failure(external_id, error.get("code", ""), error.get("detail", ""))
