"""Which buckets a request takes a token from."""

from functools import lru_cache

from gateway.access.domain.client_network import client_network
from gateway.access.domain.keys.key_format import KeyKind
from gateway.access.domain.keys.known_key import KnownKey
from gateway.access.domain.metering import Account, Bucket, Meter
from services.kernel.ids import WorkspaceId


def account_of(known: KnownKey, meter: Meter, address: str) -> Account:
    """Return what a request that may pass is counted against; `address`: of the client."""
    key, allowance = known.key, known.allowance
    if meter is Meter.KNOWLEDGE_WRITE:
        return _writes(key.workspace_id, allowance.knowledge_writes_per_minute)
    queries = allowance.queries if meter is Meter.QUERY else None
    if key.kind is KeyKind.PUBLISHABLE:
        return _publishable(
            key.workspace_id,
            key.id,
            client_network(address),
            allowance.address_requests_per_minute,
            key.requests_per_minute,
            allowance.widget_requests_per_minute,
            queries,
        )
    return _secret(key.workspace_id, key.id, key.requests_per_minute, _workspace_limit(known), queries)


def account_of_refused(known: KnownKey, address: str) -> Account:
    """
    Return what a request is counted against that may not pass for another reason.

    Of a publishable key only the client's own bucket: a page elsewhere that holds the key must not use up
    the tokens of the page that it was made for.
    """
    key = known.key
    if key.kind is KeyKind.PUBLISHABLE:
        limit = known.allowance.address_requests_per_minute
        return _address(key.workspace_id, key.id, client_network(address), limit)
    return _secret(key.workspace_id, key.id, key.requests_per_minute, _workspace_limit(known), None)


def _workspace_limit(known: KnownKey) -> int:
    # A plan without API access has none for secret keys, and their refusals are counted all the same.
    allowance = known.allowance
    return allowance.requests_per_minute if allowance.api_access else allowance.widget_requests_per_minute


# A busy key's account is the same all the time; making it anew costs more than all else of a check.
@lru_cache(maxsize=4096)
def _secret(
    workspace_id: WorkspaceId, key_id: str, own_limit: int, limit: int, queries: int | None
) -> Account:
    workspace = Bucket(f"workspace:{workspace_id}", "workspace", limit)
    own = (_own(key_id, own_limit),) if own_limit else ()
    return Account(workspace_id, (*own, workspace), queries)


@lru_cache(maxsize=16_384)
def _publishable(
    workspace_id: WorkspaceId,
    key_id: str,
    network: str,
    address_limit: int,
    own_limit: int,
    limit: int,
    queries: int | None,
) -> Account:
    own = (_own(key_id, own_limit),) if own_limit else ()
    widget = Bucket(f"widget:{workspace_id}", "workspace", limit)
    return Account(
        workspace_id,
        (_of_address(key_id, network, address_limit), *own, widget),
        queries,
    )


@lru_cache(maxsize=4096)
def _address(workspace_id: WorkspaceId, key_id: str, network: str, limit: int) -> Account:
    return Account(workspace_id, (_of_address(key_id, network, limit),))


@lru_cache(maxsize=4096)
def _writes(workspace_id: WorkspaceId, limit: int) -> Account:
    bucket = Bucket(f"writes:{workspace_id}", "knowledge-writes", limit, refuses=False)
    return Account(workspace_id, (bucket,))


def _own(key_id: str, limit: int) -> Bucket:
    return Bucket(f"key:{key_id}", "key", limit)


def _of_address(key_id: str, network: str, limit: int) -> Bucket:
    return Bucket(f"address:{key_id}:{network}", "address", limit)
