"""What a collection searches besides its graph, from its file alone or from a snapshot and its file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from services.vector_search.domain.ports import PassageStore, StoredPassages
from services.vector_search.domain.snapshot import Alive, IndexCache, IndexSnapshot, StoredVectors
from services.vector_search.domain.vectors import Slots
from services.vector_search.index.lexical import LexicalView
from services.vector_search.index.lexical_index import LexicalIndex
from services.vector_search.index.rows import DocumentNumbers, RowTable

NumbersOf = Callable[[Sequence[str]], DocumentNumbers]
"""Gives documents their numbers."""

NO_SLOTS: Slots = np.empty(0, dtype=np.int64)


class SnapshotMisfit(Exception):
    """A snapshot is whole but not one of this file."""


@dataclass(frozen=True)
class Contents:
    """Rows and words of one revision."""

    table: RowTable
    # Where the table's vectors are; None: in memory.
    vectors: StoredVectors | None
    lexical: LexicalIndex
    view: LexicalView


def from_file(store: PassageStore, numbers_of: NumbersOf, cache: IndexCache | None) -> Contents:
    """
    Read a whole file: into files of the cache, into memory where there is none.

    Raises:
        StoreDamaged: the file is not sound.
        StoreUnavailable: the disk refused.
    """
    vectors = cache.new_vectors(store.info.model.dimensions) if cache else None
    table = RowTable(store.info.model.dimensions, vectors)
    lexical = LexicalIndex(cache.new_words() if cache else None)
    view = lexical.update(NO_SLOTS, _appended(table, store.contents(), numbers_of))
    return Contents(table, vectors, lexical, view)


def from_snapshot(
    snapshot: IndexSnapshot, store: PassageStore, numbers_of: NumbersOf, cache: IndexCache
) -> Contents:
    """
    Take a snapshot and bring it level with the file: what is gone since, what is new, what has other words.

    Texts are read only of what is new or has another title, of all where the snapshot lost its words.

    Raises:
        StoreUnavailable: the disk refused.
        SnapshotMisfit: the snapshot is not of this file, or newer than it, or can't be opened.
        StoreDamaged: the file is not sound.
    """
    last = snapshot.last_slot
    if snapshot.revision > store.info.revision or last > store.last_slot():
        raise SnapshotMisfit("it is newer than the file")
    alive, documents = _lives(snapshot.slots, store, numbers_of)
    if (alive & ~snapshot.alive).any():
        raise SnapshotMisfit("a passage lives that was gone")
    table = RowTable.of(store.info.model.dimensions, snapshot.slots, documents, alive, snapshot.vectors)
    if snapshot.words is None:
        for _ in _appended(table, store.contents(after=last), numbers_of):
            pass
        lexical = LexicalIndex(cache.new_words())
        return Contents(table, snapshot.vectors, lexical, lexical.update(NO_SLOTS, store.words()))
    try:
        lexical = LexicalIndex(snapshot.words, snapshot.dead_words)
    except (OSError, ValueError) as error:
        raise SnapshotMisfit(str(error)) from error
    reworded = {slot: words for slot, words in store.reworded(snapshot.revision) if slot <= last}
    gone = np.concatenate(
        (snapshot.slots[snapshot.alive & ~alive], np.array(sorted(reworded), dtype=np.int64))
    )
    view = lexical.view()
    if store.last_slot() > last or len(gone):
        fresh = _appended(table, store.contents(after=last), numbers_of)
        view = lexical.update(gone, chain(reworded.items(), fresh))
    return Contents(table, snapshot.vectors, lexical, view)


def _lives(slots: Slots, store: PassageStore, numbers_of: NumbersOf) -> tuple[Alive, DocumentNumbers]:
    """Return which rows live, and the documents of those, by the file."""
    alive = np.zeros(len(slots), dtype=np.bool_)
    documents: DocumentNumbers = np.zeros(len(slots), dtype=np.int32)
    last = slots[-1] if len(slots) else -1
    for some, owners in store.owners():
        known = some <= last
        rows = np.searchsorted(slots, some[known])
        if (slots[rows] != some[known]).any():
            raise SnapshotMisfit("it lacks a passage")
        alive[rows] = True
        documents[rows] = numbers_of(owners)[known]
    return alive, documents


def _appended(
    table: RowTable, batches: Iterable[StoredPassages], numbers_of: NumbersOf
) -> Iterator[tuple[int, str]]:
    """Append passages to a table and yield the words of each."""
    for batch in batches:
        table.append(batch.slots, numbers_of(batch.document_ids), batch.vectors)
        yield from zip(batch.slots.tolist(), batch.words, strict=True)
