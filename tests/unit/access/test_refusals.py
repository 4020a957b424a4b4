"""Refused requests, on their way into the audit."""

import threading
from datetime import timedelta

from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.refusals import Refusals
from tests.unit.access.given import NOW

_BURST = timedelta(seconds=2)
_MINUTE = timedelta(minutes=1)


def _told(entries: list[AuditEntry]) -> list[tuple[str, str, str, int]]:
    return [(each.workspace_id, each.key_id, each.reason, each.count) for each in entries]


def test_refusals_of_a_kind_are_one_entry() -> None:
    """They are counted by workspace, key and reason; the entry bears the time of the first."""
    refusals = Refusals()
    refusals.record("ws_a", "key_a", "key_expired", NOW)
    refusals.record("ws_a", "key_a", "key_expired", NOW + timedelta(seconds=2))
    refusals.record("ws_a", "key_a", "scope_missing", NOW)
    refusals.record("ws_a", "key_b", "key_expired", NOW)
    refusals.record("", "", "key_unknown", NOW)
    entries = refusals.take(NOW + timedelta(seconds=5))
    assert _told(entries) == [
        ("ws_a", "key_a", "key_expired", 2),
        ("ws_a", "key_a", "scope_missing", 1),
        ("ws_a", "key_b", "key_expired", 1),
        ("", "", "key_unknown", 1),
    ]
    assert {(each.at, each.event, each.actor) for each in entries} == {(NOW, Event.REQUEST_REFUSED, "")}


def test_a_burst_is_one_entry() -> None:
    """Refusals wait two seconds for others of their kind."""
    refusals = Refusals()
    refusals.record("ws_a", "key_a", "key_expired", NOW)
    assert refusals.take(NOW + timedelta(seconds=1.9)) == []
    refusals.record("ws_a", "key_a", "key_expired", NOW + timedelta(seconds=1.9))
    assert _told(refusals.take(NOW + _BURST)) == [("ws_a", "key_a", "key_expired", 2)]


def test_at_most_one_entry_a_minute_of_a_kind() -> None:
    """What follows within a minute of an entry comes together when that is over."""
    refusals = Refusals()
    refusals.record("ws_a", "key_a", "key_expired", NOW)
    told_at = NOW + _BURST
    assert len(refusals.take(told_at)) == 1
    for seconds in range(60):
        at = told_at + timedelta(seconds=seconds)
        refusals.record("ws_a", "key_a", "key_expired", at)
        assert refusals.take(at) == []
    assert _told(refusals.take(told_at + _MINUTE)) == [("ws_a", "key_a", "key_expired", 60)]
    assert refusals.take(told_at + 2 * _MINUTE) == []


def test_another_kind_does_not_wait() -> None:
    """A minute is of one kind alone."""
    refusals = Refusals()
    refusals.record("ws_a", "key_a", "key_expired", NOW)
    refusals.take(NOW + _BURST)
    refusals.record("ws_a", "key_a", "scope_missing", NOW)
    assert len(refusals.take(NOW + _BURST)) == 1


def test_at_the_end_all_come() -> None:
    """A process that ends keeps nothing back."""
    refusals = Refusals()
    refusals.record("ws_a", "key_a", "key_expired", NOW)
    refusals.take(NOW + _BURST)
    refusals.record("ws_a", "key_a", "key_expired", NOW + _BURST)
    assert len(refusals.take(NOW + _BURST, all_of_them=True)) == 1


def test_what_was_given_back_comes_again() -> None:
    """Counts that could not be written are added to, and come with the next entries."""
    refusals = Refusals()
    refusals.record("ws_a", "key_a", "key_expired", NOW)
    entries = refusals.take(NOW + _BURST)
    refusals.record("ws_a", "key_a", "key_expired", NOW + timedelta(seconds=3))
    refusals.give_back(entries)
    again = refusals.take(NOW + timedelta(seconds=5))
    assert _told(again) == [("ws_a", "key_a", "key_expired", 2)]
    assert again[0].at == NOW


def test_the_number_of_kinds_is_bounded() -> None:
    """Beyond the capacity only reasons are counted, and none is lost."""
    refusals = Refusals(capacity=3)
    for number in range(10):
        refusals.record("ws_a", f"key_{number}", "key_expired", NOW)
    entries = refusals.take(NOW + _BURST)
    assert len(entries) == 4
    assert ("", "", "key_expired", 7) in _told(entries)


def test_no_refusal_is_lost_between_threads() -> None:
    """What many threads record while another takes is told once."""
    refusals, told = Refusals(), 0

    def record() -> None:
        for _ in range(2_000):
            refusals.record("ws_a", "key_a", "key_expired", NOW)

    threads = [threading.Thread(target=record) for _ in range(4)]
    for each in threads:
        each.start()
    while any(each.is_alive() for each in threads):
        told += sum(entry.count for entry in refusals.take(NOW, all_of_them=True))
    told += sum(entry.count for entry in refusals.take(NOW, all_of_them=True))
    assert told == 8_000
