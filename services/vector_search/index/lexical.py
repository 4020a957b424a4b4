"""Lexical search: BM25 over English stems, in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from tantivy import (
    Document,
    Filter,
    Index,
    Occur,
    Query,
    Schema,
    SchemaBuilder,
    Searcher,
    TextAnalyzer,
    TextAnalyzerBuilder,
    Tokenizer,
)

from services.vector_search.domain.vectors import Scores, Slots

# What the engine may gather before it begins another segment; taken as needed, let go after each update. The
# smallest that it accepts (15 MB) made 100,000 passages eight segments, twice as slow to load and to search.
_WRITE_BYTES = 64_000_000
_TOKENIZER = "english"
_LONGEST_WORD = 64
# Words of a question that count; the stop words are gone by then.
_MAX_TERMS = 256


def _schema() -> Schema:
    builder = SchemaBuilder()
    builder.add_unsigned_field("slot", indexed=True, fast=True)
    builder.add_text_field("words", tokenizer_name=_TOKENIZER, index_option="freq")
    return builder.build()


def _analyzer() -> TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(_LONGEST_WORD))
    return (
        builder.filter(Filter.lowercase())
        .filter(Filter.stopword("english"))
        .filter(Filter.stemmer("english"))
        .build()
    )


_SCHEMA = _schema()
_ANALYZER = _analyzer()


@dataclass(frozen=True)
class LexicalHits:
    """Slots and their BM25 scores, best first."""

    slots: Slots
    scores: Scores


class LexicalView:
    """The index as it was at one commit; later changes don't touch it."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher

    def best(self, question: "Question", limit: int) -> LexicalHits:
        """Return at most `limit` slots that share a word with the question."""
        return self._run(question.query, limit)

    def best_of(self, question: "Question", slots: Slots, limit: int) -> LexicalHits:
        """Return at most `limit` of the given slots, a few hundred, that share a word with the question."""
        if not len(slots):
            return _NONE
        # Not the engine's set of terms, which walks the whole dictionary.
        each = [(Occur.Should, Query.term_query(_SCHEMA, "slot", slot)) for slot in slots.tolist()]
        among = Query.const_score_query(Query.boolean_query(each), 0.0)
        both = [(Occur.Must, question.query), (Occur.Must, among)]
        return self._run(Query.boolean_query(both), min(limit, len(slots)))

    @property
    def size(self) -> int:
        """Number of passages."""
        return int(self._searcher.num_docs)

    def _run(self, query: Query, limit: int) -> LexicalHits:
        limit = min(limit, self.size)
        if not limit:
            return _NONE
        hits = self._searcher.search(query, limit, count=False).hits
        slots = self._searcher.fast_field_values("slot", [address for _, address in hits])
        return LexicalHits(
            np.array(slots, dtype=np.int64), np.array([score for score, _ in hits], dtype=np.float64)
        )


_NONE = LexicalHits(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64))


class Question:
    """A question's words, ready to search with."""

    def __init__(self, terms: Sequence[str]) -> None:
        each = [(Occur.Should, Query.term_query(_SCHEMA, "words", term, "freq")) for term in terms]
        self.query = Query.boolean_query(each)

    @classmethod
    def of(cls, text: str) -> "Question | None":
        """Return the question of a text, None where it has no word that counts."""
        terms = list(dict.fromkeys(_ANALYZER.analyze(text)))[:_MAX_TERMS]
        return cls(terms) if terms else None


class LexicalIndex:
    """
    BM25 by slot, updated in place; searches go on with the view that they took.

    After deletions its statistics (how many passages have a word) still count some of what is gone, until
    it is built anew: `dead` says how many there were. One thread changes it at a time.
    """

    def __init__(self) -> None:
        self._index = Index(_SCHEMA)
        self._index.register_tokenizer(_TOKENIZER, _ANALYZER)
        self.dead = 0
        self.memory_bytes = 0

    def view(self) -> LexicalView:
        """Return the index as it is now."""
        return LexicalView(self._index.searcher())

    def update(self, removed: Slots, added: Iterable[tuple[int, str]]) -> LexicalView:
        """Take slots out, put slots with their words in, and return the new view."""
        writer = self._index.writer(heap_size=_WRITE_BYTES, num_threads=1)
        try:
            if len(removed):
                writer.delete_documents_by_query(Query.term_set_query(_SCHEMA, "slot", removed.tolist()))
                self.dead += len(removed)
            for slot, words in added:
                document = Document()
                document.add_unsigned("slot", slot)
                document.add_text("words", words)
                writer.add_document(document)
                # What the inverted index takes of a text, by trial.
                self.memory_bytes += len(words) // 2
            writer.commit()
        finally:
            writer.wait_merging_threads()
        self._index.reload()
        return self.view()
