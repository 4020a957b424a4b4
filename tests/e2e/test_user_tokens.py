"""End users whom a customer's back end has signed for."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.e2e.asking import QUERY, SEARCH, STREAM
from tests.e2e.system import System, Workspace, assert_problem, events_of, indexed, until
from tests.fakes.token_maker import private_key, public_pem

QUESTION = "How do members reach the lighthouse keeper?"


@dataclass(frozen=True)
class Members:
    """A workspace with a page for everybody and one for its members, and its signing key."""

    workspace: Workspace
    key: dict[str, str]
    everybodys: str
    members_only: str

    def token(self, subject: str = "ann", **claims: Any) -> str:
        """A token as the workspace's back end makes it."""
        now = int(time.time())
        whole = {"sub": subject, "iss": self.key["iss"], "aud": self.key["aud"], "iat": now, "exp": now + 300}
        return jwt.encode({**whole, **claims}, self.key["secret"], "HS256", {"kid": self.key["kid"]})

    def found(self, **fields: Any) -> set[str]:
        """The documents that a search finds."""
        answer = self.workspace.http.post(SEARCH, json={"message": QUESTION, **fields})
        assert answer.status_code == 200, answer.text
        return {each["document_id"] for each in answer.json()["results"]}


@pytest.fixture(scope="module")
def members(system: System) -> Members:
    """The workspace, its pages in the index."""
    workspace = system.workspace("members")
    made = system.cli("user-keys", "create", "--workspace", "members", "--json")
    ids = []
    for title, content, audience in (
        ("Visiting", "Visitors reach the lighthouse keeper by letter.", "public"),
        ("For members", "Members reach the lighthouse keeper under extension 4711.", "authenticated"),
    ):
        body = {"title": title, "content": content, "content_type": "text/plain", "audience": audience}
        answer = workspace.http.post("/v1/knowledge/documents", json=body)
        assert answer.status_code == 202, answer.text
        ids.append(indexed(workspace.http, answer.json())["id"])
    return Members(workspace, json.loads(made.stdout), *ids)


def test_a_signing_key_says_what_tokens_need(members: Members) -> None:
    """Its name, the secret, and what iss and aud have to be."""
    assert {"kid", "secret", "iss", "aud"} <= set(members.key)
    assert members.key["iss"] == "members"
    assert members.key["aud"] == members.key["workspace_id"]


def test_a_members_page_is_found_with_a_valid_token_alone(members: Members) -> None:
    """By search, answer and stream; also where the page is asked for by its id."""
    assert members.found() == {members.everybodys}
    assert members.found(filters={"document_ids": [members.members_only]}) == set()
    assert members.found(user_token=members.token()) == {members.everybodys, members.members_only}
    for token, extension in (("", False), (members.token(), True)):
        body = {"message": QUESTION, "min_confidence": 0, "user_token": token}
        answer = members.workspace.http.post(QUERY, json=body)
        assert answer.status_code == 200, answer.text
        assert ("4711" in answer.text) is extension
        stream = members.workspace.http.post(STREAM, json=body)
        assert ("4711" in stream.text) is extension
        assert "completed" in events_of(stream)[-1]


def test_a_wrong_token_is_refused(members: Members, leaf: Workspace, system: System) -> None:
    """One answer for all that is wrong with it; the question is never asked as if there were none."""
    other = json.loads(system.cli("user-keys", "create", "--workspace", "leaf", "--json").stdout)
    forged = {"sub": "ann", "iss": "members", "aud": members.key["aud"], "iat": 0, "exp": 2**31}
    wrong = {
        "nonsense": "nonsense",
        "unsigned": jwt.encode(forged, "", "none"),
        "another secret": members.token().rpartition(".")[0] + "." + members.token("ben").rpartition(".")[2],
        "another workspace's": jwt.encode(
            {**forged, "iss": "leaf", "aud": other["aud"]}, other["secret"], headers={"kid": other["kid"]}
        ),
        "expired": members.token(iat=int(time.time()) - 900, exp=int(time.time()) - 600),
        "ten years": members.token(exp=int(time.time()) + 315_360_000),
        "for somebody else": members.token(aud="else"),
        "a list": members.token(aud=[members.key["aud"]]),
        "of nobody": members.token(""),
        "long": "a" * 100_000,
    }
    told = set()
    for token in wrong.values():
        for path in (QUERY, STREAM, SEARCH):
            answer = members.workspace.http.post(path, json={"message": QUESTION, "user_token": token})
            told.add(assert_problem(answer, 401, "USER_TOKEN_REFUSED")["detail"])
    assert told == {"The user_token is not accepted."}


