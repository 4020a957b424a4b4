"""The keys of the last seconds."""

import pytest

from gateway.access.domain.known_keys import KnownKeys
from services.kernel.errors import Unavailable
from tests.fakes.access import FakeKeys
from tests.fakes.clock import FakeClock
from tests.unit.access.given import NOW, a_key


def _known(keys: FakeKeys, clock: FakeClock, capacity: int = 100) -> KnownKeys:
    return KnownKeys(keys, lifetime_seconds=4, capacity=capacity, monotonic=lambda: clock.now().timestamp())


def test_a_key_is_looked_up_once_in_its_time() -> None:
    """Until its time is over a key costs no second look-up."""
    keys, clock = FakeKeys(), FakeClock(NOW)
    known = _known(keys, clock)
    key, _ = a_key(keys)
    for _ in range(4):
        assert known.find(key.public_id) == key
        clock.advance(0.9)
    assert keys.look_ups == 1
    clock.advance(1)
    known.find(key.public_id)
    assert keys.look_ups == 2


def test_a_forgotten_key_is_looked_up_again() -> None:
    """After `forget` the next answer is the store's."""
    keys, clock = FakeKeys(), FakeClock(NOW)
    known = _known(keys, clock)
    key, _ = a_key(keys)
    known.find(key.public_id)
    revoked = keys.revoke(key.id, NOW)
    known.forget(key.public_id)
    assert known.find(key.public_id) == revoked


def test_the_number_is_bounded() -> None:
    """Beyond the capacity the eldest goes, the others stay."""
    keys, clock = FakeKeys(), FakeClock(NOW)
    known = _known(keys, clock, capacity=2)
    first, second, third = (a_key(keys)[0] for _ in range(3))
    for key in (first, second, third):
        known.find(key.public_id)
    keys.down = True
    assert known.find(second.public_id) == second
    assert known.find(third.public_id) == third
    with pytest.raises(Unavailable):
        known.find(first.public_id)


def test_what_is_not_there_is_not_remembered() -> None:
    """Made-up keys push nothing out, and a new key works at once."""
    keys, clock = FakeKeys(), FakeClock(NOW)
    known = _known(keys, clock, capacity=1)
    key, _ = a_key(keys)
    known.find(key.public_id)
    for number in range(10):
        assert known.find(f"unknown{number}") is None
    keys.down = True
    assert known.find(key.public_id) == key
