"""The counters that all gateways share, in Redis (or Valkey)."""

import time
from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram
from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from gateway.access.counters.breaker import Breaker
from gateway.access.domain.limits.counters import Counted, CountersUnavailable, Taken
from gateway.access.domain.metering import Account
from gateway.access.domain.usage.ledger import Totals
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId

# Of each connecting, sending, reading and waiting for a connection.
TIMEOUT_SECONDS = 0.05
CONNECTIONS = 8
# Longer than a month and what is reported of it late.
MONTH_SECONDS = 40 * 24 * 3600

_PROBE_KEY = "limits:probe"

UP = Gauge("access_redis_up", "Whether the shared counters can be reached; if not, limits are in-process.")
CALLS = Counter("access_redis_calls_total", "Calls of the shared counters.", ["call", "outcome"])
SECONDS = Histogram(
    "access_redis_call_seconds",
    "How long calls of the shared counters take.",
    buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1),
)

_log = structlog.get_logger(__name__)


def connect(url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Redis:
    """Return a client of the server at `url` (redis, rediss, unix) that never tries twice; connects later."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=timeout_seconds,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
        driver_info=None,
    )
    return Redis(connection_pool=pool)


class RedisCounters:
    """
    Implements `Counters`.

    A workspace's keys have one hash tag, so that in a cluster they are on one server. After a failure every
    call raises at once until `probe` has found the server well.
    """

    def __init__(self, client: Redis, patience: float = 1.5 * TIMEOUT_SECONDS) -> None:
        """`patience`: seconds after which a call that is still out counts as failed."""
        self._client = client
        self._breaker = Breaker(patience)
        self._probe_failed = False
        self._take = _Script("take")
        self._give_back = _Script("give_back")
        self._account = _Script("account")
        UP.set(1)

    @property
    def available(self) -> bool:
        """Whether they can be reached, as far as is known."""
        return not self._breaker.is_open

    def take(self, account: Account, month: Month, least: int, most: int) -> Taken | None:
        """Take tokens out of all buckets of an account, and of the month."""
        queries, buckets = account.queries, account.buckets
        arguments: list[Any] = [least, most, "" if queries is None else queries]
        for each in buckets:
            arguments += each.limit, int(each.refuses)
        answer = self._run(self._take, _keys(account, None if queries is None else month), arguments)
        tokens, *state = answer
        if tokens < 0:
            return None
        counted = None if queries is None else Counted(*state[len(buckets) :])
        return Taken(tokens, tuple(state[: len(buckets)]), counted)

    def give_back(self, account: Account, month: Month, tokens: int, counted: Counted | None) -> None:
        """Put back tokens that were taken and not used."""
        born = "" if counted is None else counted.born
        arguments = [tokens, born, *(each.limit for each in account.buckets)]
        self._run(self._give_back, _keys(account, None if counted is None else month), arguments)

    def rebuild(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> None:
        """Begin a month's count that is missing."""
        self._put_right(workspace_id, month, totals, rebuild=True)

    def account(self, workspace_id: WorkspaceId, month: Month, totals: Totals) -> None:
        """Take over what the ledger says."""
        self._put_right(workspace_id, month, totals, rebuild=False)

    def settle(self, workspace_id: WorkspaceId, month: Month, totals: Totals, quiet: int) -> bool:
        """Drop what will never be accounted for."""
        return self._put_right(workspace_id, month, totals, rebuild=True, quiet=quiet)

    def counted(self, workspace_id: WorkspaceId, month: Month) -> Counted | None:
        """Return a month's count."""
        key = _month_key(workspace_id, month)
        values = self._call("counted", "HMGET", key, "admitted", "uncounted", "born")
        return None if values[0] is None else Counted(*map(int, values))

    def probe(self) -> bool:
        """Try whether the server can be written to; use it again if so, and not if it failed twice."""
        try:
            # A replica, or a server without memory, would answer a question.
            self._client.set(_PROBE_KEY, 1, px=1000)
        except (RedisError, OSError) as error:
            # One failure that no request has met may be this machine's own.
            if self._probe_failed:
                self._away("probe", error)
            self._probe_failed = True
            return False
        self._probe_failed = False
        if self._breaker.close():
            UP.set(1)
            _log.info("redis_back")
        return True

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._client.connection_pool.disconnect()

    def _put_right(
        self, workspace_id: WorkspaceId, month: Month, totals: Totals, *, rebuild: bool, quiet: int | str = ""
    ) -> bool:
        arguments = [totals.counted, totals.uncounted, int(rebuild), MONTH_SECONDS, quiet]
        return bool(self._run(self._account, [_month_key(workspace_id, month)], arguments))

    def _run(self, script: "_Script", keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        try:
            return self._call(script.name, "EVALSHA", script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return self._call(script.name, "EVAL", script.text, len(keys), *keys, *arguments)

    def _call(self, name: str, *command: Any) -> Any:
        if self._breaker.is_open:
            CALLS.labels(name, "not_tried").inc()
            raise CountersUnavailable
        self._breaker.begin()
        began = time.perf_counter()
        try:
            answer = self._client.execute_command(*command)  # type: ignore[no-untyped-call]
        except NoScriptError:
            raise
        except (RedisError, OSError) as error:
            CALLS.labels(name, "failed").inc()
            self._away(name, error)
            raise CountersUnavailable from None
        finally:
            self._breaker.end()
            SECONDS.observe(time.perf_counter() - began)
        CALLS.labels(name, "done").inc()
        return answer

    def _away(self, call: str, error: Exception) -> None:
        if self._breaker.trip():
            UP.set(0)
            # A driver's text may hold an address, or worse.
            _log.warning("redis_away", call=call, error=type(error).__name__)


class _Script:
    """A script that the server keeps by its hash, which is no secret."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = (Path(__file__).parent / f"{name}.lua").read_text()
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


def _keys(account: Account, month: Month | None) -> list[str]:
    keys = [f"limits:{{{account.workspace_id}}}:{each.name}" for each in account.buckets]
    if month is not None:
        keys.append(_month_key(account.workspace_id, month))
    return keys


def _month_key(workspace_id: WorkspaceId, month: Month) -> str:
    return f"limits:{{{workspace_id}}}:queries:{month}"
