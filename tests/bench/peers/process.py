"""Peers in processes of their own, of another virtual environment."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.data import FOLDER, ROOT, Data
from tests.bench.engine import Speed
from tests.bench.load import Load, Target, run_file

_PYTHON = FOLDER / "venv" / "bin" / "python"
_CALLERS = 16
# After so long without an answer a peer is given up.
_COMMAND_SECONDS = 600.0
# How long it may take to end by itself.
_END_SECONDS = 60.0


class PeerFailed(Exception):
    """A peer can't be measured here; the text says why."""


class _Process:
    def __init__(self, python: Path, module: str, *arguments: str) -> None:
        if not python.exists():
            raise PeerFailed("its environment is not installed")
        self._log = FOLDER / f"{arguments[0]}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(python), "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                text=True,
                # A group of its own, which a server that it starts belongs to.
                start_new_session=True,
            )

    def do(self, name: str, **more: object) -> dict[str, Any]:
        """Send a command and return its answer. Raises PeerFailed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Event()
        watch = threading.Timer(_COMMAND_SECONDS, self._give_up, (late,))
        watch.start()
        try:
            self._process.stdin.write(json.dumps({"do": name, **more}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            watch.cancel()
        if late.is_set():
            raise PeerFailed(f"no answer to {name} within {_COMMAND_SECONDS:.0f} s")
        if not line:
            errors = self._log.read_text(errors="replace").strip().splitlines()
            raise PeerFailed(errors[-1] if errors else "it ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """Let it end by itself, then end what is left of it."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError, subprocess.TimeoutExpired):
            self._process.stdin.close()
            self._process.wait(_END_SECONDS)
        self._kill()
        self._process.wait()

    def _give_up(self, late: threading.Event) -> None:
        late.set()
        self._kill()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


class LibraryPeer:
    """A library in its own process; hnswlib as the service has it, from the service's environment."""

    def __init__(self, name: str, files: tuple[Path, Path]) -> None:
        self.name = f"{name} (in process)"
        python = Path(sys.executable) if name == "hnswlib" else _PYTHON
        self._process = _Process(python, "tests.bench.peers.library", name, *map(str, files))

    def build(self) -> float:
        """Take all points in."""
        return float(self._process.do("build")["seconds"])

    def set_ef(self, ef: int) -> None:
        """Set the effort."""
        self._process.do("ef", ef=ef)

    def found(self) -> list[list[int]]:
        """Return what it finds."""
        ids: list[list[int]] = self._process.do("found")["ids"]
        return ids

    def single(self, seconds: float) -> Speed:
        """One thread."""
        return Speed(**self._process.do("single", seconds=seconds))

    def callers(self, seconds: float) -> Speed | None:
        """It is no server."""
        return None

    def batch(self, seconds: float) -> Speed | None:
        """All questions in one call, on all processors."""
        return Speed(**self._process.do("batch", seconds=seconds))

    def close(self) -> None:
        """End the process."""
        self._process.end()


class ServedPeer:
    """A server with its client in a process beside it; the load comes from the load generator."""

    def __init__(self, name: str, files: tuple[Path, Path]) -> None:
        self.name = f"{name} (server)"
        self._folder = FOLDER / name
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        module = "tests.bench.peers.served"
        self._process = _Process(_PYTHON, module, name, *map(str, files), str(self._folder))
        self._target: Target | None = None

    def build(self) -> float:
        """Take all points in."""
        return float(self._process.do("build")["seconds"])

    def set_ef(self, ef: int) -> None:
        """Set the effort."""
        answer = self._process.do("ef", ef=ef)
        self._target = Target(answer["protocol"], answer["address"], answer["path"])

    def found(self) -> list[list[int]]:
        """Return what it finds, asked through its own client."""
        ids: list[list[int]] = self._process.do("found")["ids"]
        return ids

    def single(self, seconds: float) -> Speed:
        """One caller."""
        return self._run(1, seconds)

    def callers(self, seconds: float) -> Speed | None:
        """16 callers."""
        return self._run(_CALLERS, seconds)

    def batch(self, seconds: float) -> Speed | None:
        """Not compared."""
        return None

    def close(self) -> None:
        """End the server and delete its data."""
        self._process.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, connections: int, seconds: float) -> Speed:
        assert self._target is not None
        questions = self._folder / "questions"
        return speed(run_file(self._target, questions, connections=connections, seconds=seconds))


def speed(load: Load) -> Speed:
    """Return what a load saw. Raises PeerFailed where a question was refused."""
    if load.errors:
        raise PeerFailed(f"{load.errors} of {load.requests} questions were refused")
    return Speed(load.qps, load.p50_ms, load.p99_ms, load.cpu)


def files_of(data: Data) -> tuple[Path, Path]:
    """Write points and questions where the peers read them."""
    points, questions = FOLDER / "points.npy", FOLDER / "questions.npy"
    np.save(points, data.vectors)
    np.save(questions, data.questions)
    return points, questions
