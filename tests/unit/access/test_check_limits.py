"""The check behind every request: is a key within its limits."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.access.domain.decision import Denied, Passed, Refusal, Standing
from gateway.access.domain.keys import key_format
from gateway.access.domain.keys.key_format import Environment
from gateway.access.domain.keys.known_key import Used
from gateway.access.domain.metering import Bucket
from gateway.access.domain.quota import NearlyUsed
from tests.fakes.limits import MONTH_RETRY_AFTER, RETRY_AFTER
from tests.unit.access.check_bench import (
    ACME,
    ANY_KEY,
    GROWTH,
    NOBODY,
    NOW,
    QUERY,
    SEARCH,
    SHOP,
    STARTER,
    WRITE,
    Bench,
    bench,
)

__all__ = ["bench"]

_DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def _counted(bench: Bench) -> list[tuple[str, int]]:
    return [(each.name, each.limit) for each in bench.limits.accounts[-1].buckets]


def test_a_secret_key_takes_from_its_workspace(bench: Bench) -> None:
    """A request takes a token of the workspace's; a question is one of the month's queries, too."""
    _, text = bench.key()
    bench.ask_with(text, SEARCH)
    assert bench.limits.accounts[-1].buckets == (Bucket(f"workspace:{ACME.id}", "workspace", 600),)
    assert bench.limits.accounts[-1].queries is None
    bench.ask_with(text, QUERY)
    assert _counted(bench) == [(f"workspace:{ACME.id}", 600)]
    assert bench.limits.accounts[-1].queries == 10_000


def test_a_key_can_have_a_limit_of_its_own(bench: Bench) -> None:
    """It takes from both, its own and the workspace's."""
    key, text = bench.key(requests_per_minute=7)
    bench.ask_with(text, SEARCH)
    assert _counted(bench) == [(f"key:{key.id}", 7), (f"workspace:{ACME.id}", 600)]


def test_a_publishable_key_takes_by_client_address(bench: Bench) -> None:
    """The client's address, the key if it has a limit, and the widget of the workspace have buckets."""
    key, text = bench.key(origins=(SHOP,), requests_per_minute=7)
    bench.ask_with(text, origin=SHOP, address="198.51.100.4")
    assert _counted(bench) == [
        (f"address:{key.id}:198.51.100.4", 60),
        (f"key:{key.id}", 7),
        (f"widget:{ACME.id}", 500),
    ]
    assert [each.policy for each in bench.limits.accounts[-1].buckets] == ["address", "key", "workspace"]
    assert bench.limits.accounts[-1].queries == 10_000


def test_a_client_can_not_change_its_address_within_ipv6(bench: Bench) -> None:
    """All addresses of one subscriber share a bucket."""
    key, text = bench.key(origins=(SHOP,))
    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::7"):
        bench.ask_with(text, origin=SHOP, address=address)
        bench.ask_with(text, SEARCH, origin=SHOP, address=address)
    assert bench.limits.taken[f"address:{key.id}:2001:db8:1:2::"] == 4


def test_knowledge_writes_have_a_bucket_of_their_own(bench: Bench) -> None:
    """They take no other tokens and are never refused for their rate."""
    _, text = bench.key(scopes=("knowledge:write",), requests_per_minute=1)
    bench.limits.taken.update({f"workspace:{ACME.id}": 600, f"writes:{ACME.id}": 300})
    assert isinstance(bench.ask_with(text, WRITE), Passed)
    assert bench.limits.accounts[-1].buckets == (
        Bucket(f"writes:{ACME.id}", "knowledge-writes", 300, refuses=False),
    )


def test_over_the_rate(bench: Bench) -> None:
    """The refusal tells which limit it is, when to come back and where the key stands."""
    key, text = bench.key(requests_per_minute=1)
    assert isinstance(bench.ask_with(text), Passed)
    denied = bench.ask_with(text)
    assert isinstance(denied, Denied)
    assert (denied.refusal, denied.key) == (Refusal.RATE_LIMITED, key)
    assert (denied.about, denied.retry_after) == ("requests a minute with this key (1)", RETRY_AFTER)
    assert denied.standing is not None
    assert [each.remaining for each in denied.standing.levels] == [0, 599]
    assert bench.limits.queries[ACME.id] == 1
    assert bench.refused() == {(ACME.id, key.id, "rate_limited"): 1}


def test_the_quota_is_used_up(bench: Bench) -> None:
    """Questions are refused to the month's end; other requests pass."""
    key, text = bench.key(allowance=replace(GROWTH, queries=3))
    bench.limits.queries[ACME.id] = 3
    denied = bench.ask_with(text)
    assert isinstance(denied, Denied)
    assert (denied.refusal, denied.key) == (Refusal.QUOTA_EXCEEDED, key)
    assert (denied.about, denied.retry_after) == ("3", MONTH_RETRY_AFTER)
    assert isinstance(bench.ask_with(text, SEARCH), Passed)


