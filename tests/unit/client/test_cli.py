from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.client.cli import main
from tests.fakes.client_api import FakeApi, FakeApiServer, problem

SOURCE = {"index": 1, "title": "Plans", "url": "", "document_id": "doc_1"}
COMPLETED = {
    "answer": "On Monday.",
    "answered": True,
    "sources": [SOURCE],
    "confidence": {"score": 0.9, "level": "high"},
    "conversation_id": "conv_1",
}


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    fake = FakeApi()
    with FakeApiServer(fake) as server:
        data = tmp_path / "data"
        data.mkdir()
        (data / "endpoints.json").write_text(json.dumps({"gateway": server.url, "operator": server.url}))
        (data / "operator.token").write_text("operator-token\n")
        (data / "demo.json").write_text(json.dumps({"workspace": "demo", "key": "sk_live_demo"}))
        monkeypatch.setenv("DATA_DIR", str(data))
        monkeypatch.delenv("GATEWAY_PORT", raising=False)
        monkeypatch.delenv("SUPPORTAGENT_KEY", raising=False)
        yield fake


def run(*arguments: str) -> int:
    try:
        main(list(arguments))
    except SystemExit as exit_:
        return int(exit_.code or 0)
    return 0


def test_keys_create_prints_the_key_as_json(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """A key is made with the operator's token and printed whole."""
    lifetime = ("--expires-in", "90d")
    status = run(
        "keys", "create", "--workspace", "demo", "--scopes", "query, knowledge:write", *lifetime, "--json"
    )
    assert status == 0
    assert json.loads(capsys.readouterr().out)["key"] == "sk_live_secret"
    (_, _, body) = api.requests[0]
    assert body == {
        "workspace": "demo",
        "scopes": ["query", "knowledge:write"],
        "environment": "live",
        "expires_in_seconds": 7_776_000,
    }
    assert api.tokens == ["operator-token"]


def test_workspaces_are_created_and_listed(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """All pages of the list are printed."""
    for name in ("one", "two", "three"):
        assert run("workspaces", "create", name, "--plan", "scale") == 0
    capsys.readouterr()
    assert run("workspaces", "list", "--json") == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)["items"]] == ["one", "two", "three"]


def test_push_says_what_it_did_and_uses_the_demo_key(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A push prints the four counts; without a key it is the demo workspace's."""
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "a.md").write_text("# A\n")
    assert run("kb", "push", str(tmp_path / "kb")) == 0
    captured = capsys.readouterr()
    assert captured.out == "1 created, 0 updated, 0 unchanged, 0 failed\n"
    assert "indexed 1/1" in captured.err
    assert set(api.tokens) == {"sk_live_demo"}


def test_push_with_failures_exits_1(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed page is named on standard error and makes the exit status 1."""
    monkeypatch.setenv("SUPPORTAGENT_KEY", "sk_live_mine")
    api.refused["a.md"] = ("INVALID_ARGUMENT", "No.")
    (tmp_path / "a.md").write_text("# A\n")
    assert run("kb", "push", str(tmp_path), "--json") == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["failed"] == 1
    assert "a.md: No. (INVALID_ARGUMENT)" in captured.err
    assert set(api.tokens) == {"sk_live_mine"}


def test_ask_streams_and_shows_sources(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """The deltas are printed as they come, then the sources and how to go on."""
    api.events = [
        {"sources": {"items": [SOURCE]}},
        {"delta": {"text": "On "}},
        {"delta": {"text": "Monday."}},
        {"completed": COMPLETED},
    ]
    assert run("ask", "When?", "--conversation", "conv_1", "--key", "sk_live_k") == 0
    out = capsys.readouterr().out
    assert out.startswith("On Monday.\n")
    assert "1. Plans  doc_1" in out
    assert "--conversation conv_1" in out
    assert api.requests[0][2] == {"message": "When?", "conversation_id": "conv_1"}


def test_ask_json_is_the_completed_event(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json only the whole answer is printed."""
    api.events = [{"delta": {"text": "On Monday."}}, {"completed": COMPLETED}]
    assert run("ask", "When?", "--json") == 0
    assert json.loads(capsys.readouterr().out) == COMPLETED


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([{"delta": {"text": "On"}}], "broke off"),
        ([{"error": {"status": 504, "code": "DEADLINE_EXCEEDED", "detail": "Too late."}}], "Too late."),
    ],
)
def test_stream_that_does_not_complete_is_an_error(
    api: FakeApi, capsys: pytest.CaptureFixture[str], events: list[dict[str, object]], text: str
) -> None:
    """A stream without its last event, or with an error as the last one, exits 1."""
    api.events = events
    assert run("ask", "When?") == 1
    assert text in capsys.readouterr().err


def test_problem_is_explained(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal shows detail, violations and the request id on standard error."""
    violation = {"pointer": "/scopes/0", "detail": "is unknown"}
    api.troubles = [problem(400, "INVALID_ARGUMENT", "Bad request.", errors=[violation])]
    assert run("keys", "create", "--workspace", "demo", "--scopes", "x") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "Error: Bad request.\n  /scopes/0: is unknown\nRequest id: req-1\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("keys", "create", "--scopes", "query"),
        ("keys", "create", "--workspace", "w", "--scopes", " , "),
        ("keys", "create", "--workspace", "w", "--scopes", "query", "--expires-in", "soon"),
        ("kb", "push", "/nowhere/at/all"),
        ("no-such-command",),
    ],
)
def test_wrong_usage_exits_2(api: FakeApi, arguments: tuple[str, ...]) -> None:
    """Wrong usage is told apart from a refusal and sends nothing."""
    assert run(*arguments) == 2
    assert api.requests == []


def test_nothing_running_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a system in the data folder the operator's commands say so."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert run("workspaces", "list") == 1


def test_sync_shows_and_does_what_is_wanted(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run prints the difference and changes nothing; a sync changes, and deletes what vanished."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# A")
    (folder / "b.md").write_text("# B")
    assert run("kb", "sync", str(folder), "--dry-run") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 to create, 0 to update, 0 to delete"
    assert api.documents == {}
    assert run("kb", "sync", str(folder)) == 0
    (folder / "b.md").unlink()
    capsys.readouterr()
    assert run("kb", "sync", str(folder), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["unchanged"], told["deleted"], told["failed"]) == (1, 1, 0)
    assert set(api.documents) == {"a.md"}


def test_sync_never_fetches_from_private_networks(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """A sitemap on this machine is refused; nothing is asked of the workspace."""
    with FakeApiServer(FakeApi()) as server:
        assert run("kb", "sync", f"{server.url}/sitemap.xml") == 1
    assert "not on the public internet" in capsys.readouterr().err
    assert api.requests == []


def test_sync_wants_a_folder_or_a_url(api: FakeApi, tmp_path: Path) -> None:
    """Anything else is wrong usage."""
    assert run("kb", "sync", str(tmp_path / "missing")) == 2
    assert run("kb", "sync", str(tmp_path), "--every", "often") == 2


@pytest.mark.parametrize(("command", "path"), [("reindex", "reindex"), ("rollback", "reindex/rollback")])
def test_a_new_index_is_waited_for(
    api: FakeApi, command: str, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ends with its operation."""
    assert run("kb", command) == 0
    assert capsys.readouterr().out == "op_0 succeeded\n"
    assert api.requests[0][:2] == ("POST", f"/v1/knowledge/{path}")


def test_what_did_not_succeed_exits_1(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """A script sees that the old index serves on."""
    api.failing.add("reindex")
    assert run("kb", "reindex") == 1
    assert capsys.readouterr().out == "op_0 partially_failed\n"
