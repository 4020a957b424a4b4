"""Real processes that share a real Valkey."""

import multiprocessing
import time

from gateway.access.counters.redis_counters import RedisCounters, connect
from gateway.access.domain.limits.gcra import gcra
from gateway.access.domain.limits.leases import Leases
from gateway.access.domain.limits.monthly_counts import MonthlyCounts
from gateway.access.domain.limits.shared_limits import SharedLimits
from gateway.access.domain.metering import Account, Admitted, Exceeded
from services.kernel.clock import SystemClock
from tests.contracts.access.counters_contract import account, bucket
from tests.fakes.usage_ledger import FakeLedger
from tests.valkey import ValkeyServer

_PROCESSES = 4
# A machine that is busy with other tests must not look like a server that is away.
_PATIENCE = 20.0


def _now() -> int:
    return time.monotonic_ns() // 1000


def _limits(url: str) -> SharedLimits:
    counters, leases = RedisCounters(connect(url, _PATIENCE), _PATIENCE), Leases(_now)
    months = MonthlyCounts(counters, FakeLedger(), leases, _now)
    return SharedLimits(counters, leases, months, SystemClock(), _now)


def _ask(limits: SharedLimits, asked: Account) -> Admitted | Exceeded:
    return limits.admit_at_once(asked) or limits.admit(asked)


def _passing(url: str, asked: Account, times: int) -> int:
    """Ask as one gateway of several, and return how many passed."""
    limits = _limits(url)
    return sum(isinstance(_ask(limits, asked), Admitted) for _ in range(times))


def _together(url: str, asked: Account, times: int) -> int:
    with multiprocessing.get_context("spawn").Pool(_PROCESSES) as pool:
        return sum(pool.starmap(_passing, [(url, asked, times)] * _PROCESSES, chunksize=1))


def test_limit_of_all(valkey: ValkeyServer) -> None:
    """Processes that each ask for more than the limit get it between them, and what came back since."""
    hundred = account(bucket(100))
    began = time.monotonic()

    passed = _together(valkey.url, hundred, 250)

    came_back = int((time.monotonic() - began) * 1_000_000) // gcra(100).interval
    assert 100 <= passed <= 100 + came_back


def test_quota_of_all(valkey: ValkeyServer) -> None:
    """Of a month's queries exactly as many pass as there are."""
    assert _together(valkey.url, account(bucket(60_000), queries=300), 400) == 300


def test_retry_after(valkey: ValkeyServer) -> None:
    """Who was refused and waits as long as it was told is let through."""
    limits, asked = _limits(valkey.url), account(bucket(120))
    while isinstance(decision := _ask(limits, asked), Admitted):
        pass

    time.sleep(decision.retry_after)

    assert isinstance(_ask(limits, asked), Admitted)
