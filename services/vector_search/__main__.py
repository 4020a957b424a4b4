"""The vector search process: `python -m services.vector_search`."""

import ctypes
import threading
import time

import structlog

from services.runtime.channel import open_channel
from services.runtime.health import Health
from services.runtime.logs import configure
from services.runtime.server import serve
from services.runtime.settings import load, load_shared
from services.vector_search.api.vector_search import service
from services.vector_search.clients.change_feed import MAX_MESSAGE_BYTES, GrpcChangeFeed
from services.vector_search.domain.follower import Follower
from services.vector_search.domain.lease import Lease
from services.vector_search.domain.replica import Replica
from services.vector_search.domain.workspaces import Workspaces
from services.vector_search.index.collection import HybridCollections
from services.vector_search.settings import VectorSearchSettings
from services.vector_search.storage.data_directory import DataDirectory

_HEALTH_SECONDS = 0.2
_MAINTENANCE_SECONDS = 1.0
# How long the end of the process waits for a thread.
_PATIENCE_SECONDS = 5.0
_M_ARENA_MAX = -8

_log = structlog.get_logger(__name__)


def main() -> None:
    """Join the parts and serve until told to stop."""
    settings = load(VectorSearchSettings, "VECTOR_SEARCH_")
    shared = load_shared()
    configure("vector_search", shared.log_level)
    _bound_malloc_arenas()

    directory = DataDirectory(settings.data_dir)
    loader = HybridCollections(directory.graph_cache, settings.collections())
    workspaces = Workspaces(directory, loader, settings.memory_mb * 1024 * 1024)
    lease = Lease(_seconds_since_boot)
    channel = open_channel(
        settings.knowledge_target,
        credential=shared.internal_credential,
        max_message_bytes=MAX_MESSAGE_BYTES,
    )
    feed = GrpcChangeFeed(channel, directory.replica_id(), settings.replica_address or settings.listen)
    follower = Follower(feed, workspaces, lease, _seconds_since_boot)
    health = Health()

    stop = threading.Event()
    # Daemons: the files bear being left in the middle, and a port that is taken must end the process.
    following = threading.Thread(target=follower.run, args=(stop,), daemon=True)
    maintaining = threading.Thread(target=_maintain, args=(workspaces, stop), daemon=True)
    telling = threading.Thread(target=_tell_health, args=(lease, health, stop), daemon=True)
    for thread in (following, maintaining, telling):
        thread.start()

    serve(settings, shared, [service(Replica(workspaces, lease))], health=health, on_stop=stop.set)
    following.join(_PATIENCE_SECONDS)
    # Also ends a long build, so before waiting for maintenance.
    workspaces.close()
    maintaining.join(_PATIENCE_SECONDS)
    directory.release()


def _maintain(workspaces: Workspaces, stop: threading.Event) -> None:
    while not stop.wait(_MAINTENANCE_SECONDS):
        try:
            workspaces.maintain()
        except Exception:
            _log.exception("maintenance failed")


def _tell_health(lease: Lease, health: Health, stop: threading.Event) -> None:
    told = False
    while not stop.wait(_HEALTH_SECONDS):
        if lease.may_serve != told:
            told = not told
            health.set_serving(told)


def _seconds_since_boot() -> float:
    # Unlike the monotonic clock it goes on while the machine sleeps, as the lease does elsewhere.
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _bound_malloc_arenas() -> None:
    # The lexical engine's short-lived writer threads leave an arena of several megabytes each behind: 200 MB
    # over 100 workspaces by measurement, 20 with two arenas.
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_ARENA_MAX, 2)


if __name__ == "__main__":
    main()
