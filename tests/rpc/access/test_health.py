"""What access tells of its health."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from gateway.access.api.health_watch import LIMITS, HealthWatch
from gateway.access.storage import liveness
from services.runtime.database import open_database
from services.runtime.health import Health, is_serving
from services.runtime.server import start_server
from services.runtime.settings import Secret


@dataclass
class Parts:
    """What can be away, and where health is told."""

    watch: HealthWatch
    channel: grpc.Channel
    database: bool = True
    counters: bool = True

    def told(self) -> tuple[bool, bool]:
        """Look; return what is told of the process and of its limits."""
        self.watch.look()
        return is_serving(self.channel, 5), is_serving(self.channel, 5, LIMITS)


@pytest.fixture
def parts() -> Iterator[Parts]:
    """Return parts that are all well."""
    health = Health()
    running = start_server([], credential=Secret("internal"), health=health)
    with grpc.insecure_channel(running.address) as channel:
        watch = HealthWatch(health, lambda: made.database, lambda: made.counters)
        made = Parts(watch, channel)
        yield made
    running.stop()


def test_all_is_well(parts: Parts) -> None:
    """Both serve."""
    assert parts.told() == (True, True)


def test_without_the_shared_counters(parts: Parts) -> None:
    """The process serves, its limits are told to be degraded, and well again when they are."""
    parts.counters = False
    assert parts.told() == (True, False)
    parts.counters = True
    assert parts.told() == (True, True)


def test_without_the_database(parts: Parts) -> None:
    """The process is not ready: no key is known for long."""
    parts.database = False
    assert parts.told() == (False, True)


def test_whether_the_database_answers(tmp_path: Path) -> None:
    """A database that can't be opened does not; a folder is none."""
    database = open_database(f"sqlite:///{tmp_path / 'access.db'}", "access")
    assert liveness.answers(database)
    database.close()
    gone = open_database(f"sqlite:///{tmp_path}", "access")
    assert not liveness.answers(gone)
    gone.close()
