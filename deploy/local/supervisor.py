"""Keeps a set of processes running."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.data_directory import write_json
from deploy.local.process import Process, State

LOOK_EVERY = 0.1
TRIM_EVERY = 10.0
READY_WITHIN = 60.0
GIVE_UP_AFTER = 5


class StartFailed(Exception):
    """A process did not come up; the text has the end of its log."""


class Supervisor:
    """
    Starts processes in order of readiness, restarts what dies, stops all in reverse order.

    `state_file` always tells what runs; `report` gets a line for people when something changes.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        state_file: Path,
        report: Callable[[str], None],
        *,
        supervisor_pid: int,
    ) -> None:
        self._processes = list(processes)
        self._state_file = state_file
        self._report = report
        self._supervisor_pid = supervisor_pid
        self._told: dict[str, tuple[State, int | None]] = {}
        self._last_trim = time.monotonic()
        self._up = False

    @property
    def all_ready(self) -> bool:
        """Whether every process is ready at this moment."""
        return all(each.state is State.READY for each in self._processes)

    def run(self, stopping: threading.Event, when_ready: Callable[[], None]) -> None:
        """
        Keeps the processes running until `stopping` is set, then stops them.

        `when_ready` is called once, when all are ready for the first time; it must not block.

        Raises:
            StartFailed: before that, a process died five times or was not ready within a minute.
        """
        deadline = time.monotonic() + READY_WITHIN
        try:
            while not stopping.is_set():
                self.look()
                if not self._up:
                    self._check_start(deadline)
                    if self.all_ready:
                        self._up = True
                        self._write_state()
                        when_ready()
                stopping.wait(LOOK_EVERY)
        finally:
            self.stop()

    def look(self) -> None:
        """Starts what can start, watches what runs, tells what changed."""
        ready = {each.specification.name for each in self._processes if each.state is State.READY}
        for process in self._processes:
            if process.state is State.WAITING:
                if ready.issuperset(process.specification.after):
                    process.start()
            else:
                process.watch()
        self._tell()
        if time.monotonic() - self._last_trim > TRIM_EVERY:
            self._last_trim = time.monotonic()
            for process in self._processes:
                process.log.trim()

    def stop(self) -> None:
        """Stops all processes, the last one first."""
        for process in reversed(self._processes):
            if process.pid is not None:
                self._report(f"stopping {process.specification.name}")
            process.stop()
        self._write_state()

    def _check_start(self, deadline: float) -> None:
        for process in self._processes:
            name, late = process.specification.name, time.monotonic() > deadline
            if process.failures >= GIVE_UP_AFTER:
                raise StartFailed(f"{name} does not start. The end of its log:\n{process.log.tail()}")
            if late and process.state in (State.STARTING, State.BACKING_OFF):
                raise StartFailed(f"{name} is not ready yet. The end of its log:\n{process.log.tail()}")

    def _tell(self) -> None:
        changed = False
        for process in self._processes:
            name, port = process.specification.name, process.specification.port
            now = (process.state, process.pid)
            if self._told.get(name) == now:
                continue
            self._told[name], changed = now, True
            if process.state is State.READY:
                self._report(f"{name:<15} pid {process.pid:<8} port {port:<6} log {process.log.path}")
            elif process.state is State.BACKING_OFF:
                self._report(f"{name:<15} ended with status {process.exit_status}; it is started again")
        if changed:
            self._write_state()

    def _write_state(self) -> None:
        write_json(
            self._state_file,
            {
                "supervisor": self._supervisor_pid,
                "ready": self._up and self.all_ready,
                "processes": {
                    process.specification.name: {
                        "pid": process.pid,
                        "port": process.specification.port,
                        "metrics_port": process.specification.metrics_port,
                        "state": process.state.value,
                        "starts": process.starts,
                        "log": str(process.log.path),
                    }
                    for process in self._processes
                },
            },
        )
