"""The operator's API as Python: workspaces, their keys, how their questions are answered."""

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

    def create_key(
        self,
        workspace: str,
        scopes: Sequence[str],
        *,
        name: str = "",
        environment: str = "",
        expires_in_seconds: int = 0,
    ) -> Json:
        """Creates a key; the whole key is in this answer only."""
        body: Json = {"workspace": workspace, "scopes": list(scopes)}
        if name:
            body["name"] = name
        if environment:
            body["environment"] = environment
        if expires_in_seconds:
            body["expires_in_seconds"] = expires_in_seconds
        return self._object("POST", "/operator/v1/keys", body=body)

    def keys(self, workspace: str) -> Iterator[Json]:
        """Yields a workspace's keys, newest first."""
        return paged(self._transport, "/operator/v1/keys", {"workspace": workspace})

    def revoke_key(self, key_id: str) -> Json:
        """Revokes a key for good."""
        path = f"/operator/v1/keys/{quote(key_id, safe='')}/revoke"
        return self._object("POST", path, idempotent=True)

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


def _answering(workspace_id: str) -> str:
    return f"/operator/v1/workspaces/{quote(workspace_id, safe='')}/answering"
