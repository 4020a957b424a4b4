"""
The walls around the extraction process: what takes it over reaches nothing.

It inherits no environment and no open files but its pipes, loses root's rights, can open no file or socket,
start no process or thread, write no file, and has a bound on its memory and, for each document, on its
processor time. In full on Linux only; elsewhere what the system knows.
"""

import contextlib
import ctypes
import math
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_NOBODY = 65534
# Of the events that Python tells auditors (PEP 578), those that lead out of the process.
_REFUSED = (
    "socket.",
    "subprocess.",
    "os.",
    "open",
    "shutil.",
    "ctypes.dlopen",
    "urllib.",
    "http.",
    "ftplib.",
)


class Refused(PermissionError):
    """An extractor tried what it has no business to do."""


def confine(parent: int, memory: int) -> None:
    """
    Wall the process in for good; `memory` is in bytes.

    All that will be imported has to be by then. `parent` is the process that it dies with.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        _drop_root()
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # After the change of the user, which would clear it.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
    for limit, value in (
        ("RLIMIT_AS", memory),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_NPROC", 0),
        # Those that are open stay so; no further one, whatever it would lead to.
        ("RLIMIT_NOFILE", 0),
    ):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, limit), (value, value))
    sys.addaudithook(_refuse)


def allow_seconds(seconds: float) -> None:
    """Allow so much processor time from now on; what takes more is killed by SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime + seconds)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _drop_root() -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def _refuse(event: str, _: tuple[object, ...]) -> None:
    if event.startswith(_REFUSED):
        raise Refused(f"{event} is refused")
