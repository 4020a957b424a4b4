"""The shared counters: in memory, and in a real Valkey."""

import pytest

from gateway.access.counters.redis_counters import RedisCounters, connect
from gateway.access.domain.usage.ledger import Totals
from tests.contracts.access.counters_contract import ACME, NOVEMBER, CountersContract, account, bucket
from tests.fakes.clock import FakeClock
from tests.fakes.counters import FakeCounters
from tests.valkey import ValkeyServer

_PATIENCE = 10.0
_MONTH = "limits:{ws_acme}:queries:2026-11"


class TestFakeCounters(CountersContract):
    """The fake."""

    @pytest.fixture
    def given_counters(self) -> FakeCounters:
        """Counters of a clock that stands still."""
        self.fake = FakeCounters(FakeClock())
        return self.fake

    def lose_months(self) -> None:
        """Lose all."""
        self.fake.flush()


class TestRedisCounters(CountersContract):
    """The real thing."""

    @pytest.fixture
    def given_counters(self, valkey: ValkeyServer) -> RedisCounters:
        """Counters that are patient with a busy machine."""
        self.server = valkey
        return RedisCounters(connect(valkey.url, _PATIENCE), _PATIENCE)

    def lose_months(self) -> None:
        """Lose all."""
        self.server.client().flushall()

    def test_everything_ends(self) -> None:
        """No key stays for ever: buckets go when they are full, counts some days after their month."""
        one = account(bucket(60), bucket(1, "key:one"), queries=100)
        self.counters.rebuild(ACME, NOVEMBER, Totals())
        self.tokens(one)

        client = self.server.client()
        seconds = {key: client.ttl(key) for key in client.keys("*")}

        assert set(seconds) == {"limits:{ws_acme}:workspace:acme", "limits:{ws_acme}:key:one", _MONTH}
        assert seconds["limits:{ws_acme}:workspace:acme"] <= 1
        assert 58 <= seconds["limits:{ws_acme}:key:one"] <= 60
        assert 39 * 86_400 < seconds[_MONTH] <= 40 * 86_400

    def test_clock_set_back(self) -> None:
        """A bucket that is said to be full in an hour, by another clock, is just empty."""
        one = account(bucket(60))
        client = self.server.client()
        client.set("limits:{ws_acme}:workspace:acme", int(client.time()[0] + 3600) * 1_000_000)

        taken = self.counters.take(one, NOVEMBER, 1, 0)

        assert taken is not None
        assert (taken.tokens, taken.full_in) == (0, (60_000_000,))

    def test_settle_busy(self) -> None:
        """In a month that is never quiet, what was open all the time is dropped, and nothing else."""
        one = account(bucket(900), queries=100)
        self.counters.rebuild(ACME, NOVEMBER, Totals())
        client = self.server.client()

        self.tokens(one, least=5)
        assert not self.counters.settle(ACME, NOVEMBER, Totals(counted=2), 75)
        self.tokens(one, least=6)
        client.hincrby(_MONTH, "since", -80)
        assert not self.counters.settle(ACME, NOVEMBER, Totals(counted=3), 75)

        counted = self.counters.counted(ACME, NOVEMBER)
        assert counted is not None
        assert counted.admitted == 11 - 3

    def test_scripts_are_lost(self) -> None:
        """A server that lost the scripts gets them again."""
        self.tokens(account(bucket(60)))
        self.server.client().script_flush()

        assert self.tokens(account(bucket(60))) == 1
