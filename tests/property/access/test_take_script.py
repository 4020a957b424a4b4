"""The scripts that take and give back, in a real Valkey, against the arithmetic in Python."""

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.access.counters.redis_counters import RedisCounters, connect
from gateway.access.domain.limits.counters import Taken
from gateway.access.domain.limits.in_process import InProcessCounters
from gateway.access.domain.metering import Account, Bucket
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId
from tests.valkey import ValkeyServer

_PATIENCE = 10.0
_MONTH = Month(2026, 11)
_limits = st.sampled_from([0, 1, 3, 7, 60, 601, 3000, 60_000, 999_983, 1_000_000])
_buckets = st.lists(st.tuples(_limits, st.booleans()), min_size=1, max_size=3)
_take = st.tuples(st.just("take"), st.integers(0, 700), st.integers(0, 32))
_give_back = st.tuples(st.just("give back"), st.integers(1, 40), st.just(0))
_steps = st.lists(st.one_of(_take, _take, _give_back), min_size=1, max_size=12)
_numbers = itertools.count()


class _Server:
    """A workspace's counters in Valkey, and when they answered."""

    def __init__(self, valkey: ValkeyServer, account: Account) -> None:
        self._client = valkey.client()
        self._counters = RedisCounters(connect(valkey.url, _PATIENCE), _PATIENCE)
        self._account = account
        self._keys = [f"limits:{{{account.workspace_id}}}:{each.name}" for each in account.buckets]
        self.answered_at = 0

    def take(self, least: int, most: int) -> Taken:
        taken = self._counters.take(self._account, _MONTH, least, most)
        assert taken is not None
        kept = zip(self._client.mget(self._keys), taken.full_in, strict=True)
        instants = {int(full_at) - full_in for full_at, full_in in kept if full_at and full_in}
        # Where all are full they are so later, too.
        self.answered_at = instants.pop() if instants else self._now()
        assert not instants
        return taken

    def give_back(self, tokens: int) -> None:
        self._counters.give_back(self._account, _MONTH, tokens, None)

    def _now(self) -> int:
        seconds, microseconds = self._client.time()
        return int(seconds) * 1_000_000 + int(microseconds)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limits=_buckets, steps=_steps)
def test_scripts_are_the_arithmetic(
    valkey: ValkeyServer, limits: list[tuple[int, bool]], steps: list[tuple[str, int, int]]
) -> None:
    """Whatever is taken and given back, the server's tokens and states are Python's, to the microsecond."""
    workspace_id = WorkspaceId(f"ws_{next(_numbers)}")
    account = Account(
        workspace_id,
        tuple(Bucket(f"{place}", "key", limit, refuses) for place, (limit, refuses) in enumerate(limits)),
    )
    server = _Server(valkey, account)
    expected = InProcessCounters(lambda: server.answered_at)
    for step, tokens, most in steps:
        if step == "take":
            taken = server.take(tokens, most)
            assert taken == expected.take(account, _MONTH, tokens, most)
        else:
            server.give_back(tokens)
            expected.give_back(account, _MONTH, tokens, None)
