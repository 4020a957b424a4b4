"""The operator's commands: workspaces, keys, the audit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.client.cli import supportagent
from gateway.client.limit import Limit
from gateway.client.span import Span
from tests.fakes.client_api import FakeApi, FakeApiServer

ORIGINS = ("--origin", "https://shop.example", "--origin", "http://localhost:3000")


class Terminal:
    """The command line in front of a system."""

    def __init__(self, api: FakeApi, data: Path) -> None:
        self.api = api
        self._runner = CliRunner(env={"DATA_DIR": str(data)})

    def run(self, *arguments: str, typed: str = "") -> str:
        """Run a command that succeeds; return what it printed."""
        result = self._runner.invoke(supportagent, arguments, input=typed)
        assert result.exit_code == 0, result.output
        return result.stdout

    def status(self, *arguments: str, typed: str = "") -> int:
        """Run a command; return its exit status."""
        return self._runner.invoke(supportagent, arguments, input=typed).exit_code


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """Return a terminal of an installation with the workspace acme."""
    api = FakeApi()
    with FakeApiServer(api) as server:
        (tmp_path / "endpoints.json").write_text(json.dumps({"gateway": server.url, "operator": server.url}))
        (tmp_path / "operator.token").write_text("operator-token\n")
        terminal = Terminal(api, tmp_path)
        terminal.run("workspaces", "create", "acme", "--plan", "scale")
        api.requests.clear()
        yield terminal


def test_a_publishable_key_is_made(terminal: Terminal) -> None:
    """It needs no scopes; origins and a limit of its own are sent as they are given."""
    given = ("--workspace", "acme", "--publishable", *ORIGINS, "--requests-per-minute", "30", "--json")
    made = json.loads(terminal.run("keys", "create", *given))
    assert {"id", "key"} <= set(made)
    assert terminal.api.requests[-1][2] == {
        "workspace": "acme",
        "scopes": [],
        "environment": "live",
        "kind": "publishable",
        "origins": ["https://shop.example", "http://localhost:3000"],
        "requests_per_minute": 30,
    }


@pytest.mark.parametrize(
    ("overlap", "seconds"), [((), 86_400), (("--overlap", "72h"), 259_200), (("--overlap", "0"), 0)]
)
def test_a_key_is_rotated(terminal: Terminal, overlap: tuple[str, ...], seconds: int) -> None:
    """The successor is printed, alone on standard output; both work for a day unless said otherwise."""
    assert terminal.run("keys", "rotate", "key_1", *overlap) == "sk_live_secret\n"
    assert terminal.api.requests[-1] == (
        "POST",
        "/operator/v1/keys/key_1/rotate",
        {"overlap_seconds": seconds},
    )
    made = json.loads(terminal.run("keys", "rotate", "key_1", *overlap, "--json"))
    assert made["key"] == "sk_live_secret"


def test_the_list_of_keys_tells_kind_and_state(terminal: Terminal) -> None:
    """Publishable, rotated, revoked, ending and ended keys can be told apart."""
    states: list[dict[str, object]] = [
        {"kind": "publishable"},
        {"kind": "secret", "rotated_to": "key_9", "expires_at": "2999-12-01T00:00:00Z"},
        {"kind": "secret", "rotated_to": "key_9", "revoked_at": "2026-11-01T00:00:00Z"},
        {"kind": "secret", "expires_at": "2999-12-01T00:00:00Z"},
        {"kind": "secret", "rotated_to": "key_9", "expires_at": "2026-01-01T00:00:00.123Z"},
        {"kind": "secret", "expires_at": "2026-01-01T00:00:00Z"},
    ]
    terminal.api.keys = [
        {"id": f"key_{n}", "prefix": "", "scopes": [], **each} for n, each in enumerate(states)
    ]
    shown = terminal.run("keys", "list", "--workspace", "acme").splitlines()
    assert [line.split()[1] for line in shown[1:]] == ["publishable", *["secret"] * 5]
    ends = (
        "active",
        "rotated, until 2999-12-01",
        "revoked 2026-11-01",
        "  until 2999-12-01",
        "rotated, expired 2026-01-01",
        "  expired 2026-01-01",
    )
    for line, end in zip(shown[1:], ends, strict=True):
        assert end in line


def test_the_list_of_keys_tells_what_they_are_for(terminal: Terminal) -> None:
    """Scopes of a secret key, origins of a publishable one; live or test; when each was used last."""
    shared = {"prefix": "", "environment": "test", "last_used_at": "2026-11-22T07:00:00Z"}
    terminal.api.keys = [
        {"id": "key_0", "kind": "secret", "scopes": ["query", "knowledge:read"], "origins": [], **shared},
        {"id": "key_1", "kind": "publishable", "scopes": [], "origins": ["https://shop.example"], **shared},
        {"id": "key_2", "kind": "secret", "scopes": ["query"], "prefix": ""},
    ]
    secret, publishable, unused = terminal.run("keys", "list", "--workspace", "acme").splitlines()[1:]
    assert {"test", "query,knowledge:read"} <= set(secret.split())
    assert "https://shop.example" in publishable
    assert "2026-11-22T07:00:00Z" in publishable
    assert "never" in unused


def test_plan_and_limits_are_changed(terminal: Terminal) -> None:
    """Only what is given is sent; names may be written with hyphens."""
    limits = ("--limit", "queries=500", "--limit", "requests-per-minute=1200")
    clear = ("--clear-limit", "action-runs")
    changed = json.loads(terminal.run("workspaces", "update", "acme", *limits, *clear, "--json"))
    assert changed["name"] == "acme"
    body = {"limits": {"queries": 500, "requests_per_minute": 1200}, "clear": ["action_runs"]}
    assert terminal.api.requests[-1] == ("PATCH", "/operator/v1/workspaces/acme", body)
    assert "on the plan growth" in terminal.run("workspaces", "update", "acme", "--plan", "growth")
    assert terminal.api.requests[-1][2] == {"plan": "growth"}


def test_closing_a_workspace_is_asked_about(terminal: Terminal) -> None:
    """Without --yes a workspace is closed only after a yes."""
    assert terminal.status("workspaces", "delete", "acme", typed="n\n") != 0
    assert terminal.status("workspaces", "delete", "acme") != 0
    assert terminal.api.requests == []
    terminal.run("workspaces", "delete", "acme", typed="y\n")
    assert json.loads(terminal.run("workspaces", "delete", "acme", "--yes", "--json"))["name"] == "acme"
    assert [each[:2] for each in terminal.api.requests] == [("DELETE", "/operator/v1/workspaces/acme")] * 2
    assert "closed 2026-01-02" in terminal.run("workspaces", "list")


def test_the_audit_is_shown(terminal: Terminal) -> None:
    """Changes tell what changed, refusals why and how many; all pages are read, up to the limit."""
    entry = {"at": "2026-11-22T07:00:00Z", "workspace_id": "ws_0", "key_id": "key_1", "count": 1}
    terminal.api.audit = [
        {**entry, "event": "request.refused", "reason": "key_expired", "count": 12},
        {**entry, "event": "key.created", "actor": "operator", "details": {"name": "ci", "kind": "secret"}},
        {**entry, "event": "key.revoked", "actor": "operator"},
    ]
    shown = terminal.run("audit").splitlines()[1:]
    assert len(shown) == 3
    assert "key_expired ×12" in shown[0]
    assert "operator" in shown[1]
    assert "kind: secret, name: ci" in shown[1]
    assert len(json.loads(terminal.run("audit", "--limit", "2", "--json"))["items"]) == 2
    terminal.run("audit", "--workspace", "acme", "--event", "key.created")
    assert terminal.api.requests[-1][1].split("&")[1:3] == ["workspace=acme", "event=key.created"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("keys", "create", "--workspace", "acme", "--publishable"),
        ("keys", "create", "--workspace", "acme", "--scopes", "query", "--requests-per-minute", "0"),
        ("keys", "rotate", "key_1", "--overlap", "soon"),
        ("workspaces", "update", "acme"),
        ("workspaces", "update", "acme", "--limit", "queries"),
        ("workspaces", "update", "acme", "--limit", "queries=many"),
        ("audit", "--limit", "0"),
    ],
)
def test_wrong_usage_sends_nothing(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    """What can't be meant is refused with status 2 before anything is sent."""
    assert terminal.status(*arguments) == 2
    assert terminal.api.requests == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("90d", 7_776_000), ("12h", 43_200), ("30m", 1_800), ("45s", 45), ("45", 45)]
)
def test_spans(text: str, seconds: int) -> None:
    """A number with a unit; without one it is seconds."""
    assert Span().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "0", "0h", "-1h", "1.5h", "1w", "h", "01h", "١h", "9" * 11])
def test_no_spans(text: str) -> None:
    """Everything else is refused; nothing is a span only where that is said."""
    with pytest.raises(click.BadParameter):
        Span().convert(text, None, None)
    assert Span(least=0).convert("0h", None, None) == 0


@pytest.mark.parametrize("text", ["queries", "=5", "queries=", "queries=-5", "queries=1.5", "Queries=5"])
def test_no_limits(text: str) -> None:
    """A limit is a name and a whole number."""
    with pytest.raises(click.BadParameter):
        Limit().convert(text, None, None)
