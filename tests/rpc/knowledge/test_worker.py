"""The indexer's worker on its two threads."""

import threading
from collections.abc import Sequence

from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.domain.document import ContentType, Status
from services.knowledge.domain.ports.documents import ListFilters
from services.knowledge.extraction.extractor import extract
from services.knowledge.indexer.worker import Worker
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop, page
from tests.fakes.failing_embedder import InterruptedEmbedder


def statuses(workshop: Workshop) -> set[Status]:
    return {each.document.status for each in workshop.read.page(WORKSPACE, ListFilters(), 50, "").items}


def test_works_until_stopped(workshop: Workshop) -> None:
    """A worker takes what comes, also while it is idle, and ends when told."""
    worker = Worker(workshop.indexer(), batch=2, claim_seconds=15, poll_seconds=0.01)
    worker.start()
    for n in range(5):
        workshop.create(page(f"p{n}", f"Text {n}."))
    while statuses(workshop) != {Status.PUBLISHING}:
        pass
    worker.stop()
    workshop.create()
    assert Status.QUEUED in statuses(workshop)


def test_slow_documents_of_one_workspace_hold_up_nobody_else(workshop: Workshop) -> None:
    """Who comes while a slow one is read is next, however many more of its workspace were claimed with it."""
    read: list[bytes] = []
    come = threading.Event()

    def slowly(content: bytes, content_type: ContentType) -> Sequence[Block]:
        read.append(content)
        come.wait(10)
        return extract(content, content_type)

    for n in range(5):
        workshop.create(page(f"p{n}", f"Slow {n}."))
    index = workshop.indexer(extract=slowly)
    worker = Worker(index, batch=5, claim_seconds=15, poll_seconds=0.01, patience_seconds=0)
    worker.start()
    while not read:
        pass
    workshop.create(page("other", "Quick."), OTHER)
    come.set()
    while statuses(workshop) != {Status.PUBLISHING}:
        pass
    worker.stop()
    assert read[1] == b"Quick."
    assert sorted(read) == [b"Quick.", *(f"Slow {n}.".encode() for n in range(5))]


def test_drains(workshop: Workshop) -> None:
    """Told to stop in the middle of a call to the model, it ends that call and gives back all it holds."""
    for n in range(40):
        workshop.create(page(f"p{n}", f"Text {n}."))
    called, stopping = threading.Event(), threading.Event()

    def meanwhile() -> None:
        called.set()
        stopping.wait(10)

    embedder = InterruptedEmbedder(meanwhile)
    worker = Worker(workshop.indexer(embedder=embedder), batch=40, claim_seconds=15, poll_seconds=0.01)
    worker.start()
    called.wait(10)
    ending = threading.Thread(target=worker.stop)
    ending.start()
    while not worker.stopping:
        pass
    stopping.set()
    ending.join()
    # Nothing is left claimed: another indexer can take the rest at once.
    assert Status.INDEXING not in statuses(workshop)
    assert workshop.index() > 0
    assert statuses(workshop) == {Status.PUBLISHING}
