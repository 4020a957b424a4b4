"""Limits that several processes share."""

import threading
from datetime import UTC, datetime

import pytest

from gateway.access.domain.metering import Account, Admitted, Bucket
from tests.unit.access.limits_world import ACME, NOVEMBER, LimitsWorld, account

FAR = account(60_000)


@pytest.fixture
def world() -> LimitsWorld:
    """One process."""
    return LimitsWorld()


def test_levels(world: LimitsWorld) -> None:
    """Callers are told what is left of each bucket and when it is full, whatever was taken ahead."""
    both = account(600, key_limit=60)

    told = [
        [(level.bucket.policy, level.remaining, level.full_in) for level in world.admitted(both).levels]
        for _ in range(20)
    ]

    assert world.limits.set_aside > 0
    assert told == [
        [("key", 60 - taken, taken), ("workspace", 600 - taken, taken / 10)] for taken in range(1, 21)
    ]


def test_levels_of_a_bucket_that_fills_up(world: LimitsWorld) -> None:
    """What comes back shows, and never more than the limit."""
    for _ in range(30):
        world.admitted(account(600))
    world.clock.advance(0.1)

    (level,) = world.admitted(account(600)).levels

    assert (level.remaining, level.full_in) == (570, 3.0)
    world.clock.advance(60)
    (level,) = world.admitted(account(600)).levels
    assert (level.remaining, level.full_in) == (599, 0.1)


def test_rare_requests(world: LimitsWorld) -> None:
    """Who asks now and then has nothing set aside: a call each time."""
    for _ in range(5):
        world.admitted(FAR)
        assert world.limits.set_aside == 0
        world.clock.advance(0.4)
        world.limits.tidy()
    assert world.counters.calls == 5

    world.passing(FAR, 100)
    world.clock.advance(2)
    calls = world.counters.calls

    world.admitted(FAR)

    # One for what went back, one for this request.
    assert world.counters.calls == calls + 2
    assert world.limits.set_aside == 0


def test_frequent_requests(world: LimitsWorld) -> None:
    """Far from the limit a thousand requests cost less than fifty calls."""
    assert world.passing(FAR, 1000) == 1000

    assert world.counters.calls < 50


def test_refills(world: LimitsWorld) -> None:
    """Who asks all the time finds something set aside every time, once more is taken before it is used up."""
    world.passing(FAR, 100)

    for _ in range(1000):
        assert world.limits.admit_at_once(FAR) is not None
        world.refill()

    assert world.counters.calls < 40
    (level,) = world.admitted(FAR).levels
    assert level.remaining == 60_000 - 1101


