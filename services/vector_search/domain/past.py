"""Workspaces as they were: fetched when somebody asks, a few kept in memory, nothing on disk."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from services.kernel.errors import DomainError, Unavailable
from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import Chunk, EmbeddingModel
from services.vector_search.domain.deadline import Deadline
from services.vector_search.domain.errors import PastTooLarge
from services.vector_search.domain.passages import Document
from services.vector_search.domain.replica import SteppingAside
from services.vector_search.domain.search import SearchQuery, SearchResult

_log = logging.getLogger(__name__)

# For how long a caller without a deadline waits, and what is kept of another one's time.
_DEFAULT_SECONDS = 5.0
_MARGIN_SECONDS = 0.1
# When to ask again for what is being fetched.
_RETRY_SECONDS = 1.0
# Fetches at once, and those that may wait for their turn besides.
_FETCHERS = 2
_MAX_UNDER_WAY = 8
# What is remembered, what is too large to be kept among it.
_MOST = 64
# Of a passage besides its texts and vectors, by trial.
_PASSAGE_BYTES = 700
# A fetch that is void as often as this is given up: somebody deletes all the time.
_ATTEMPTS = 3


class Moment(NamedTuple):
    """A workspace at a revision."""

    workspace_id: WorkspaceId
    revision: int


@dataclass(frozen=True)
class PastPage:
    """Some of what a workspace held at a revision, and the name of the next page; empty: it is the last."""

    generation: int
    model: EmbeddingModel
    documents: tuple[Document, ...]
    chunks: tuple[Chunk, ...]
    next_page: str


@dataclass(frozen=True)
class PastState:
    """All that a workspace held at a revision."""

    revision: int
    generation: int
    model: EmbeddingModel
    documents: Sequence[Document]
    chunks: Sequence[Chunk]


class PastSource(Protocol):
    """Where the past is known."""

    def past(self, moment: Moment, page: str) -> PastPage:
        """
        Return a page; the first one is asked for by nothing.

        Raises:
            DomainError: the revision is not kept, or yet to come; or there was no answer.
            ChangesRefused: the answer breaks the feed's rules.
        """


class PastCollection(Protocol):
    """A workspace as it was, in memory; it never changes. Safe to use from several threads."""

    @property
    def memory_bytes(self) -> int:
        """About how much memory it takes."""

    def search_each(self, queries: Sequence[SearchQuery], deadline: Deadline) -> list[SearchResult]:
        """Return what a collection of then would, comparing with every vector."""


class PastIndexer(Protocol):
    """Makes collections of what was fetched."""

    def index(self, state: PastState) -> PastCollection:
        """Return it, ready to be searched."""


class PastCache:
    """
    The past collections port.

    What is asked for is fetched by a thread of its own, once for all who ask, so that it goes on when they
    stop waiting; nobody else waits for it. Kept are those that were asked for last, up to a number of bytes.
    """

    def __init__(
        self,
        source: PastSource,
        indexer: PastIndexer,
        max_bytes: int,
        stepping_aside: SteppingAside = lambda: nullcontext(True),
    ) -> None:
        self._source = source
        self._indexer = indexer
        self._max_bytes = max_bytes
        self._stepping_aside = stepping_aside
        self._threads = ThreadPoolExecutor(_FETCHERS, "past")
        self._lock = threading.Lock()
        # Least recently asked for first; fetches under way among them.
        self._kept: OrderedDict[Moment, Future[PastCollection]] = OrderedDict()
        # How often each workspace was dropped.
        self._drops: dict[WorkspaceId, int] = {}
        self._closed = False

    def search_each(
        self, workspace_id: WorkspaceId, revision: int, queries: Sequence[SearchQuery], deadline: Deadline
    ) -> list[SearchResult]:
        """Answer each question as of a revision, comparing with every vector."""
        moment = Moment(workspace_id, revision)
        for _ in range(_ATTEMPTS):
            drops = self._drops.get(workspace_id, 0)
            collection = self._collection(moment, deadline)
            results = collection.search_each(queries, deadline)
            # Nothing that was dropped meanwhile is told.
            if self._drops.get(workspace_id, 0) == drops:
                return results
        raise Unavailable("The knowledge base is changing.", retry_after=_RETRY_SECONDS)

    def drop(self, workspace_id: WorkspaceId) -> None:
        """Forget all that is kept of a workspace; what is being fetched is fetched again."""
        with self._lock:
            self._drops[workspace_id] = self._drops.get(workspace_id, 0) + 1
            for moment, fetch in list(self._kept.items()):
                if moment.workspace_id == workspace_id and fetch.done():
                    del self._kept[moment]

    def close(self) -> None:
        """Fetch nothing more."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _collection(self, moment: Moment, deadline: Deadline) -> PastCollection:
        fetch = self._fetch(moment)
        if fetch.done():
            return fetch.result()
        with self._stepping_aside() as may_wait:
            left = deadline.seconds_left()
            seconds = _DEFAULT_SECONDS if left is None else max(0.0, left - _MARGIN_SECONDS)
            try:
                return fetch.result(seconds if may_wait else 0.0)
            except NotYet:
                raise Unavailable(
                    f"What was so at revision {moment.revision} is being fetched.", retry_after=_RETRY_SECONDS
                ) from None

    def _fetch(self, moment: Moment) -> "Future[PastCollection]":
        with self._lock:
            known = self._kept.get(moment)
            if known is not None:
                self._kept.move_to_end(moment)
                return known
            under_way = [each for each, fetch in self._kept.items() if not fetch.done()]
            if self._closed or len(under_way) >= _MAX_UNDER_WAY:
                raise Unavailable("Too much of the past is being fetched.", retry_after=_RETRY_SECONDS)
            if sum(each.workspace_id == moment.workspace_id for each in under_way) >= _MAX_UNDER_WAY // 2:
                # The others' turn.
                raise Unavailable("Too much of the past is being fetched.", retry_after=_RETRY_SECONDS)
            fetch: Future[PastCollection] = Future()
            while len(self._kept) >= _MOST:
                del self._kept[next(each for each, known in self._kept.items() if known.done())]
            self._kept[moment] = fetch
            self._threads.submit(self._run, moment, fetch)
            return fetch

    def _run(self, moment: Moment, fetch: "Future[PastCollection]") -> None:
        try:
            self._finish(moment, fetch)
        except PastTooLarge as error:
            # Kept: it is so for as long as it is asked for.
            _log.warning("workspace %s: %s", moment.workspace_id, error.detail)
            fetch.set_exception(error)
        except BaseException as error:
            with self._lock:
                self._kept.pop(moment, None)
            if not isinstance(error, DomainError):
                _log.exception(
                    "revision %d of workspace %s not fetched", moment.revision, moment.workspace_id
                )
                error = Unavailable(f"What was so at revision {moment.revision} could not be fetched.")
            fetch.set_exception(error)

    def _finish(self, moment: Moment, fetch: "Future[PastCollection]") -> None:
        for _ in range(_ATTEMPTS):
            drops = self._drops.get(moment.workspace_id, 0)
            collection = self._indexer.index(self._fetched(moment))
            if collection.memory_bytes > self._max_bytes:
                raise self._too_large(moment)
            with self._lock:
                if self._drops.get(moment.workspace_id, 0) == drops:
                    fetch.set_result(collection)
                    self._make_room()
                    return
        raise Unavailable("The knowledge base is changing.", retry_after=_RETRY_SECONDS)

    def _fetched(self, moment: Moment) -> PastState:
        documents: list[Document] = []
        chunks: list[Chunk] = []
        size, token = 0, ""
        while True:
            page = self._source.past(moment, token)
            documents += page.documents
            chunks += page.chunks
            # Vectors are copied when they are indexed.
            size += sum(payload_bytes(each) + 2 * each.vector.nbytes for each in page.chunks)
            if size > self._max_bytes:
                raise self._too_large(moment)
            token = page.next_page
            if not token or self._closed:
                return PastState(moment.revision, page.generation, page.model, documents, chunks)

    def _make_room(self) -> None:
        """Forget those that were not asked for longest, but not the newest one."""
        done = [(each, fetch.result()) for each, fetch in self._kept.items() if _is_kept(fetch)]
        excess = sum(each.memory_bytes for _, each in done) - self._max_bytes
        for moment, collection in done[:-1]:
            if excess <= 0:
                return
            excess -= collection.memory_bytes
            del self._kept[moment]

    def _too_large(self, moment: Moment) -> PastTooLarge:
        return PastTooLarge(
            f"Revision {moment.revision} is larger than the {self._max_bytes >> 20} MB kept of the past."
        )


def _is_kept(fetch: "Future[PastCollection]") -> bool:
    return fetch.done() and fetch.exception() is None


def payload_bytes(chunk: Chunk) -> int:
    """Return about how much memory a passage takes besides its vector."""
    texts = len(chunk.text) + sum(map(len, chunk.heading_path))
    return _PASSAGE_BYTES + texts + len(chunk.units.encoded) + len(chunk.units.vectors)
