"""Keys and their successors."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.access.domain.errors import KeyNotRotatable
from gateway.access.domain.keys import key_format
from tests.unit.access.given import NOW
from tests.unit.access.operator_bench import QUERY, SHOP, Bench, bench, pointers

__all__ = ["bench"]


def test_a_key_and_its_successor(bench: Bench) -> None:
    """The successor has a secret of its own and all else of the key, which ends with the overlap."""
    bench.operator.create_workspace("acme", "")
    wish = replace(SHOP, name="shop", environment="test", requests_per_minute=30)
    old, old_text = bench.operator.create_key(wish)
    bench.clock.advance(10)
    bench.keys.touch({old.id: bench.clock.now()})
    successor, text = bench.operator.rotate_key(old.id, 3600)
    presented = key_format.parse(text)
    assert presented is not None
    assert successor.opened_by(presented)
    assert text != old_text
    unlike = {"id", "public_id", "secret_hash", "created_at"}
    assert successor.last_used_at is None
    assert {name for name in vars(old) if getattr(old, name) != getattr(successor, name)} == unlike
    assert successor.created_at == NOW + timedelta(seconds=10)
    kept = bench.key(old.id)
    assert kept.expires_at == NOW + timedelta(seconds=3610)
    assert kept.rotated_to == successor.id
    assert bench.forgotten == [old.public_id]


def test_without_overlap_the_old_key_ends_at_once(bench: Bench) -> None:
    """0 seconds: from the instant of the rotation on only the successor works."""
    bench.operator.create_workspace("acme", "")
    old, _ = bench.operator.create_key(QUERY)
    bench.operator.rotate_key(old.id, 0)
    assert bench.key(old.id).is_expired(NOW)


def test_no_rotation_makes_a_key_live_longer(bench: Bench) -> None:
    """A key that ends before the overlap does keeps its end, and so does its successor."""
    bench.operator.create_workspace("acme", "")
    old, _ = bench.operator.create_key(replace(QUERY, expires_in_seconds=60))
    successor, _ = bench.operator.rotate_key(old.id, 72 * 3600)
    assert successor.expires_at == bench.key(old.id).expires_at == NOW + timedelta(seconds=60)


@pytest.mark.parametrize("seconds", [-1, 72 * 3600 + 1])
def test_overlaps_out_of_range(bench: Bench, seconds: int) -> None:
    """An overlap lasts from nothing to 72 hours."""
    bench.operator.create_workspace("acme", "")
    key, _ = bench.operator.create_key(QUERY)
    assert pointers(lambda: bench.operator.rotate_key(key.id, seconds)) == ["/overlap_seconds"]
    assert not bench.key(key.id).rotated_to


def test_keys_that_can_not_be_rotated(bench: Bench) -> None:
    """A revoked key, an expired one and one with a successor stay as they are; the successor can go on."""
    bench.operator.create_workspace("acme", "")
    revoked, rotated = (bench.operator.create_key(QUERY)[0] for _ in range(2))
    expired, _ = bench.operator.create_key(replace(QUERY, expires_in_seconds=60))
    bench.operator.revoke_key(revoked.id)
    successor, _ = bench.operator.rotate_key(rotated.id, 3600)
    bench.clock.advance(60)
    entries = len(bench.entries())
    for key in (revoked, rotated, expired):
        before = bench.key(key.id)
        with pytest.raises(KeyNotRotatable):
            bench.operator.rotate_key(key.id, 0)
        assert bench.key(key.id) == before
    assert len(bench.entries()) == entries
    bench.operator.rotate_key(successor.id, 0)
