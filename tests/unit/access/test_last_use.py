"""When keys were last used."""

from datetime import timedelta

from gateway.access.domain.keys.last_use import LastUse
from tests.unit.access.given import NOW


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
