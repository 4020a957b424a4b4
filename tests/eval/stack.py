"""The running system as the evaluation uses it: its public API, and two services behind it."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
from supportagent.query.v1 import query_service_pb2 as query_pb
from supportagent.query.v1 import query_service_pb2_grpc as query_rpc
from supportagent.vector_search.v1 import vector_search_service_pb2 as search_pb
from supportagent.vector_search.v1 import vector_search_service_pb2_grpc as search_rpc

from deploy.local.data_directory import DataDirectory
from deploy.local.installation import shared_environment
from gateway.client.client import SupportAgent
from gateway.client.operator import Operator
from services.embedding.domain.embedder import Embedder, Vector
from services.embedding.provider import open_embedder
from services.embedding.settings import load_embedding_settings
from services.kernel.caller import Caller
from services.kernel.ids import WorkspaceId
from services.runtime.call import acting_as
from services.runtime.channel import call, open_channel
from services.runtime.settings import Secret
from tests.e2e.system import System
from tests.eval.cases import Case
from tests.eval.dataset import Page, Question

SCOPES = ("query", "knowledge:read", "knowledge:write")
# Of requests per minute and documents it allows the most.
PLAN = "enterprise"
PATIENCE_SECONDS = 120.0
CALL_SECONDS = 60.0
# Within two seconds every process knows a workspace's settings.
SETTINGS_SECONDS = 2.5

BATCH_DOCUMENTS = 200
BATCH_CHARACTERS = 600_000
POLL_SECONDS = 0.25
ENDED = frozenset({"succeeded", "failed", "partially_failed", "cancelled"})


class SystemFailed(Exception):
    """The system did not do what a figure depends on."""


@dataclass(frozen=True)
class Failure:
    """A page that the system refused, and why."""

    page: str
    code: str


@dataclass(frozen=True)
class Loaded:
    """
    A case's pages in a workspace.

    `pages` has the page of each document's id, `chunks` the number of passages, `seconds` the time until all
    was indexed.
    """

    workspace: str
    agent: SupportAgent
    pages: dict[str, str]
    failures: tuple[Failure, ...]
    chunks: int
    seconds: float

    def ids(self, documents: Sequence[str]) -> list[str]:
        """Return the pages of documents, each once, in their order."""
        return list(dict.fromkeys(self.pages[each] for each in documents if each in self.pages))


class Stack:
    """Loads pages, and calls services as a part of the installation does."""

    def __init__(self, system: System) -> None:
        data = DataDirectory(system.data)
        self._system = system
        self._operator = Operator(system.operator_url, data.operator_token.read_text().strip())
        environment = shared_environment(data, dict(os.environ))
        self.embedder: Embedder = open_embedder(load_embedding_settings(environment))
        processes = system.processes()
        self._channels = {
            name: open_channel(
                f"127.0.0.1:{processes[name]['port']}", credential=Secret(data.internal_credential())
            )
            for name in ("vector_search", "query")
        }
        self._search = search_rpc.VectorSearchServiceStub(self._channels["vector_search"])
        self._query = query_rpc.QueryServiceStub(self._channels["query"])

    def close(self) -> None:
        """Close the connections."""
        self._operator.close()
        for channel in self._channels.values():
            channel.close()

    @contextmanager
    def load(self, case: Case) -> Iterator[Loaded]:
        """
        Make a workspace of the case's pages and give it once all are indexed.

        Raises:
            SystemFailed: none of the pages could be indexed.
        """
        workspace = self._operator.create_workspace(f"eval-{secrets.token_hex(8)}", plan=PLAN)
        key = self._operator.create_key(workspace["id"], SCOPES)["key"]
        began = time.monotonic()
        with SupportAgent(self._system.url, key, patience=PATIENCE_SECONDS) as agent:
            failures = tuple(_push(agent, case))
            documents = _indexed(agent)
            seconds = time.monotonic() - began
            pages = {each["id"]: each["external_id"] for each in documents}
            chunks = sum(each["chunks"] for each in documents)
            if case.pages and not chunks:
                raise SystemFailed(
                    f"{case.name}: no passage of {len(case.pages)} pages is indexed: {failures[:3]}"
                )
            yield Loaded(workspace["id"], agent, pages, failures, chunks, seconds)

    def search(
        self, loaded: Loaded, *, text: str = "", vector: Vector | None = None, limit: int, exact: bool = True
    ) -> list[str]:
        """Return the ids of the documents of the nearest passages, by words, by meaning or by both."""
        blob = b"" if vector is None else np.ascontiguousarray(vector, dtype="<f4").tobytes()
        request = search_pb.SearchRequest(vector=blob, text=text, limit=limit, exact=exact)
        with acting_as(_caller(loaded), CALL_SECONDS):
            response = call(self._search.Search, request, timeout=CALL_SECONDS)
        return [hit.document_id for hit in response.hits]

    def query(self, loaded: Loaded, question: Question, *, explain: bool = False) -> dict[str, float]:
        """Answer a question past the gateway; return the milliseconds of each stage where explained."""
        request = query_pb.QueryRequest(
            message=question.text,
            history=[query_pb.HistoryEntry(role=role, content=text) for role, text in question.history],
            min_confidence=0,
            store=False,
            explain=explain,
        )
        with acting_as(_caller(loaded), CALL_SECONDS):
            response = call(self._query.Query, request, timeout=CALL_SECONDS)
        return dict(response.explanation.milliseconds)

    def limit_answers(self, loaded: Loaded, characters: int) -> None:
        """Make the workspace's answers at most so long, and wait until that is so everywhere."""
        self._operator.update_answering(loaded.workspace, {"answer_characters": characters})
        time.sleep(SETTINGS_SECONDS)

    def cpu_seconds(self) -> float:
        """Return the processor time that all processes of the system have used so far."""
        used = 0.0
        for process in self._system.processes().values():
            try:
                own = psutil.Process(process["pid"])
                for each in (own, *own.children(recursive=True)):
                    times = each.cpu_times()
                    used += times.user + times.system
            except psutil.NoSuchProcess:
                continue
        return used


def _caller(loaded: Loaded) -> Caller:
    return Caller(WorkspaceId(loaded.workspace), scopes=frozenset(SCOPES))


def _push(agent: SupportAgent, case: Case) -> Iterator[Failure]:
    operations = [
        agent.upsert_documents([_document(page, case.content_type) for page in batch])
        for batch in _batches(case.pages)
    ]
    for operation in operations:
        ended: dict[str, Any] = operation
        while ended["status"] not in ENDED:
            time.sleep(POLL_SECONDS)
            ended = agent.operation(operation["id"])
        for error in ended.get("errors", ()):
            yield Failure(error.get("external_id", ""), error.get("code", ""))


def _indexed(agent: SupportAgent) -> list[dict[str, Any]]:
    """Wait until no document is on its way, and return all."""
    while True:
        documents = list(agent.documents())
        if all(each["status"] in ("indexed", "failed") for each in documents):
            return documents
        time.sleep(POLL_SECONDS)


def _batches(pages: Sequence[Page]) -> Iterator[list[Page]]:
    batch: list[Page] = []
    size = 0
    for page in pages:
        if batch and (len(batch) == BATCH_DOCUMENTS or size + len(page.text) > BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(page)
        size += len(page.text)
    if batch:
        yield batch


def _document(page: Page, content_type: str) -> dict[str, Any]:
    document = {
        "external_id": page.id,
        "title": page.title,
        "content": page.text,
        "content_type": content_type,
    }
    return {**document, "url": page.url} if page.url else document
