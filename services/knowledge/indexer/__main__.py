"""`python -m services.knowledge.indexer`: turns documents into passages with vectors."""

import os
import sys

from services.embedding.provider import open_embedders
from services.embedding.settings import load_embedding_settings, load_previous_embedding_settings
from services.kernel.clock import SystemClock
from services.kernel.ids import new_id
from services.knowledge.domain.index_documents import IndexDocuments
from services.knowledge.domain.queue import IndexerId
from services.knowledge.indexer.extraction_process import ExtractionLimits, ExtractionProcess
from services.knowledge.indexer.log_journal import LogJournal
from services.knowledge.indexer.worker import Worker
from services.knowledge.settings import IndexerSettings
from services.knowledge.storage.store import open_store
from services.runtime import logs
from services.runtime.health import Health
from services.runtime.server import serve
from services.runtime.settings import load, load_shared

# The threads of the model need the interpreter for moments, and wait so long for one that cuts a page.
_SWITCH_SECONDS = 0.001


def main() -> None:
    """Join the parts and work until told to stop."""
    settings, shared = load(IndexerSettings, "INDEXER_"), load_shared()
    logs.configure("indexer", shared.log_level)
    os.nice(settings.niceness)
    sys.setswitchinterval(_SWITCH_SECONDS)
    clock = SystemClock()
    store = open_store(settings.database_url.reveal(), clock)
    extraction = ExtractionProcess(
        ExtractionLimits(settings.extraction_mebibytes * 1024 * 1024, settings.extraction_seconds)
    )
    extraction.start()
    index = IndexDocuments(
        store,
        clock,
        open_embedders(load_embedding_settings(), load_previous_embedding_settings()),
        extraction.extract,
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

    def stop() -> None:
        # A document that takes long is given back.
        extraction.close()
        worker.stop()

    worker.start()
    health = Health()
    health.set_serving(True)
    serve(settings, shared, [], health=health, on_stop=stop)
    store.close()


if __name__ == "__main__":
    main()
