"""The extraction process as the indexer sees it: kept warm, killed when it takes too long, replaced."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog

from services.kernel.errors import Unavailable
from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.domain.document import ContentType
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction import wire

_log = structlog.get_logger(__name__)
_MEBIBYTE = 1024 * 1024
_START_SECONDS = 60.0
# Of processor time: a process that is given no processor is not at fault.
_WALL_PER_SECOND = 3.0
# One that has closed its pipe is gone within moments, or it is being killed for what it said.
_DYING_SECONDS = 1.0
# A process is replaced after so many documents, whatever its libraries leak.
_MOST_DOCUMENTS = 1000


@dataclass(frozen=True)
class ExtractionLimits:
    """What one document may take: bytes of memory, seconds of processor time and more for each mebibyte."""

    memory: int = 1024 * _MEBIBYTE
    seconds: float = 10.0
    seconds_per_mebibyte: float = 2.0

    def wall_seconds(self, size: int) -> float:
        """How long a document of so many bytes is waited for."""
        return _WALL_PER_SECOND * (self.seconds + self.seconds_per_mebibyte * size / _MEBIBYTE)


class ExtractionStopped(Exception):
    """The process was killed from outside, in want of memory perhaps; that says nothing of the document."""


class ExtractionProcess:
    """
    Extracts documents in a process of its own, one after the other; may be called by several threads.

    Each call either answers within the limits or fails its document, with the process killed.
    """

    def __init__(self, limits: ExtractionLimits | None = None) -> None:
        self._limits = limits or ExtractionLimits()
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._documents = 0
        self._closed = False

    def extract(self, content: bytes, content_type: ContentType) -> list[Block]:
        """
        Return the blocks of a document.

        Raises:
            IndexingFailed: EXTRACTION_FAILED, EXTRACTION_TOO_LARGE, EXTRACTION_TIMEOUT or ENCRYPTED_DOCUMENT.
            Unavailable: there is no process, or this was closed meanwhile.
            ExtractionStopped: as it says.
        """
        with self._turn:
            process = self._started()
            deadline = _Deadline(process, self._limits.wall_seconds(len(content)))
            try:
                with deadline:
                    blocks = _asked(process, content, content_type)
            except IndexingFailed as failure:
                if failure.code == "EXTRACTION_TOO_LARGE" or self._is_full(process):
                    self._end(process)
                raise
            except wire.Garbled:
                status = _own_end(process)
                self._end(process)
                if self._closed:
                    raise _closed() from None
                raise _verdict(status, deadline.passed) from None
            self._documents += 1
            if deadline.passed or self._documents >= _MOST_DOCUMENTS or self._is_full(process):
                self._end(process)
            return blocks

    def start(self) -> None:
        """Have the process ready before the first document; raise Unavailable if it does not come up."""
        with self._turn:
            self._started()

    def close(self) -> None:
        """End the process, also amid a document; whoever waits for that one gets Unavailable."""
        self._closed = True
        while not self._turn.acquire(timeout=0.05):
            if process := self._process:
                process.kill()
        try:
            if self._process is not None:
                self._end(self._process)
        finally:
            self._turn.release()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise _closed()
        if self._process is not None and self._process.poll() is None:
            return self._process
        limits = self._limits
        command = [sys.executable, "-s", "-m", "services.knowledge.extraction", str(os.getpid())]
        command += [str(limits.memory), str(limits.seconds), str(limits.seconds_per_mebibyte)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Nothing of the indexer's environment, which has its passwords.
            env={"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            # Ctrl-C is for the indexer, which ends it in turn.
            start_new_session=True,
        )
        self._process, self._documents = process, 0
        try:
            with _Deadline(process, _START_SECONDS):
                wire.read_ready(_pipes(process)[1])
        except (wire.Garbled, OSError):
            self._end(process)
            if self._closed:
                raise _closed() from None
            _log.error("extraction_does_not_start", status=process.returncode)
            raise Unavailable("The extraction process does not start.") from None
        return process

    def _is_full(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether what documents left in its memory would be the next one's fault."""
        try:
            pages = Path(f"/proc/{process.pid}/statm").read_text().split()[0]
        except OSError:  # not Linux
            return False
        return int(pages) * resource.getpagesize() > self._limits.memory // 2

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for pipe in _pipes(process):
            with contextlib.suppress(OSError):
                pipe.close()
        self._process = None


class _Deadline:
    """Kills a process that is not done in time."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.passed = False
        self._process = process
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()

    def _pass(self) -> None:
        self.passed = True
        self._process.kill()


def _own_end(process: subprocess.Popen[bytes]) -> int | None:
    """How a process that answers no more has ended; None where it goes on."""
    try:
        return process.wait(_DYING_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _verdict(status: int | None, late: bool) -> Exception:
    """What a process' end says of the document that it had."""
    if late or status == -signal.SIGXCPU:
        return IndexingFailed("EXTRACTION_TIMEOUT", "Reading it takes longer than a document may take.")
    if status == -signal.SIGKILL:
        return ExtractionStopped()
    return IndexingFailed("EXTRACTION_FAILED", "The content breaks the program that reads it.")


def _asked(process: subprocess.Popen[bytes], content: bytes, content_type: ContentType) -> list[Block]:
    requests, answers = _pipes(process)
    try:
        wire.write_request(requests, content, content_type)
        return wire.read_answer(answers)
    except OSError:
        raise wire.Garbled from None


def _closed() -> Unavailable:
    return Unavailable("The extraction process is being stopped.")


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout
