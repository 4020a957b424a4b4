"""Bringing a folder of pages into a workspace, so that a broken push is gone on with by doing it again."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gateway.client.errors import ApiError, ClientError
from gateway.client.folder import Page, Unreadable, read_folder

BATCH_DOCUMENTS = 100
# The gateway checks a body's keys strictly in its first MiB.
BATCH_BYTES = 900 * 1024
ENDED = frozenset({"succeeded", "failed", "partially_failed", "cancelled"})
SETTLED = frozenset({"indexed", "failed"})


class Workspace(Protocol):
    """The calls of the public API that a push makes; `SupportAgent` has them."""

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


class Push:
    """
    Sends what is new or changed in a folder and waits until it is in the index.

    Documents of the workspace that the folder does not have are left alone.
    """

    def __init__(
        self, workspace: Workspace, *, sleep: Callable[[float], None] = time.sleep, poll: float = 0.5
    ) -> None:
        self._workspace = workspace
        self._sleep = sleep
        self._poll = poll

    def run(self, folder: Path, progress: Progress) -> PushResult:
        """
        Pushes the folder.

        Raises:
            ClientError: the system refused or was away for too long; doing it again goes on from there.
        """
        outcomes = Outcomes()
        pages = []
        for each in read_folder(folder):
            if isinstance(each, Unreadable):
                outcomes.fail(Failure(each.external_id, "UNREADABLE", each.reason))
            else:
                pages.append(each)
        present = {each["external_id"]: each for each in self._workspace.documents() if each["external_id"]}
        changed, waiting = _compare(pages, present, outcomes)
        total = len(changed) + len(waiting)
        progress(0, total)
        operations = [self._send(batch, present, outcomes) for batch in batches(changed)]
        self._wait(
            [each for each in operations if each], waiting, outcomes, lambda done: progress(done, total)
        )
        return outcomes.result()

    def _send(
        self, batch: list[Page], present: dict[str, dict[str, Any]], outcomes: Outcomes
    ) -> dict[str, Any] | None:
        # A replacement keeps what the folder has no say in: a page that somebody hid stays hidden.
        kept = [
            {name: document[name] for name in ("active", "metadata") if name in document}
            for document in (present.get(page.external_id, {}) for page in batch)
        ]
        documents = [{**page.as_document(), **more} for page, more in zip(batch, kept, strict=True)]
        try:
            return self._workspace.upsert_documents(documents)
        except ApiError as error:
            if error.code != "BODY_TOO_LARGE" or len(batch) > 1:
                raise
            # A page beyond the largest body fails alone, as a bad page in a batch does.
            outcomes.fail(Failure(batch[0].external_id, error.code, error.detail))
            return None

    def _wait(
        self,
        operations: list[dict[str, Any]],
        waiting: list[str],
        outcomes: Outcomes,
        progress: Callable[[int], None],
    ) -> None:
        left = set(waiting)
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
                        outcomes.fail(_failure(document["external_id"], document.get("error") or {}))
            done = sum(each.get("done", 0) + each.get("failed", 0) for each in operations)
            progress(done + len(waiting) - len(left))
            if not left and all(each["status"] in ENDED for each in operations):
                break
            self._sleep(self._poll)
        for operation in operations:
            outcomes.end(operation)


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


def _compare(
    pages: list[Page], present: dict[str, dict[str, Any]], outcomes: Outcomes
) -> tuple[list[Page], list[str]]:
    """Returns the pages to send and the ids of documents that are as they should be but not in the index."""
    changed: list[Page] = []
    waiting: list[str] = []
    for page in pages:
        document = present.get(page.external_id)
        if document is None:
            outcomes.expect(page.external_id, "created")
            changed.append(page)
        elif not page.same_as(document) or document["status"] == "failed":
            outcomes.expect(page.external_id, "updated")
            changed.append(page)
        else:
            outcomes.expect(page.external_id, "unchanged")
            if document["status"] not in SETTLED:
                waiting.append(document["id"])
    return changed, waiting


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
