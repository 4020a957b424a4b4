from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local.log_file import LogFile
from deploy.local.process import Process
from deploy.local.specification import Specification
from deploy.local.supervisor import StartFailed, Supervisor

SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); " + SLEEP
)


class Switch:
    """A readiness that the test turns on."""

    def __init__(self, on: bool = True) -> None:
        self.on = on

    def is_ready(self) -> bool:
        return self.on


class LogSays:
    """A readiness that shows in the log."""

    def __init__(self, log: Path, text: str) -> None:
        self._log, self._text = log, text

    def is_ready(self) -> bool:
        return self._log.exists() and self._text in self._log.read_text()


class House:
    """A supervisor of dummy processes in a folder of the test, looked at by the test itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.lines: list[str] = []
        self.processes: list[Process] = []

    def add(
        self,
        name: str,
        code: str = SLEEP,
        *,
        readiness: Switch | LogSays | None = None,
        after: Sequence[str] = (),
        before_stop: Callable[[], None] | None = None,
    ) -> Process:
        specification = Specification(
            name,
            [sys.executable, "-c", code],
            port=1,
            readiness=readiness or Switch(),
            after=after,
            environment={"NAME": name},
            before_stop=before_stop,
        )
        process = Process(specification, LogFile(self.log(name)), environment=dict(os.environ))
        self.processes.append(process)
        return process

    def log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def supervisor(self) -> Supervisor:
        state = self._folder / "processes.json"
        return Supervisor(self.processes, state, self.lines.append, supervisor_pid=os.getpid())

    def state(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self._folder / "processes.json").read_text())
        return content


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def until(condition: Callable[[], bool], look: Callable[[], None] = lambda: None) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        look()
        time.sleep(0.02)


def test_starts_in_order_of_readiness(house: House) -> None:
    """A process starts only when those it comes after are ready; ready is what its readiness says."""
    gate = Switch(on=False)
    first, second = house.add("first", readiness=gate), house.add("second", after=["first"])
    supervisor = house.supervisor()
    for _ in range(3):
        supervisor.look()
    assert first.pid
    assert second.pid is None
    gate.on = True
    until(lambda: supervisor.all_ready, supervisor.look)
    assert [line.split()[0] for line in house.lines] == ["first", "second"]
    # Not of the terminal's foreground group, whose Ctrl-C is for the supervisor alone.
    assert os.getpgid(first.pid) == first.pid
    assert house.state()["processes"]["second"]["pid"] == second.pid
    supervisor.stop()


def test_restarts_what_dies(house: House) -> None:
    """A killed process comes back with another pid, and the state file says so."""
    process, other = house.add("killed"), house.add("other")
    supervisor = house.supervisor()
    until(lambda: supervisor.all_ready, supervisor.look)
    before, others = process.pid, other.pid
    assert before
    os.kill(before, signal.SIGKILL)
    until(lambda: process.starts == 2 and supervisor.all_ready, supervisor.look)
    assert process.pid != before
    assert other.pid == others
    assert any("ended with status -9" in line for line in house.lines)
    supervisor.stop()


def test_output_goes_to_the_log_over_restarts(house: House) -> None:
    """What a process prints, with its environment, is appended to its log."""
    process = house.add("talker", "import os; print('I am', os.environ['NAME'])")
    supervisor = house.supervisor()
    until(lambda: process.starts == 3, supervisor.look)
    supervisor.stop()
    assert house.log("talker").read_text().count("I am talker\n") >= 2


def test_stops_in_reverse_order_and_leaves_nothing(house: House) -> None:
    """All processes end, the last started first, each after its own preparation."""
    order: list[str] = []
    for name in ("first", "second"):
        house.add(name, before_stop=lambda name=name: order.append(name))  # type: ignore[misc]
    supervisor = house.supervisor()
    until(lambda: supervisor.all_ready, supervisor.look)
    pids = [process.pid for process in house.processes]
    supervisor.stop()
    assert order == ["second", "first"]
    assert [process.exit_status for process in house.processes] == [-signal.SIGTERM] * 2
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)
    assert [each["state"] for each in house.state()["processes"].values()] == ["stopped"] * 2


def test_kills_what_does_not_stop(house: House) -> None:
    """A process that ignores SIGTERM is killed when patience ends."""
    process = house.add("stubborn", STUBBORN, readiness=LogSays(house.log("stubborn"), "on"))
    supervisor = house.supervisor()
    until(lambda: supervisor.all_ready, supervisor.look)
    process.stop(patience=0.2)
    assert process.exit_status == -signal.SIGKILL


def test_gives_up_on_what_never_starts(house: House) -> None:
    """A process that keeps dying at the start ends the whole start, with its log, and the others stop."""
    good = house.add("good")
    house.add("bad", "import sys; sys.exit('SETTING is missing')", readiness=Switch(on=False))
    with pytest.raises(StartFailed, match="SETTING is missing"):
        house.supervisor().run(threading.Event(), lambda: None)
    assert good.pid is None


def test_run_tells_when_all_are_ready(house: House) -> None:
    """The hook is called once, when everything is ready; the state file says it too."""
    house.add("one")
    stopping, calls = threading.Event(), []

    def ready() -> None:
        calls.append(house.state()["ready"])
        stopping.set()

    house.supervisor().run(stopping, ready)
    assert calls == [True]


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    """When the supervisor is killed outright, the kernel kills what it started."""
    code = (
        "import os, pathlib, sys, time; sys.path.insert(0, os.getcwd())\n"
        "from tests.unit.local.test_supervisor import House, until\n"
        f"house = House(pathlib.Path({str(tmp_path)!r})); house.add('child'); s = house.supervisor()\n"
        "until(lambda: s.all_ready, s.look); time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    state = tmp_path / "processes.json"
    until(lambda: state.exists() and json.loads(state.read_text())["processes"]["child"]["state"] == "ready")
    child = psutil.Process(json.loads(state.read_text())["processes"]["child"]["pid"])
    until(lambda: "launcher.py" not in " ".join(child.cmdline()))
    parent.kill()
    parent.wait()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
