"""What gRPC hands to a servicer, as far as ours look at it."""

from typing import cast

import grpc


class FakeContext:
    """The headers of a request."""

    def __init__(self, **headers: str) -> None:
        self._metadata = tuple((name.replace("_", "-"), value) for name, value in headers.items())

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the headers."""
        return self._metadata


def context(**headers: str) -> grpc.ServicerContext:
    """Return the context of a request with these headers; underscores stand for dashes."""
    return cast(grpc.ServicerContext, FakeContext(**headers))
