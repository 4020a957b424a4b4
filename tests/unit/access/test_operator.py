"""What the operator does."""

from dataclasses import replace
from functools import partial

import pytest

from gateway.access.domain.audit import Event
from gateway.access.domain.errors import KeyNotFound, WorkspaceNameTaken, WorkspaceNotFound
from gateway.access.domain.keys import key_format
from gateway.access.domain.keys.key_format import KeyKind
from gateway.access.domain.keys.key_wish import KeyWish
from gateway.access.domain.keys.scopes import SCOPES
from gateway.access.domain.workspaces.workspace_patch import WorkspacePatch
from tests.unit.access.given import NOW
from tests.unit.access.operator_bench import QUERY, SHOP, Bench, bench, every, pointers

__all__ = ["bench"]


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
    assert pointers(lambda: bench.operator.create_workspace(name, "")) == ["/name"]


def test_all_violations_are_told_at_once(bench: Bench) -> None:
    """Each broken rule is listed."""
    assert pointers(lambda: bench.operator.create_workspace("", "gold")) == ["/name", "/plan"]
    wish = KeyWish("nobody", "n" * 65, ("query", "all", ""), "staging", -1, "public", (), -1)
    assert pointers(lambda: bench.operator.create_key(wish)) == [
        "/scopes/1",
        "/scopes/2",
        "/kind",
        "/name",
        "/environment",
        "/expires_in_seconds",
        "/requests_per_minute",
    ]
    assert pointers(lambda: bench.operator.create_key(KeyWish("acme"))) == ["/scopes"]
    assert pointers(lambda: bench.operator.create_key(KeyWish("acme", "a\0", ("query",)))) == ["/name"]


@pytest.mark.parametrize(
    ("wish", "where"),
    [
        (KeyWish("acme", kind="publishable"), ["/origins"]),
        (replace(SHOP, scopes=("query", "knowledge:read", "all")), ["/scopes/1", "/scopes/2"]),
        (replace(SHOP, origins=("https://shop.example/", "*")), ["/origins/0", "/origins/1"]),
        (replace(QUERY, origins=("https://shop.example",)), ["/origins"]),
        (replace(QUERY, requests_per_minute=1_000_001), ["/requests_per_minute"]),
        (replace(SHOP, kind="Publishable"), ["/scopes", "/kind"]),
    ],
)
def test_what_each_kind_of_key_may_have(bench: Bench, wish: KeyWish, where: list[str]) -> None:
    """Origins are a publishable key's, and scopes but `query` a secret one's."""
    bench.operator.create_workspace("acme", "")
    assert pointers(lambda: bench.operator.create_key(wish)) == where


@pytest.mark.parametrize("scopes", [(), ("query",)])
def test_a_publishable_key(bench: Bench, scopes: tuple[str, ...]) -> None:
    """It has each origin once, and needs no scope."""
    bench.operator.create_workspace("acme", "starter")
    origins = ("https://shop.example", "http://localhost:3000", "https://shop.example")
    wish = replace(SHOP, scopes=scopes, origins=origins, requests_per_minute=30)
    key, whole_key = bench.operator.create_key(wish)
    assert whole_key.startswith("pk_live_")
    assert whole_key.startswith(key.prefix)
    assert (key.kind, key.scopes, key.requests_per_minute) == (KeyKind.PUBLISHABLE, scopes, 30)
    assert key.origins == ("https://shop.example", "http://localhost:3000")


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
    with pytest.raises(WorkspaceNotFound):
        bench.operator.list_audit("nobody", "", 0, "")
    with pytest.raises(WorkspaceNotFound):
        bench.operator.update_workspace("nobody", WorkspacePatch("scale"))
    with pytest.raises(WorkspaceNotFound):
        bench.operator.delete_workspace("nobody")
    with pytest.raises(KeyNotFound):
        bench.operator.revoke_key("key_nothing")
    with pytest.raises(KeyNotFound):
        bench.operator.rotate_key("key_nothing", 0)


def test_revoking_again_changes_nothing(bench: Bench) -> None:
    """The first revocation counts, and each drops what this process remembers of the key."""
    bench.operator.create_workspace("acme", "")
    key, _ = bench.operator.create_key(QUERY)
    revoked = bench.operator.revoke_key(key.id)
    bench.clock.advance(60)
    assert bench.operator.revoke_key(key.id) == revoked
    assert revoked.revoked_at == NOW
    assert bench.forgotten == [key.public_id] * 2
    assert [each.event for each in bench.entries()].count(Event.KEY_REVOKED) == 1


def test_pages_of_keys_hold_each_once(bench: Bench) -> None:
    """Following the tokens shows every key of a workspace and its twin once, newest first."""
    bench.operator.create_workspace("acme", "")
    made = []
    for environment in ("live", "test", "live", "live", "test"):
        made.append(bench.operator.create_key(KeyWish("acme", "", ("query",), environment))[0])
        bench.clock.advance(1)
    assert every(lambda token: bench.operator.list_keys("acme", 2, token)) == made[::-1]


def test_pages_of_workspaces_hold_each_once(bench: Bench) -> None:
    """Following the tokens shows every workspace once, oldest first."""
    made = []
    for name in "abcde":
        made.append(bench.operator.create_workspace(name, ""))
        bench.clock.advance(1)
    assert every(lambda token: bench.operator.list_workspaces(2, token)) == made


def test_tokens_of_another_list_are_refused(bench: Bench) -> None:
    """A token is bound to its workspace; a made-up one is a violation, never a failure."""
    for name in ("a", "b", "c"):
        bench.operator.create_workspace(name, "")
        for _ in range(2):
            bench.operator.create_key(KeyWish(name, "", ("query",)))
    token = bench.operator.list_keys("a", 1, "").next_token
    for wrong in (token, "x", "é", "A" * 5000):
        assert pointers(partial(bench.operator.list_keys, "b", 1, wrong)) == ["/page_token"]
        assert pointers(partial(bench.operator.list_workspaces, 1, wrong)) == ["/page_token"]
    for size in (-1, 201):
        assert pointers(partial(bench.operator.list_workspaces, size, "")) == ["/page_size"]
