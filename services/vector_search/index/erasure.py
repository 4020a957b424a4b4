"""Takes what was deleted or replaced out of all that a collection keeps on disk."""

import threading
import time

from services.vector_search.domain.ports import Delta, PassageStore
from services.vector_search.index.erasure_pace import ErasurePace
from services.vector_search.index.lexical_keeper import LexicalKeeper
from services.vector_search.index.snapshot_keeper import SnapshotKeeper


class Erasure:
    """
    Erases in this order: words that serve, words of the snapshot, rows and their log; then it is noted.

    The lexical engine keeps words of what is gone until its files are made anew. A snapshot goes on without
    its words until it gets those of now. Vectors are no text: dead ones go when rows or graph are built anew.
    """

    def __init__(
        self,
        store: PassageStore,
        lexical: LexicalKeeper,
        snapshots: SnapshotKeeper,
        changing: threading.Lock,
    ) -> None:
        self._store = store
        self._lexical = lexical
        self._snapshots = snapshots
        self._changing = changing
        self._pace = ErasurePace(time.monotonic)
        self._turn = threading.Lock()
        self._stopped = False
        info = store.info
        # The last revision that took words out; of a file with traces: not known.
        self._words_gone_at = 0 if info.erased_revision == info.revision else info.revision

    def note(self, delta: Delta) -> None:
        """Note what a change did. For those who change the collection."""
        if len(delta.removed) or delta.reworded or delta.removed_documents:
            self._words_gone_at = delta.revision
        info = self._store.info
        if info.erased_revision < info.revision:
            self._pace.note(deleted=bool(delta.removed_documents))

    def run(self) -> None:
        """Erase what there is, if it is time. Raises StoreDamaged, StoreUnavailable."""
        with self._turn:
            info = self._store.info
            if self._stopped or info.erased_revision >= info.revision or not self._pace.due():
                return
            began = time.monotonic()
            self._pace.begin()
            try:
                self._erase()
            except BaseException:
                self._pace.failed()
                raise
            finally:
                self._pace.ended(time.monotonic() - began)

    def stop(self) -> None:
        """Wait for the end of what is under way, and begin nothing."""
        self._stopped = True
        with self._turn:
            pass

    def _erase(self) -> None:
        with self._changing:
            revision, gone_at = self._store.info.revision, self._words_gone_at
        if self._lexical.folder is not None:
            self._lexical.renew(
                self._store.words, wanted=lambda: self._lexical.dead > 0, on_disk=lambda: True
            )
        self._snapshots.forget_words(gone_at)
        if self._stopped:
            return
        with self._changing:
            if self._words_gone_at <= revision:
                # What came meanwhile took no words out.
                revision = self._store.info.revision
            self._store.erase(revision)
