"""Payloads that were read lately, so that what many ask for is not read and encoded each time."""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from services.vector_search.domain.passages import Passage
from services.vector_search.domain.search import PassageEncoder
from services.vector_search.domain.units import Units

# Of an entry besides what was encoded, by trial.
_ENTRY_BYTES = 100


class PassageReader(Protocol):
    """Where passages are read that were found. Raises StoreDamaged, StoreUnavailable."""

    def chunk_ids(self, slots: Sequence[int]) -> dict[int, str]:
        """Return the ids of passages."""

    def passages(self, slots: Sequence[int]) -> dict[int, Passage]:
        """Return passages with all that an answer needs, except for units."""

    def units(self, slots: Sequence[int]) -> dict[int, Units]:
        """Return the units of passages, each with as many as it has."""


class PayloadCache:
    """
    Encoded passages by slot, up to a number of bytes; when it is full it begins anew.

    A slot never means another passage, but its title and address are its document's: `forget` it when those
    change. Searches may overlap; `forget` must be alone.
    """

    def __init__(self, store: PassageReader, encode: PassageEncoder, max_bytes: Callable[[], int]) -> None:
        self._store = store
        self._encode = encode
        self._max_bytes = max_bytes
        self._encoded: dict[int, Any] = {}
        self.memory_bytes = 0

    def passages(self, slots: Iterable[int]) -> dict[int, Any]:
        """Return passages, encoded. Raises StoreDamaged or StoreUnavailable."""
        known = self._encoded
        found = {slot: known.get(slot) for slot in slots}
        missing = [slot for slot, encoded in found.items() if encoded is None]
        if missing:
            read = {slot: self._encode(each) for slot, each in self._store.passages(missing).items()}
            found.update(read)
            self._keep(read)
        return found

    def forget(self, slots: Iterable[int]) -> None:
        """Drop what is known of passages."""
        for slot in slots:
            encoded = self._encoded.pop(slot, None)
            if encoded is not None:
                self.memory_bytes -= _bytes_of(encoded)

    def _keep(self, read: dict[int, Any]) -> None:
        grown = sum(map(_bytes_of, read.values()))
        room = self._max_bytes()
        if self.memory_bytes + grown > room:
            self._encoded = {}
            self.memory_bytes = 0
        if grown <= room:
            self._encoded.update(read)
            self.memory_bytes += grown


def _bytes_of(encoded: Any) -> int:
    return _ENTRY_BYTES + sys.getsizeof(encoded)
