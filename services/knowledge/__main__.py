"""`python -m services.knowledge`: documents, operations, the change feed."""

from datetime import timedelta

from services.embedding.provider import identity
from services.embedding.settings import load_embedding_settings
from services.kernel.clock import SystemClock
from services.knowledge.api.services import MAX_MESSAGE_BYTES, knowledge_services
from services.knowledge.clients.access import IDEMPOTENT, UsageLedger
from services.knowledge.clients.kept_answers import IDEMPOTENT as FORGETTING
from services.knowledge.clients.kept_answers import QueryKeptAnswers
from services.knowledge.clients.known_allowances import KnownAllowances
from services.knowledge.domain.erasing import EraseDeleted
from services.knowledge.domain.follow_changes import FollowChanges
from services.knowledge.domain.forgetting import Forgetting
from services.knowledge.domain.lost_documents import LostDocuments
from services.knowledge.domain.pruning import PruneVersions
from services.knowledge.domain.read_documents import ReadDocuments
from services.knowledge.domain.reindexing import Reindexing
from services.knowledge.domain.switching import Switching
from services.knowledge.domain.track_operations import TrackOperations
from services.knowledge.domain.unreported_stocks import UnreportedStocks
from services.knowledge.domain.write_documents import WriteDocuments
from services.knowledge.settings import KnowledgeSettings
from services.knowledge.storage.store import open_store
from services.runtime import logs
from services.runtime.channel import open_channel
from services.runtime.health import Health
from services.runtime.idempotency import Pruning
from services.runtime.periodic import Periodic
from services.runtime.reporter import Reporter
from services.runtime.server import serve
from services.runtime.settings import load, load_shared

_SETTLE_SECONDS = 1.0
_CLEAR_SECONDS = 5.0
_ERASE_SECONDS = 0.25


def main() -> None:
    """Join the parts and serve until told to stop."""
    settings, shared = load(KnowledgeSettings, "KNOWLEDGE_"), load_shared()
    model = identity(load_embedding_settings())
    logs.configure("knowledge", shared.log_level)
    clock = SystemClock()
    store = open_store(settings.database_url.reveal(), clock)
    query = open_channel(settings.query_target, credential=shared.internal_credential, idempotent=FORGETTING)
    access = open_channel(
        settings.access_target, credential=shared.internal_credential, idempotent=IDEMPOTENT
    )
    ledger, stocks = UsageLedger(access), UnreportedStocks(store)
    write = WriteDocuments(store, clock, KnownAllowances(ledger.allowance), stocks.wake.set)
    reporter, pruning = Reporter(stocks, ledger.report), Pruning(store.prune)
    versions = PruneVersions(store, clock, timedelta(days=settings.version_days))
    erase = EraseDeleted(store, clock, QueryKeptAnswers(query))
    follow = FollowChanges(store, clock, settings.lease_seconds)
    reindexing = Reindexing(store, clock, model.name, model.dimensions)
    switching = Switching(store, clock, settings.lease_seconds, [LostDocuments(store)])

    # What nobody's call settles: leases lapse in silence, and the instant of a switch comes by itself.
    settling = Periodic("settling", _SETTLE_SECONDS, follow.settle)
    advancing = Periodic("switching", _SETTLE_SECONDS, switching.advance)
    clearing = Periodic("clearing", _CLEAR_SECONDS, switching.clear)
    erasing = Periodic("erasing", _ERASE_SECONDS, erase.run)
    forgetting, history = Pruning(versions.run), Pruning(Forgetting(store, clock).run)
    background = (settling, advancing, clearing, erasing, forgetting, history)
    for each in background:
        each.start()
    reporter.start()
    pruning.start()
    health = Health()
    health.set_serving(True)
    serve(
        settings,
        shared,
        knowledge_services(
            write, ReadDocuments(store, clock), TrackOperations(store, clock), follow, reindexing
        ),
        health=health,
        max_message_bytes=MAX_MESSAGE_BYTES,
    )
    for each in background:
        each.stop()
    reporter.stop()
    pruning.stop()
    store.close()


if __name__ == "__main__":
    main()
