"""The vector search process: `python -m services.vector_search`."""

import ctypes
import os
import signal
import sys
import threading
import time

import structlog

from services.runtime.channel import open_channel
from services.runtime.health import Health
from services.runtime.logs import configure
from services.runtime.processes import Member, alone, is_orphan, supervise
from services.runtime.server import serve
from services.runtime.serving_threads import ServingThreads
from services.runtime.settings import load, load_shared
from services.vector_search.api import wire
from services.vector_search.api.vector_search import service
from services.vector_search.clients.change_feed import MAX_MESSAGE_BYTES, GrpcChangeFeed
from services.vector_search.domain.follower import Follower
from services.vector_search.domain.lease import Lease
from services.vector_search.domain.past import PastCache
from services.vector_search.domain.replica import Replica
from services.vector_search.domain.workspaces import Workspaces
from services.vector_search.index.collection import HybridCollections
from services.vector_search.index.past_collection import PastIndex
from services.vector_search.settings import VectorSearchSettings
from services.vector_search.storage.data_directory import DataDirectory

_HEALTH_SECONDS = 0.05
_MAINTENANCE_SECONDS = 1.0
_ERASURE_SECONDS = 0.2
# For so long a thread may keep the interpreter to itself while others wait. Python's 5 ms would be met more
# than once by a search while changes are applied.
_SWITCH_SECONDS = 0.001
# How long the end of the process waits for a thread.
_PATIENCE_SECONDS = 5.0
_M_ARENA_MAX = -8
_MODULE = "services.vector_search.__main__"

_log = structlog.get_logger(__name__)


def main() -> None:
    """Serve until told to stop, in one process or several."""
    settings = load(VectorSearchSettings, "VECTOR_SEARCH_")
    if settings.processes == 1:
        serve_as(alone())
        return
    configure("vector_search", load_shared().log_level)
    supervise(f"{_MODULE}:serve_as", settings.processes, settings.listen, settings.drain_seconds)


def serve_as(member: Member) -> None:
    """Join the parts of one process and serve until told to stop."""
    settings = load(VectorSearchSettings, "VECTOR_SEARCH_").of_process(member.number)
    shared = load_shared()
    configure("vector_search", shared.log_level)
    _bound_malloc_arenas()
    sys.setswitchinterval(_SWITCH_SECONDS)

    directory = DataDirectory(settings.data_dir)
    loader = HybridCollections(directory.index_cache, settings.collections(), wire.passage)
    workspaces = Workspaces(directory, loader, settings.memory_mb * 1024 * 1024, _seconds_since_boot)
    lease = Lease(_seconds_since_boot)
    channel = open_channel(
        settings.knowledge_target,
        credential=shared.internal_credential,
        max_message_bytes=MAX_MESSAGE_BYTES,
    )
    feed = GrpcChangeFeed(channel, directory.replica_id(), settings.replica_address or settings.listen)
    threads = ServingThreads(settings.workers, settings.max_waiting)
    past = PastCache(
        feed,
        PastIndex(settings.collections().weights, wire.passage),
        settings.past_mb * 1024 * 1024,
        threads.stepping_aside,
    )
    follower = Follower(feed, workspaces, past, lease, _seconds_since_boot)
    health = Health()

    stop, prepared = threading.Event(), threading.Event()
    # Daemons: the files bear being left in the middle, and a port that is taken must end the process.
    following = threading.Thread(target=follower.run, args=(stop,), daemon=True)
    maintaining = threading.Thread(target=_maintain, args=(workspaces, prepared, stop), daemon=True)
    # Beside maintenance, which may build for a minute.
    erasing = threading.Thread(target=_erase, args=(workspaces, prepared, stop), daemon=True)
    telling = threading.Thread(target=_tell_health, args=(lease, prepared, health, member, stop), daemon=True)
    for thread in (following, maintaining, erasing, telling):
        thread.start()

    serve(
        settings,
        shared,
        [service(Replica(workspaces, past, lease, threads.stepping_aside))],
        health=health,
        threads=threads,
        on_stop=stop.set,
        max_message_bytes=MAX_MESSAGE_BYTES,
        max_in_flight=settings.max_in_flight,
        share_port=settings.processes > 1,
    )
    past.close()
    following.join(_PATIENCE_SECONDS)
    # Also ends a long build, so before waiting for maintenance.
    workspaces.close()
    maintaining.join(_PATIENCE_SECONDS)
    directory.release()


def _maintain(workspaces: Workspaces, prepared: threading.Event, stop: threading.Event) -> None:
    try:
        workspaces.load_prepared()
    except Exception:
        _log.exception("loading ahead failed")
    prepared.set()
    while not stop.wait(_MAINTENANCE_SECONDS):
        try:
            workspaces.maintain()
        except Exception:
            _log.exception("maintenance failed")


def _erase(workspaces: Workspaces, prepared: threading.Event, stop: threading.Event) -> None:
    while not stop.wait(_ERASURE_SECONDS):
        if not prepared.is_set():
            # What is erased before it is loaded loses its words, and loading takes longer.
            continue
        try:
            workspaces.erase()
        except Exception:
            _log.exception("erasing failed")


def _tell_health(
    lease: Lease, prepared: threading.Event, health: Health, member: Member, stop: threading.Event
) -> None:
    told = False
    while not stop.wait(_HEALTH_SECONDS):
        if member.tell(prepared.is_set() and lease.may_serve) != told:
            told = not told
            health.set_serving(told)
        if is_orphan():
            os.kill(os.getpid(), signal.SIGTERM)
            return


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
