"""What the operator changes is in the audit."""

from dataclasses import replace
from functools import partial

from gateway.access.domain.audit import Event
from gateway.access.domain.keys import key_format
from gateway.access.domain.keys.key_wish import KeyWish
from gateway.access.domain.workspaces.workspace_patch import WorkspacePatch
from tests.unit.access.operator_bench import SHOP, Bench, bench, every, pointers

__all__ = ["bench"]


def test_every_change_is_an_entry(bench: Bench) -> None:
    """Who did what to which workspace and key, and what changed; never a secret."""
    acme = bench.operator.create_workspace("acme", "")
    bench.clock.advance(1)
    bench.operator.update_workspace("acme", WorkspacePatch("scale", {"queries": 500}))
    bench.clock.advance(1)
    bench.operator.update_workspace("acme", WorkspacePatch("", {"queries": 600}, ["documents"]))
    bench.clock.advance(1)
    old, old_text = bench.operator.create_key(replace(SHOP, name="shop", environment="test"))
    bench.clock.advance(1)
    new, new_text = bench.operator.rotate_key(old.id, 3600)
    bench.clock.advance(1)
    bench.operator.revoke_key(new.id)
    bench.clock.advance(1)
    bench.operator.delete_workspace("acme")
    entries = bench.entries()
    assert [(each.event, each.workspace_id, each.key_id, dict(each.details)) for each in entries] == [
        (Event.WORKSPACE_CREATED, acme.id, "", {"name": "acme", "plan": "growth"}),
        (Event.WORKSPACE_UPDATED, acme.id, "", {"plan": "growth → scale", "queries": "plan's → 500"}),
        (Event.WORKSPACE_UPDATED, acme.id, "", {"queries": "500 → 600"}),
        (
            Event.KEY_CREATED,
            acme.test_id,
            old.id,
            {
                "name": "shop",
                "kind": "publishable",
                "environment": "test",
                "origins": "https://shop.example",
            },
        ),
        (
            Event.KEY_ROTATED,
            acme.test_id,
            old.id,
            {"successor": new.id, "expires_at": "2026-11-22T08:00:04Z"},
        ),
        (Event.KEY_REVOKED, acme.test_id, new.id, {"name": "shop"}),
        (Event.WORKSPACE_DELETED, acme.id, "", {"name": "acme"}),
    ]
    assert {each.actor for each in entries} == {"operator"}
    for text in (old_text, new_text):
        presented = key_format.parse(text)
        assert presented is not None
        assert presented.secret not in repr(entries)


def test_the_audit_by_workspace_and_event(bench: Bench) -> None:
    """A workspace's entries are its twin's, too; pages are bound to what was asked for."""
    for name in ("acme", "other"):
        bench.operator.create_workspace(name, "")
        for environment in ("live", "test"):
            bench.clock.advance(1)
            bench.operator.create_key(KeyWish(name, "", ("query",), environment))
    made = every(lambda token: bench.operator.list_audit("acme", "key.created", 1, token))
    keys = bench.operator.list_keys("acme", 0, "").items
    assert [each.key_id for each in made] == [key.id for key in keys]
    assert len(every(lambda token: bench.operator.list_audit("acme", "", 1, token))) == 3
    assert len(every(lambda token: bench.operator.list_audit("", "workspace.created", 1, token))) == 2
    assert pointers(lambda: bench.operator.list_audit("", "key.deleted", 0, "")) == ["/event"]
    token = bench.operator.list_audit("acme", "", 1, "").next_token
    for asked in (("other", ""), ("acme", "key.created"), ("", "")):
        assert pointers(partial(bench.operator.list_audit, *asked, 1, token)) == ["/page_token"]
