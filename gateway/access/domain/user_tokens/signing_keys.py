"""What the operator of the installation does with signing keys."""

from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.errors import WorkspaceNotFound
from gateway.access.domain.ports import Workspaces
from gateway.access.domain.user_tokens.ports import UserKeyChange, UserKeys
from gateway.access.domain.user_tokens.signatures import PublicKeys
from gateway.access.domain.user_tokens.user_key import UserKey, UserKeyWish
from gateway.access.domain.workspaces.open_workspace import open_workspace
from services.kernel.clock import Clock
from services.kernel.pages import Page, Place, page_of, page_size, place_in


class SigningKeys:
    """Makes, lists and disables."""

    def __init__(
        self,
        keys: UserKeys,
        workspaces: Workspaces,
        public_keys: PublicKeys,
        clock: Clock,
        *,
        jwks_hosts: frozenset[str] = frozenset(),
    ) -> None:
        """`jwks_hosts` are those that key sets may come from; empty: any public one."""
        self._keys = keys
        self._workspaces = workspaces
        self._public_keys = public_keys
        self._clock = clock
        self._jwks_hosts = jwks_hosts

    def create(self, wish: UserKeyWish) -> UserKey:
        """
        Make a signing key; only here does it come with its secret.

        Raises:
            InvalidArgument: the wish breaks a rule.
            WorkspaceNotFound: there is no such workspace, or it was closed.
        """
        checked = wish.checked(self._public_keys, self._jwks_hosts)
        now = self._clock.now()
        key = checked.grant(open_workspace(self._workspaces, wish.workspace), now)
        details = {
            "environment": key.environment,
            "alg": key.algorithm,
            "iss": key.issuer,
            "jwks_url": key.jwks_url,
        }
        entry = AuditEntry.of_change(Event.USER_KEY_CREATED, now, key.workspace_id, key.kid, details=details)
        self._keys.add(key, entry)
        return key

    def list(self, name_or_id: str, size: int, token: str) -> Page[UserKey]:
        """
        Return a page of a workspace's and its twin's signing keys, newest first, without secrets.

        Raises:
            WorkspaceNotFound: there is no such workspace.
        """
        size = page_size(size)
        workspace = self._workspaces.find(name_or_id)
        if workspace is None:
            raise WorkspaceNotFound
        filters = {"list": "user_keys", "workspace": workspace.id}
        found = self._keys.page(workspace, size + 1, place_in(token, filters))
        return page_of(found, size, filters, lambda each: Place(each.created_at, each.kid))

    def disable(self, kid: str) -> UserKey:
        """
        Disable a signing key for good; once more changes nothing.

        Raises:
            UserKeyNotFound: there is no such key.
        """
        now = self._clock.now()

        def rule(before: UserKey) -> UserKeyChange:
            if before.disabled_at is not None:
                return before, None
            details = {"alg": before.algorithm, "iss": before.issuer}
            entry = AuditEntry.of_change(
                Event.USER_KEY_DISABLED, now, before.workspace_id, before.kid, details=details
            )
            return before.disable(now), entry

        return self._keys.change(kid, rule)
