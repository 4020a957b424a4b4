"""What access needs from a store, and what it remembers of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias, TypeVar

from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.keys.key import Key, KeyChange, OwnedKey
from gateway.access.domain.keys.known_key import KnownKey
from gateway.access.domain.workspaces.workspace import Workspace
from services.kernel.pages import Place

AnyKeyChange = TypeVar("AnyKeyChange", bound=KeyChange)
# What a workspace is to become, and the entry of it; no entry: nothing changes.
WorkspaceChange: TypeAlias = tuple[Workspace, AuditEntry | None]


class KeyLookup(Protocol):
    """Finds a key for the check."""

    def find(self, public_id: str) -> KnownKey | None:
        """
        Return the key of that public id, revoked and expired ones included; None where there is none.

        It is the one look-up without a workspace: the key is what tells the workspace.

        Raises:
            Unavailable: the store can't be asked.
        """


class RememberedKeys(Protocol):
    """What this process remembers of keys."""

    def forget(self, public_id: str) -> None:
        """Ask the store for this key the next time."""

    def forget_workspace(self, workspace: Workspace) -> None:
        """Ask the store for the keys of a workspace and its twin the next time."""


class Keys(Protocol):
    """The keys that were given out. Each change commits together with its entry in the audit."""

    def find(self, public_id: str) -> OwnedKey | None:
        """
        Return the key of that public id, revoked and expired ones included; None where there is none.

        Raises:
            Unavailable: the store can't be asked.
        """

    def add(self, key: Key, entry: AuditEntry) -> None:
        """Keep a new key."""

    def change(self, key_id: str, rule: Callable[[OwnedKey], AnyKeyChange]) -> AnyKeyChange:
        """
        Keep what `rule` makes of the key, and return it; changes of one key come one after the other.

        What `rule` raises leaves everything as it is.

        Raises:
            KeyNotFound: there is no such key.
        """

    def page(self, workspace: Workspace, size: int, after: Place | None) -> list[Key]:
        """
        Return at most `size` keys of a workspace and its twin, newest first.

        `after` is the place of the last key of the page before.
        """

    def touch(self, uses: Mapping[str, datetime]) -> None:
        """Note when keys were last used, by id; an earlier instant than the noted one changes nothing."""


class Workspaces(Protocol):
    """The workspaces of the installation. Each change commits together with its entry in the audit."""

    def add(self, workspace: Workspace, entry: AuditEntry) -> None:
        """
        Keep a new workspace and its twin.

        Raises:
            WorkspaceNameTaken: another has the name.
        """

    def find(self, name_or_id: str) -> Workspace | None:
        """
        Return the workspace of that id, else the one of that name, closed ones included; None: there is none.

        A twin's id finds nothing: naming the twin would leave open which of the two is meant.
        """

    def change(self, name_or_id: str, rule: Callable[[Workspace], WorkspaceChange]) -> Workspace:
        """
        Keep and return what `rule` makes of the workspace that `find` finds: its plan, limits and end.

        Changes of one workspace come one after the other. What `rule` raises leaves everything as it is.

        Raises:
            WorkspaceNotFound: there is no such workspace.
        """

    def page(self, size: int, after: Place | None) -> list[Workspace]:
        """
        Return at most `size` workspaces, oldest first.

        `after` is the place of the last one of the page before.
        """


class Audit(Protocol):
    """What was changed and refused. Nothing is ever taken away."""

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """
        Keep entries.

        Raises:
            Unavailable: the store can't be asked.
        """

    def page(
        self, workspace: Workspace | None, event: Event | None, size: int, after: Place | None
    ) -> list[AuditEntry]:
        """
        Return at most `size` entries, newest first; of a workspace and its twin, of one event, where given.

        `after` is the place of the last entry of the page before.
        """
