"""Where the past is known, in memory."""

import threading
from collections.abc import Callable, Sequence

from services.vector_search.domain.changes import Chunk, EmbeddingModel
from services.vector_search.domain.errors import RevisionNotKept
from services.vector_search.domain.passages import Document
from services.vector_search.domain.past import Moment, PastPage
from tests.fakes.vector_search_data import DIMENSIONS

MODEL = EmbeddingModel("fake-model", DIMENSIONS)


class FakePastSource:
    """
    Tells what it was given, two passages a page.

    `asked` records what was asked for. `failure` is raised instead, if set, `open` waited for at each page;
    `meanwhile` is called before each page, if set.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[Moment, str]] = []
        self.failure: Exception | None = None
        self.open = threading.Event()
        self.open.set()
        self.meanwhile: Callable[[], None] | None = None
        self._states: dict[Moment, tuple[Sequence[Document], Sequence[Chunk]]] = {}

    def keep(self, moment: Moment, documents: Sequence[Document], chunks: Sequence[Chunk]) -> None:
        """Know what a workspace held."""
        self._states[moment] = (documents, chunks)

    def past(self, moment: Moment, page: str) -> PastPage:
        """Return the documents, then two passages at a time."""
        self.asked.append((moment, page))
        if self.meanwhile is not None:
            self.meanwhile()
        assert self.open.wait(10)
        if self.failure is not None:
            raise self.failure
        if moment not in self._states:
            raise RevisionNotKept("not kept")
        documents, chunks = self._states[moment]
        start = int(page or -2)
        if start < 0:
            return PastPage(3, MODEL, tuple(documents), (), "0")
        following = str(start + 2) if start + 2 < len(chunks) else ""
        return PastPage(3, MODEL, (), tuple(chunks[start : start + 2]), following)
