"""Key sets in memory."""

import threading

from gateway.access.domain.user_tokens.errors import KeySetUnavailable


class FakeKeySetSource:
    """
    A `KeySetSource` that answers with `sets`; `fetches` counts what was asked for.

    While `gate` is closed, fetches wait.
    """

    def __init__(self) -> None:
        self.sets: dict[str, bytes] = {}
        self.fetches: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self._asked = threading.Condition()

    def fetch(self, url: str) -> bytes:
        """Return what a URL answers with."""
        with self._asked:
            self.fetches.append(url)
            self._asked.notify_all()
        assert self.gate.wait(30)
        if url not in self.sets:
            raise KeySetUnavailable("the host answers with 404")
        return self.sets[url]

    def wait_for(self, number: int) -> None:
        """Wait until so many fetches have begun."""
        with self._asked:
            assert self._asked.wait_for(lambda: len(self.fetches) >= number, 30)
