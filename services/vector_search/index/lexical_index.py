"""The lexical index as it is written: BM25 by slot."""

from collections.abc import Iterable
from pathlib import Path

from tantivy import Document, Index, Query

from services.vector_search.domain.errors import StoreUnavailable
from services.vector_search.domain.vectors import Slots
from services.vector_search.index.lexical import LexicalView
from services.vector_search.index.lexical_schema import ANALYZER, SCHEMA, TOKENIZER

# What the engine may gather before it begins another segment; taken as needed, let go after each update. The
# smallest that it accepts (15 MB) made 100,000 passages eight segments, twice as slow to load and to search.
_WRITE_BYTES = 64_000_000


class LexicalIndex:
    """
    BM25 by slot, in memory or in a folder, updated in place; searches go on with the view that they took.

    In a folder, a file once written is never changed, so that a link to it is a copy.

    After deletions its statistics (how many passages have a word) still count some of what is gone, until
    it is built anew: `dead` says how many there were. One thread changes it at a time.
    """

    def __init__(self, folder: Path | None = None, dead: int = 0) -> None:
        """
        Open the index in a folder, an empty one where there is none; without a folder it is in memory.

        `dead`: of the index that is opened. Raises OSError or ValueError where it can't be read.
        """
        self.folder = folder
        self._index = Index(SCHEMA, path=None if folder is None else str(folder))
        # By default a thread watches the folder; who changes the index says so.
        self._index.config_reader(reload_policy="manual")
        self._index.register_tokenizer(TOKENIZER, ANALYZER)
        self.dead = dead
        self.memory_bytes = 0 if folder is None else sum(each.stat().st_size for each in folder.iterdir())

    def view(self) -> LexicalView:
        """Return the index as it is now."""
        return LexicalView(self._index.searcher())

    def update(self, removed: Slots, added: Iterable[tuple[int, str]]) -> LexicalView:
        """
        Take slots out, put slots with their words in, and return the new view.

        Raises:
            StoreUnavailable: the disk refused; the index is not to be used any more.
        """
        try:
            return self._updated(removed, added)
        except (OSError, ValueError) as error:
            # Whatever the engine can't do; in memory there is nothing that refuses.
            raise StoreUnavailable(str(error)) from error

    def _updated(self, removed: Slots, added: Iterable[tuple[int, str]]) -> LexicalView:
        writer = self._index.writer(heap_size=_WRITE_BYTES, num_threads=1)
        try:
            if len(removed):
                writer.delete_documents_by_query(Query.term_set_query(SCHEMA, "slot", removed.tolist()))
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
