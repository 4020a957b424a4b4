"""A store on which the process dies at a chosen transaction."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from services.knowledge.domain.ports.store import Store, Transaction
from tests.fakes.failing_embedder import Killed


class CrashingStore:
    """Passes everything on, until the `last` write: there the process dies, before or after its commit."""

    def __init__(self, store: Store, last: int, *, committed: bool) -> None:
        self._store = store
        self._left = last
        self._committed = committed

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Begin a transaction, perhaps the last one."""
        self._left -= 1
        with self._store.write() as tx:
            yield tx
            if self._left == 0 and not self._committed:
                raise Killed
        if self._left == 0:
            raise Killed

    def read(self) -> AbstractContextManager[Transaction]:
        """Begin a snapshot."""
        return self._store.read()

    def scrub(self) -> None:
        """Scrub the files, which is a step, too."""
        self._left -= 1
        if self._left == 0 and not self._committed:
            raise Killed
        self._store.scrub()
        if self._left == 0:
            raise Killed
