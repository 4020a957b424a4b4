"""What the indexer's log says that it did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.e2e.system import System


@dataclass(frozen=True)
class Indexed:
    """The indexer's word for a document; so many of its passages were embedded."""

    document_id: str
    embedded: int


class IndexerLog:
    """Documents in the order in which they were indexed."""

    def __init__(self, system: System) -> None:
        self._path = system.data / "logs" / "indexer.log"

    def mark(self) -> int:
        """Where the log ends now."""
        return self._path.stat().st_size

    def since(self, mark: int) -> Iterator[Indexed]:
        """The documents that were indexed since a mark."""
        with self._path.open("rb") as file:
            file.seek(mark)
            for line in file:
                entry = json.loads(line) if line.startswith(b"{") and line.endswith(b"}\n") else {}
                if entry.get("event") == "document_indexed":
                    yield Indexed(entry["document_id"], entry["embedded"])
