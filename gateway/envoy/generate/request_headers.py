"""Which of a request's headers go on; all others end at the gateway."""

from __future__ import annotations

# What access needs to know of a request; it never sees bodies. All but the id end there.
FOR_ACCESS = ("authorization", "origin", "x-request-id", "x-forwarded-for", "user-agent")
# What services read; held against the limits below before they do. As the documents write them.
FOR_SERVICES = ("Idempotency-Key", "If-Match")
LONGEST_VALUE = 255
# What says how the body is to be read.
OF_THE_BODY = ("content-type", "content-length", "content-encoding", "transfer-encoding")
# The path goes on as metadata of the call, of which gRPC servers take 8 KiB in all. An external id of
# 512 characters, escaped, is 6,144 bytes.
LONGEST_PATH = 6_500


def from_outside() -> tuple[str, ...]:
    """Return the names, in lower case, of what is kept of a request."""
    return (*FOR_ACCESS, *OF_THE_BODY, *(name.lower() for name in FOR_SERVICES))


def not_for_services() -> tuple[str, ...]:
    """Return the names of what is kept for the gateway's own use only."""
    return (*(name for name in FOR_ACCESS if name != "x-request-id"), "content-encoding")
