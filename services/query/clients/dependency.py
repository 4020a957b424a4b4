"""Whether another process is well."""

import grpc

from services.runtime.health import is_serving

_TIMEOUT = 0.8


class ServiceDependency:
    """A `Dependency`: a process behind a channel, or a part of it, asked by gRPC's health protocol."""

    def __init__(self, channel: grpc.Channel, part: str = "") -> None:
        self._channel = channel
        self._part = part

    def ready(self) -> bool:
        """Tell whether it says that it can serve."""
        return is_serving(self._channel, _TIMEOUT, self._part)
