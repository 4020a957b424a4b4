"""What the fake services share: each call is kept, and a test can say what a method does next."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc

Behaviour = Callable[[Any, grpc.ServicerContext], Any]


@dataclass(frozen=True)
class RecordedCall:
    """One call as the service got it."""

    method: str
    request: Any
    metadata: dict[str, str]
    seconds_left: float | None


@dataclass
class RecordedCalls:
    """The calls so far, and the behaviours that tests have set in place of the usual answers."""

    calls: list[RecordedCall] = field(default_factory=list)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)

    def serve(self, method: str, request: Any, context: grpc.ServicerContext, usual: Behaviour) -> Any:
        """Record the call, then answer as the test has said or as usual."""
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        self.calls.append(RecordedCall(method, request, metadata, context.time_remaining()))
        return self.behaviours.get(method, usual)(request, context)

    def on(self, method: str, behaviour: Behaviour) -> None:
        """Let a method behave in another way until `reset`."""
        self.behaviours[method] = behaviour

    def reset(self) -> None:
        """Forget the calls and the behaviours."""
        self.calls.clear()
        self.behaviours.clear()

    @property
    def last(self) -> RecordedCall:
        """The newest call."""
        return self.calls[-1]
