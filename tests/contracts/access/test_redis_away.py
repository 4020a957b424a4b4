"""The shared counters when the server that holds them is not well."""

import time

import pytest
from prometheus_client import REGISTRY

from gateway.access.counters.redis_counters import RedisCounters, connect
from gateway.access.counters.upkeep import Upkeep
from gateway.access.domain.limits.counters import CountersUnavailable
from gateway.access.domain.limits.leases import Leases
from gateway.access.domain.limits.monthly_counts import MonthlyCounts
from gateway.access.domain.limits.shared_limits import SharedLimits
from gateway.access.domain.metering import Account, Admitted
from gateway.access.domain.usage.ledger import Channel, Kind, UsageCount
from gateway.access.domain.usage.month import Month
from services.kernel.clock import SystemClock
from tests.contracts.access.counters_contract import ACME, NOVEMBER, account, bucket
from tests.fakes.usage_ledger import FakeLedger
from tests.valkey import ValkeyServer

_TIMEOUT = 1.0
_SIXTY = account(bucket(60))


def _now() -> int:
    return time.monotonic_ns() // 1000


@pytest.fixture
def counters(own_valkey: ValkeyServer) -> RedisCounters:
    """Counters that have been used."""
    counters = RedisCounters(connect(own_valkey.url, _TIMEOUT), _TIMEOUT)
    _take(counters)
    return counters


def _take(counters: RedisCounters, of: Account = _SIXTY) -> None:
    counters.take(of, NOVEMBER, 1, 0)


def _fails(counters: RedisCounters) -> None:
    with pytest.raises(CountersUnavailable) as failure:
        _take(counters)
    # A driver's text is no part of it.
    assert failure.value.args == ()
    assert not counters.available


def test_down(own_valkey: ValkeyServer, counters: RedisCounters) -> None:
    """A server that is gone is left alone until it is found back; what it held is lost."""
    own_valkey.kill()
    _fails(counters)
    assert not counters.probe()

    own_valkey.start()
    _fails(counters)

    assert counters.probe()
    _take(counters)
    assert counters.available


def test_hanging(own_valkey: ValkeyServer, counters: RedisCounters) -> None:
    """A server that does not answer is waited for once."""
    own_valkey.suspend()
    _fails(counters)
    not_tried = _calls("not_tried")
    _fails(counters)
    assert _calls("not_tried") == not_tried + 1

    own_valkey.resume()

    assert counters.probe()
    _take(counters)


def test_replica(own_valkey: ValkeyServer, counters: RedisCounters) -> None:
    """A server that may only be read counts nothing, and is not found well by being read."""
    client = own_valkey.client()
    client.replicaof("127.0.0.1", "1")

    _fails(counters)
    assert not counters.probe()

    client.replicaof("NO", "ONE")
    assert counters.probe()


def test_out_of_memory(own_valkey: ValkeyServer, counters: RedisCounters) -> None:
    """Nor does one without memory."""
    client = own_valkey.client()
    client.config_set("maxmemory", 1)

    _fails(counters)
    assert not counters.probe()

    client.config_set("maxmemory", 0)
    assert counters.probe()


def test_wrong_password(own_valkey: ValkeyServer, counters: RedisCounters) -> None:
    """Nor does one that does not know us."""
    client = own_valkey.client()
    client.config_set("requirepass", "another")
    counters.close()

    _fails(counters)
    assert not counters.probe()


def test_idle(own_valkey: ValkeyServer, counters: RedisCounters) -> None:
    """Without any request, too, a server that fails twice is left alone."""
    own_valkey.kill()

    assert not counters.probe()
    assert counters.available
    assert not counters.probe()

    assert not counters.available


def test_never_there() -> None:
    """The counters of a server that never was are made, and unavailable."""
    counters = RedisCounters(connect("redis://127.0.0.1:1/0", _TIMEOUT))

    _fails(counters)
    assert not counters.probe()


def test_limits_go_on(own_valkey: ValkeyServer, counters: RedisCounters) -> None:
    """
    Without the server a process limits alone and the quota is open.

    Once the server is back, empty, the month's count is rebuilt from the ledger.
    """
    ledger, clock, leases = FakeLedger(), SystemClock(), Leases(_now)
    months = MonthlyCounts(counters, ledger, leases, _now)
    limits = SharedLimits(counters, leases, months, clock, _now)
    upkeep = Upkeep(limits, months, counters)
    ask = account(bucket(5, "key:one"), queries=2)
    assert isinstance(limits.admit(ask), Admitted)

    own_valkey.kill()
    passed = sum(isinstance(limits.admit(ask), Admitted) for _ in range(20))
    assert passed == 4
    assert REGISTRY.get_sample_value("access_redis_up") == 0
    upkeep.go_round()
    assert not counters.available

    own_valkey.start()
    ledger.take_over("query", [UsageCount(ACME, Kind.QUERIES, Channel.API, clock.now().date(), 1)], [])
    again = Upkeep(limits, months, counters)
    again.go_round()

    assert counters.available
    assert REGISTRY.get_sample_value("access_redis_up") == 1
    decision = limits.admit(account(bucket(5, "key:two"), queries=2))
    assert decision.queries_used == 2


def test_catching_up(own_valkey: ValkeyServer, counters: RedisCounters) -> None:
    """What passed while the server hung is counted when it goes on, as far as the ledger knows of it."""
    ledger, clock, leases = FakeLedger(), SystemClock(), Leases(_now)
    months = MonthlyCounts(counters, ledger, leases, _now)
    limits = SharedLimits(counters, leases, months, clock, _now)
    upkeep = Upkeep(limits, months, counters)
    ask, month = account(bucket(30), queries=1000), Month.of(clock.now())
    assert isinstance(limits.admit(ask), Admitted)
    own_valkey.suspend()
    # The first of them was sent: the server counts it, late.
    assert all(isinstance(limits.admit(ask), Admitted) for _ in range(3))
    ledger.take_over("query", [UsageCount(ACME, Kind.QUERIES, Channel.API, clock.now().date(), 4)], [])

    own_valkey.resume()
    upkeep.go_round()

    assert months.admitted(ACME, month) == 4


def _calls(outcome: str) -> float:
    labels = {"call": "take", "outcome": outcome}
    return REGISTRY.get_sample_value("access_redis_calls_total", labels) or 0.0
