"""Documents on their way from one thread of the indexer to the next."""

import threading

from services.knowledge.domain.indexing.work import Work


class Belt:
    """A queue between two threads that holds about so many texts; a document with more travels alone."""

    def __init__(self, texts: int) -> None:
        self._room = texts
        self._changed = threading.Condition()
        self._works: list[Work] = []
        self._closed = False

    def put(self, work: Work) -> None:
        """Add a document, after waiting for room."""
        with self._changed:
            self._changed.wait_for(lambda: not self._works or self._texts() + work.texts <= self._room)
            self._works.append(work)
            self._changed.notify_all()

    def take(self, texts: int) -> list[Work]:
        """Return the next documents, the last of which brings them to so many texts; none: it is closed."""
        taken: list[Work] = []
        with self._changed:
            self._changed.wait_for(lambda: self._works or self._closed)
            while self._works and sum(each.texts for each in taken) < texts:
                taken.append(self._works.pop(0))
            self._changed.notify_all()
        return taken

    def close(self) -> None:
        """Say that nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _texts(self) -> int:
        return sum(each.texts for each in self._works)
