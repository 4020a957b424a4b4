"""`python -m services.knowledge.indexer`: turns documents into passages with vectors."""

import os

from services.embedding.provider import open_embedder
from services.embedding.settings import load_embedding_settings
from services.kernel.clock import SystemClock
from services.kernel.ids import new_id
from services.knowledge.domain.index_documents import IndexDocuments
from services.knowledge.domain.queue import IndexerId
from services.knowledge.extraction.extractor import extract
from services.knowledge.indexer.worker import LogJournal, Worker
from services.knowledge.settings import IndexerSettings
from services.knowledge.storage.store import open_store
from services.runtime import logs
from services.runtime.health import Health
from services.runtime.server import serve
from services.runtime.settings import load, load_shared


def main() -> None:
    """Join the parts and work until told to stop."""
    settings, embedding, shared = load(IndexerSettings, "INDEXER_"), load_embedding_settings(), load_shared()
    logs.configure("indexer", shared.log_level)
    os.nice(settings.niceness)
    clock = SystemClock()
    store = open_store(settings.database_url.reveal(), clock)
    index = IndexDocuments(
        store,
        clock,
        open_embedder(embedding),
        extract,
        LogJournal(),
        IndexerId(new_id("idx")),
        settings.claim_seconds,
    )
    worker = Worker(
        index,
        batch=settings.batch,
        claim_seconds=settings.claim_seconds,
        poll_seconds=settings.poll_seconds,
    )
    worker.start()
    health = Health()
    health.set_serving(True)
    serve(settings, shared, [], health=health, on_stop=worker.stop)
    store.close()


if __name__ == "__main__":
    main()
