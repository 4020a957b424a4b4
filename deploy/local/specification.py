"""What the supervisor needs to know of a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from deploy.local.readiness import Readiness


@dataclass(frozen=True)
class Specification:
    """
    A process: how it starts, when, and how one knows that it is ready.

    Attributes:
        name: unique; names the log file.
        command: what to run.
        port: where it listens; kept over restarts.
        readiness: tells whether it can do its work.
        after: names of the processes that must be ready before its first start.
        environment: added to the supervisor's own.
        metrics_port: where its metrics are; 0: nowhere.
        before_stop: called before it is told to stop, to let its work in flight end.
    """

    name: str
    command: Sequence[str]
    port: int
    readiness: Readiness
    after: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    metrics_port: int = 0
    before_stop: Callable[[], None] | None = None
