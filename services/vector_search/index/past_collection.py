"""A workspace as it was, in memory: the exact way of searching, without files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.vector_search.domain.changes import Chunk
from services.vector_search.domain.deadline import Deadline
from services.vector_search.domain.fusion import FusionWeights
from services.vector_search.domain.passages import Document, Passage, searchable_words
from services.vector_search.domain.past import PastState, payload_bytes
from services.vector_search.domain.search import PassageEncoder, SearchQuery, SearchResult
from services.vector_search.domain.units import Units
from services.vector_search.index.contents import NO_SLOTS
from services.vector_search.index.dense import Allowed
from services.vector_search.index.document_table import DocumentTable
from services.vector_search.index.exact import ExactIndex
from services.vector_search.index.lexical_index import LexicalIndex
from services.vector_search.index.payload_cache import PayloadCache
from services.vector_search.index.ranking import rank_each
from services.vector_search.index.results import read_results
from services.vector_search.index.rows import RowTable

_BLOCK = 1024
_NO_VECTOR = np.empty(0, dtype=np.float32)


class PastPassages:
    """The passage reader port over what was fetched; slots are places."""

    def __init__(self, state: PastState) -> None:
        self.generation = state.generation
        self._documents = {each.document_id: each for each in state.documents}
        # Their vectors are in the table.
        self._chunks = [replace(each, vector=_NO_VECTOR) for each in state.chunks]

    def chunk_ids(self, slots: Sequence[int]) -> dict[int, str]:
        """Return the ids of passages."""
        return {slot: self._chunks[slot].chunk_id for slot in slots}

    def passages(self, slots: Sequence[int]) -> dict[int, Passage]:
        """Return passages with all that an answer needs, except for units."""
        return {slot: self._passage(self._chunks[slot]) for slot in slots}

    def units(self, slots: Sequence[int]) -> dict[int, Units]:
        """Return the units of passages."""
        return {slot: self._chunks[slot].units for slot in slots}

    @property
    def memory_bytes(self) -> int:
        """About what it takes."""
        return sum(map(payload_bytes, self._chunks))

    def _passage(self, chunk: Chunk) -> Passage:
        document = self._documents.get(chunk.document_id, Document(chunk.document_id))
        return Passage(
            chunk.chunk_id,
            chunk.document_id,
            document.title,
            document.url,
            chunk.heading_path,
            chunk.text,
            chunk.ordinal,
            chunk.kind,
        )


class IndexedPast:
    """The past collection port; built once, never changed."""

    def __init__(self, state: PastState, weights: FusionWeights, encode: PassageEncoder) -> None:
        self._state = (state.revision, state.model)
        self._weights = weights
        self._passages = PastPassages(state)
        self._payloads = PayloadCache(self._passages, encode, lambda: 0)
        self._documents = DocumentTable()
        for document in state.documents:
            self._documents.put(document)
        self._table = RowTable(state.model.dimensions)
        for start in range(0, len(state.chunks), _BLOCK):
            self._append(start, state.chunks[start : start + _BLOCK])
        titles = {each.document_id: each.title for each in state.documents}
        self._lexical = LexicalIndex()
        self._view = self._lexical.update(
            NO_SLOTS,
            (
                (slot, searchable_words(titles.get(each.document_id, ""), each.heading_path, each.text))
                for slot, each in enumerate(state.chunks)
            ),
        )

    @property
    def memory_bytes(self) -> int:
        """About how much memory it takes."""
        return self._table.memory_bytes + self._lexical.memory_bytes + self._passages.memory_bytes

    def search_each(self, queries: Sequence[SearchQuery], deadline: Deadline) -> list[SearchResult]:
        """Return the nearest passages that each question's filter allows."""
        revision, model = self._state
        for each in queries:
            each.require_model(model)
            each.require_dimensions(model.dimensions)
        nothing = SearchResult(revision, generation=self._passages.generation)
        return [self._answer(each, revision, deadline) if self._table.live else nothing for each in queries]

    def _append(self, start: int, chunks: Sequence[Chunk]) -> None:
        numbers = [self._documents.number_of(each.document_id) for each in chunks]
        slots = np.arange(start, start + len(chunks), dtype=np.int64)
        vectors = np.stack([each.vector for each in chunks])
        self._table.append(slots, np.array(numbers, dtype=np.int32), vectors)

    def _answer(self, query: SearchQuery, revision: int, deadline: Deadline) -> SearchResult:
        deadline.require()
        allowed = self._documents.allowed(query.filter)
        exact = [replace(query, exact=True)]
        ranked = rank_each(
            exact,
            table=self._table,
            allowed=Allowed(allowed[self._table.documents]),
            dense_index=ExactIndex(),
            lexical=self._view,
            weights=self._weights,
        )
        generation = self._passages.generation
        return read_results(self._passages, self._payloads, ranked, exact, revision, generation)[0]


@dataclass(frozen=True)
class PastIndex:
    """The past indexer port."""

    weights: FusionWeights
    encode: PassageEncoder

    def index(self, state: PastState) -> IndexedPast:
        """Index what was fetched."""
        return IndexedPast(state, self.weights, self.encode)
