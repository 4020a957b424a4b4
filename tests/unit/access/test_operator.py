"""What the operator does."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import pytest

from gateway.access.domain import key_format
from gateway.access.domain.errors import KeyNotFound, WorkspaceNameTaken, WorkspaceNotFound
from gateway.access.domain.key import KeyWish
from gateway.access.domain.operator import Operator
from gateway.access.domain.scopes import SCOPES
from services.kernel.errors import InvalidArgument
from services.kernel.pages import Page
from tests.fakes.access import FakeKeys, FakeWorkspaces
from tests.fakes.clock import FakeClock
from tests.unit.access.given import NOW

Item = TypeVar("Item")


class Bench:
    """An operator with its surroundings."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.forgotten: list[str] = []
        self.operator = Operator(FakeWorkspaces(), FakeKeys(), self.clock, self.forgotten.append)


@pytest.fixture
def bench() -> Bench:
    """Return an operator of an empty installation."""
    return Bench()


def test_a_workspace_has_a_twin_of_its_own_id(bench: Bench) -> None:
    """Live and test are two workspace ids; the plan is growth unless said."""
    acme = bench.operator.create_workspace("acme", "")
    assert acme.id.startswith("ws_")
    assert acme.test_id.startswith("ws_")
    assert acme.id != acme.test_id
    assert (acme.plan, acme.created_at) == ("growth", NOW)


@pytest.mark.parametrize("name", ["", "a" * 65, "Acme", "a b", "a/b", "é", "a\n", "a\0"])
def test_bad_names_are_refused(bench: Bench, name: str) -> None:
    """A name out of the rule is a violation at /name."""
    assert _pointers(lambda: bench.operator.create_workspace(name, "")) == ["/name"]


def test_all_violations_are_told_at_once(bench: Bench) -> None:
    """Each broken rule is listed."""
    assert _pointers(lambda: bench.operator.create_workspace("", "gold")) == ["/name", "/plan"]
    wish = KeyWish("nobody", "n" * 65, ("query", "all", ""), "staging", -1)
    assert _pointers(lambda: bench.operator.create_key(wish)) == [
        "/scopes/1",
        "/scopes/2",
        "/name",
        "/environment",
        "/expires_in_seconds",
    ]
    assert _pointers(lambda: bench.operator.create_key(KeyWish("acme"))) == ["/scopes"]
    assert _pointers(lambda: bench.operator.create_key(KeyWish("acme", "a\0", ("query",)))) == ["/name"]


@pytest.mark.parametrize("plan", ["starter", "growth", "scale", "enterprise"])
def test_plans(bench: Bench, plan: str) -> None:
    """Each plan of the reference can be chosen."""
    assert bench.operator.create_workspace("acme", plan).plan == plan


def test_a_name_can_be_used_once(bench: Bench) -> None:
    """A second workspace of a name is refused."""
    bench.operator.create_workspace("acme", "")
    with pytest.raises(WorkspaceNameTaken):
        bench.operator.create_workspace("acme", "")


def test_a_key_is_given_out_whole_once(bench: Bench) -> None:
    """The whole key opens the stored hash; its scopes are each there once, in the order of the reference."""
    acme = bench.operator.create_workspace("acme", "")
    wish = KeyWish("acme", "ci", (*reversed(SCOPES), "query"), "test", 60)
    key, whole_key = bench.operator.create_key(wish)
    presented = key_format.parse(whole_key)
    assert presented is not None
    assert presented.opens(key.secret_hash)
    assert whole_key.startswith(key.prefix)
    assert (key.workspace_id, key.scopes, key.name) == (acme.test_id, SCOPES, "ci")
    assert key.expires_at is not None
    assert (key.expires_at - NOW).total_seconds() == 60


def test_the_longest_lifetime_can_be_held(bench: Bench) -> None:
    """The greatest number that a request can carry is no overflow."""
    bench.operator.create_workspace("acme", "")
    key, _ = bench.operator.create_key(KeyWish("acme", "", ("query",), "", 2**31 - 1))
    assert key.expires_at is not None


def test_unknown_workspaces_and_keys(bench: Bench) -> None:
    """What is not there is told as such."""
    with pytest.raises(WorkspaceNotFound):
        bench.operator.create_key(KeyWish("nobody", "", ("query",)))
    with pytest.raises(WorkspaceNotFound):
        bench.operator.list_keys("nobody", 0, "")
    with pytest.raises(KeyNotFound):
        bench.operator.revoke_key("key_nothing")


def test_revoking_again_changes_nothing(bench: Bench) -> None:
    """The first revocation counts, and each drops what this process remembers of the key."""
    bench.operator.create_workspace("acme", "")
    key, _ = bench.operator.create_key(KeyWish("acme", "", ("query",)))
    revoked = bench.operator.revoke_key(key.id)
    bench.clock.advance(60)
    assert bench.operator.revoke_key(key.id) == revoked
    assert revoked.revoked_at == NOW
    assert bench.forgotten == [key.public_id] * 2


def test_pages_of_keys_hold_each_once(bench: Bench) -> None:
    """Following the tokens shows every key of a workspace and its twin once, newest first."""
    bench.operator.create_workspace("acme", "")
    made = []
    for environment in ("live", "test", "live", "live", "test"):
        made.append(bench.operator.create_key(KeyWish("acme", "", ("query",), environment))[0])
        bench.clock.advance(1)
    assert _all(lambda token: bench.operator.list_keys("acme", 2, token)) == made[::-1]


def test_pages_of_workspaces_hold_each_once(bench: Bench) -> None:
    """Following the tokens shows every workspace once, oldest first."""
    made = []
    for name in "abcde":
        made.append(bench.operator.create_workspace(name, ""))
        bench.clock.advance(1)
    assert _all(lambda token: bench.operator.list_workspaces(2, token)) == made


def test_tokens_of_another_list_are_refused(bench: Bench) -> None:
    """A token is bound to its workspace; a made-up one is a violation, never a failure."""
    for name in ("a", "b", "c"):
        bench.operator.create_workspace(name, "")
        for _ in range(2):
            bench.operator.create_key(KeyWish(name, "", ("query",)))
    token = bench.operator.list_keys("a", 1, "").next_token
    for wrong in (token, "x", "é", "A" * 5000):
        assert _pointers(partial(bench.operator.list_keys, "b", 1, wrong)) == ["/page_token"]
        assert _pointers(partial(bench.operator.list_workspaces, 1, wrong)) == ["/page_token"]
    for size in (-1, 201):
        assert _pointers(partial(bench.operator.list_workspaces, size, "")) == ["/page_size"]


def _pointers(call: Callable[[], object]) -> list[str]:
    with pytest.raises(InvalidArgument) as raised:
        call()
    return [violation.pointer for violation in raised.value.violations]


def _all(page_after: Callable[[str], Page[Item]]) -> list[Item]:
    page = page_after("")
    items = list(page.items)
    while page.next_token:
        page = page_after(page.next_token)
        items += page.items
    return items