def test_refused_requests_take_a_token_but_no_query(bench: Bench) -> None:
    """Whoever probes for rights is limited like everybody."""
    key, text = bench.key(scopes=("knowledge:read",), requests_per_minute=2)
    for _ in range(2):
        denied = bench.ask_with(text)
        assert isinstance(denied, Denied)
        assert denied.refusal is Refusal.SCOPE_MISSING
        assert denied.standing is not None
    assert bench.limits.taken == {f"key:{key.id}": 2, f"workspace:{ACME.id}": 2}
    assert bench.limits.queries[ACME.id] == 0


def test_the_limit_comes_before_the_missing_right(bench: Bench) -> None:
    """Over its limit a key is told so, whatever else is wrong."""
    _, text = bench.key(scopes=("knowledge:read",), requests_per_minute=1)
    bench.ask_with(text)
    denied = bench.ask_with(text)
    assert isinstance(denied, Denied)
    assert denied.refusal is Refusal.RATE_LIMITED


def test_what_is_not_there_is_counted_for_keys_in_force(bench: Bench) -> None:
    """A 404 or 405 of the gateway's takes a token like a refusal, and tells where the key stands."""
    key, text = bench.key(scopes=("actions:run",), requests_per_minute=1, allowance=STARTER)
    passed = bench.ask_with(text, NOBODY)
    assert isinstance(passed, Passed)
    assert passed.standing is not None
    assert bench.limits.taken == {f"key:{key.id}": 1, f"workspace:{ACME.id}": 1}
    denied = bench.ask_with(text, NOBODY)
    assert isinstance(denied, Denied)
    assert denied.refusal is Refusal.RATE_LIMITED


def test_what_is_not_there_is_told_to_anybody(bench: Bench) -> None:
    """Without a key in force the answer is the same, nothing is counted, and nobody was refused."""
    revoked, text = bench.key()
    bench.store.change(revoked.revoke(NOW))
    unknown = key_format.mint(Environment.LIVE).reveal()
    for header in ("", "Basic x", "Bearer x", f"Bearer {text}", f"Bearer {unknown}", f"Bearer {text},x"):
        assert bench.ask(NOBODY, header) == Passed()
    assert bench.limits.accounts == []
    assert bench.refused() == {}


def test_another_page_can_not_use_up_the_widget(bench: Bench) -> None:
    """What a publishable key is refused takes a token of the client's address alone."""
    key, text = bench.key(origins=(SHOP,))
    bench.ask_with(text, origin="https://evil.example")
    bench.ask_with(text, SEARCH, origin=SHOP)
    assert bench.limits.taken == {f"address:{key.id}:192.0.2.1": 2}


def test_a_plan_without_api_access_limits_its_refusals(bench: Bench) -> None:
    """Where a plan has no rate for secret keys, the widget's is what refused requests are held against."""
    _, text = bench.key(allowance=STARTER)
    bench.ask_with(text)
    assert _counted(bench) == [(f"workspace:{ACME.id}", 500)]


def test_keys_that_are_not_in_force_take_nothing(bench: Bench) -> None:
    """A 401 is counted against nobody."""
    key, text = bench.key()
    bench.store.change(key.revoke(bench.clock.now()))
    bench.ask_with(text)
    assert bench.limits.accounts == []


def _warned(outcome: Passed | Denied) -> list[NearlyUsed]:
    assert isinstance(outcome.standing, Standing)
    return list(outcome.standing.nearly_used)


@pytest.mark.parametrize(("used", "warned"), [(7_999, False), (8_000, True), (12_000, True)])
def test_a_quota_warns_from_four_fifths_on(bench: Bench, used: int, warned: bool) -> None:
    """From 80 % of the month's queries every answer says so, also of what is no question."""
    _, text = bench.key(used=Used(queries=used))
    expected = [NearlyUsed("queries", used, 10_000, _DECEMBER)] if warned else []
    assert _warned(bench.ask_with(text, SEARCH)) == expected


def test_a_question_counts_itself(bench: Bench) -> None:
    """The count of the limits is newer than what was known of the workspace."""
    _, text = bench.key(used=Used(queries=7_000))
    bench.limits.queries[ACME.id] = 8_011
    assert _warned(bench.ask_with(text)) == [NearlyUsed("queries", 8_012, 10_000, _DECEMBER)]
    assert _warned(bench.ask_with(text, SEARCH)) == [NearlyUsed("queries", 8_012, 10_000, _DECEMBER)]


def test_all_quotas_warn(bench: Bench) -> None:
    """Documents, bytes and action runs do as queries do, on refusals, too."""
    used = Used(queries=1, documents=4_000, bytes=400_000_000, action_runs=800)
    _, text = bench.key(used=used)
    _, without = bench.key(used=used, scopes=("actions:run",))
    expected = [
        NearlyUsed("documents", 4_000, 5_000, _DECEMBER),
        NearlyUsed("bytes", 400_000_000, 500_000_000, _DECEMBER),
        NearlyUsed("action_runs", 800, 1_000, _DECEMBER),
    ]
    assert _warned(bench.ask_with(text, ANY_KEY)) == expected
    assert _warned(bench.ask_with(without)) == expected
