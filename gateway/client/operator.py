"""The operator's API as Python: workspaces, their keys, how their questions are answered, the audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from gateway.client.client import Json, paged
from gateway.client.errors import ClientError
from gateway.client.transport import Transport


class Operator:
    """The installation, seen with its operator token on the loopback listener at `base_url`."""

    def __init__(
        self, base_url: str, token: str, *, patience: float = 10.0, transport: Transport | None = None
    ) -> None:
        self._transport = transport or Transport(base_url, token, patience=patience)

    def __enter__(self) -> Operator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def create_workspace(self, name: str, *, plan: str = "") -> Json:
        """Creates a workspace. A name in use: ApiError with code `WORKSPACE_NAME_TAKEN`."""
        body = {"name": name, **({"plan": plan} if plan else {})}
        return self._object("POST", "/operator/v1/workspaces", body=body)

    def workspaces(self) -> Iterator[Json]:
        """Yields all workspaces, oldest first."""
        return paged(self._transport, "/operator/v1/workspaces", {})

    def update_workspace(
        self,
        workspace: str,
        *,
        plan: str = "",
        limits: Mapping[str, int] | None = None,
        clear: Sequence[str] = (),
    ) -> Json:
        """Changes plan and limits, if given; `clear` names limits that go back to the plan's."""
        given = {"plan": plan, "limits": dict(limits or {}), "clear": list(clear)}
        body = {name: value for name, value in given.items() if value}
        return self._object("PATCH", _workspace(workspace), body=body, idempotent=True)

    def delete_workspace(self, workspace: str) -> Json:
        """Closes a workspace and its twin for good."""
        return self._object("DELETE", _workspace(workspace))

    def create_key(
        self,
        workspace: str,
        scopes: Sequence[str] = (),
        *,
        name: str = "",
        environment: str = "",
        expires_in_seconds: int = 0,
        kind: str = "",
        origins: Sequence[str] = (),
        requests_per_minute: int = 0,
    ) -> Json:
        """Creates a key; the whole key is in this answer only."""
        given = {
            "name": name,
            "environment": environment,
            "expires_in_seconds": expires_in_seconds,
            "kind": kind,
            "origins": list(origins),
            "requests_per_minute": requests_per_minute,
        }
        body: Json = {"workspace": workspace, "scopes": list(scopes)}
        body |= {name: value for name, value in given.items() if value}
        return self._object("POST", "/operator/v1/keys", body=body)

    def keys(self, workspace: str) -> Iterator[Json]:
        """Yields a workspace's keys, newest first."""
        return paged(self._transport, "/operator/v1/keys", {"workspace": workspace})

    def revoke_key(self, key_id: str) -> Json:
        """Revokes a key for good."""
        path = f"/operator/v1/keys/{quote(key_id, safe='')}/revoke"
        return self._object("POST", path, idempotent=True)

    def rotate_key(self, key_id: str, *, overlap_seconds: int = 0) -> Json:
        """Creates a key's successor; it is in this answer only. Both work until the overlap's end."""
        path = f"/operator/v1/keys/{quote(key_id, safe='')}/rotate"
        return self._object("POST", path, body={"overlap_seconds": overlap_seconds})

    def create_user_key(
        self,
        workspace: str,
        *,
        environment: str = "",
        alg: str = "",
        iss: str = "",
        public_key: str = "",
        jwks_url: str = "",
    ) -> Json:
        """Creates a key that end users' tokens are signed with; a secret is in this answer only."""
        given = {
            "environment": environment,
            "alg": alg,
            "iss": iss,
            "public_key": public_key,
            "jwks_url": jwks_url,
        }
        body: Json = {"workspace": workspace} | {name: value for name, value in given.items() if value}
        return self._object("POST", "/operator/v1/user-keys", body=body)

    def user_keys(self, workspace: str) -> Iterator[Json]:
        """Yields a workspace's keys for end users' tokens, newest first."""
        return paged(self._transport, "/operator/v1/user-keys", {"workspace": workspace})

    def disable_user_key(self, kid: str) -> Json:
        """Disables a key for end users' tokens for good."""
        path = f"/operator/v1/user-keys/{quote(kid, safe='')}/disable"
        return self._object("POST", path, idempotent=True)

    def audit(self, *, workspace: str = "", event: str = "") -> Iterator[Json]:
        """Yields what was changed and refused, newest first: all, or of one workspace or event."""
        given = {"workspace": workspace, "event": event}
        filters = {name: value for name, value in given.items() if value}
        return paged(self._transport, "/operator/v1/audit", filters)

    def workspace_id(self, name_or_id: str, environment: str = "live") -> str:
        """
        Returns the id of a workspace, or of its test twin.

        Raises:
            ClientError: no workspace has that name or id.
        """
        for each in self.workspaces():
            if name_or_id in (each["name"], each["id"]):
                return str(each["test_workspace_id"] if environment == "test" else each["id"])
        raise ClientError(f"There is no workspace {name_or_id}.")

    def answering(self, workspace_id: str) -> Json:
        """Returns how a workspace's questions are answered."""
        return self._object("GET", _answering(workspace_id))

    def update_answering(self, workspace_id: str, patch: Mapping[str, Any]) -> Json:
        """Changes the given settings; `clear` names those that go back to their defaults."""
        return self._object("PATCH", _answering(workspace_id), body=dict(patch), idempotent=True)

    def _object(self, method: str, path: str, **request: Any) -> Json:
        answer: Json = self._transport.call(method, path, **request)
        return answer


def _workspace(name_or_id: str) -> str:
    return f"/operator/v1/workspaces/{quote(name_or_id, safe='')}"


def _answering(workspace_id: str) -> str:
    return f"{_workspace(workspace_id)}/answering"
