"""Which of a request's headers go on; all others end at the gateway."""

from __future__ import annotations

# The route's rule and the caller's address, as the gateway itself says them.
RULE, CLIENT_ADDRESS = "x-route-rule", "x-client-address"
# Proves to access and to the services that the gateway speaks: added to every request that comes in.
CREDENTIAL = "x-internal-credential"
# Who the caller is, as access says it; set anew on every request that it lets pass.
CALLER = ("x-workspace-id", "x-key-id", "x-scopes", "x-environment", "x-key-kind")
# Headers by which the gateway speaks to access and to the services. From outside they would be forgeries.
INTERNAL = (*CALLER, CREDENTIAL, RULE, CLIENT_ADDRESS, "x-body-keys", "x-request-id")

# Tells access, in a message of its own, whose request was counted as a query and is none.
NO_QUERY = "x-no-query"

# What access needs to know of a request; it never sees bodies, paths and query strings.
FOR_ACCESS = ("authorization", "origin", "x-request-id", CREDENTIAL, RULE, CLIENT_ADDRESS)
# What services read; held against the limits below before they do. As the documents write them.
FOR_SERVICES = ("Idempotency-Key", "If-Match")
LONGEST_VALUE = 255
# What says how the body is to be read.
OF_THE_BODY = ("content-type", "content-length", "content-encoding", "transfer-encoding")
# What gRPC has in their place. A compressed message could be any size once it is read: it is refused by its
# encoding, and since nobody is told which ones the caller would take, answers are not compressed either.
OF_THE_CALL = ("content-type", "te", "grpc-timeout", "grpc-encoding")
# The path goes on as metadata of the call, of which gRPC servers take 8 KiB in all. An external id of
# 512 characters, escaped, is 6,144 bytes.
LONGEST_PATH = 6_500


def from_outside() -> tuple[str, ...]:
    """Return the names, in lower case, of what is kept of a request when it comes in."""
    return (*FOR_ACCESS, *OF_THE_BODY, *(name.lower() for name in FOR_SERVICES))


def of_calls() -> tuple[str, ...]:
    """Return the same of a native gRPC call."""
    return (*FOR_ACCESS, *OF_THE_CALL, *(name.lower() for name in FOR_SERVICES))


def not_for_services() -> tuple[str, ...]:
    """Return the names of what is kept for the gateway's own use only."""
    kept = ("x-request-id", CREDENTIAL)
    return (*(name for name in FOR_ACCESS if name not in kept), "content-encoding", "grpc-encoding")
