"""Secrets as they lie in the database."""

import base64
import secrets

import pytest

from services.kernel.ids import WorkspaceId
from services.runtime.seal import Seal, UnfitKey, Unreadable

ACME, OTHER = WorkspaceId("ws_acme"), WorkspaceId("ws_other")
OLD, NEW = secrets.token_urlsafe(32), secrets.token_urlsafe(32)


def test_what_is_closed_can_be_opened() -> None:
    """It is not readable in between, and not the same twice."""
    seal = Seal(OLD)
    sealed = seal.closed(ACME, "llm.key", "sk-ü-secret")
    assert seal.opened(ACME, "llm.key", sealed) == "sk-ü-secret"
    assert "secret" not in sealed
    assert b"secret" not in base64.b64decode(sealed.removeprefix("1."))
    assert seal.closed(ACME, "llm.key", "sk-ü-secret") != sealed


def test_a_secret_opens_in_its_own_place_only() -> None:
    """Neither in another workspace nor under another name."""
    seal = Seal(OLD)
    sealed = seal.closed(ACME, "llm.key", "sk-secret")
    for workspace, name in ((OTHER, "llm.key"), (ACME, "rerank.key")):
        with pytest.raises(Unreadable):
            seal.opened(workspace, name, sealed)


def test_keys_can_be_changed() -> None:
    """The first of several closes, all of them open; an old one alone does not open what is new."""
    old, both, new = Seal(OLD), Seal(f"{NEW}, {OLD}"), Seal(NEW)
    assert both.opened(ACME, "k", old.closed(ACME, "k", "before")) == "before"
    after = both.closed(ACME, "k", "after")
    assert new.opened(ACME, "k", after) == "after"
    with pytest.raises(Unreadable):
        old.opened(ACME, "k", after)


@pytest.mark.parametrize("damage", ["", "1.", "1.AAAA", "1.no base64!", "1.ü"])
def test_damage_is_told(damage: str) -> None:
    """Whatever it is."""
    with pytest.raises(Unreadable):
        Seal(OLD).opened(ACME, "k", damage)


def test_a_changed_byte_is_told() -> None:
    """Each of them is authenticated."""
    raw = bytearray(base64.b64decode(Seal(OLD).closed(ACME, "k", "s").removeprefix("1.")))
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        with pytest.raises(Unreadable):
            Seal(OLD).opened(ACME, "k", "1." + base64.b64encode(changed).decode())


def test_a_key_has_any_form_of_base64() -> None:
    """As the common commands print it: either alphabet, padded or not."""
    raw = b"\xfb\xff" * 16
    standard, urlsafe = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    assert standard != urlsafe
    for key in (standard, urlsafe, standard.rstrip("="), urlsafe.rstrip("=")):
        assert Seal(key).opened(ACME, "k", Seal(standard).closed(ACME, "k", "s")) == "s"


@pytest.mark.parametrize("keys", ["", "short", f"{OLD},", f"{OLD},{OLD[:-2]}", "ü" * 43, "password" * 4])
def test_an_unfit_key_is_refused(keys: str) -> None:
    """Without showing it."""
    with pytest.raises(UnfitKey) as raised:
        Seal(keys)
    assert OLD[:8] not in str(raised.value)