def test_a_conversation_is_its_end_users(members: Members) -> None:
    """Bound to the first who speaks in it; to others, and to nobody in particular, it is not there."""
    http = members.workspace.http
    begun = http.post(QUERY, json={"message": QUESTION}).json()["conversation_id"]
    going_on = {"message": QUESTION, "conversation_id": begun}
    assert http.post(QUERY, json={**going_on, "user_token": members.token("ann")}).status_code == 200
    for token in ("", members.token("ben")):
        for path in (QUERY, STREAM, SEARCH):
            answer = http.post(path, json={**going_on, "user_token": token})
            assert_problem(answer, 404, "CONVERSATION_NOT_FOUND")
    assert http.post(STREAM, json={**going_on, "user_token": members.token("ann")}).status_code == 200
    conversation = http.get(f"/v1/conversations/{begun}").json()
    assert (conversation["user_id"], conversation["message_count"]) == ("ann", 6)
    listed = http.get("/v1/conversations", params={"user_id": "ann"}).json()["items"]
    assert begun in [each["id"] for each in listed]


def test_publishable_keys_take_tokens_too(members: Members, system: System) -> None:
    """A widget's visitor may be somebody; a wrong token is refused there as well."""
    origin = "https://members.example"
    widget = system.publishable_key_for("members", origin).http
    body = {"message": QUESTION, "min_confidence": 0}
    answer = widget.post(QUERY, json={**body, "user_token": members.token("wim")}, headers={"origin": origin})
    assert "4711" in answer.text
    wrong = widget.post(QUERY, json={**body, "user_token": "wrong"}, headers={"origin": origin})
    assert_problem(wrong, 401, "USER_TOKEN_REFUSED")
    path = f"/v1/conversations/{answer.json()['conversation_id']}"
    assert widget.get(path, headers={"origin": origin}).json()["user_id"] == "wim"


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_a_back_end_can_keep_its_key(members: Members, system: System, tmp_path: Path, alg: str) -> None:
    """It gives the public half; a key set on a private address is never fetched, and verifies nothing."""
    private = private_key(alg)
    (tmp_path / "key.pem").write_text(public_pem(private))
    create = (
        "user-keys",
        "create",
        "--workspace",
        "members",
        "--alg",
        alg,
        "--iss",
        f"login-{alg}",
        "--json",
    )
    key = json.loads(system.cli(*create, "--public-key", str(tmp_path / "key.pem")).stdout)
    now = int(time.time())
    claims = {"sub": "ann", "iss": key["iss"], "aud": key["aud"], "iat": now, "exp": now + 300}
    assert "secret" not in key
    token = jwt.encode(claims, private, alg, {"kid": key["kid"]})
    assert members.members_only in members.found(user_token=token)
    inside = json.loads(system.cli(*create, "--jwks-url", "https://127.0.0.1:1/jwks.json").stdout)
    for kid in (inside["kid"], "theirs"):
        body = {"message": QUESTION, "user_token": jwt.encode(claims, private, alg, {"kid": kid})}
        answer = members.workspace.http.post(SEARCH, json=body)
        assert_problem(answer, 401, "USER_TOKEN_REFUSED")
    refused = system.cli(*create, "--jwks-url", "http://127.0.0.1/jwks.json", check=False)
    assert refused.returncode == 1
    assert "https" in refused.stderr


def test_a_disabled_key_signs_for_nobody(members: Members, system: System) -> None:
    """Within five seconds; the list says so, the audit too, and neither shows the secret."""
    made = json.loads(system.cli("user-keys", "create", "--workspace", "members", "--json").stdout)
    second = Members(members.workspace, made, members.everybodys, members.members_only)
    token = second.token()
    assert members.members_only in second.found(user_token=token)
    system.cli("user-keys", "disable", made["kid"])

    def refused() -> bool:
        body = {"message": QUESTION, "user_token": token}
        return members.workspace.http.post(SEARCH, json=body).status_code == 401

    until(refused, "the key to be refused", seconds=5)
    listed = system.cli("user-keys", "list", "--workspace", "members", "--json").stdout
    assert [each["kid"] for each in json.loads(listed)["items"] if each.get("disabled_at")] == [made["kid"]]
    audit = system.cli("audit", "--workspace", "members", "--json").stdout
    events = {(each["event"], each["key_id"]) for each in json.loads(audit)["items"]}
    assert {("user_key.created", made["kid"]), ("user_key.disabled", made["kid"])} <= events
    assert made["secret"] not in listed + audit


def test_no_token_and_no_secret_is_in_a_log(members: Members, system: System) -> None:
    """Neither of accepted nor of refused ones."""
    good, bad = members.token("logged"), members.token("logged", aud="else")
    members.found(user_token=good)
    members.workspace.http.post(QUERY, json={"message": QUESTION, "user_token": bad})
    logged = "".join(file.read_text(errors="replace") for file in (system.data / "logs").rglob("*"))
    assert "user_token_refused" in logged
    for text in (good, bad, members.key["secret"], good.split(".")[1], bad.split(".")[2]):
        assert text not in logged
