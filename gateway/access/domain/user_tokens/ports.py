"""Where signing keys are kept, and where key sets come from."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from gateway.access.domain.audit import AuditEntry
from gateway.access.domain.user_tokens.user_key import UserKey
from gateway.access.domain.workspaces.workspace import Workspace
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place

# What a key is to become, and the entry of it; no entry: nothing changes.
UserKeyChange: TypeAlias = tuple[UserKey, AuditEntry | None]


class UserKeys(Protocol):
    """The signing keys of all workspaces. Secrets lie encrypted. Safe to share between threads."""

    def active(self, workspace_id: WorkspaceId) -> Sequence[UserKey]:
        """
        Return the keys of a workspace (or of a twin) that are in force, with their secrets.

        A key whose secret can't be decrypted is left out, and the log says so.

        Raises:
            Unavailable: the store can't be asked.
        """
        ...

    def add(self, key: UserKey, entry: AuditEntry) -> None:
        """Keep a new key, and the audit's entry of it."""
        ...

    def change(self, kid: str, rule: Callable[[UserKey], UserKeyChange]) -> UserKey:
        """
        Replace a key by what the rule makes of it (its secret stays), together with the audit's entry.

        Nothing is between the rule's look at the key and the change.

        Raises:
            UserKeyNotFound: there is no such key.
        """
        ...

    def page(self, workspace: Workspace, size: int, after: Place | None) -> list[UserKey]:
        """
        Return at most `size` keys of a workspace and its twin, newest first, without their secrets.

        `after` is the place of the last key of the page before.
        """
        ...


class KeySetSource(Protocol):
    """Fetches key sets. Safe to share between threads."""

    def fetch(self, url: str) -> bytes:
        """
        Return what a URL answers with, at most 1 MiB within 5 seconds; no redirects, public addresses only.

        Raises:
            KeySetUnavailable: there is no such answer.
        """
        ...
