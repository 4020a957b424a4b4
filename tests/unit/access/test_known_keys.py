"""The keys of the last seconds."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from gateway.access.domain.keys.known_key import KnownKey, Used
from gateway.access.domain.keys.known_keys import KnownKeys
from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from tests.fakes.clock import FakeClock
from tests.fakes.key_lookup import FakeKeyLookup
from tests.unit.access.given import ACME, NOW, a_key, known


class Bench:
    """Known keys with their surroundings."""

    def __init__(self, capacity: int = 100) -> None:
        self.store = FakeKeyLookup()
        self.clock = FakeClock(NOW)
        self.keys = KnownKeys(
            self.store,
            lifetime_seconds=4,
            capacity=capacity,
            monotonic=lambda: self.clock.now().timestamp(),
        )

    def key(self) -> KnownKey:
        """Put a key into the store."""
        key = known(a_key())
        self.store.add(key)
        return key


class HeldLookup(FakeKeyLookup):
    """A look-up that has read its answer and waits to be let go; then it fails, if it was taken down."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.let_go = threading.Event()

    def find(self, public_id: str) -> KnownKey | None:
        """Return the key as it was before the wait."""
        found = super().find(public_id)
        self.reached.set()
        assert self.let_go.wait(10)
        if self.down:
            raise Unavailable("The database does not answer.")
        return found


def test_a_key_is_looked_up_once_in_its_time() -> None:
    """Until its time is over a key costs no second look-up."""
    bench = Bench()
    key = bench.key()
    for _ in range(4):
        assert bench.keys.find(key.key.public_id) == key
        bench.clock.advance(0.9)
    assert bench.store.look_ups == 1
    bench.clock.advance(1)
    bench.keys.find(key.key.public_id)
    assert bench.store.look_ups == 2


def test_what_is_at_hand_costs_no_look_up() -> None:
    """Only a remembered key is at hand, and only for its time."""
    bench = Bench()
    key = bench.key()
    assert bench.keys.at_hand(key.key.public_id) is None
    bench.keys.find(key.key.public_id)
    assert bench.keys.at_hand(key.key.public_id) == key
    bench.clock.advance(4)
    assert bench.keys.at_hand(key.key.public_id) is None
    assert bench.store.look_ups == 1


def test_a_forgotten_key_is_looked_up_again() -> None:
    """After `forget` the next answer is the store's."""
    bench = Bench()
    key = bench.key()
    bench.keys.find(key.key.public_id)
    bench.store.change(revoked := key.key.revoke(NOW))
    bench.keys.forget(key.key.public_id)
    assert bench.keys.find(key.key.public_id) == replace(key, key=revoked)


def test_the_keys_of_a_workspace_are_forgotten() -> None:
    """Live and test keys of the workspace are looked up again, others are not."""
    bench = Bench()
    own, other = bench.key(), bench.key()
    twin = replace(own, key=replace(own.key, public_id="twin", workspace_id=ACME.test_id))
    other = replace(other, key=replace(other.key, public_id="other", workspace_id=WorkspaceId("ws_other")))
    for each in (twin, other):
        bench.store.add(each)
    for each in (own, twin, other):
        bench.keys.find(each.key.public_id)
    bench.keys.forget_workspace(ACME)
    at_hand = [bench.keys.at_hand(each.key.public_id) for each in (own, twin, other)]
    assert at_hand == [None, None, other]


def test_the_number_is_bounded() -> None:
    """Beyond the capacity the eldest goes, the others stay."""
    bench = Bench(capacity=2)
    first, second, third = (bench.key() for _ in range(3))
    for each in (first, second, third):
        bench.keys.find(each.key.public_id)
    bench.store.down = True
    assert bench.keys.find(second.key.public_id) == second
    assert bench.keys.find(third.key.public_id) == third
    with pytest.raises(Unavailable):
        bench.keys.find(first.key.public_id)


def test_what_is_used_is_renewed() -> None:
    """For all remembered keys of that workspace, which are looked up again when they would have been."""
    bench = Bench(capacity=2)
    pushed_out, *held = [bench.key() for _ in range(3)]
    for key in (pushed_out, *held):
        bench.keys.find(key.key.public_id)
    bench.keys.renew_used(ACME.id, lambda used: used.with_queries(7))
    bench.keys.renew_used(ACME.id, lambda used: used.with_queries(6))
    bench.keys.renew_used(ACME.id, lambda used: replace(used, documents=3))
    bench.keys.renew_used(WorkspaceId("ws_other"), lambda used: used.with_queries(9))
    for key in held:
        remembered = bench.keys.at_hand(key.key.public_id)
        assert remembered is not None
        assert remembered.used == Used(queries=7, documents=3)
    assert bench.keys.at_hand(pushed_out.key.public_id) is None
    bench.clock.advance(4)
    assert bench.keys.at_hand(held[0].key.public_id) is None


def test_what_is_not_there_is_not_remembered() -> None:
    """Made-up keys push nothing out, and a new key works at once."""
    bench = Bench(capacity=1)
    key = bench.key()
    bench.keys.find(key.key.public_id)
    for number in range(10):
        assert bench.keys.find(f"unknown{number}") is None
    bench.store.down = True
    assert bench.keys.find(key.key.public_id) == key


def test_a_failed_look_up_leaves_the_next_one_free() -> None:
    """While the store is down each asks anew; when it is back, the key is found."""
    bench = Bench()
    key = bench.key()
    bench.store.down = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            bench.keys.find(key.key.public_id)
    bench.store.down = False
    assert bench.keys.find(key.key.public_id) == key


def test_one_look_up_at_a_time_of_a_key() -> None:
    """Many who ask for a key at once cost one look-up, and all get its answer."""
    store = HeldLookup()
    keys, key = KnownKeys(store), known(a_key())
    store.add(key)
    with ThreadPoolExecutor(8) as pool:
        asked = _ask(pool, keys, store, key)
        store.let_go.set()
        assert [each.result(10) for each in asked] == [key] * 8
    assert store.look_ups == 1


def test_a_look_up_fails_for_all_who_wait() -> None:
    """Nobody who waits for a look-up that fails is left waiting."""
    store = HeldLookup()
    keys, key = KnownKeys(store), known(a_key())
    store.add(key)
    with ThreadPoolExecutor(8) as pool:
        asked = _ask(pool, keys, store, key)
        store.down = True
        store.let_go.set()
        for each in asked:
            assert isinstance(each.exception(10), Unavailable)


@pytest.mark.parametrize(
    "forget",
    [lambda keys, key: keys.forget(key.key.public_id), lambda keys, key: keys.forget_workspace(ACME)],
)
def test_a_look_up_under_way_is_void_after_forget(
    forget: Callable[[KnownKeys, KnownKey], None],
) -> None:
    """What was read before a key was revoked here is given to nobody who asks afterwards."""
    store = HeldLookup()
    keys, key = KnownKeys(store), known(a_key())
    store.add(key)
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(keys.find, key.key.public_id)
        assert store.reached.wait(10)
        store.change(revoked := key.key.revoke(NOW))
        forget(keys, key)
        store.let_go.set()
        assert early.result(10) == key
    late = keys.find(key.key.public_id)
    assert late is not None
    assert late.key == revoked


def _ask(
    pool: ThreadPoolExecutor, keys: KnownKeys, store: HeldLookup, key: KnownKey
) -> list[Future[KnownKey | None]]:
    """Ask eight times for a key; the first one's look-up is under way on return."""
    first = pool.submit(keys.find, key.key.public_id)
    assert store.reached.wait(10)
    return [first, *(pool.submit(keys.find, key.key.public_id) for _ in range(7))]
