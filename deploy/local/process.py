"""One process under supervision."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

from deploy.local.backoff import Backoff
from deploy.local.log_file import LogFile
from deploy.local.specification import Specification

LAUNCHER = Path(__file__).with_name("launcher.py")
STOP_SECONDS = 10.0


class State(Enum):
    """Where a process is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    BACKING_OFF = "backing off"
    STOPPED = "stopped"


class Process:
    """
    Starts, watches and stops what a specification says.

    Not for use by several threads, and for the main one only: the child lives as long as the thread that
    started it.
    """

    def __init__(
        self,
        specification: Specification,
        log: LogFile,
        *,
        environment: Mapping[str, str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.specification = specification
        self.log = log
        self.state = State.WAITING
        self.starts = 0
        self.failures = 0
        """Deaths since it was last ready."""
        self.exit_status: int | None = None
        """Of its last death; negative: the signal's number."""
        self._environment = {**environment, **specification.environment}
        self._now = now
        self._backoff = Backoff()
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._retry_at = 0.0

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Starts it; whether it is ready shows later."""
        output = self.log.open()
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-IS", str(LAUNCHER), str(os.getpid()), *self.specification.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment,
                # Ctrl-C in the terminal is for the supervisor, which stops the others in order.
                start_new_session=True,
            )
        finally:
            os.close(output)
        self.starts += 1
        self._started = self._now()
        self.state = State.STARTING

    def watch(self) -> None:
        """Takes note of what happened since the last look, and starts it again when its wait is over."""
        if self._child and self._child.poll() is not None:
            self.exit_status = self._child.returncode
            self._kill_group(self._child.pid)
            self._child = None
            self.failures += 1
            self._retry_at = self._now() + self._backoff.after_run_of(self._now() - self._started)
            self.state = State.BACKING_OFF
        elif self.state is State.STARTING and self.specification.readiness.is_ready():
            self.failures = 0
            self.state = State.READY
        elif self.state is State.BACKING_OFF and self._now() >= self._retry_at:
            self.start()

    def stop(self, patience: float = STOP_SECONDS) -> None:
        """Lets its work in flight end, then ends it: SIGTERM, and SIGKILL for what is left of it later."""
        child, self._child, self.state = self._child, None, State.STOPPED
        if child is None:
            return
        if self.specification.before_stop and child.poll() is None:
            self.specification.before_stop()
        if child.poll() is None:
            child.terminate()
        try:
            child.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self._kill_group(child.pid)
        self.exit_status = child.returncode

    def _kill_group(self, group: int) -> None:
        # Whatever the process itself started; usually nothing.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
