"""`python -m services.knowledge`: documents, operations, the change feed."""

import threading

import structlog

from services.kernel.clock import SystemClock
from services.kernel.errors import Unavailable
from services.knowledge.api.services import MAX_MESSAGE_BYTES, knowledge_services
from services.knowledge.clients.access import IDEMPOTENT, UsageLedger
from services.knowledge.clients.known_allowances import KnownAllowances
from services.knowledge.domain.follow_changes import FollowChanges
from services.knowledge.domain.read_documents import ReadDocuments
from services.knowledge.domain.track_operations import TrackOperations
from services.knowledge.domain.unreported_stocks import UnreportedStocks
from services.knowledge.domain.write_documents import WriteDocuments
from services.knowledge.settings import KnowledgeSettings
from services.knowledge.storage.store import open_store
from services.runtime import logs
from services.runtime.channel import open_channel
from services.runtime.health import Health
from services.runtime.idempotency import Pruning
from services.runtime.reporter import Reporter
from services.runtime.server import serve
from services.runtime.settings import load, load_shared

_SETTLE_SECONDS = 1.0

_log = structlog.get_logger(__name__)


def main() -> None:
    """Join the parts and serve until told to stop."""
    settings, shared = load(KnowledgeSettings, "KNOWLEDGE_"), load_shared()
    logs.configure("knowledge", shared.log_level)
    clock = SystemClock()
    store = open_store(settings.database_url.reveal(), clock)
    access = open_channel(
        settings.access_target, credential=shared.internal_credential, idempotent=IDEMPOTENT
    )
    ledger, stocks = UsageLedger(access), UnreportedStocks(store)
    write = WriteDocuments(store, clock, KnownAllowances(ledger.allowance), stocks.wake.set)
    reporter, pruning = Reporter(stocks, ledger.report), Pruning(store.prune)
    follow = FollowChanges(store, clock, settings.lease_seconds)

    stop = threading.Event()
    settling = threading.Thread(target=_settle, args=(follow, stop), name="settling")
    settling.start()
    reporter.start()
    pruning.start()
    health = Health()
    health.set_serving(True)
    serve(
        settings,
        shared,
        knowledge_services(write, ReadDocuments(store, clock), TrackOperations(store, clock), follow),
        health=health,
        on_stop=stop.set,
        max_message_bytes=MAX_MESSAGE_BYTES,
    )
    settling.join()
    reporter.stop()
    pruning.stop()
    store.close()


def _settle(follow: FollowChanges, stop: threading.Event) -> None:
    """Settle what nobody's acknowledgement settles: leases lapse in silence."""
    while not stop.wait(_SETTLE_SECONDS):
        try:
            follow.settle()
        except Unavailable as error:
            _log.warning("settling_failed", error=error.detail)


if __name__ == "__main__":
    main()
