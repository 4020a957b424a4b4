from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.client_api import FakeApi
from tests.unit.client.test_cli import api, run

__all__ = ["api"]

SET = ("answering", "set", "--workspace", "demo")


@pytest.fixture(autouse=True)
def demo(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second workspace, and no keys in the environment."""
    for number, name in enumerate(("acme", "demo")):
        ids = {"id": f"ws_{number}", "test_workspace_id": f"ws_test_{number}"}
        api.workspaces.append({"name": name, **ids})
    for variable in ("SUPPORTAGENT_LLM_KEY", "SUPPORTAGENT_RERANK_KEY"):
        monkeypatch.delenv(variable, raising=False)


def sent(api: FakeApi) -> tuple[str, str, Any]:
    """Return the last request."""
    return api.requests[-1]


def test_settings_are_shown(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """As a table, what is nested by its whole name; the workspace by its name, with the operator's token."""
    api.answering = {"answer_characters": 400, "language_model": {"model": "smol", "key_set": True}}
    assert run("answering", "show", "--workspace", "demo") == 0
    assert sent(api)[:2] == ("GET", "/operator/v1/workspaces/ws_1/answering")
    assert set(api.tokens) == {"operator-token"}
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["SETTING", "VALUE"],
        ["workspace_id", "ws_1"],
        ["answer_characters", "400"],
        ["language_model.model", "smol"],
        ["language_model.key_set", "true"],
    ]


def test_the_twin_has_settings_of_its_own(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """They are asked for by the environment; a workspace may be given by its id."""
    assert run("answering", "show", "--workspace", "ws_1", "--environment", "test", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"workspace_id": "ws_test_1"}


def test_numbers_are_set(api: FakeApi) -> None:
    """Those that are given, zeros too."""
    numbers = ("--answer-characters", "300", "--min-confidence", "0", "--medium-from", "0.5")
    assert run(*SET, *numbers, "--high-from", "0.75", "--default", "reranker") == 0
    assert sent(api) == (
        "PATCH",
        "/operator/v1/workspaces/ws_1/answering",
        {
            "answer_characters": 300,
            "min_confidence": 0.0,
            "medium_from": 0.5,
            "high_from": 0.75,
            "clear": ["reranker"],
        },
    )


def test_a_model_is_set_with_its_key_from_a_file(api: FakeApi, tmp_path: Path) -> None:
    """Every option has its place; the file's last line break is none of the key."""
    (tmp_path / "key").write_text("sk-secret\n")
    options = {
        "base-url": "http://127.0.0.1:8000/v1",
        "model": "smol",
        "key-file": str(tmp_path / "key"),
        "timeout-seconds": "5",
        "retries": "0",
        "max-prompt-tokens": "900",
        "max-answer-tokens": "99",
        "temperature": "0.5",
        "rewrite": "no",
    }
    assert run(*SET, *(part for name, value in options.items() for part in (f"--llm-{name}", value))) == 0
    assert sent(api)[2] == {
        "language_model": {
            "base_url": "http://127.0.0.1:8000/v1",
            "model": "smol",
            "timeout_seconds": 5.0,
            "retries": 0,
            "max_prompt_tokens": 900,
            "max_answer_tokens": 99,
            "temperature": 0.5,
            "rewrite": False,
            "key": "sk-secret",
        }
    }


def test_keys_come_from_the_environment_or_standard_input(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's only where the endpoint is spoken of, and each endpoint has its own."""
    monkeypatch.setenv("SUPPORTAGENT_LLM_KEY", "sk-model")
    monkeypatch.setenv("SUPPORTAGENT_RERANK_KEY", "sk-rerank")
    assert run(*SET, "--min-confidence", "0.5") == 0
    assert sent(api)[2] == {"min_confidence": 0.5}
    assert run(*SET, "--llm-model", "m", "--rerank-model", "r", "--rerank-base-url", "http://r") == 0
    assert sent(api)[2] == {
        "language_model": {"model": "m", "key": "sk-model"},
        "reranker": {"model": "r", "base_url": "http://r", "key": "sk-rerank"},
    }
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-piped\n"))
    assert run(*SET, "--llm-key-file", "-") == 0
    assert sent(api)[2] == {"language_model": {"key": "sk-piped"}}


def test_endpoints_are_removed(api: FakeApi) -> None:
    """By an option of their own."""
    assert run(*SET, "--no-llm", "--no-rerank", "--default", "min-confidence") == 0
    assert sent(api)[2] == {"clear": ["min_confidence", "language_model", "reranker"]}


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--min-confidence", "nan"),
        ("--high-from", "much"),
        ("--no-llm", "--llm-model", "m"),
        ("--no-rerank", "--rerank-key-file", "-"),
        ("--llm-key", "sk-secret"),
    ],
)
def test_wrong_usage(api: FakeApi, arguments: tuple[str, ...]) -> None:
    """Nothing to set, what is no number, contradictions, and keys as arguments are wrong usage."""
    assert run(*SET, *arguments) == 2
    assert api.requests == []


def test_an_unknown_workspace_is_told(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is set for it."""
    assert run("answering", "set", "--workspace", "other", "--min-confidence", "0.5") == 1
    assert "There is no workspace other." in capsys.readouterr().err
    assert not any(method == "PATCH" for method, _, _ in api.requests)


def test_an_unreadable_key_file_is_told(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is sent."""
    assert run(*SET, "--llm-model", "m", "--llm-key-file", str(tmp_path / "none")) == 1
    assert "can't be read" in capsys.readouterr().err
    assert api.requests == []
