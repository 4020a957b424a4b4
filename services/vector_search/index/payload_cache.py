"""Payloads that were read lately, so that what many ask for is not read from the file each time."""

from collections.abc import Callable, Sequence

from services.vector_search.domain.passages import Passage
from services.vector_search.domain.ports import PassageStore

# A passage's objects besides its text, by trial.
_PASSAGE_BYTES = 700


class PayloadCache:
    """
    Passages by slot, up to a number of bytes; when it is full it begins anew.

    A slot never means another passage, but its title and address are its document's: `clear` when those
    change. Searches may overlap; `clear` must be alone.
    """

    def __init__(self, store: PassageStore, max_bytes: Callable[[], int]) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._passages: dict[int, Passage] = {}
        self.memory_bytes = 0

    def passages(self, slots: Sequence[int]) -> dict[int, Passage]:
        """Return passages with all that an answer needs. Raises StoreDamaged or StoreUnavailable."""
        known = self._passages
        found = {slot: known[slot] for slot in slots if slot in known}
        missing = [slot for slot in slots if slot not in found]
        if missing:
            read = self._store.passages(missing)
            found.update(read)
            self._keep(read)
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._passages = {}
        self.memory_bytes = 0

    def _keep(self, read: dict[int, Passage]) -> None:
        grown = sum(_PASSAGE_BYTES + len(each.text) for each in read.values())
        room = self._max_bytes()
        if self.memory_bytes + grown > room:
            self.clear()
        if grown <= room:
            self._passages.update(read)
            self.memory_bytes += grown
