"""What threads of their own do about limits."""

import time
from collections.abc import Callable

from gateway.access.counters.redis_counters import RedisCounters, connect
from gateway.access.counters.upkeep import Upkeep
from gateway.access.domain.limits.leases import Leases
from gateway.access.domain.limits.monthly_counts import MonthlyCounts
from gateway.access.domain.limits.shared_limits import SharedLimits
from gateway.access.domain.metering import Admitted
from services.kernel.clock import SystemClock
from tests.contracts.access.counters_contract import NOVEMBER, account, bucket
from tests.fakes.usage_ledger import FakeLedger
from tests.valkey import ValkeyServer

_PATIENCE = 20.0
_LIMIT = 2000


def _now() -> int:
    return time.monotonic_ns() // 1000


def test_upkeep(valkey: ValkeyServer) -> None:
    """Threads take more before it is used up, give back what nobody uses, and give back all at the end."""
    counters, leases = RedisCounters(connect(valkey.url, _PATIENCE), _PATIENCE), Leases(_now)
    months = MonthlyCounts(counters, FakeLedger(), leases, _now)
    limits = SharedLimits(counters, leases, months, SystemClock(), _now)
    upkeep = Upkeep(limits, months, counters)
    asked = account(bucket(_LIMIT))
    upkeep.start()
    for _ in range(60):
        assert isinstance(limits.admit_at_once(asked) or limits.admit(asked), Admitted)
    _until(lambda: leases.low.empty())
    assert limits.set_aside > 0

    _until(lambda: limits.set_aside == 0)

    for _ in range(60):
        limits.admit_at_once(asked) or limits.admit(asked)
    upkeep.stop()
    assert limits.set_aside == 0
    taken = counters.take(asked, NOVEMBER, _LIMIT, 0)
    assert taken is not None
    assert taken.tokens >= _LIMIT - 120


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
