"""When keys were last used."""

from datetime import timedelta

from gateway.access.domain.last_use import LastUse
from gateway.access.storage.last_use_writer import LastUseWriter
from tests.fakes.access import FakeKeys
from tests.fakes.clock import FakeClock
from tests.unit.access.given import NOW, a_key


def test_one_use_a_minute_is_noted() -> None:
    """Within a minute of a noted use nothing more is noted of that key."""
    last_use = LastUse()
    last_use.record("key_a", NOW)
    last_use.record("key_a", NOW + timedelta(seconds=59))
    last_use.record("key_b", NOW + timedelta(seconds=59))
    assert last_use.take(NOW + timedelta(seconds=59)) == {"key_a": NOW, "key_b": NOW + timedelta(seconds=59)}
    last_use.record("key_a", NOW + timedelta(seconds=59))
    assert last_use.take(NOW + timedelta(seconds=59)) == {}
    last_use.record("key_a", NOW + timedelta(seconds=60))
    assert last_use.take(NOW + timedelta(seconds=60)) == {"key_a": NOW + timedelta(seconds=60)}


def test_what_was_given_back_comes_again() -> None:
    """Uses that could not be written are held, and newer ones win over them."""
    last_use = LastUse()
    last_use.record("key_a", NOW)
    uses = last_use.take(NOW)
    later = NOW + timedelta(minutes=2)
    last_use.record("key_b", later)
    last_use.give_back({**uses, "key_b": NOW})
    assert last_use.take(later) == {"key_a": NOW, "key_b": later}


def test_the_writer_survives_a_dead_store() -> None:
    """A use that could not be written is written the next time."""
    keys, last_use, clock = FakeKeys(), LastUse(), FakeClock(NOW)
    key, _ = a_key(keys)
    writer = LastUseWriter(last_use, keys, clock)
    last_use.record(key.id, NOW)
    keys.down = True
    writer.write()
    keys.down = False
    writer.write()
    found = keys.find(key.public_id)
    assert found is not None
    assert found.last_used_at == NOW


def test_the_writer_writes_what_is_left() -> None:
    """Stopping loses no use."""
    keys, last_use = FakeKeys(), LastUse()
    key, _ = a_key(keys)
    writer = LastUseWriter(last_use, keys, FakeClock(NOW))
    writer.start()
    last_use.record(key.id, NOW)
    writer.stop()
    found = keys.find(key.public_id)
    assert found is not None
    assert found.last_used_at == NOW