def test_refills_near_the_limit(world: LimitsWorld) -> None:
    """A process does not hold more of what is left for being quick."""
    three_hundred = account(300)

    for asked in range(300):
        assert world.limits.set_aside <= max(1, (300 - asked) // 8)
        world.admitted(three_hundred)
        world.refill()

    assert world.limits.set_aside == 0
    world.exceeded(three_hundred)


def test_refills_are_too_late(world: LimitsWorld) -> None:
    """What was not used in its time is not kept by adding to it."""
    world.passing(FAR, 100)
    world.clock.advance(0.5)
    calls = world.counters.calls

    world.refill()

    assert world.counters.calls == calls


def test_refills_of_another_count(world: LimitsWorld) -> None:
    """Tokens of a count that was lost are not mixed with those of the new one."""
    ask = account(60_000, queries=10_000)
    world.passing(ask, 100)
    assert not world.leases.low.empty()
    world.counters.flush()
    world.months.rebuild(ACME, NOVEMBER)

    world.refill()

    counted = world.counters.counted(ACME, NOVEMBER)
    assert counted is not None
    assert counted.admitted == world.limits.set_aside > 0


def test_refills_while_the_counters_are_away(world: LimitsWorld) -> None:
    """What can't be refilled is used up."""
    world.passing(FAR, 100)
    held = world.limits.set_aside
    world.counters.down = True

    world.refill()

    assert world.limits.set_aside == held
    world.counters.down = False
    world.admitted(FAR)
    world.refill()
    assert world.limits.set_aside > held


def test_end_of_refills(world: LimitsWorld) -> None:
    """The thread that refills is told to end."""
    world.limits.end_refills()

    assert not world.limits.refill_next()


def test_near_the_limit(world: LimitsWorld) -> None:
    """Near the limit every request is counted by itself."""
    near = account(30)

    assert world.passing(near, 30) == 30

    assert world.counters.calls == 30


def test_refusal(world: LimitsWorld) -> None:
    """Beyond the limit: the bucket, the time until a token is back, and what is left of all of them."""
    both = account(10, key_limit=6)
    assert world.passing(both, 7) == 6

    refusal = world.exceeded(both)

    assert refusal.bucket is not None
    assert refusal.bucket.policy == "key"
    assert refusal.retry_after == 10
    assert [level.remaining for level in refusal.levels] == [0, 4]


def test_refusal_is_remembered(world: LimitsWorld) -> None:
    """A client that does not stop costs no calls for a quarter of a second; what it is told stays true."""
    six = account(6)
    world.passing(six, 7)
    calls = world.counters.calls
    world.clock.advance(0.2)

    refusal = world.limits.admit_at_once(six)

    assert refusal is not None
    assert not isinstance(refusal, Admitted)
    assert refusal.retry_after == pytest.approx(9.8)
    assert world.counters.calls == calls
    world.clock.advance(0.1)
    assert world.limits.admit_at_once(six) is None


def test_passes_after_retry_after(world: LimitsWorld) -> None:
    """Who waits as told is let through, once."""
    sixty = account(60)
    world.passing(sixty, 61)

    world.clock.advance(world.exceeded(sixty).retry_after)

    assert world.passing(sixty, 2) == 1


def test_unused_tokens_go_back(world: LimitsWorld) -> None:
    """Tokens that were not used in half a second can be had by another process."""
    other = LimitsWorld(world)
    hundred = account(100)
    assert world.passing(hundred, 40) == 40
    held = world.limits.set_aside
    assert held > 0
    assert other.passing(hundred, 100) == 60 - held

    world.clock.advance(0.55)
    world.limits.tidy()
    other.clock.advance(0.1)

    assert world.limits.set_aside == 0
    # One came back by itself.
    assert other.passing(hundred, 100) == held + 1


def test_tokens_of_other_keys(world: LimitsWorld) -> None:
    """What is set aside for one key of a workspace is not missing for another."""
    workspace = Bucket("workspace:acme", "workspace", 100)
    one = Account(ACME, (Bucket("key:one", "key", 1000), workspace))
    two = Account(ACME, (Bucket("key:two", "key", 1000), workspace))
    assert world.passing(one, 40) == 40
    assert world.limits.set_aside > 0

    assert world.passing(two, 100) == 60


def test_stop(world: LimitsWorld) -> None:
    """A process that ends leaves nothing set aside."""
    hundred = account(100)
    world.passing(hundred, 40)

    world.limits.stop()

    assert world.limits.set_aside == 0
    assert LimitsWorld(world).passing(hundred, 100) == 60


def test_queue(world: LimitsWorld) -> None:
    """A bucket that does not refuse is counted down to nothing and lets pass all the same."""
    writes = Account(ACME, (Bucket("writes:acme", "knowledge-writes", 3, refuses=False),))

    remaining = [world.admitted(writes).levels[0].remaining for _ in range(5)]

    assert remaining == [2, 1, 0, 0, 0]


def test_quota(world: LimitsWorld) -> None:
    """The month's queries are counted with the buckets; beyond them the month's end is what to wait for."""
    ask = account(6000, queries=100)

    used = [world.admitted(ask).queries_used for _ in range(100)]
    refusal = world.exceeded(ask)

    assert used == list(range(1, 101))
    assert refusal.bucket is None
    assert refusal.queries_used == 100
    november_ends = datetime(2026, 12, 1, tzinfo=UTC) - world.clock.now()
    assert refusal.retry_after == november_ends.total_seconds()
    assert refusal.levels[0].remaining == 5900


def test_month_turns() -> None:
    """Tokens of a month are not used in the next."""
    world = LimitsWorld()
    world.clock.advance((datetime(2026, 12, 1, tzinfo=UTC) - world.clock.now()).total_seconds() - 0.01)
    ask = account(60_000, queries=1000)
    world.passing(ask, 20)
    assert world.limits.set_aside > 0

    world.clock.advance(0.02)

    assert world.admitted(ask).queries_used == 1
    november = world.counters.counted(ACME, NOVEMBER)
    assert november is not None
    assert november.admitted == 20


def test_counts_are_rebuilt(world: LimitsWorld) -> None:
    """A month's count that was lost begins with what the ledger says."""
    ask = account(60_000, queries=1000)
    world.passing(ask, 5)
    world.report(4)
    world.counters.flush()
    world.clock.advance(1)
    world.limits.tidy()

    assert world.admitted(ask).queries_used == 5


def test_ledger_is_away(world: LimitsWorld) -> None:
    """Where neither the counters nor the ledger know the month, the quota stays open, the limits hold."""
    world.ledger.down = True
    ask = account(60, queries=1)

    assert world.passing(ask, 70) == 60
    assert list(world.months.unsettled(10)) == [(ACME, NOVEMBER)]

    world.ledger.down = False
    world.clock.advance(61)
    world.limits.tidy()
    assert world.passing(ask, 3) == 1


def test_counters_are_away(world: LimitsWorld) -> None:
    """
    Without the shared counters this process goes on alone from where they left off; the quota is open.

    When they are back they decide again.
    """
    ask = account(60, queries=10)
    world.passing(ask, 5)
    world.counters.down = True
    world.clock.advance(1)
    world.limits.tidy()

    # One came back.
    assert world.passing(ask, 70) == 60 - 5 + 1
    assert world.limits.degraded
    assert world.exceeded(ask).retry_after <= 1
    assert world.limits.decided_alone == 71

    world.counters.down = False
    world.clock.advance(1)
    assert world.admitted(ask).queries_used == 6
    assert not world.limits.degraded


def test_too_many_accounts() -> None:
    """Beyond a number of accounts nothing is set aside, and all is counted as before."""
    world = LimitsWorld(capacity=2)
    accounts = [Account(ACME, (Bucket(f"address:{number}", "address", 1000),)) for number in range(4)]

    levels = [world.admitted(each).levels[0].remaining for _ in range(10) for each in accounts]

    assert levels == [1000 - taken for taken in range(1, 11) for _ in accounts]
    # 1, 2, 4 and 8 tokens for each of the two that are kept.
    assert world.limits.set_aside == 2 * (1 + 2 + 4 + 8 - 10)
    world.clock.advance(1)
    world.limits.tidy()
    assert world.limits.set_aside == 0


def test_many_threads(world: LimitsWorld) -> None:
    """Threads that ask at once get the limit between them, no more and no less."""
    thousand, passed = account(1000), []

    def ask() -> None:
        passed.append(world.passing(thousand, 400))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sum(passed) == 1000
