"""What the operator of the installation does with workspaces and keys."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.errors import WorkspaceNotFound
from gateway.access.domain.keys.key import Key, KeyChange, OwnedKey, Rotation
from gateway.access.domain.keys.key_wish import KeyWish
from gateway.access.domain.ports import Audit, Keys, RememberedKeys, WorkspaceChange, Workspaces
from gateway.access.domain.workspaces import workspace_patch
from gateway.access.domain.workspaces.open_workspace import open_workspace
from gateway.access.domain.workspaces.workspace import Workspace
from gateway.access.domain.workspaces.workspace_patch import WorkspacePatch
from services.kernel.clock import Clock
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.pages import Page, Place, page_of, page_size, place_in

MAX_OVERLAP = timedelta(hours=72)


class Operator:
    """Makes, lists, changes and revokes; each change is an entry in the audit."""

    def __init__(
        self, workspaces: Workspaces, keys: Keys, audit: Audit, remembered: RememberedKeys, clock: Clock
    ) -> None:
        """`remembered` is what this process remembers of keys, so that a change holds in it at once."""
        self._workspaces = workspaces
        self._keys = keys
        self._audit = audit
        self._remembered = remembered
        self._clock = clock

    def create_workspace(self, name: str, plan: str) -> Workspace:
        """
        Make a workspace and its twin; an empty plan stands for growth.

        Raises:
            InvalidArgument: the name or the plan breaks a rule.
            WorkspaceNameTaken: another has the name, be it a closed one.
        """
        now = self._clock.now()
        workspace = Workspace.create(name, plan, now)
        details = {"name": workspace.name, "plan": workspace.plan}
        entry = AuditEntry.of_change(Event.WORKSPACE_CREATED, now, workspace.id, details=details)
        self._workspaces.add(workspace, entry)
        return workspace

    def list_workspaces(self, size: int, token: str) -> Page[Workspace]:
        """Return a page of workspaces, oldest first, closed ones included."""
        size = page_size(size)
        filters = {"list": "workspaces"}
        found = self._workspaces.page(size + 1, place_in(token, filters))
        return page_of(found, size, filters, lambda each: Place(each.created_at, each.id))

    def update_workspace(self, name_or_id: str, patch: WorkspacePatch) -> Workspace:
        """
        Change a workspace's plan and limits; what is not given stays.

        Raises:
            InvalidArgument: the patch breaks a rule.
            WorkspaceNotFound: there is no such workspace, or it was closed.
        """
        patch.check()
        now = self._clock.now()

        def rule(before: Workspace) -> WorkspaceChange:
            if before.is_closed:
                raise WorkspaceNotFound
            after = patch.apply(before)
            details = workspace_patch.changes(before, after)
            if not details:
                return before, None
            return after, AuditEntry.of_change(Event.WORKSPACE_UPDATED, now, after.id, details=details)

        return self._change_workspace(name_or_id, rule)

    def delete_workspace(self, name_or_id: str) -> Workspace:
        """
        Close a workspace and its twin for good; once more changes nothing.

        Raises:
            WorkspaceNotFound: there is no such workspace.
        """
        now = self._clock.now()

        def rule(before: Workspace) -> WorkspaceChange:
            if before.is_closed:
                return before, None
            details = {"name": before.name}
            entry = AuditEntry.of_change(Event.WORKSPACE_DELETED, now, before.id, details=details)
            return before.close(now), entry

        return self._change_workspace(name_or_id, rule)

    def create_key(self, wish: KeyWish) -> tuple[Key, str]:
        """
        Make a key; return it and its whole text, which is kept nowhere.

        Raises:
            InvalidArgument: the wish breaks a rule.
            WorkspaceNotFound: there is no such workspace, or it was closed.
        """
        wish.check()
        now = self._clock.now()
        key, presented = wish.grant(open_workspace(self._workspaces, wish.workspace), now)
        entry = AuditEntry.of_change(Event.KEY_CREATED, now, key.workspace_id, key.id, details=_details(key))
        self._keys.add(key, entry)
        return key, presented.reveal()

    def list_keys(self, name_or_id: str, size: int, token: str) -> Page[Key]:
        """
        Return a page of a workspace's and its twin's keys, newest first.

        Raises:
            WorkspaceNotFound: there is no such workspace.
        """
        size = page_size(size)
        workspace = self._workspace(name_or_id)
        filters = {"list": "keys", "workspace": workspace.id}
        found = self._keys.page(workspace, size + 1, place_in(token, filters))
        return page_of(found, size, filters, lambda each: Place(each.created_at, each.id))

    def revoke_key(self, key_id: str) -> Key:
        """
        Revoke a key for good; once more changes nothing.

        Raises:
            KeyNotFound: there is no such key.
        """
        now = self._clock.now()

        def rule(owned: OwnedKey) -> KeyChange:
            key = owned.key
            if key.revoked_at is not None:
                return KeyChange(key=key)
            details = {"name": key.name}
            entry = AuditEntry.of_change(Event.KEY_REVOKED, now, key.workspace_id, key.id, details=details)
            return KeyChange(key=key.revoke(now), entry=entry)

        key = self._keys.change(key_id, rule).key
        self._remembered.forget(key.public_id)
        return key

    def rotate_key(self, key_id: str, overlap_seconds: int) -> tuple[Key, str]:
        """
        Make a key's successor; return it and its whole text. Both keys work until the overlap's end.

        Raises:
            InvalidArgument: the overlap is negative or longer than 72 hours.
            KeyNotFound: there is no such key.
            KeyNotRotatable: it is revoked, expired or has a successor.
            WorkspaceNotFound: its workspace was closed.
        """
        overlap = timedelta(seconds=overlap_seconds)
        if not timedelta() <= overlap <= MAX_OVERLAP:
            most = int(MAX_OVERLAP.total_seconds())
            raise InvalidArgument.of([Violation("/overlap_seconds", f"must be from 0 to {most:,}")])
        now = self._clock.now()

        def rule(owned: OwnedKey) -> Rotation:
            if owned.workspace.is_closed:
                raise WorkspaceNotFound
            rotation = owned.key.rotate(overlap, now)
            old = rotation.key
            details = {"successor": rotation.successor.id, "expires_at": _instant(old.expires_at)}
            entry = AuditEntry.of_change(Event.KEY_ROTATED, now, old.workspace_id, old.id, details=details)
            return replace(rotation, entry=entry)

        rotation = self._keys.change(key_id, rule)
        self._remembered.forget(rotation.key.public_id)
        return rotation.successor, rotation.presented.reveal()

    def list_audit(self, name_or_id: str, event: str, size: int, token: str) -> Page[AuditEntry]:
        """
        Return a page of the audit, newest first; an empty workspace or event stands for all.

        Raises:
            InvalidArgument: there is no such event.
            WorkspaceNotFound: there is no such workspace.
        """
        size = page_size(size)
        if event not in ("", *Event):
            raise InvalidArgument.of([Violation("/event", f"must be one of {', '.join(Event)}")])
        workspace = self._workspace(name_or_id) if name_or_id else None
        filters = {"list": "audit", "workspace": workspace.id if workspace else "", "event": event}
        place = place_in(token, filters)
        found = self._audit.page(workspace, Event(event) if event else None, size + 1, place)
        return page_of(found, size, filters, lambda each: Place(each.at, each.id))

    def _workspace(self, name_or_id: str) -> Workspace:
        workspace = self._workspaces.find(name_or_id)
        if workspace is None:
            raise WorkspaceNotFound
        return workspace

    def _change_workspace(self, name_or_id: str, rule: Callable[[Workspace], WorkspaceChange]) -> Workspace:
        workspace = self._workspaces.change(name_or_id, rule)
        self._remembered.forget_workspace(workspace)
        return workspace


def _details(key: Key) -> dict[str, str]:
    return {
        "name": key.name,
        "kind": key.kind,
        "environment": key.environment,
        "scopes": " ".join(key.scopes),
        "origins": " ".join(key.origins),
        "expires_at": _instant(key.expires_at),
        "requests_per_minute": str(key.requests_per_minute or ""),
    }


def _instant(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
