"""The commands for signing keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.client.cli import supportagent
from tests.fakes.client_api import FakeApi, FakeApiServer

PEM = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"


class TestUserKeys:
    """In front of an installation in memory."""

    @pytest.fixture(autouse=True)
    def _running(self, tmp_path: Path) -> Iterator[None]:
        self.api, self.folder = FakeApi(), tmp_path
        with FakeApiServer(self.api) as server:
            endpoints = {"gateway": server.url, "operator": server.url}
            (tmp_path / "endpoints.json").write_text(json.dumps(endpoints))
            (tmp_path / "operator.token").write_text("operator-token\n")
            yield

    def run(self, *arguments: str, typed: str = "") -> Result:
        """Run a command."""
        return CliRunner(env={"DATA_DIR": str(self.folder)}).invoke(supportagent, arguments, input=typed)

    def test_a_secret_is_printed_once(self) -> None:
        """As JSON with all that a back end needs, or alone, so that it can go into a file."""
        made = json.loads(self.run("user-keys", "create", "--workspace", "acme", "--json").stdout)
        assert {"kid", "secret", "iss", "aud"} <= set(made)
        assert self.api.requests[-1] == (
            "POST",
            "/operator/v1/user-keys",
            {"workspace": "acme", "environment": "live", "alg": "HS256"},
        )
        assert self.api.tokens[-1] == "operator-token"
        plain = self.run("user-keys", "create", "--workspace", "acme")
        assert plain.stdout == made["secret"] + "\n"
        assert made["iss"] in plain.stderr
        assert made["aud"] in plain.stderr

    def test_a_public_key_comes_from_a_file(self) -> None:
        """Or from standard input; no secret is printed then."""
        (self.folder / "key.pem").write_text(PEM)
        given = ("--workspace", "acme", "--alg", "ES256", "--iss", "login", "--environment", "test")
        for file, typed in ((str(self.folder / "key.pem"), ""), ("-", PEM)):
            done = self.run("user-keys", "create", *given, "--public-key", file, typed=typed)
            assert done.stdout == ""
            assert self.api.requests[-1][2] == {
                "workspace": "acme",
                "environment": "test",
                "alg": "ES256",
                "iss": "login",
                "public_key": PEM,
            }
        missing = self.run("user-keys", "create", *given, "--public-key", str(self.folder / "none.pem"))
        assert missing.exit_code != 0

    def test_a_key_set_is_named(self) -> None:
        """By its URL."""
        url = "https://acme.example/jwks.json"
        self.run("user-keys", "create", "--workspace", "acme", "--alg", "RS256", "--jwks-url", url)
        assert self.api.requests[-1][2]["jwks_url"] == url

    def test_keys_are_listed_and_disabled(self) -> None:
        """Every page of them; a disabled one says so."""
        for _ in range(3):
            self.run("user-keys", "create", "--workspace", "acme")
        items = json.loads(self.run("user-keys", "list", "--workspace", "acme", "--json").stdout)["items"]
        assert len(items) == 3
        assert not any("secret" in each for each in items)
        done = self.run("user-keys", "disable", items[0]["kid"])
        assert done.stdout.startswith(f"Disabled {items[0]['kid']};")
        shown = json.loads(self.run("user-keys", "disable", items[0]["kid"], "--json").stdout)
        assert shown["disabled_at"]
        lines = self.run("user-keys", "list", "--workspace", "acme").stdout.splitlines()
        assert [line.split()[5] for line in lines] == ["STATE", "disabled", "active", "active"]
