"""One workspace pushes thousands of documents, and another writes a single one in the middle of it."""

import time
from dataclasses import dataclass

from tests.bench.knowledge.installation import Base, accepted, good, wait
from tests.bench.knowledge.pages import Pages
from tests.e2e.indexer_log import IndexerLog

# Documents that an indexer claims together, as it is set.
BATCH = 16
_PUSHED = 1000


@dataclass(frozen=True)
class Fairness:
    """`overtaken` of the other's documents were indexed between the single one's 202 and its turn."""

    pushed: int
    overtaken: int
    seconds: float

    @property
    def batches(self) -> float:
        """In batches of an indexer."""
        return self.overtaken / BATCH


def measure(log: IndexerLog, crowd: Base, single: Base, pages: Pages, documents: int) -> Fairness:
    """Push, write the single document after half of it, and call the push off once that one is searchable."""
    bodies = [pages.note(f"crowd{number}") for number in range(documents)]
    operations = crowd.push(bodies[: documents // 2], _PUSHED)
    began = time.perf_counter()
    document = accepted(single.http.post("/v1/knowledge/documents", json=pages.note("single")))
    mark = log.mark()
    operations += crowd.push(bodies[documents // 2 :], _PUSHED)
    path = f"/v1/knowledge/documents/{document['id']}"
    wait(lambda: good(single.http.get(path))["status"] == "indexed", 0.02)
    seconds = time.perf_counter() - began
    turns = [each.document_id for each in log.since(mark)]
    for each in operations:
        crowd.http.post(f"/v1/knowledge/operations/{each}/cancel")
    wait(lambda: crowd.state()["pending"] == 0)
    return Fairness(documents, turns.index(document["id"]), seconds)
