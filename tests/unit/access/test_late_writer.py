"""What requests leave behind is written down."""

from gateway.access.domain.keys.last_use import LastUse
from gateway.access.domain.refusals import Refusals
from gateway.access.storage.late_writer import LateWriter
from tests.fakes.clock import FakeClock
from tests.unit.access.given import NOW, Store


class Bench:
    """A writer with its surroundings, and a key."""

    def __init__(self) -> None:
        self.store = Store()
        self.key = self.store.key()
        self.last_use, self.refusals = LastUse(), Refusals()
        self.clock = FakeClock(NOW)
        self.writer = LateWriter(self.last_use, self.store.keys, self.refusals, self.store.audit, self.clock)
        self.store.audit.entries.clear()

    def used(self) -> bool:
        """Tell whether the key's use was written down."""
        found = self.store.keys.find(self.key.public_id)
        assert found is not None
        return found.key.last_used_at == NOW

    def refuse(self) -> None:
        """Refuse a request of the key."""
        self.refusals.record(self.key.workspace_id, self.key.id, "scope_missing", NOW)

    def refused(self) -> list[int]:
        """Return the counts of the entries."""
        return [each.count for each in self.store.audit.entries]


def test_a_dead_store_loses_no_use() -> None:
    """A use that could not be written is written the next time."""
    bench = Bench()
    bench.last_use.record(bench.key.id, NOW)
    bench.store.keys.down = True
    bench.writer.write_uses()
    bench.store.keys.down = False
    bench.writer.write_uses()
    assert bench.used()


def test_a_dead_store_loses_no_refusal() -> None:
    """Refusals that could not be written are written the next time, together with new ones."""
    bench = Bench()
    bench.refuse()
    bench.clock.advance(2)
    bench.store.audit.down = True
    bench.writer.write_refusals()
    bench.refuse()
    bench.store.audit.down = False
    bench.writer.write_refusals()
    assert bench.refused() == [2]


def test_the_end_writes_what_is_left() -> None:
    """Stopping loses no use and no refusal, those of a minute that is not over included."""
    bench = Bench()
    bench.refuse()
    bench.clock.advance(2)
    bench.writer.write_refusals()
    bench.writer.start()
    bench.last_use.record(bench.key.id, NOW)
    bench.refuse()
    bench.writer.stop()
    assert bench.used()
    assert bench.refused() == [1, 1]
