"""Making a workspace's documents what a source has: new ones, changed ones, and those that vanished."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.client.delivery import ENDED, Delivery, Failure, Progress, Workspace
from gateway.client.errors import ApiError, ClientError
from gateway.client.folder import Page, Unreadable
from gateway.client.sync.source import Source

MARK = "sync_source"
"""The metadata that names the source of a document; without it a document is nobody's to delete."""

# Of few documents, half may well be gone.
_FEW = 10
_NOT_FOUND = 404


class SyncedWorkspace(Workspace, Protocol):
    """The calls of the public API that a sync makes; `SupportAgent` has them."""

    def delete_document(self, document_id: str) -> dict[str, Any]:
        """Deletes a document; returns the operation."""


@dataclass(frozen=True)
class Plan:
    """What a sync would do. `documents` are the workspace's by external id, `vanished` those to delete."""

    delivery: Delivery
    documents: dict[str, dict[str, Any]]
    vanished: list[dict[str, Any]]

    @property
    def created(self) -> list[Page]:
        """Pages that no document is of yet."""
        return [each for each in self.delivery.changed if each.external_id not in self.documents]

    @property
    def updated(self) -> list[tuple[Page, dict[str, Any]]]:
        """Pages whose document is another, with that document."""
        return [
            (each, self.documents[each.external_id])
            for each in self.delivery.changed
            if each.external_id in self.documents
        ]


@dataclass(frozen=True)
class SyncResult:
    """What a sync came to; each page of the source is counted once."""

    created: int
    updated: int
    unchanged: int
    deleted: int
    failures: tuple[Failure, ...]

    def __str__(self) -> str:
        return (
            f"{self.created} created, {self.updated} updated, {self.unchanged} unchanged, "
            f"{self.deleted} deleted, {len(self.failures)} failed"
        )


class Sync:
    """
    Brings a workspace level with a source.

    A document that somebody made under a page's name becomes the source's, unless it is another source's.
    What could not be read has not vanished. Deletions come last, when all that is new can be found.
    """

    def __init__(
        self,
        workspace: SyncedWorkspace,
        source: Source,
        *,
        sleep: Callable[[float], None] = time.sleep,
        poll: float = 0.5,
    ) -> None:
        self._workspace = workspace
        self._source = source
        self._sleep = sleep
        self._poll = poll

    def plan(self) -> Plan:
        """
        Compares; changes nothing.

        Raises:
            ClientError: the source or the workspace can't be read.
        """
        name = self._source.name
        found = list(self._source.read())
        documents = {each["external_id"]: each for each in self._workspace.documents() if each["external_id"]}
        delivery = Delivery(
            self._workspace, documents, marks={MARK: name}, sleep=self._sleep, poll=self._poll
        )
        for each in found:
            document = documents.get(each.external_id)
            if isinstance(each, Unreadable):
                delivery.outcomes.fail(Failure(each.external_id, "UNREADABLE", each.reason))
            elif document is not None and _source_of(document) not in ("", name):
                detail = f"The document is of another source: {_source_of(document)}"
                delivery.outcomes.fail(Failure(each.external_id, "OTHER_SOURCE", detail))
            else:
                delivery.expect(each)
        there = {each.external_id for each in found}
        vanished = [
            each
            for each in documents.values()
            if _source_of(each) == name and each["external_id"] not in there
        ]
        return Plan(delivery, documents, vanished)

    def run(self, plan: Plan, progress: Progress, *, force: bool = False) -> SyncResult:
        """
        Does what the plan says and waits until searches show it.

        Raises:
            ClientError: more than half of many documents would be deleted, which more often is a mistake than
                a wish, and `force` was not given; nothing was changed then. Or the system refused, or was
                away for too long: doing it again goes on from there.
        """
        mine = sum(_source_of(each) == self._source.name for each in plan.documents.values())
        if not force and len(plan.vanished) > max(_FEW, mine // 2):
            raise ClientError(f"{len(plan.vanished)} of {mine} documents would be deleted; --force does it.")
        plan.delivery.run(progress)
        deleted = self._delete(plan)
        pushed = plan.delivery.outcomes.result()
        return SyncResult(pushed.created, pushed.updated, pushed.unchanged, deleted, pushed.failures)

    def _delete(self, plan: Plan) -> int:
        operations = list(self._deletions(plan.vanished))
        while left := [each for each in operations if each["status"] not in ENDED]:
            self._sleep(self._poll)
            ended = [self._workspace.operation(each["id"]) for each in left]
            operations = [each for each in operations if each["status"] in ENDED] + ended
        return len(operations)

    def _deletions(self, documents: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for each in documents:
            try:
                yield self._workspace.delete_document(each["id"])
            except ApiError as error:
                # Somebody was faster.
                if error.status != _NOT_FOUND:
                    raise


def _source_of(document: dict[str, Any]) -> str:
    return str(document.get("metadata", {}).get(MARK, ""))
